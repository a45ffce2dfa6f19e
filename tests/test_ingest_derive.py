import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ingest import derive
from ingest.schema import IndexRefused, connect, published
from tests.corpora import contents, documents, page, pages, reader, run, write


def damage_vectors(folder: Path) -> None:
    path = folder / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:100])


def damage_texts(folder: Path) -> None:
    for path in (folder / "text").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove_texts(folder: Path) -> None:
    shutil.rmtree(folder / "text")


def remove_description(folder: Path) -> None:
    (folder / "derived.json").unlink()


def damage_description(folder: Path) -> None:
    (folder / "derived.json").write_text("[")


def empty_description(folder: Path) -> None:
    (folder / "derived.json").write_text("{}")


def scribble_on_vectors(folder: Path) -> None:
    path = folder / "vectors.faiss"
    path.write_bytes(b"x" * path.stat().st_size)


DAMAGES = [
    shutil.rmtree,
    damage_vectors,
    scribble_on_vectors,
    damage_texts,
    remove_texts,
    remove_description,
    damage_description,
    empty_description,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_a_damaged_folder_is_refused_with_the_remedy_and_rebuilt(
    index: Path, corpus: Path, damage: object
):
    assert callable(damage)
    damage(derive.folder(index, 1))
    with pytest.raises(IndexRefused, match=r"missing or damaged .*`ragfirst ingest` again"):
        reader(index)
    report = run(index, corpus)
    assert (report.added, report.unchanged) == (0, 3)
    assert documents(index) == ["ant.md", "bee.md", "cow.md"]


def test_rebuilding_publishes_nothing(index: Path, corpus: Path):
    shutil.rmtree(index / "derived")
    run(index, corpus)
    with closing(connect(index)) as connection:
        assert published(connection) == 1


def test_a_removed_damaged_database_is_made_anew(index: Path, corpus: Path):
    before = contents(index).keys()
    (index / "ragfirst.db").write_bytes(b"damaged" * 1000)
    with pytest.raises(IndexRefused, match="remove a damaged index and ingest again"):
        run(index, corpus)
    shutil.rmtree(index)
    run(index, corpus)
    assert contents(index).keys() == before


def test_folders_of_old_generations_are_removed(index: Path, corpus: Path):
    for topic in ("dog", "elk", "fox"):
        write(corpus, pages(topic))
        run(index, corpus)
    assert sorted(path.name for path in (index / "derived").iterdir()) == ["3", "4"]


def test_what_an_interrupted_build_left_is_built_over(index: Path, corpus: Path):
    write(derive.folder(index, 2), {"text/meta.json": "half", "vectors.faiss": "half"})
    write(corpus, pages("dog"))
    run(index, corpus)
    assert len(documents(index)) == 4


def test_an_index_without_documents_can_be_searched(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "empty", {"blank.md": ""}))
    with reader(tmp_path / "index").snapshot() as snapshot:
        assert snapshot.lexical("ant", 3) == {}
        assert snapshot.documents() == []


def test_a_changed_text_is_found_by_its_new_words(index: Path, corpus: Path):
    write(corpus, {"ant.md": page("aardvark")})
    run(index, corpus)
    with reader(index).snapshot() as snapshot:
        (found,) = snapshot.chunks(list(snapshot.lexical("aardvark", 1)))
        assert found.document.path == "ant.md"
        assert snapshot.lexical("ant", 3) == {}


def test_terms_are_folded_and_stemmed():
    assert derive.terms("Cafés' VALVES, closing!") == ["cafe", "valv", "close"]


def test_terms_leave_out_endless_words():
    assert derive.terms("x" * 61) == []

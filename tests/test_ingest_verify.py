"""An index that is sound is found so; each damage to one is named with its remedy."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ingest import derive
from ingest.checksums import CHUNK, DOCUMENT, of_row
from ingest.schema import DATABASE, IndexRefused, connect
from ingest.store import Store
from ingest.verify import Problem, verify
from tests.corpora import dump, hide, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    whole = {**pages("ant", "bee", "cow"), "all.xml": dump(("One", "A pump."), ("Two", "A weir."))}
    return write(tmp_path / "wiki", whole)


@pytest.fixture
def index(tmp_path: Path, corpus: Path) -> Path:
    run(tmp_path / "index", corpus)
    return tmp_path / "index"


def sealed(index: Path, *statements: str) -> None:
    """Change the database and make its checksums right, as a fault in the program would."""
    with closing(sqlite3.connect(index / DATABASE, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        for statement in statements:
            connection.execute(statement)
        for table, names in (("documents", DOCUMENT), ("chunks", CHUNK)):
            for row in connection.execute(f"SELECT * FROM {table}").fetchall():
                connection.execute(
                    f"UPDATE {table} SET checksum = ? WHERE id = ?", (of_row(row, names), row["id"])
                )


def only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    assert problem.remedy
    return problem


def test_an_index_is_sound(index: Path):
    assert verify(index, "fake-words") == []


def test_it_stays_sound_from_one_generation_to_the_next(index: Path, corpus: Path):
    write(corpus, pages("dog", "bee"))
    (corpus / "cow.md").unlink()
    run(index, corpus)
    assert verify(index) == []


def test_an_index_without_documents_is_sound(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "empty", {"blank.md": ""}))
    assert verify(tmp_path / "index") == []


def test_work_that_is_not_published_yet_is_no_problem(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 1)
    write(corpus, pages("dog", "elk"))
    with pytest.raises(PowerCut):
        run(index, corpus, embedder=FakeEmbedder(dies_after=1))
    assert verify(index) == []


def test_an_index_that_nothing_was_published_in_is_no_problem(tmp_path: Path):
    connect(tmp_path, create=True).close()
    assert verify(tmp_path) == []


def test_documents_that_are_hidden_are_no_problem(index: Path, corpus: Path):
    hide(index, "ant.md")
    assert verify(index) == []
    write(corpus, pages("dog"))
    run(index, corpus)
    assert verify(index) == []


def test_a_document_that_is_hidden_while_it_is_published_is_no_problem(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    publish = Store.publish

    def hide_and_publish(store: Store) -> None:
        hide(index, "ant.md")
        publish(store)

    monkeypatch.setattr(Store, "publish", hide_and_publish)
    write(corpus, pages("dog"))
    run(index, corpus)
    assert verify(index) == []


ROWS = [
    ("UPDATE chunks SET embedding = zeroblob(256) WHERE id = 2", "chunks", "not of length one"),
    ("UPDATE chunks SET embedding = zeroblob(8)", "chunks", "5 have a vector that has not 64"),
    ("UPDATE chunks SET spans = x'00'", "chunks", "not one vector a sentence"),
    ("UPDATE chunks SET sentences = x'' WHERE id = 3", "chunks", "not one vector a sentence"),
    (
        "UPDATE chunks SET sentences = zeroblob(length(sentences)) WHERE id = 3",
        "chunks",
        "a sentence's vector that is not of length one",
    ),
    (
        "UPDATE chunks SET spans = x'ffffff7fffffff7f', sentences = substr(sentences, 1, 128) "
        "WHERE id = 3",
        "chunks",
        "sentences outside their text",
    ),
    ("UPDATE chunks SET end = end + 1 WHERE id = 3", "chunks", "offsets that do not fit"),
    ("UPDATE chunks SET position = 1 WHERE id = 3", "chunks", "not numbered in order"),
    ("UPDATE chunks SET start = -1, end = end - start - 1 WHERE id = 1", "chunks", "do not follow"),
    ("UPDATE chunks SET page_from = 3, page_to = 2 WHERE id = 3", "chunks", "pages in disorder"),
    ("UPDATE chunks SET section = '['", "chunks", "unreadable section"),
    ("UPDATE documents SET born = 3 WHERE id = 1", "documents", "generation that there is not"),
    ("UPDATE documents SET died = 9 WHERE id = 1", "documents", "generation that there is not"),
    ("UPDATE documents SET sections = 'x' WHERE id = 1", "documents", "unreadable sections"),
    ("UPDATE documents SET path = 'ant.md'", "documents", "are there twice"),
    ("UPDATE chunks SET document_id = 99 WHERE id = 1", "documents", "belong to none of the"),
    ("INSERT INTO generations VALUES (4, '')", "generations", "2 are recorded, the newest is 4"),
    ("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'chunks'", "chunks", "given again"),
    ("DELETE FROM chunks WHERE id = 2", "derived", "1 vectors are of no chunk shown"),
    ("DELETE FROM chunks WHERE id = 2", "derived", "1 texts are of no chunk shown"),
    ("DELETE FROM manifest", "manifest", "missing, and there are documents"),
]


@pytest.mark.parametrize(("statement", "part", "words"), ROWS)
def test_wrong_rows_are_named(index: Path, statement: str, part: str, words: str):
    sealed(index, statement)
    assert any(words in one.what and one.part == part for one in verify(index)), verify(index)


def test_a_vector_that_is_not_a_number_is_named(index: Path):
    broken = np.full(64, np.nan, np.float32).tobytes().hex()
    sealed(index, f"UPDATE chunks SET embedding = x'{broken}' WHERE id = 1")
    assert any("not of length one (1 of 'all.xml#One')" in one.what for one in verify(index))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE chunks SET text = replace(text, 'ant', 'gnu')", "1 are not what was written"),
        ("UPDATE documents SET title = 'Another' WHERE path = 'bee.md'", "not what was written ("),
    ],
)
def test_a_row_that_was_damaged_is_named(index: Path, statement: str, words: str):
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute(statement)
    problem = only(verify(index))
    assert words in problem.what
    assert problem.remedy == "restore a backup, or remove the index and ingest again"


def test_many_of_a_kind_are_counted_with_some_examples(index: Path):
    sealed(index, "UPDATE chunks SET section = '['")
    assert ", … 2 more)" in only(verify(index)).what


def test_vectors_that_are_not_those_of_the_database_are_named(index: Path):
    sealed(
        index,
        "CREATE TABLE other AS SELECT id, embedding FROM chunks",
        "UPDATE chunks SET embedding = (SELECT embedding FROM other WHERE id = 5) WHERE id = 1",
        "DROP TABLE other",
    )
    problem = only(verify(index))
    assert "1 vectors are not those of the database (1 of 'all.xml#One')" in problem.what
    assert "derived/1" in problem.remedy


def test_chunks_that_the_derived_indexes_lack_are_named(index: Path):
    sealed(
        index,
        "INSERT INTO chunks SELECT 9, document_id, 1, text, section, page_from, page_to, "
        "start + 99, end + 99, embedding, spans, sentences, 0 FROM chunks WHERE id = 1",
    )
    found = [one.what for one in verify(index)]
    assert found == ["1 vectors of chunks are missing", "1 texts of chunks are missing"]


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def flip(folder: Path) -> None:
    path = folder / "vectors.faiss"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [remove, flip])
def test_a_damaged_derived_index_is_named_and_the_next_ingest_mends_it(
    index: Path, corpus: Path, harm: Callable[[Path], None]
):
    harm(derive.folder(index, 1))
    problem = only(verify(index))
    assert problem.part == "derived"
    assert "`ragfirst ingest` builds it again" in problem.remedy
    run(index, corpus)
    assert verify(index) == []


def test_a_derived_index_of_a_generation_that_there_is_not_is_named(index: Path):
    (index / "derived" / "7").mkdir()
    assert "derived/7 is of none that there is" in only(verify(index)).what


def test_another_embedder_is_named_with_both(index: Path):
    assert "'fake-words', not by 'others'" in only(verify(index, "others")).what


def test_what_sqlite_finds_wrong_is_refused(index: Path):
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'document_id, position', 'position, id') "
            "WHERE name = 'chunks_by_document'"
        )
    with pytest.raises(IndexRefused, match=r"is damaged .*restore a backup"):
        verify(index)


def test_no_index_is_refused(tmp_path: Path):
    with pytest.raises(IndexRefused, match="no index in"):
        verify(tmp_path)


def test_an_ingest_that_publishes_twice_meanwhile_is_no_problem(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    load, left = derive.load, [("dog", "elk", "fox")]

    def publish_first(folder: Path, generation: int) -> derive.Derived:
        for topic in left.pop() if left else ():
            write(corpus, pages(topic))
            run(index, corpus)
        return load(folder, generation)

    monkeypatch.setattr("ingest.verify.derive.load", publish_first)
    assert verify(index) == []

"""What is known of the files below roots that lie in one folder."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ingest.roots import KnownFile, Place, exists, known_files, place_of, settle
from ingest.schema import connect
from ingest.store import Store
from tests.corpora import documents, dump, page, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Follows two folders in roots/, and one elsewhere."""
    index = tmp_path / "index"
    write(index / "roots" / "a", {**pages("ant", "bee"), "bad.txt": " "})
    write(index / "roots" / "b", pages("ant"))
    for root in (index / "roots" / "a", index / "roots" / "b", write(tmp_path / "c", pages("cow"))):
        run(index, root)
    return index


def known(index: Path) -> dict[tuple[str, str], KnownFile]:
    with closing(connect(index)) as connection:
        return known_files(connection, index / "roots")


def test_files_are_known_by_root_and_path(index: Path) -> None:
    found = known(index)
    assert sorted(found) == [("a", "ant.md"), ("a", "bad.txt"), ("a", "bee.md"), ("b", "ant.md")]
    one = found["a", "ant.md"]
    assert one.fingerprint is not None and one.fingerprint.endswith(" markdown a")
    assert len(one.documents) == 1
    assert (one.failure, one.partial, one.settled) == (None, (), True)


def test_what_cannot_be_read_is_known_with_the_reason(index: Path) -> None:
    bad = known(index)["a", "bad.txt"]
    assert bad.failure is not None
    assert (bad.documents, bad.settled) == ((), True)


def test_parts_of_a_file_are_named_apart(index: Path) -> None:
    write(index / "roots" / "b", {"all.xml": dump(("One", "A."), ("Two", "B."), broken=["Two"])})
    run(index, index / "roots" / "b")
    found = known(index)["b", "all.xml"]
    assert (found.failure, len(found.documents)) == (None, 1)
    assert [part.split(":")[0] for part in found.partial] == ["all.xml#Two"]


def test_what_is_written_and_not_published_is_not_settled(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise PowerCut

    before = known(index)["b", "ant.md"].documents
    write(index / "roots" / "b", {"ant.md": page("antelope")})
    monkeypatch.setattr("ingest.derive.build", power_cut)
    with pytest.raises(PowerCut):
        run(index, index / "roots" / "b")
    found = known(index)["b", "ant.md"]
    assert (found.documents, found.settled) == (before, False)


def test_the_place_of_a_document_is_told_while_it_is_shown(index: Path) -> None:
    (number,) = known(index)["b", "ant.md"].documents
    with closing(connect(index)) as connection:
        found = place_of(connection, number)
        assert found == Place(index / "roots" / "b", "ant.md", "b")
        Store(connection).hide(number)
        assert place_of(connection, number) is None
        assert exists(connection, number)
        assert not exists(connection, 999)


@pytest.mark.parametrize("copied", [False, True])
def test_roots_move_with_their_index(index: Path, copied: bool) -> None:
    with closing(connect(index)) as connection:
        settle(connection, index / "roots")
    other = index.with_name("other")
    if copied:
        shutil.copytree(index, other)
    else:
        index.rename(other)
    with closing(connect(other)) as connection:
        settle(connection, other / "roots")
        found = {str(root) for root in Store(connection).roots()}
    folder = index.parent
    assert found == {str(other / "roots" / "a"), str(other / "roots" / "b"), str(folder / "c")}
    embedder = FakeEmbedder()
    assert run(other, other / "roots" / "a", embedder=embedder).unchanged == 2
    assert (embedder.embedded, len(documents(other))) == ([], 4)

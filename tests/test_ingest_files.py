"""Files that are read while others change them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ingest.embed import Vectors
from ingest.files import unchanged
from ingest.progress import Progress
from ingest.sync import SyncSettings, sync
from tests.corpora import CHUNKING, contents, documents, page, pages, write
from tests.fakes import FakeEmbedder


def replace(file: Path) -> None:
    new = file.with_name("new")
    new.write_text("Other.")
    os.replace(new, file)


def again(file: Path) -> None:
    text = file.read_text()
    file.unlink()
    file.write_text(text)
    os.utime(file, ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [Path.unlink, replace, again, lambda file: file.write_text("Other.")],  # pyright: ignore
)
def test_a_file_that_changes_is_no_longer_the_same(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    file = tmp_path / "a.md"
    file.write_text("One.")
    still = unchanged(file)
    assert still()
    change(file)
    assert not still()


def test_a_file_that_is_not_there_is_never_the_same(tmp_path: Path) -> None:
    still = unchanged(tmp_path / "a.md")
    assert not still()
    (tmp_path / "a.md").write_text("One.")
    assert not still()


class Meddling(FakeEmbedder):
    """Has something done the first time that it embeds."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = [act]

    def embed(self, texts: Sequence[str]) -> Vectors:
        while self._act:
            self._act.pop()()
        return super().embed(texts)


@pytest.mark.parametrize(("live", "expected"), [(True, ["bee.md"]), (False, ["ant.md", "bee.md"])])
def test_of_a_live_folder_nothing_is_written_that_has_gone_meanwhile(
    tmp_path: Path, live: bool, expected: list[str]
) -> None:
    corpus, index = write(tmp_path / "wiki", pages("ant", "bee")), tmp_path / "index"
    embedder = Meddling((corpus / "ant.md").unlink)
    sync([(corpus, "wiki")], index, embedder, SyncSettings(CHUNKING, live=live))
    assert documents(index) == expected


def test_what_changed_meanwhile_is_read_by_the_next_sync(tmp_path: Path) -> None:
    corpus, index = write(tmp_path / "wiki", pages("ant", "bee")), tmp_path / "index"
    settings = SyncSettings(CHUNKING, live=True)
    embedder = Meddling(lambda: write(corpus, {"ant.md": page("antelope")}))
    sync([(corpus, "wiki")], index, embedder, settings)
    assert documents(index) == ["bee.md"]
    sync([(corpus, "wiki")], index, FakeEmbedder(), settings)
    assert any("antelope" in piece.text for piece in contents(index))


class Told(Progress):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def file(self, path: str) -> None:
        self.calls.append(f"begin {path}")

    def done(self, path: str) -> None:
        self.calls.append(f"end {path}")


@pytest.mark.parametrize("one_by_one", [True, False])
def test_files_may_be_ended_one_by_one(tmp_path: Path, one_by_one: bool) -> None:
    corpus, told = write(tmp_path / "wiki", pages("ant", "bee")), Told()
    settings = SyncSettings(CHUNKING, one_by_one=one_by_one)
    sync([(corpus, "wiki")], tmp_path / "index", FakeEmbedder(), settings, told)
    in_turn = ["begin ant.md", "end ant.md", "begin bee.md", "end bee.md"]
    together = ["begin ant.md", "begin bee.md", "end ant.md", "end bee.md"]
    assert told.calls == (in_turn if one_by_one else together)

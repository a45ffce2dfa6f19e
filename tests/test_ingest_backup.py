"""A backup that is made while others write is one whole index, which can be moved and used."""

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ingest import backup, derive
from ingest.backup import back_up
from ingest.embed import Vectors
from ingest.roots import known_files
from ingest.same import same
from ingest.schema import DATABASE, IndexRefused, connect
from ingest.verify import verify
from service.backlog import pending, prepare
from service.keys import Keys
from service.reading import read_uploads
from service.uploads import Uploads
from tests.corpora import documents, page, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut
from tests.uploading import send, settings_of, with_corpus


def test_a_backup_is_an_index_like_its_original(index: Path, tmp_path: Path):
    made = back_up(index, tmp_path / "copy")
    assert (made.generation, made.problems) == (1, [])
    assert same(index, tmp_path / "copy") == []
    assert documents(tmp_path / "copy") == documents(index)
    assert made.bytes == sum(
        p.stat().st_size for p in (tmp_path / "copy").rglob("*") if p.is_file()
    )


def test_nothing_is_left_beside_it(index: Path, tmp_path: Path):
    back_up(index, tmp_path / "backups" / "today")
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["today"]


def test_it_takes_the_place_of_the_index_and_the_next_ingest_goes_on(
    index: Path, corpus: Path, tmp_path: Path
):
    back_up(index, tmp_path / "copy")
    write(corpus, pages("dog"))
    run(index, corpus)
    index.rename(tmp_path / "broken")
    (tmp_path / "copy").rename(index)
    report = run(index, corpus)
    assert (report.added, report.unchanged) == (1, 3)
    assert same(index, tmp_path / "broken") == []


def test_work_that_is_not_published_yet_comes_along(
    index: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 1)
    write(corpus, pages("dog", "elk", "fox"))
    with pytest.raises(PowerCut):
        run(index, corpus, embedder=FakeEmbedder(dies_after=2))
    back_up(index, tmp_path / "copy")
    assert len(documents(tmp_path / "copy")) == 3
    embedder = FakeEmbedder()
    run(tmp_path / "copy", corpus, embedder=embedder)
    assert len(embedder.chunks) == 1


class Paced(FakeEmbedder):
    """Rings at each text, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.begun.release()
        assert self.go_on.acquire(timeout=60)
        return super().embed(texts)


def test_while_an_ingest_is_writing_it_is_whole_at_every_moment(
    index: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 1)
    write(corpus, {**pages("dog", "elk", "fox"), "ant.md": page("antelope")})
    (corpus / "bee.md").unlink()
    embedder = Paced()
    ingest = threading.Thread(target=lambda: run(index, corpus, embedder=embedder))
    ingest.start()
    copies = [tmp_path / f"copy-{at}" for at in range(4)]
    for copy in copies:
        assert embedder.begun.acquire(timeout=60)
        assert back_up(index, copy).problems == []
        embedder.go_on.release()
    embedder.go_on.release(100)
    ingest.join(60)
    for copy in copies:
        assert documents(copy) == ["ant.md", "bee.md", "cow.md"]
        run(copy, corpus)
        assert same(copy, index) == []


def copy_of_database() -> Callable[[sqlite3.Connection, Path], None]:
    """The step that tests do something after."""
    return vars(backup)["_copy_database"]


def test_derived_indexes_that_are_gone_by_then_are_built_anew(
    index: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    original = copy_of_database()

    def publish_afterwards(source: sqlite3.Connection, target: Path) -> None:
        original(source, target)
        for topic in ("dog", "elk", "fox"):
            write(corpus, pages(topic))
            run(index, corpus)

    monkeypatch.setattr(backup, "_copy_database", publish_afterwards)
    assert back_up(index, tmp_path / "copy").problems == []
    assert not derive.folder(index, 1).exists()
    assert documents(tmp_path / "copy") == ["ant.md", "bee.md", "cow.md"]


def test_keys_come_along_and_stay_private(index: Path, tmp_path: Path):
    keys = Keys(index / "keys.db")
    _, secret = keys.create("support")
    back_up(index, tmp_path / "copy")
    found = Keys(tmp_path / "copy" / "keys.db").matching(secret)
    assert found is not None and found.name == "support"
    assert (tmp_path / "copy" / "keys.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_of_feedback_whole_lines_come_along(index: Path, tmp_path: Path):
    whole = json.dumps({"question": "Wie groß?"}) + "\n"
    (index / "feedback.jsonl").write_text(whole + '{"questi')
    back_up(index, tmp_path / "copy")
    assert (tmp_path / "copy" / "feedback.jsonl").read_text() == whole


def test_locks_and_what_is_coming_in_stay_behind(index: Path, tmp_path: Path):
    write(index, {"ingest.pid": "1", "feedback.jsonl.lock": "", "uploads/.incoming/half": "x"})
    back_up(index, tmp_path / "copy")
    found = {path.name for path in (tmp_path / "copy").iterdir()}
    assert found == {DATABASE, "derived", "uploads"}
    assert list((tmp_path / "copy" / "uploads").iterdir()) == []


def test_uploads_come_along_and_go_by_where_the_copy_lies(tmp_path: Path):
    uploads = with_corpus(tmp_path)
    send(uploads, "gnu.md", page("gnu"))
    read_uploads(uploads, FakeEmbedder, settings_of(uploads.index))
    send(uploads, "hen.md", page("hen"))  # not read yet
    back_up(uploads.index, tmp_path / "copy")
    uploads.index.rename(tmp_path / "gone")
    moved = tmp_path / "another machine" / "index"
    moved.parent.mkdir()
    (tmp_path / "copy").rename(moved)
    restored = Uploads(moved)
    prepare(restored)
    assert [(collection, name) for collection, name, _ in pending(restored)] == [
        ("uploads", "hen.md")
    ]
    embedder = FakeEmbedder()
    read_uploads(restored, lambda: embedder, settings_of(moved))
    assert len(embedder.chunks) == 1
    assert [one.status for one in restored.all()] == ["ready", "ready"]
    with closing(connect(moved)) as connection:
        assert sorted(known_files(connection, moved / "uploads")) == [
            ("uploads", "gnu.md"),
            ("uploads", "hen.md"),
        ]
    assert documents(moved) == ["ant.md", "bee.md", "gnu.md", "hen.md"]


def test_what_was_deleted_after_the_copied_moment_is_found_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    uploads = with_corpus(tmp_path)
    send(uploads, "gnu.md", page("gnu"))
    read_uploads(uploads, FakeEmbedder, settings_of(uploads.index))
    original = copy_of_database()

    def delete_afterwards(source: sqlite3.Connection, target: Path) -> None:
        original(source, target)
        uploads.remove("uploads", "gnu.md")

    monkeypatch.setattr(backup, "_copy_database", delete_afterwards)
    back_up(uploads.index, tmp_path / "copy")
    restored = Uploads(tmp_path / "copy")
    prepare(restored)
    read_uploads(restored, FakeEmbedder, settings_of(restored.index))
    assert documents(restored.index) == ["ant.md", "bee.md"]


def test_an_index_that_moves_answers_as_before(index: Path, corpus: Path, tmp_path: Path):
    before = documents(index)
    moved = tmp_path / "elsewhere" / "index"
    moved.parent.mkdir()
    index.rename(moved)
    assert (documents(moved), verify(moved)) == (before, [])
    assert run(moved, corpus).unchanged == 3


def test_a_damaged_index_is_copied_and_the_damage_is_told(index: Path, tmp_path: Path):
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute("UPDATE chunks SET text = 'x' WHERE id = 1")
    assert any(
        "not what was written" in one.what for one in back_up(index, tmp_path / "copy").problems
    )


def test_a_folder_that_is_there_is_never_written_to(index: Path, tmp_path: Path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(IndexRefused, match="is there already: name a new one"):
        back_up(index, tmp_path / "copy")
    with pytest.raises(IndexRefused, match="lies in the index"):
        back_up(index, index / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


def test_no_index_no_backup(tmp_path: Path):
    with pytest.raises(IndexRefused, match="no index in"):
        back_up(tmp_path / "none", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_refused(unprivileged: Path):
    connect(unprivileged / "index", create=True).close()
    (unprivileged / "closed").mkdir(mode=0o500)
    with pytest.raises(IndexRefused, match="cannot write to .*Permission denied"):
        back_up(unprivileged / "index", unprivileged / "closed" / "copy")
    assert list((unprivileged / "closed").iterdir()) == []

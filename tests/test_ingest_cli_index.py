"""`ragfirst status --verify`, `ragfirst backup`, and the options of `ingest` for shared folders."""

import json
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ingest import derive
from ingest.lock import locked
from ingest.schema import DATABASE
from ragfirst import app
from tests.corpora import documents, page, pages, run, write
from tests.fakes import FakeEmbedder


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh working folder and the fake embedder."""

    def fake_embedder(name: str, **_: object) -> FakeEmbedder:
        return FakeEmbedder(name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ingest.embed.SentenceEmbedder", fake_embedder)
    monkeypatch.setattr("ingest.cli.LOOK_AGAIN", 0.02)
    monkeypatch.setenv("RAGFIRST_EMBEDDER", "fake-words")
    monkeypatch.setenv("RAGFIRST_CHUNK_OVERLAP", "8")
    monkeypatch.setenv("RAGFIRST_INDEX", str(tmp_path / "index"))


def ragfirst(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def spoil(index: Path) -> None:
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute("UPDATE chunks SET text = 'x' WHERE id = 2")


def test_a_sound_index_is_said_to_be_so(index: Path):
    result = ragfirst("status", "--verify")
    assert result.exit_code == 0
    assert result.stdout.endswith("Sound: all of it was checked.\n")


def test_problems_are_named_with_their_remedy_and_the_exit_status_is_1(index: Path):
    spoil(index)
    result = ragfirst("status", "--verify")
    assert result.exit_code == 1
    assert "chunks: 1 are not what was written (2 of 'bee.md'): restore a backup" in result.stdout


def test_what_the_next_ingest_mends_is_said_to_be_mended_by_it(index: Path, corpus: Path):
    (derive.folder(index, 1) / "derived.json").unlink()
    result = ragfirst("status", "--verify")
    assert result.exit_code == 1
    assert "`ragfirst ingest` builds it again" in result.stdout
    assert ragfirst("ingest", corpus).exit_code == 0
    assert ragfirst("status", "--verify").exit_code == 0


def test_an_index_that_cannot_be_used_is_refused_with_status_2(index: Path):
    (index / DATABASE).write_bytes(b"no database" * 1000)
    result = ragfirst("status", "--verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "restore a backup" in " ".join(result.stderr.split())


def test_json_has_the_problems_beside_the_status(index: Path):
    values = json.loads(ragfirst("status", "--verify", "--json").stdout)
    assert (values["documents"], values["problems"]) == (3, [])
    spoil(index)
    result = ragfirst("status", "--verify", "--json")
    problems = json.loads(result.stdout)["problems"]
    assert {tuple(one) for one in problems} == {("part", "what", "remedy")}
    assert result.exit_code == 1


def test_without_verify_json_is_as_it_was(index: Path):
    assert "problems" not in json.loads(ragfirst("status", "--json").stdout)


def test_another_embedder_in_the_settings_is_a_problem(
    index: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RAGFIRST_EMBEDDER", "other-words")
    assert "'fake-words', not by 'other-words'" in ragfirst("status", "--verify").stdout


def test_backup_says_what_it_made(index: Path, tmp_path: Path):
    result = ragfirst("backup", tmp_path / "copy")
    assert result.exit_code == 0
    assert "copy: generation 1 of" in result.stdout
    assert documents(tmp_path / "copy") == documents(index)


def test_backup_json_has_these_fields(index: Path, tmp_path: Path):
    values = json.loads(ragfirst("backup", tmp_path / "copy", "--json").stdout)
    assert list(values) == ["target", "generation", "files", "bytes", "problems"]


def test_a_backup_of_a_damaged_index_has_status_1(index: Path, tmp_path: Path):
    spoil(index)
    result = ragfirst("backup", tmp_path / "copy")
    assert result.exit_code == 1
    assert "not what was written" in result.stdout


def test_a_backup_that_cannot_be_made_has_status_2(tmp_path: Path):
    result = ragfirst("backup", tmp_path / "copy")
    assert result.exit_code == 2
    assert "no index in" in result.stderr


@pytest.fixture
def busy(index: Path) -> Generator[threading.Event]:
    """Another ingest is writing to the index, until the event is set."""
    taken, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(index):
            taken.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    yield release
    release.set()
    thread.join()


def test_a_second_ingest_is_told_who_holds_the_index(corpus: Path, busy: threading.Event):
    result = ragfirst("ingest", corpus)
    assert result.exit_code == 2
    assert "is writing to" in " ".join(result.stderr.split())


def test_a_second_ingest_waits_where_it_is_told_to(
    corpus: Path, index: Path, busy: threading.Event
):
    write(corpus, pages("dog"))
    threading.Timer(0.3, busy.set).start()
    result = ragfirst("ingest", corpus, "--wait")
    assert result.exit_code == 0
    assert result.stderr.count("Waiting: another ingest") == 1
    assert len(documents(index)) == 4


def test_a_corpus_that_has_moved_keeps_its_documents(corpus: Path, index: Path, tmp_path: Path):
    moved = tmp_path / "new place" / "wiki"
    moved.parent.mkdir()
    corpus.rename(moved)
    write(moved, {"ant.md": page("antelope")})
    result = ragfirst("ingest", moved, "--moved-from", corpus, "--json")
    values = json.loads(result.stdout)
    assert (values["changed"], values["unchanged"], values["documents"]) == (1, 2, 3)
    again = json.loads(ragfirst("ingest", moved, "--moved-from", corpus, "--json").stdout)
    assert (again["unchanged"], again["documents"]) == (3, 3)


def test_a_folder_that_the_index_does_not_know_cannot_have_moved(corpus: Path, index: Path):
    result = ragfirst("ingest", corpus.parent, "--moved-from", "/elsewhere")
    assert result.exit_code == 2
    assert "follows no '/elsewhere'" in " ".join(result.stderr.split())


def test_a_corpus_that_is_followed_already_cannot_take_another_s_place(
    corpus: Path, index: Path, tmp_path: Path
):
    run(index, write(tmp_path / "notes", pages("elk")))
    result = ragfirst("ingest", tmp_path / "notes", "--moved-from", corpus)
    assert result.exit_code == 2
    assert "already" in result.stderr


def test_several_corpora_cannot_have_moved_at_once(corpus: Path, index: Path, tmp_path: Path):
    result = ragfirst("ingest", corpus, tmp_path, "--moved-from", corpus)
    assert result.exit_code == 2
    assert "one corpus" in result.stderr

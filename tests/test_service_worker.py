"""The processes that read uploads: real ones, which die, hang and are killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from ingest.embed import SentenceEmbedder
from service.journal import TRIES
from service.reading import order_of
from service.uploads import Upload, Uploads
from service.worker import COMMAND, Worker
from tests.corpora import documents, page, pages, run, write
from tests.uploading import process, send, settings_of, texts, until, with_corpus

HANGS = """
import os, time, pathlib
class Hangs(FakeEmbedder):
    def embed(self, texts):
        if {only!r} in str(texts) and not pathlib.Path({marker!r}).exists():
            pathlib.Path({marker!r}).write_text(str(os.getpid()))
            time.sleep(600)
        return super().embed(texts)
FakeEmbedder = Hangs
"""

DIES = """
import os, signal
class Dies(FakeEmbedder):
    def embed(self, texts):
        if "cow" in str(texts):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().embed(texts)
FakeEmbedder = Dies
"""

REFUSES = """
import pathlib, sys
with pathlib.Path({starts!r}).open("a") as starts:
    starts.write("*")
sys.exit("no room for the embedder: make some")
"""


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


Start = Callable[..., Worker]


@pytest.fixture
def start(uploads: Uploads) -> Generator[Start]:
    """Start workers over the uploads, which end with the test."""
    started: list[Worker] = []

    def begin(command: tuple[str, ...] | None = None, **others: object) -> Worker:
        settings = settings_of(uploads.index, **others)
        worker = Worker(uploads, settings, command=command or process(), pause=0.01)
        started.append(worker)
        worker.start()
        return worker

    yield begin
    for worker in started:
        worker.close()


def status(uploads: Uploads, worker: Worker) -> dict[str, str]:
    return {one.name: one.status for one in uploads.all(worker.trouble)}


def hanging(tmp_path: Path, only: str = "") -> tuple[tuple[str, ...], Path]:
    """A command that hangs the first time that it embeds, and the file that then tells its id."""
    marker = tmp_path / "hangs"
    return process(HANGS.format(marker=str(marker), only=only)), marker


def test_a_process_reads_what_there_is(uploads: Uploads, start: Start) -> None:
    send(uploads, "cow.md", page("cow"))
    send(uploads, "dog.md", page("dog"), "barn")
    worker = start()
    until(lambda: set(status(uploads, worker).values()) == {"ready"})
    assert texts(uploads) == {"About ant", "About bee", "About cow", "About dog"}
    assert worker.trouble is None


def test_where_there_are_no_uploads_nothing_is_started(uploads: Uploads, start: Start) -> None:
    start(("no such program",)).close()
    assert not uploads.files.folder.exists()


def test_killed_in_the_middle_it_is_made_up_for_by_the_next_service(
    uploads: Uploads, start: Start, tmp_path: Path
) -> None:
    command, marker = hanging(tmp_path)
    send(uploads, "cow.md", page("cow"))
    first = start(command)
    until(lambda: marker.is_file() and marker.read_text() != "")
    assert status(uploads, first) == {"cow.md": "reading"}
    os.kill(int(marker.read_text()), signal.SIGKILL)
    first.close()
    assert documents(uploads.index) == ["ant.md", "bee.md"]
    second = start(command)
    until(lambda: status(uploads, second) == {"cow.md": "ready"})
    assert documents(uploads.index) == ["ant.md", "bee.md", "cow.md"]


def test_killed_in_the_middle_it_is_made_up_for_by_the_same_service(
    uploads: Uploads, start: Start, tmp_path: Path
) -> None:
    command, marker = hanging(tmp_path)
    send(uploads, "cow.md", page("cow"))
    worker = start(command)
    until(lambda: marker.is_file() and marker.read_text() != "")
    os.kill(int(marker.read_text()), signal.SIGKILL)
    until(lambda: status(uploads, worker) == {"cow.md": "ready"})


def test_closing_ends_the_process_and_counts_for_no_attempt(
    uploads: Uploads, start: Start, tmp_path: Path
) -> None:
    command, marker = hanging(tmp_path)
    send(uploads, "cow.md", page("cow"))
    worker = start(command)
    until(lambda: marker.is_file() and marker.read_text() != "")
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)
    assert uploads.journal.read() == {}
    assert uploads.all()[0].status == "queued"
    worker.wake()
    assert uploads.all()[0].status == "queued"


def test_a_close_that_comes_right_after_a_wake_is_not_missed(
    uploads: Uploads, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear, closers = threading.Event.clear, list[threading.Thread]()

    def close_then_clear(event: threading.Event) -> None:
        if not closers and threading.current_thread().name == "uploads":
            closers.append(threading.Thread(target=worker.close, daemon=True))
            closers[0].start()
            closers[0].join(0.5)
        clear(event)

    monkeypatch.setattr(threading.Event, "clear", close_then_clear)
    send(uploads, "cow.md", page("cow"))
    worker = start(("true",))
    until(lambda: bool(closers))
    closers[0].join(60)
    assert not closers[0].is_alive()


def test_a_process_ends_with_whoever_started_it(uploads: Uploads, tmp_path: Path) -> None:
    command, marker = hanging(tmp_path)
    send(uploads, "cow.md", page("cow"))
    order = order_of(settings_of(uploads.index)).as_json()
    with subprocess.Popen([*command, order], stdin=subprocess.PIPE) as started:
        until(marker.is_file)
        assert started.stdin is not None
        started.stdin.close()
        until(lambda: started.poll() is not None)
    assert started.returncode == 1


def test_a_file_that_kills_them_is_named_with_the_reason_and_harms_no_other(
    uploads: Uploads, start: Start
) -> None:
    send(uploads, "cow.md", page("cow"))
    send(uploads, "dog.md", page("dog"))
    worker = start(process(DIES))
    until(lambda: status(uploads, worker) == {"cow.md": "failed", "dog.md": "ready"})
    reason = uploads.all(worker.trouble)[0].reason
    assert reason == (
        f"reading it was tried {TRIES} times and never came to an end: the process was ended by "
        "SIGSEGV"
    )


def test_a_file_that_takes_for_ever_is_given_up(
    uploads: Uploads, start: Start, tmp_path: Path
) -> None:
    command, marker = hanging(tmp_path, "cow")
    send(uploads, "cow.md", page("cow"))
    worker = start(command, upload_seconds=4)

    def found() -> Upload:
        return uploads.all(worker.trouble)[0]

    until(lambda: found().status == "failed")
    assert marker.is_file()
    assert found().reason == (
        "reading it was tried once and never came to an end: it took longer than 4 seconds"
    )


def test_a_process_that_cannot_begin_is_tried_a_few_times_and_again_when_asked(
    uploads: Uploads, start: Start, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    send(uploads, "cow.md", page("cow"))
    worker = start((sys.executable, "-c", REFUSES.format(starts=str(starts))))
    until(lambda: status(uploads, worker) == {"cow.md": "failed"})
    assert uploads.all(worker.trouble)[0].reason == "no room for the embedder: make some"
    assert starts.read_text() == "*" * TRIES
    worker.wake()
    assert status(uploads, worker) == {"cow.md": "queued"}
    until(lambda: status(uploads, worker) == {"cow.md": "failed"})
    assert starts.read_text() == "*" * (2 * TRIES)


def test_a_program_that_is_not_there_is_named(uploads: Uploads, start: Start) -> None:
    send(uploads, "cow.md", page("cow"))
    worker = start(("/no/such/program",))
    until(lambda: status(uploads, worker) == {"cow.md": "failed"})
    assert worker.trouble is not None and "/no/such/program" in worker.trouble.reason


def test_the_command_itself_reads_by_the_embedder_of_the_settings(
    tmp_path: Path, embedder: SentenceEmbedder, start: Start
) -> None:
    index = tmp_path / "real"
    run(index, write(tmp_path / "wiki", pages("ant")), embedder=embedder)
    uploads = Uploads(index)
    send(uploads, "cow.md", page("cow"))
    settings = settings_of(index, chunk_tokens=64, threads=1)
    worker = Worker(uploads, settings, command=COMMAND)
    worker.start()
    try:
        until(lambda: status(uploads, worker) == {"cow.md": "ready"})
    finally:
        worker.close()
    assert uploads.all()[0].document is not None

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from ingest.lock import IndexBusy, locked
from ingest.schema import IndexRefused


@pytest.fixture
def held(tmp_path: Path) -> Generator[Path]:
    """An index folder that another thread is writing to."""
    taken, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(tmp_path):
            taken.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    yield tmp_path
    release.set()
    thread.join()


def test_the_second_writer_is_refused_and_told_who_holds_it(held: Path):
    (held / "ingest.pid").write_text("4711")
    with pytest.raises(IndexBusy, match=r"another ingest \(process 4711\) is writing"):
        locked(held).__enter__()


def test_a_holder_that_has_not_said_its_name_is_unknown(held: Path):
    (held / "ingest.pid").unlink()
    with pytest.raises(IndexRefused, match=r"process unknown"):
        locked(held).__enter__()


def test_the_lock_is_free_afterwards(tmp_path: Path):
    for _ in range(2):
        with locked(tmp_path):
            pass
    assert not (tmp_path / "ingest.pid").exists()


def test_a_stale_pid_file_holds_nobody_up(tmp_path: Path):
    (tmp_path / "ingest.pid").write_text("4711")
    with locked(tmp_path):
        assert (tmp_path / "ingest.pid").read_text() != "4711"


def test_a_folder_that_cannot_be_written_to_is_refused(unprivileged: Path):
    unprivileged.chmod(0o500)
    with pytest.raises(IndexRefused, match="cannot write to the index folder"):
        locked(unprivileged).__enter__()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "index").write_text("")
    with pytest.raises(IndexRefused, match="cannot write to the index folder"):
        locked(tmp_path / "index").__enter__()


def test_other_errors_pass_and_free_the_lock(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), locked(tmp_path):
        raise KeyboardInterrupt
    with locked(tmp_path):
        pass

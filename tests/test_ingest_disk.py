"""A disk that is full, a folder that may not be written to: told in words, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.backup import back_up
from ingest.same import same
from ingest.schema import IndexRefused, connect, read_only
from ingest.verify import verify
from tests.corpora import documents, page, pages, reader, run, write

TOPICS = [f"topic{at}" for at in range(40)]

LIMITED = """
import resource, sys
from pathlib import Path

from ingest.schema import IndexRefused
from tests.corpora import run

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    run(Path(sys.argv[2]), Path(sys.argv[3]))
except IndexRefused as error:
    print(error)
    sys.exit(2)
"""


def mount(folder: Path, *options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be made here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path]:
    """A disk of its own, large enough until `shrink`."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=8m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def leave(disk: Path, kilobytes: int) -> None:
    """Let the disk have so much room left."""
    found = os.statvfs(disk)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize // 1024
    mount(disk, "remount", f"size={max(used + kilobytes, 4)}k")


def grow(corpus: Path) -> None:
    write(corpus, {f"{topic}.md": page(topic, 20) for topic in TOPICS})
    write(corpus, {"ant.md": page("antelope")})
    (corpus / "bee.md").unlink()


@pytest.mark.parametrize("kilobytes", [0, 16, 64, 128, 256, 400, 560])
def test_on_a_full_disk_the_old_generation_answers_and_the_next_run_goes_on(
    disk: Path, corpus: Path, tmp_path: Path, kilobytes: int
):
    index = disk / "index"
    run(index, corpus)
    grow(corpus)
    leave(disk, kilobytes)
    with pytest.raises(IndexRefused, match="full|No space left"):
        run(index, corpus)
    assert documents(index) == ["ant.md", "bee.md", "cow.md"]
    assert verify(index) == []
    leave(disk, 8192)
    run(index, corpus)
    run(tmp_path / "undisturbed", corpus)
    assert same(index, tmp_path / "undisturbed") == []
    assert verify(index) == []


def test_on_a_disk_that_is_full_from_the_first_byte_a_later_run_begins_anew(
    disk: Path, corpus: Path
):
    leave(disk, 0)
    with pytest.raises(IndexRefused, match="full|No space left|disk I/O error"):
        run(disk / "index", corpus)
    leave(disk, 8192)
    run(disk / "index", corpus)
    assert len(documents(disk / "index")) == 3


def test_a_backup_for_which_there_is_no_room_leaves_nothing(disk: Path, corpus: Path):
    grow(corpus)
    run(corpus.parent / "index", corpus)
    leave(disk, 128)
    with pytest.raises(IndexRefused, match="failed .*(full|No space left).*nothing is left of it"):
        back_up(corpus.parent / "index", disk / "copy")
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("most", [60_000, 150_000, 400_000])
def test_files_that_may_not_grow_are_told_and_the_next_run_goes_on(
    tmp_path: Path, corpus: Path, most: int
):
    index = tmp_path / "index"
    run(index, corpus)
    grow(corpus)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(most), str(index), str(corpus)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "what was done is kept: mend that and run the same command to go on" in done.stdout
    assert documents(index) == ["ant.md", "bee.md", "cow.md"]
    run(index, corpus)
    run(tmp_path / "undisturbed", corpus)
    assert same(index, tmp_path / "undisturbed") == []


@pytest.fixture
def closed(tmp_path: Path, corpus: Path) -> Generator[Path]:
    """An index in a folder that may be read, and not written to."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can make a disk that not even root writes to")
    index = tmp_path / "index"
    run(index, corpus)
    subprocess.run(["mount", "--bind", str(index), str(index)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(index)], check=True)
    yield index
    subprocess.run(["umount", "-l", str(index)], check=False, capture_output=True)


def test_in_a_read_only_folder_it_is_read_and_searched(closed: Path, tmp_path: Path):
    assert documents(closed) == ["ant.md", "bee.md", "cow.md"]
    assert verify(closed) == []
    with reader(closed).snapshot() as snapshot:
        assert len(snapshot.lexical("ant", 3)) == 1
    assert back_up(closed, tmp_path / "copy").problems == []


def test_a_read_only_folder_refuses_an_ingest_which_goes_on_when_it_is_not(
    closed: Path, corpus: Path, tmp_path: Path
):
    write(corpus, pages("dog"))
    with pytest.raises(IndexRefused, match="cannot write to the index folder"):
        run(closed, corpus)
    subprocess.run(["umount", "-l", str(closed)], check=True)
    assert len(documents(closed)) == 3
    run(closed, corpus)
    assert len(documents(closed)) == 4
    assert verify(closed) == []


def test_permissions_that_forbid_writing_are_told(unprivileged: Path):
    index = unprivileged / "index"
    connect(index, create=True).close()
    (index / "ragfirst.db").chmod(0o400)
    with pytest.raises(IndexRefused, match="readonly database"):
        run(index, unprivileged)


def test_what_a_writer_has_not_moved_into_the_database_yet_is_not_left_out(unprivileged: Path):
    index = unprivileged / "index"
    index.mkdir()
    with closing(connect(unprivileged / "other", create=True)) as writer:
        writer.execute("INSERT INTO generations VALUES (1, 'today')")
        for name in ("ragfirst.db", "ragfirst.db-wal"):
            shutil.copyfile(unprivileged / "other" / name, index / name)
    index.chmod(0o500)
    with pytest.raises(IndexRefused, match="cannot be used"), read_only(index):
        pass

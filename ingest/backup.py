"""Copying an index folder while it is in use, to one that is an index folder like any other.

It is of one instant of the database. An ingest, and a service, may go on writing meanwhile; what
they write later is not in it, or waits in it as files that are not read yet.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ingest import derive
from ingest.disk import to_disk
from ingest.schema import (
    DATABASE,
    SQLITE_ERRORS,
    IndexRefused,
    connect,
    is_damage,
    published,
    read_manifest,
    read_only,
    unusable,
)
from ingest.verify import Problem, verify

_PAGES = 4096
"""Pages of the database that are copied in one step, between which a key press is heard."""

_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of an index folder, and what `ingest.verify` finds wrong with it."""

    generation: int
    files: int
    bytes: int
    problems: list[Problem]


def back_up(index: Path, target: Path) -> Backup:
    """Copy an index folder to a new folder, which appears when it is whole.

    Everything in it comes along, uploads, keys and feedback too, but no locks and nothing that is
    still coming in. To restore it, move it to where the index was.

    Raises `IndexRefused` where the index cannot be read, where the target is there already or lies
    in the index, and where it cannot be written: then nothing is left of it.
    """
    here, there = index.resolve(), target.resolve()
    if there.exists():
        raise IndexRefused(f"the folder {str(target)!r} is there already: name a new one")
    if here in there.parents:
        raise IndexRefused(f"the folder {str(target)!r} lies in the index: name one beside it")
    with read_only(here) as source, _partial(here, there) as partial:
        _copy_database(source, partial / DATABASE)
        # The database first: what is deleted from then on is found gone, never taken for new.
        for path in sorted(here.iterdir()):
            if path.name != "derived" and not path.name.startswith(DATABASE):
                _copy(path, partial / path.name)
        generation = _copy_derived(here, partial)
        problems = verify(partial)
        files = [path for path in partial.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        for path in (*files, *_folders(partial)):
            to_disk(path)
        os.rename(partial, there)
        to_disk(there.parent)
    return Backup(generation, len(files), size, problems)


@contextmanager
def _partial(index: Path, target: Path) -> Generator[Path]:
    """A folder beside the target, only for its owner, since keys lie in it. Gone after an error."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(".partial", f"{target.name}.", target.parent)
    except OSError as error:
        raise IndexRefused(f"cannot write to {str(target.parent)!r}: {error}") from error
    try:
        yield Path(made)
    except (OSError, *SQLITE_ERRORS) as error:
        if is_damage(error):
            raise unusable(index / DATABASE, error) from error
        raise IndexRefused(
            f"the backup to {str(target)!r} failed ({error}): nothing is left of it, mend that and "
            "run the same command again"
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy_database(source: sqlite3.Connection, target: Path) -> None:
    """As of now, whatever is written meanwhile."""
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # Within a transaction the copy is of one instant and never has to begin anew.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES)
        source.execute("COMMIT")


def _copy(source: Path, target: Path) -> None:
    """A file or folder beside the database."""
    if source.suffix in (".lock", ".pid") or source.name.endswith(("-wal", "-shm", "-journal")):
        return
    if source.is_dir():
        _copy_folder(source, target)
        return
    with suppress(FileNotFoundError), source.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            with closing(sqlite3.connect(source)) as connection:
                _copy_database(connection, target)
            shutil.copystat(source, target)
            return
        shutil.copy2(source, target)
        if source.suffix == ".jsonl":
            # A line that is being written is none yet.
            os.truncate(target, target.read_bytes().rfind(b"\n") + 1)


def _copy_folder(source: Path, target: Path) -> None:
    """All files but hidden ones, which are notes and locks; what is deleted meanwhile is left out.

    Each was moved to its place in one step, so that it is whole.
    """
    target.mkdir()
    with suppress(FileNotFoundError):
        for path in sorted(source.iterdir()):
            if path.is_dir() and path.name != ".incoming":
                _copy_folder(path, target / path.name)
            elif path.is_file() and not path.name.startswith("."):
                with suppress(FileNotFoundError):
                    shutil.copy2(path, target / path.name)


def _copy_derived(index: Path, copy: Path) -> int:
    """The derived indexes of the generation that the copied database has published.

    They are built where they are gone by now, since newer ones have been published. Returns the
    generation.
    """
    with closing(connect(copy)) as connection:
        generation, manifest = published(connection), read_manifest(connection)
        if generation and manifest is not None:
            with suppress(shutil.Error, OSError):
                shutil.copytree(derive.folder(index, generation), derive.folder(copy, generation))
            if not derive.whole(copy, generation):
                derive.build(connection, copy, generation, manifest.dimension)
    return generation


def _folders(root: Path) -> Iterator[Path]:
    for folder, _, _ in os.walk(root, topdown=False):
        yield Path(folder)

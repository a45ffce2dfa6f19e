"""One writer at a time: the lock of an index folder."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from ingest.schema import DATABASE, SQLITE_ERRORS, IndexRefused, is_damage, unusable


class IndexBusy(IndexRefused):
    """Another ingest is writing to the index; it can be waited for."""


@contextmanager
def locked(index: Path) -> Generator[None]:
    """Hold the index for one writer.

    Raises `IndexBusy`, naming the holder, if it is taken, and `IndexRefused` if it cannot be had.
    """
    holder = index / "ingest.pid"
    try:
        index.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(index / "ingest.lock", timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise IndexBusy(
            f"another ingest (process {_read(holder)}) is writing to {str(index)!r}: wait until it "
            "is done"
        ) from error
    except OSError as error:
        raise IndexRefused(f"cannot write to the index folder {str(index)!r}: {error}") from error
    try:
        holder.write_text(str(os.getpid()))
        yield
    # A full disk shows up anywhere below; the database is whole whatever was being written.
    except (OSError, *SQLITE_ERRORS) as error:
        if is_damage(error):
            raise unusable(index / DATABASE, error) from error
        raise IndexRefused(
            f"writing to the index folder {str(index)!r} failed ({error}); what was done is kept: "
            "mend that and run the same command to go on"
        ) from error
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _read(holder: Path) -> str:
    try:
        return holder.read_text()
    except OSError:
        return "unknown"

"""Connections for reading an index, kept open from one question to the next.

To open one costs about as much as all else that a question asks of the database beside its search.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ingest.schema import DATABASE, SQLITE_ERRORS, open_to_read, unusable

KEPT = 8
"""Idle connections at the most; those beyond are closed after use."""

_File = tuple[int, int, int]


class Connections:
    """Those to the database of one index folder. Safe to use from many threads."""

    def __init__(self, index: Path) -> None:
        """No file is touched yet."""
        self._index = index
        self._lock = threading.Lock()
        self._idle: list[tuple[_File, sqlite3.Connection]] = []
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def use(self) -> Generator[sqlite3.Connection]:
        """A connection in no transaction, for this `with` block alone.

        Raises `IndexRefused` where there is no index, or where reading it shows that it is damaged.
        """
        file = self._file()
        connection, keeps = self._take(file) or open_to_read(self._index)
        try:
            yield connection
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except SQLITE_ERRORS as error:
            connection.close()
            raise unusable(self._index / DATABASE, error) from error
        except BaseException:
            # An interrupt, too: whoever comes next must not find it in the middle of something, and
            # what is wrong with the index shows when it is opened anew.
            connection.close()
            raise
        if not (keeps and file and self._keep(file, connection)):
            connection.close()

    def _file(self) -> _File | None:
        """What tells the database from another one that has taken its place; None: none is there.

        No other gets the number of a file that is still open. With its mode, since one that may no
        longer be read would fail the next start, which is to be known before.
        """
        try:
            found = os.stat(self._index / DATABASE)
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_mode

    def _take(self, file: _File | None) -> tuple[sqlite3.Connection, bool] | None:
        with self._lock:
            others = [one for one in self._idle if one[0] != file]
            if others:
                self._idle[:] = [one for one in self._idle if one[0] == file]
            found = self._idle.pop()[1] if self._idle else None
        _close(others)
        return (found, True) if found else None

    def _keep(self, file: _File, connection: sqlite3.Connection) -> bool:
        with self._lock:
            if len(self._idle) == KEPT:
                return False
            self._idle.append((file, connection))
        return True


def _close(idle: list[tuple[_File, sqlite3.Connection]]) -> None:
    while idle:
        idle.pop()[1].close()

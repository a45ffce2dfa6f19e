"""API keys: a small SQLite file of their own, and telling whose key a text is.

A key is `rf_`, its id and a secret of 256 random bits. Only the SHA-256 of the secret is kept. A
slow hash, as passwords need, would buy nothing: it makes guessing dear where few secrets are
likely, and here all 2^256 are equally so; and it would have to be paid again at each request.
"""

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from service.access import ANONYMOUS, Caller, KeysUnusable

PREFIX = "rf_"
_FORM = re.compile(r"rf_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[^\W_][\w .@:/+-]{0,63}")

FORMAT_VERSION = 1

_SCHEMA = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    collections TEXT,  -- JSON; NULL: all
    writes INTEGER NOT NULL,
    requests_per_minute INTEGER,
    tokens_per_minute INTEGER,
    created TEXT NOT NULL,
    revoked TEXT,
    last_used TEXT
) STRICT;
CREATE UNIQUE INDEX living_by_name ON keys (name) WHERE revoked IS NULL;
"""

USE_NOTED = 60.0
"""Seconds between two notes of when a key was last used: a note is a write."""

_NO_DIGEST = bytes(32)

_log = logging.getLogger(__name__)


class WrongKey(ValueError):
    """A key cannot be made or found as told; the message says what would do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. Times are UTC in ISO 8601; None: never, or without limit."""

    id: str
    name: str
    collections: frozenset[str] | None = None
    writes: bool = False
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created: str = ""
    revoked: str | None = None
    last_used: str | None = None

    @property
    def caller(self) -> Caller:
        """Who asks by it."""
        return Caller(self.name, self.collections, self.writes)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output; collections as a sorted list."""
        collections = None if self.collections is None else sorted(self.collections)
        return {**asdict(self), "collections": collections}


@dataclass(frozen=True, slots=True)
class _Held:
    """The file as it was read, and the mark by which a change of it shows."""

    mark: tuple[int, ...] | None
    keys: dict[str, tuple[Key, bytes]]


class Keys:
    """The keys of a file. Safe to use from many threads and processes; there may be no file yet."""

    def __init__(self, path: Path) -> None:
        """Nothing is read before it is asked for."""
        self.path = path
        self._held = _Held(None, {})
        self._noted: dict[str, float] = {}
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        collections: frozenset[str] | None = None,
        *,
        writes: bool = False,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> tuple[Key, str]:
        """Make a key: it, and the text that proves it, which is not kept. Raises `WrongKey`."""
        if not _NAME.fullmatch(name) or name == ANONYMOUS:
            raise WrongKey(
                f"no key can be named {name!r}: take up to 64 letters, digits, spaces and .@:/+-_, "
                f"a letter or digit first, and not {ANONYMOUS!r}"
            )
        secret = secrets.token_urlsafe(32)
        key = Key(
            secrets.token_hex(4),
            name,
            collections,
            writes,
            requests_per_minute,
            tokens_per_minute,
            _now(),
        )
        values = key.as_dict()
        if collections is not None:
            values["collections"] = json.dumps(values["collections"])
        columns = ", ".join(values)
        with self._writing(create=True) as connection:
            try:
                connection.execute(
                    f"INSERT INTO keys ({columns}, secret_sha256) "
                    f"VALUES ({', '.join(f':{column}' for column in values)}, :digest)",
                    {**values, "digest": _digest(secret)},
                )
            except sqlite3.IntegrityError as error:
                raise WrongKey(
                    f"there is a key named {name!r}: revoke it first, or take another name"
                ) from error
        return key, f"{PREFIX}{key.id}_{secret}"

    def all(self) -> list[Key]:
        """Revoked ones among them, the oldest first."""
        found = [key for key, _ in self._read().values()]
        return sorted(found, key=lambda key: (key.created, key.name))

    def revoke(self, which: str) -> Key:
        """Revoke a key by its id or name, for good. Raises `WrongKey`."""
        living = {key.id: key for key in self.all() if key.revoked is None}
        named = {key.name: key for key in living.values()}
        key = living.get(which) or named.get(which)
        if key is None:
            raise WrongKey(
                f"no key {which!r} that is not revoked: `ragfirst keys list` shows ids and names"
            )
        with self._writing() as connection:
            connection.execute(
                "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (_now(), key.id)
            )
        return next(one for one in self.all() if one.id == key.id)

    def matching(self, text: str) -> Key | None:
        """The key that a text proves; None for any other text, and where it is revoked.

        Looks at each call whether the file has changed. Raises `KeysUnusable`.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        key, digest = self._read().get(form[1], (None, _NO_DIGEST))
        same = hmac.compare_digest(_digest(form[2]), digest)
        if key is None or not same or key.revoked is not None:
            return None
        self._note_use(key)
        return key

    def _note_use(self, key: Key) -> None:
        now = time.monotonic()
        if now - self._noted.get(key.id, -USE_NOTED) < USE_NOTED:
            return
        self._noted[key.id] = now
        try:
            with self._writing(wait=0.1) as connection:
                connection.execute("UPDATE keys SET last_used = ? WHERE id = ?", (_now(), key.id))
        except (
            KeysUnusable,
            OSError,
            sqlite3.Error,
        ) as error:  # it may lie where nothing is written
            _log.debug("the use of a key is not noted: %s", error)

    def _read(self) -> dict[str, tuple[Key, bytes]]:
        try:
            mark = _mark(self.path)
            if mark != self._held.mark:
                with self._lock:
                    self._held = _Held(mark, {} if mark is None else _load(self.path))
            return self._held.keys
        except (OSError, sqlite3.Error, ValueError, TypeError) as error:
            raise _unusable(self.path, error) from error

    @contextmanager
    def _writing(
        self, *, create: bool = False, wait: float = 10.0
    ) -> Generator[sqlite3.Connection]:
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(_open(self.path, wait)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                if create and _version(connection) == 0:
                    for statement in _SCHEMA.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                yield connection
                connection.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self.path, error) from error


def _mark(path: Path) -> tuple[int, ...] | None:
    """Changes with each commit to the file; None where there is none.

    Bytes 24 to 27 are SQLite's change counter, which the file's time is too coarse to replace.
    """
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(28)
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, int.from_bytes(head[24:28], "big"))


def _load(path: Path) -> dict[str, tuple[Key, bytes]]:
    with closing(_open(path, 5.0)) as connection:
        if _version(connection) == 0:
            return {}
        rows = connection.execute("SELECT * FROM keys").fetchall()
    return {row["id"]: (_to_key(row), row["secret_sha256"]) for row in rows}


def _to_key(row: sqlite3.Row) -> Key:
    values = dict(row)
    del values["secret_sha256"]
    names = values["collections"]
    values["collections"] = None if names is None else frozenset(json.loads(names))
    values["writes"] = bool(values["writes"])
    return Key(**values)


def _open(path: Path, wait: float) -> sqlite3.Connection:
    """An existing file, in SQLite's default mode: in WAL mode the file itself would not change."""
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=wait, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection) -> int:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, FORMAT_VERSION):
        raise sqlite3.DatabaseError(
            f"its format is {version}, this ragfirst reads format {FORMAT_VERSION}"
        )
    return version


def _unusable(path: Path, error: Exception) -> KeysUnusable:
    return KeysUnusable(
        f"the keys in {str(path)!r} cannot be used ({error}): let RAGFIRST_KEYS name a file that "
        "can be written, or remove a damaged one and make new keys"
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

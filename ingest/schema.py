"""The database of an index folder: opening it, and what it was made with. SQLite in WAL mode."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from ingest.tables import SCHEMA, TABLES
from ingest.upgrade import upgrade

FORMAT_VERSION = 2
"""Format 1, which had no checksums, is read, and becomes this one at its next sync."""

DATABASE = "ragfirst.db"

VISIBLE = "born <= :generation AND (died IS NULL OR died > :generation)"
"""Which rows of `documents` a generation holds. Hidden ones are for the reader to leave out."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was made with. Two indexes with other manifests are never mixed."""

    embedder: str
    revision: str
    dimension: int
    token_limit: int
    chunk_tokens: int
    chunk_overlap: int
    format_version: int = FORMAT_VERSION


class IndexRefused(RuntimeError):
    """The index folder cannot be used as asked; the message says why and what to do."""


def connect(index: Path, *, create: bool = False) -> sqlite3.Connection:
    """Open the database of an index folder; rows are dicts by name, transactions are explicit.

    Raises `IndexRefused` where there is no index (unless `create`), or where it is damaged.
    """
    path = index / DATABASE
    try:
        there = path.is_file()
    except OSError as error:
        raise IndexRefused(f"the index folder {str(index)!r} cannot be read: {error}") from error
    if not there and not create:
        raise IndexRefused(
            f"no index in {str(index)!r}: make one by `ragfirst ingest CORPUS --index {index}`"
        )
    try:
        if create:
            index.mkdir(parents=True, exist_ok=True)
            _refuse_emptied(index)
        return _open(path, create)
    except OSError as error:
        raise IndexRefused(f"cannot make the index folder {str(index)!r}: {error}") from error
    except SQLITE_ERRORS as error:
        raise unusable(path, error) from error


def _refuse_emptied(index: Path) -> None:
    """A database that lost its content is no new one, which would have neither."""
    path, derived = index / DATABASE, index / "derived"
    emptied = path.exists() and path.stat().st_size == 0
    if emptied and derived.is_dir() and any(one.name.isdecimal() for one in derived.iterdir()):
        raise IndexRefused(
            f"the database {str(path)!r} has lost its content: restore a backup, or remove that "
            "file and ingest again"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All of it, or nothing: rolled back whatever ends it, an interrupt among that."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # A full disk has made SQLite roll back by itself already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What its use raises; of a damaged database not even its messages may be readable."""


def is_damage(error: Exception) -> bool:
    """Whether SQLite found the file itself to be wrong."""
    if isinstance(error, UnicodeDecodeError):
        return True
    # The lower byte is the kind; the rest tells kinds of it apart.
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def unusable(path: Path, error: Exception) -> IndexRefused:
    """What an error of SQLite means to a user of the index."""
    if is_damage(error):
        return IndexRefused(
            f"the database {str(path)!r} cannot be used ({error}): restore a backup, or remove a "
            "damaged index and ingest again"
        )
    return IndexRefused(
        f"the database {str(path)!r} cannot be used ({error}): give a writable folder, or remove a "
        "damaged index and ingest again"
    )


def _open(path: Path, create: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path, create)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    tables = _refuse_other(connection, path, create)
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a killed process loses nothing; a power cut may lose the last commits, never the rest.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not tables:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")


def _refuse_other(connection: sqlite3.Connection, path: Path, create: bool) -> frozenset[str]:
    """Refuse what is no database of an index. Returns its tables; none where it is to be made."""
    connection.row_factory = sqlite3.Row
    tables = _tables(connection)
    if tables and not tables >= TABLES:
        raise IndexRefused(
            f"the database {str(path)!r} is damaged or another program's (it has no table "
            f"{min(TABLES - tables)!r}): restore a backup, or ingest into a new folder"
        )
    if not (tables or create):
        raise IndexRefused(
            f"the database {str(path)!r} is empty: let `ragfirst ingest` finish, or restore a "
            "backup"
        )
    return tables


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return frozenset(row["name"] for row in rows)


def read_manifest(connection: sqlite3.Connection) -> Manifest | None:
    """The manifest, None in an index that no sync has begun.

    Raises `IndexRefused` for a format that this version of ragfirst does not read.
    """
    row = connection.execute("SELECT value FROM manifest WHERE key = 'manifest'").fetchone()
    if row is None:
        return None
    try:
        values = json.loads(row["value"])
        version = values["format_version"]
        if version in range(1, FORMAT_VERSION + 1):
            return Manifest(**values)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexRefused(
            f"the manifest of the index is damaged ({error}): restore a backup, or ingest again "
            "into a new folder"
        ) from error
    raise IndexRefused(
        f"the index has format {version}, this ragfirst reads format {FORMAT_VERSION} and older: "
        "use the ragfirst that made it, or ingest again into a new folder"
    )


def claim_manifest(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Write the manifest of an index that holds nothing; else refuse what does not match it.

    An index of an older format becomes one of this format.
    """
    found = read_manifest(connection)
    begun = connection.execute("SELECT EXISTS (SELECT 1 FROM documents)").fetchone()[0]
    if found is not None and (begun or published(connection)):
        check_embedder(found, manifest.embedder, manifest.revision)
        if replace(found, format_version=FORMAT_VERSION) != manifest:
            raise IndexRefused(
                f"the index was cut with {found.chunk_tokens} tokens a chunk and "
                f"{found.chunk_overlap} overlap, the settings say {manifest.chunk_tokens} and "
                f"{manifest.chunk_overlap}: set them back or ingest into a new folder"
            )
    if found == manifest:
        return
    with transaction(connection):
        upgrade(connection)
        connection.execute(
            "INSERT OR REPLACE INTO manifest VALUES ('manifest', ?)",
            (json.dumps(asdict(manifest)),),
        )


def check_embedder(manifest: Manifest, name: str, revision: str) -> None:
    """Raise `IndexRefused`, naming both, unless the index was made by this very embedder."""
    if (manifest.embedder, manifest.revision) != (name, revision):
        raise IndexRefused(
            f"the index was made by the embedder {manifest.embedder!r} (revision "
            f"{manifest.revision}), the settings name {name!r} (revision {revision}): set "
            "RAGFIRST_EMBEDDER back, or ingest into a new folder"
        )


def published(connection: sqlite3.Connection) -> int:
    """The published generation; 0 before the first."""
    return connection.execute("SELECT coalesce(max(id), 0) FROM generations").fetchone()[0]


def open_to_read(index: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that writes nothing, and whether it sees what others write from now on.

    As `connect`, and where SQLite can make no files beside the database, too: it needs them to
    share a database with writers. On a full disk, or in a folder that may not be written to, there
    are none, unless some have left them there.
    """
    connection, sees = _connect_to_read(index)
    try:
        connection.execute("PRAGMA query_only = ON")
    except SQLITE_ERRORS as error:
        connection.close()
        raise unusable(index / DATABASE, error) from error
    return connection, sees


def _connect_to_read(index: Path) -> tuple[sqlite3.Connection, bool]:
    try:
        return connect(index), True
    except IndexRefused as error:
        path, cause = index / DATABASE, error.__cause__
        if not isinstance(cause, sqlite3.OperationalError) or _has_log(path):
            raise
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection = None
        try:
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False
            )
            _refuse_other(connection, path, create=False)
        except (*SQLITE_ERRORS, IndexRefused):
            if connection:
                connection.close()
            raise error from None
        return connection, False


def _has_log(path: Path) -> bool:
    """Whether there is more than the database itself, so that it is not all there is to read."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def stamp(connection: sqlite3.Connection) -> tuple[int, str]:
    """What the published generation goes by, other than any of an index that was here before."""
    row = connection.execute("SELECT * FROM generations ORDER BY id DESC LIMIT 1").fetchone()
    return (row["id"], row["published_at"]) if row else (0, "")


@contextmanager
def read_only(index: Path) -> Generator[sqlite3.Connection]:
    """A connection for reading, closed at the end of its `with` block.

    Raises `IndexRefused` where there is no index, or where reading it shows that it is damaged.
    """
    with closing(open_to_read(index)[0]) as connection:
        try:
            yield connection
        except SQLITE_ERRORS as error:
            raise unusable(index / DATABASE, error) from error


def in_memory() -> sqlite3.Connection:
    """An empty index that lies nowhere: what a dry run compares with where there is none yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    return connection

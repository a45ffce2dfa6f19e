"""The database of an index folder: its tables, and opening it. SQLite in WAL mode."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT_VERSION = 1
DATABASE = "ragfirst.db"

SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- A row here is what publishes a generation.
CREATE TABLE generations (id INTEGER PRIMARY KEY, published_at TEXT NOT NULL) STRICT;

CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;

-- Files that were read to their end, as they were then: the next sync skips them if unchanged.
CREATE TABLE files (
    root_id INTEGER NOT NULL REFERENCES roots,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (root_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
    root_id INTEGER NOT NULL REFERENCES roots,
    file TEXT NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (root_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id INTEGER NOT NULL REFERENCES roots,
    file TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    collection TEXT NOT NULL,
    metadata TEXT NOT NULL,
    sections TEXT NOT NULL,
    pages TEXT NOT NULL,
    empty_pages TEXT NOT NULL,
    born INTEGER NOT NULL,
    died INTEGER,
    hidden INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX documents_by_path ON documents (root_id, path);
CREATE INDEX documents_by_file ON documents (root_id, file);

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    section TEXT NOT NULL,
    page_from INTEGER,
    page_to INTEGER,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    embedding BLOB NOT NULL,  -- float32
    spans BLOB NOT NULL,  -- int32 pairs, of the sentences in the text
    sentences BLOB NOT NULL  -- float16, a row a span
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document_id, position);
"""

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
    if not there:
        if not create:
            raise IndexRefused(
                f"no index in {str(index)!r}: make one by `ragfirst ingest CORPUS --index {index}`"
            )
        try:
            index.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexRefused(f"cannot make the index folder {str(index)!r}: {error}") from error
    try:
        return _open(path)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


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


def _unusable(path: Path, error: sqlite3.Error) -> IndexRefused:
    return IndexRefused(
        f"the database {str(path)!r} cannot be used ({error}): give a writable folder, or remove a "
        "damaged index and ingest again"
    )


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a killed process loses nothing; a power cut may lose the last commits, never the rest.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'manifest'").fetchone():
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")


def read_manifest(connection: sqlite3.Connection) -> Manifest | None:
    """The manifest, None in an index that no sync has begun.

    Raises `IndexRefused` for a format that this version of ragfirst does not read.
    """
    row = connection.execute("SELECT value FROM manifest WHERE key = 'manifest'").fetchone()
    if row is None:
        return None
    values = json.loads(row["value"])
    if values["format_version"] != FORMAT_VERSION:
        raise IndexRefused(
            f"the index has format {values['format_version']}, this ragfirst reads format "
            f"{FORMAT_VERSION}: ingest again into a new folder"
        )
    return Manifest(**values)


def claim_manifest(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Write the manifest of an index that holds nothing; else refuse what does not match it."""
    found = read_manifest(connection)
    begun = connection.execute("SELECT EXISTS (SELECT 1 FROM documents)").fetchone()[0]
    if found is None or not (begun or published(connection)):
        connection.execute(
            "INSERT OR REPLACE INTO manifest VALUES ('manifest', ?)",
            (json.dumps(asdict(manifest)),),
        )
        return
    check_embedder(found, manifest.embedder, manifest.revision)
    if found != manifest:
        raise IndexRefused(
            f"the index was cut with {found.chunk_tokens} tokens a chunk and {found.chunk_overlap} "
            f"overlap, the settings say {manifest.chunk_tokens} and {manifest.chunk_overlap}: set "
            "them back or ingest into a new folder"
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


@contextmanager
def read_only(index: Path) -> Generator[sqlite3.Connection]:
    """A connection for reading, closed at the end of its `with` block.

    Raises `IndexRefused` where there is no index, or where reading it shows that it is damaged.
    """
    with closing(connect(index)) as connection:
        try:
            connection.execute("PRAGMA query_only = ON")
            yield connection
        except sqlite3.DatabaseError as error:
            raise _unusable(index / DATABASE, error) from error


def in_memory() -> sqlite3.Connection:
    """An empty index that lies nowhere: what a dry run compares with where there is none yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    return connection

"""The tables of an index's database."""

_TABLES = """
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
    hidden INTEGER NOT NULL DEFAULT 0,
    checksum INTEGER  -- ingest.checksums, of all that stays as it is
) STRICT;

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
    sentences BLOB NOT NULL,  -- float16, a row a span
    checksum INTEGER
) STRICT;
"""

INDEXES = (
    "CREATE INDEX IF NOT EXISTS documents_by_path ON documents (root_id, path)",
    "CREATE INDEX IF NOT EXISTS documents_by_file ON documents (root_id, file)",
    "CREATE INDEX IF NOT EXISTS documents_by_birth ON documents (born)",
    "CREATE INDEX IF NOT EXISTS documents_by_death ON documents (died) WHERE died IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS documents_by_collection ON documents (collection)",
    "CREATE INDEX IF NOT EXISTS documents_hidden ON documents (id) WHERE hidden",
    "CREATE INDEX IF NOT EXISTS chunks_by_document ON chunks (document_id, position)",
)
"""A database of an older format has some of them; `ingest.upgrade` adds the rest."""

TABLES = frozenset(["manifest", "generations", "roots", "files", "failures", "documents", "chunks"])

SCHEMA = _TABLES + ";\n".join([*INDEXES, ""])
"""All of it, as one script."""

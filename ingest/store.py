"""Writing to an index: documents with their chunks, files, failures, generations.

Everything is written for the generation after the published one; nobody sees it before `publish`.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ingest.checksums import of_values
from ingest.chunk import Chunk
from ingest.documents import Document, Failure
from ingest.encode import Encoded
from ingest.schema import VISIBLE, published, transaction


class Totals(NamedTuple):
    """Of the documents that a generation shows."""

    documents: int
    pages: int
    chunks: int


def always() -> bool:
    """A file that nothing else changes may be written at any time."""
    return True


class Store:
    """The writer of an index. One at a time: the sync holds the index's lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """`generation` is the one being written, whether begun now or by an interrupted run."""
        self._db = connection
        self.generation = published(connection) + 1

    def root(self, path: Path) -> int:
        """The id of a source root, recorded now if it is new."""
        self._db.execute("INSERT OR IGNORE INTO roots (path) VALUES (?)", (str(path),))
        return self._db.execute("SELECT id FROM roots WHERE path = ?", (str(path),)).fetchone()[0]

    def roots(self) -> list[Path]:
        """All source roots of the index."""
        return [Path(row["path"]) for row in self._db.execute("SELECT path FROM roots")]

    def fingerprints(self, root: Path) -> dict[str, str]:
        """File → fingerprint, of the files below a root as they were last read.

        It is "" where reading one was interrupted: what was written of it is there, and has to go
        if the file is gone by now.
        """
        rows = self._db.execute(
            "SELECT files.path, fingerprint FROM files JOIN roots ON roots.id = root_id "
            "WHERE roots.path = :root UNION ALL SELECT DISTINCT file, '' FROM documents JOIN roots "
            "ON roots.id = root_id WHERE roots.path = :root AND died IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM files WHERE files.root_id = roots.id AND files.path = file)",
            {"root": str(root)},
        )
        return {row["path"]: row["fingerprint"] for row in rows}

    def failed_files(self, root: Path) -> frozenset[str]:
        """Files below a root that have a failure on record."""
        rows = self._db.execute(
            "SELECT file FROM failures JOIN roots ON roots.id = root_id WHERE roots.path = ?",
            (str(root),),
        )
        return frozenset(row["file"] for row in rows)

    def living(self, root: int) -> int:
        """How many documents of a root the generation being written holds."""
        return self._db.execute(
            "SELECT count(*) FROM documents WHERE root_id = ? AND died IS NULL", (root,)
        ).fetchone()[0]

    def live_digest(self, root: int, path: str) -> str | None:
        """The digest of the living document at a path."""
        row = self._db.execute(
            "SELECT sha256 FROM documents WHERE root_id = ? AND path = ? AND died IS NULL",
            (root, path),
        ).fetchone()
        return row["sha256"] if row else None

    def put(
        self,
        root: int,
        file: str,
        collection: str,
        document: Document,
        digest: str,
        chunks: Sequence[Chunk],
        encoded: Sequence[Encoded],
        still: Callable[[], bool] = always,
    ) -> None:
        """Write one document in one transaction, in place of the living one at its path.

        Unless `still` says no within it, as where its file was deleted meanwhile: a `drop` comes
        before or after the transaction, so that nothing deleted is ever written back.
        """
        with transaction(self._db):
            if not still():
                return
            self._db.execute(
                "UPDATE documents SET died = ? WHERE root_id = ? AND path = ? AND died IS NULL",
                (self.generation, root, document.path),
            )
            row = (
                root,
                file,
                document.path,
                digest,
                document.kind,
                document.title,
                collection,
                json.dumps(dict(document.metadata)),
                json.dumps([[section.start, section.path] for section in document.sections]),
                json.dumps([[page.start, page.label] for page in document.pages]),
                json.dumps(document.empty_pages),
                self.generation,
            )
            cursor = self._db.execute(
                "INSERT INTO documents (root_id, file, path, sha256, kind, title, collection, "
                "metadata, sections, pages, empty_pages, born, checksum) "
                f"VALUES ({_marks(row)}, ?)",
                (*row, of_values(row)),
            )
            document_id = cursor.lastrowid
            assert document_id is not None
            self._db.executemany(
                "INSERT INTO chunks (document_id, position, text, section, page_from, page_to, "
                f"start, end, embedding, spans, sentences, checksum) VALUES ({_marks(range(12))})",
                [
                    (*row, of_values(row))
                    for chunk, vectors in zip(chunks, encoded, strict=True)
                    for row in [_row(document_id, chunk, vectors)]
                ],
            )

    def finish(
        self,
        root: int,
        file: str,
        fingerprint: str,
        seen: Collection[str],
        failures: Sequence[Failure],
        still: Callable[[], bool] = always,
    ) -> int:
        """Record a file as read; its documents that were not seen again leave. Returns how many.

        Unless `still` says no; see `put`.

        What failed stays as it was when it was last readable: one page of a dump, or, where the
        failure is the file's own, all of it.
        """
        failed = {failure.path for failure in failures}
        with transaction(self._db):
            if not still():
                return 0
            gone = 0 if file in failed else self._retire(root, file, failed.union(seen))
            self._db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (root, file, fingerprint)
            )
            self._db.execute("DELETE FROM failures WHERE root_id = ? AND file = ?", (root, file))
            self._db.executemany(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)",
                [(root, file, failure.path, failure.reason) for failure in failures],
            )
        return gone

    def forget(self, root: int, file: str) -> int:
        """A file is gone from its root: so are its documents and failures. Returns how many."""
        with transaction(self._db):
            gone = self._retire(root, file, ())
            for table, column in (("files", "path"), ("failures", "file")):
                self._db.execute(
                    f"DELETE FROM {table} WHERE root_id = ? AND {column} = ?", (root, file)
                )
        return gone

    def _retire(self, root: int, file: str, seen: Collection[str]) -> int:
        living = self._db.execute(
            "SELECT id, path FROM documents WHERE root_id = ? AND file = ? AND died IS NULL",
            (root, file),
        ).fetchall()
        gone = [(self.generation, row["id"]) for row in living if row["path"] not in seen]
        self._db.executemany("UPDATE documents SET died = ? WHERE id = ?", gone)
        return len(gone)

    def hide(self, document_id: int) -> None:
        """An explicit delete: hidden at once in every generation, gone with the next one."""
        with transaction(self._db):
            self._hide("id = :id", {"id": document_id})

    def drop(self, root: int, file: str) -> None:
        """An explicit delete of a file, which is gone from its root: as `hide`, all it gave.

        Needs no lock: a sync that is writing the file's documents leaves them hidden, too.
        """
        with transaction(self._db):
            self._hide("root_id = :root AND file = :file", {"root": root, "file": file})
            for table, column in (("files", "path"), ("failures", "file")):
                self._db.execute(
                    f"DELETE FROM {table} WHERE root_id = ? AND {column} = ?", (root, file)
                )

    def _hide(self, condition: str, values: Mapping[str, int | str]) -> None:
        """Rows that are not published yet stay until their generation has been.

        The derived indexes of that one may hold their chunks already.
        """
        self._db.execute(
            "UPDATE documents SET hidden = 1, died = coalesce(died, max(:next, born + 1)) "
            f"WHERE {condition}",
            {"next": published(self._db) + 1, **values},
        )

    def changed(self) -> bool:
        """Whether there is anything to publish, an interrupted run's work included."""
        return bool(
            self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM documents WHERE born = :g OR died = :g)",
                {"g": self.generation},
            ).fetchone()[0]
        )

    def publish(self) -> None:
        """Make the generation the one that readers see; the last step of a sync.

        Then drops the rows that only generations before the former one could see: a reader may
        still be finishing a request on the former.
        """
        former = self.generation - 1
        with transaction(self._db):
            now = datetime.now(UTC).isoformat()
            self._db.execute("INSERT INTO generations VALUES (?, ?)", (self.generation, now))
            dead = "SELECT id FROM documents WHERE died <= ? OR (died = ? AND born = died)"
            bounds = (former, self.generation)
            self._db.execute(f"DELETE FROM chunks WHERE document_id IN ({dead})", bounds)
            self._db.execute(f"DELETE FROM documents WHERE id IN ({dead})", bounds)
        self.generation += 1

    def failures(self) -> list[Failure]:
        """All failures on record, by path."""
        return failures(self._db)

    def totals(self) -> Totals:
        """Of the published generation."""
        return totals(self._db, self.generation - 1)


def failures(connection: sqlite3.Connection) -> list[Failure]:
    """All failures on record, by path."""
    rows = connection.execute("SELECT path, reason FROM failures ORDER BY path")
    return [Failure(row["path"], row["reason"]) for row in rows]


def totals(connection: sqlite3.Connection, generation: int) -> Totals:
    """Documents, PDF pages and chunks that a generation shows."""
    row = connection.execute(
        f"SELECT count(*), coalesce(sum(json_array_length(pages)), 0) FROM documents "
        f"WHERE {VISIBLE} AND NOT hidden",
        {"generation": generation},
    ).fetchone()
    chunks = connection.execute(
        "SELECT count(*) FROM chunks JOIN documents ON documents.id = document_id "
        f"WHERE {VISIBLE} AND NOT hidden",
        {"generation": generation},
    ).fetchone()
    return Totals(row[0], row[1], chunks[0])


def _row(document_id: int, chunk: Chunk, vectors: Encoded) -> tuple[int | str | bytes | None, ...]:
    """The columns of `ingest.checksums.CHUNK`."""
    return (
        document_id,
        chunk.position,
        chunk.text,
        json.dumps(chunk.section),
        chunk.page_from,
        chunk.page_to,
        chunk.start,
        chunk.end,
        vectors.embedding.tobytes(),
        np.array(vectors.spans, np.int32).tobytes(),
        vectors.sentences.tobytes(),
    )


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))

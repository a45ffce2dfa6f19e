"""Reading an index: one generation, pinned, for as long as a question takes.

`Reader` is shared by all threads of a process; it follows the published generation between two
questions. A `Snapshot` answers wholly from one, and, told so, from some collections only: whatever
is asked of it, the others are as if they were not there.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ingest import derive
from ingest.connections import Connections
from ingest.embed import Embedder, Vectors
from ingest.lexical import Words
from ingest.members import Ids, condition
from ingest.schema import (
    VISIBLE,
    IndexRefused,
    Manifest,
    check_embedder,
    published,
    read_manifest,
    stamp,
)
from ingest.status import Status, read_status
from ingest.stored import (
    Closeness,
    StoredChunk,
    StoredDocument,
    to_chunk,
    to_closeness,
    to_document,
)


class Snapshot:
    """One generation of an index, or its `readable` collections, within a database transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        derived: derive.Derived,
        readable: frozenset[str] | None = None,
    ) -> None:
        self._db = connection
        self._derived = derived
        self._readable = readable
        self._only, self._names = condition(readable)
        self._words = Words(derived.text, derived.texts_held, derived.counts, readable)
        self._hidden_ids: Ids | None = None
        self.generation = derived.generation

    def dense(self, query: Vectors, count: int, collection: str | None = None) -> dict[int, float]:
        """The chunks nearest to a query vector of shape (1, dimension): id → cosine."""
        among = self._among(collection)
        part = None if among is None else self._derived.members.part(among)
        found = self._derived.vectors.search(query, count, part, self._hidden())
        scored = {**found.scored, **self._cosines(query, found.rough)}
        best = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))
        return dict(best[:count])

    def lexical(self, question: str, count: int, collection: str | None = None) -> dict[int, float]:
        """The chunks that match the question's terms best: id → BM25 score."""
        hidden = self._hidden()
        found = self._words.search(question, count + len(hidden), self._among(collection))
        gone = set(hidden.tolist())
        return dict([one for one in found if one[0] not in gone][:count])

    def lexical_beside(
        self, question: str, count: int, collection: str | None = None
    ) -> Future[dict[int, float]]:
        """Begin `lexical` in a thread of its own; what it needs of the database is read before."""
        self._hidden()
        return _beside().submit(self.lexical, question, count, collection)

    def term_weights(self, question: str) -> dict[str, float]:
        """Each term of the question with its inverse document frequency over chunks, as BM25."""
        return self._words.weights(question)

    def closeness(self, query: Vectors, ids: Iterable[int]) -> dict[int, Closeness]:
        """How near chunks and each of their sentences are to a query vector, by chunk id."""
        rows = self._db.execute(
            "SELECT title, chunks.* FROM chunks "
            "JOIN documents ON documents.id = document_id "
            f"WHERE chunks.id IN ({_IDS}) AND {self._only}",
            {"ids": json.dumps(list(ids)), **self._names},
        ).fetchall()
        return to_closeness(rows, query)

    def chunks(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Chunks by id, in the given order; ids that this generation does not show are left out."""
        wanted = f"SELECT chunks.* FROM chunks WHERE chunks.id IN ({_IDS})"
        rows = self._db.execute(wanted, {"ids": json.dumps(list(ids))}).fetchall()
        documents: dict[int, StoredDocument | None] = {}
        found: dict[int, StoredChunk] = {}
        for row in rows:
            owner = row["document_id"]
            if owner not in documents:
                documents[owner] = self.document(owner)
            document = documents[owner]
            if document is not None:
                found[row["id"]] = to_chunk(row, document)
        return [found[i] for i in ids if i in found]

    def chunk_ids(self) -> list[int]:
        """The ids of all chunks that this generation shows, in order."""
        rows = self._db.execute(
            "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id "
            f"WHERE {VISIBLE} AND NOT hidden AND {self._only} ORDER BY chunks.id",
            {"generation": self.generation, **self._names},
        )
        return [row["id"] for row in rows]

    def document(self, document_id: int) -> StoredDocument | None:
        """A document by id; None where this generation does not show it."""
        rows = self._documents("documents.id = :id", {"id": document_id})
        return next(rows, None)

    def openings(self, document_ids: Iterable[int]) -> dict[int, str]:
        """The text of the first chunk of documents, by their ids."""
        rows = self._db.execute(
            "SELECT document_id, text FROM documents CROSS JOIN chunks "
            "ON document_id = documents.id AND position = 0 "
            f"WHERE documents.id IN ({_IDS}) AND {self._only}",
            {"ids": json.dumps(list(document_ids)), **self._names},
        )
        return {row["document_id"]: row["text"] for row in rows}

    def documents(self, collection: str | None = None) -> list[StoredDocument]:
        """All documents by path, or those of a collection."""
        wanted = "TRUE" if collection is None else "collection = :collection"
        return list(self._documents(wanted, {"collection": collection}))

    def collections(self) -> list[str]:
        """The names of all collections, sorted."""
        return list(self.sizes())

    def has_collection(self, name: str) -> bool:
        """Whether any document goes by that collection; faster than all their names."""
        found = self._db.execute(
            f"SELECT EXISTS (SELECT 1 FROM documents WHERE {VISIBLE} AND NOT hidden "
            f"AND {self._only} AND collection = :name)",
            {"generation": self.generation, "name": name, **self._names},
        )
        return bool(found.fetchone()[0])

    def sizes(self) -> dict[str, int]:
        """How many documents each collection holds, by name."""
        rows = self._db.execute(
            f"SELECT collection, count(*) FROM documents WHERE {VISIBLE} AND NOT hidden "
            f"AND {self._only} GROUP BY 1 ORDER BY 1",
            {"generation": self.generation, **self._names},
        )
        return {row[0]: row[1] for row in rows}

    def text(self, document_id: int) -> str:
        """The document's text, put together from its chunks (white space between them is lost).

        "" where this generation does not show the document.
        """
        if self.document(document_id) is None:
            return ""
        rows = self._db.execute(
            "SELECT text, start, end FROM chunks WHERE document_id = ? ORDER BY position",
            (document_id,),
        )
        text = ""
        for row in rows:
            overlap = max(len(text) - row["start"], 0)
            text = text.ljust(row["start"], "\n") + row["text"][overlap:]
        return text

    def _documents(self, wanted: str, values: Mapping[str, Any]) -> Iterator[StoredDocument]:
        rows = self._db.execute(
            "SELECT documents.*, roots.path AS root FROM documents "
            "JOIN roots ON roots.id = root_id "
            f"WHERE {VISIBLE} AND NOT hidden AND {self._only} AND {wanted} ORDER BY documents.path",
            {"generation": self.generation, **self._names, **values},
        )
        return (to_document(row) for row in rows)

    def _cosines(self, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        if not ids:
            return {}
        rows = self._db.execute(
            f"SELECT id, embedding FROM chunks WHERE id IN ({_IDS})", {"ids": json.dumps(ids)}
        ).fetchall()
        matrix = np.frombuffer(b"".join(row["embedding"] for row in rows), np.float32)
        cosines = matrix.reshape(len(rows), -1) @ query[0]
        return {row["id"]: float(one) for row, one in zip(rows, cosines, strict=True)}

    def _hidden(self) -> Ids:
        """The chunks of deleted documents, in no order; the transaction sees no others later."""
        if self._hidden_ids is None:
            rows = self._db.execute(
                "SELECT chunks.id FROM documents CROSS JOIN chunks ON document_id = documents.id "
                "WHERE hidden"
            )
            self._hidden_ids = np.array([row["id"] for row in rows], np.int64)
        return self._hidden_ids

    def _among(self, collection: str | None) -> frozenset[str] | None:
        """The collections to search; None: all of the index."""
        if collection is None:
            return self._readable
        asked = frozenset([collection])
        return asked if self._readable is None else asked & self._readable


_IDS = "SELECT value FROM json_each(:ids)"


@cache
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="lexical")


class Reader:
    """The index folder as readers see it: always the published generation, never one half-made."""

    def __init__(self, index: Path, embedder: Embedder) -> None:
        """Load the published generation.

        Raises `IndexRefused` where there is none, where it is damaged, and where the index was made
        by another embedder.
        """
        self._index = index
        self._connections = Connections(index)
        self._embedder = embedder
        self._lock = threading.Lock()
        self._loaded: derive.Derived | None = None
        self._stamp = (0, "")
        with self.snapshot():
            pass

    @contextmanager
    def snapshot(self, readable: frozenset[str] | None = None) -> Generator[Snapshot]:
        """Pin the generation published now; what is published meanwhile shows in the next one.

        `readable`: the collections that there are for whoever asks; None: all.
        """
        with self._connections.use() as connection:
            yield Snapshot(connection, self._pin(connection), readable)

    def manifest(self) -> Manifest:
        """What the index was made with."""
        with self._connections.use() as connection:
            return self._check(connection)

    def status(self) -> Status:
        """What the published generation holds, whoever may read it."""
        with self._connections.use() as connection:
            return read_status(connection)

    def _check(self, connection: sqlite3.Connection) -> Manifest:
        manifest = read_manifest(connection)
        if manifest is None:
            raise IndexRefused(f"the index {str(self._index)!r} is empty: ingest a corpus first")
        check_embedder(manifest, self._embedder.name, self._embedder.revision)
        return manifest

    def _pin(self, connection: sqlite3.Connection) -> derive.Derived:
        """Begin a transaction and load the derived indexes of the generation that it sees.

        Under the lock, so that threads never load an older one after a newer; tried again where a
        sync published another one meanwhile, which may have removed the folder.
        """
        with self._lock:
            while True:
                connection.execute("BEGIN")
                generation = published(connection)
                try:
                    return self._load(connection, generation)
                except IndexRefused:
                    connection.execute("ROLLBACK")
                    if published(connection) == generation:
                        raise

    def _load(self, connection: sqlite3.Connection, generation: int) -> derive.Derived:
        # The number alone may be that of an index that was removed, or replaced by a backup.
        if self._loaded is None or self._stamp != stamp(connection):
            self._check(connection)
            if generation == 0:
                raise IndexRefused(
                    f"nothing is published in the index {str(self._index)!r} yet: let "
                    "`ragfirst ingest` finish"
                )
            self._loaded = derive.load(self._index, generation, self._loaded)
            self._stamp = stamp(connection)
        return self._loaded

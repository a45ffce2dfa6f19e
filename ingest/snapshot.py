"""Reading an index: one generation, pinned, for as long as a question takes.

`Reader` is shared by all threads of a process; it follows the published generation between two
questions. A `Snapshot` answers wholly from one.
"""

import math
import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
import tantivy

from ingest import derive
from ingest.embed import Embedder, Vectors
from ingest.schema import (
    VISIBLE,
    IndexRefused,
    Manifest,
    check_embedder,
    published,
    read_manifest,
    read_only,
)
from ingest.stored import (
    Closeness,
    StoredChunk,
    StoredDocument,
    to_chunk,
    to_closeness,
    to_document,
)


class Snapshot:
    """One generation of an index, within one database transaction."""

    def __init__(self, connection: sqlite3.Connection, derived: derive.Derived) -> None:
        self._db = connection
        self._derived = derived
        self.generation = derived.generation

    def dense(self, query: Vectors, count: int, collection: str | None = None) -> dict[int, float]:
        """The chunks nearest to a query vector of shape (1, dimension): id → cosine."""
        parameters = self._selector(collection)
        scores, ids = self._derived.vectors.search(query, count, params=parameters)
        return {int(i): float(s) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0}

    def lexical(self, question: str, count: int, collection: str | None = None) -> dict[int, float]:
        """The chunks that match the question's terms best: id → BM25 score."""
        text = self._derived.text
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.term_query(text.schema, "text", term))
            for term in dict.fromkeys(derive.terms(question))
        ]
        if not clauses:
            return {}
        query = tantivy.Query.boolean_query(clauses)
        if collection is not None:
            only = tantivy.Query.term_query(text.schema, "collection", collection)
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, query),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(only, 0.0)),
                ]
            )
        searcher = text.searcher()
        hidden = self._hidden()
        found = searcher.search(query, count + len(hidden)).hits
        scores = {
            cast(int, searcher.doc(address)["chunk"][0]): float(score) for score, address in found
        }
        shown = [(chunk, score) for chunk, score in scores.items() if chunk not in hidden]
        return dict(shown[:count])

    def term_weights(self, question: str) -> dict[str, float]:
        """Each term of the question with its inverse document frequency over chunks, as BM25."""
        searcher = self._derived.text.searcher()
        total = searcher.num_docs
        counts = {term: searcher.doc_freq("text", term) for term in derive.terms(question)}
        return {
            term: math.log(1 + (total - count + 0.5) / (count + 0.5))
            for term, count in counts.items()
        }

    def closeness(self, query: Vectors, ids: Iterable[int]) -> dict[int, Closeness]:
        """How near chunks and each of their sentences are to a query vector, by chunk id."""
        wanted = tuple(ids)
        rows = self._db.execute(
            "SELECT chunks.id, title, embedding, spans, chunks.sentences FROM chunks "
            "JOIN documents ON documents.id = document_id "
            f"WHERE chunks.id IN ({', '.join('?' * len(wanted))})",
            wanted,
        )
        return {row["id"]: to_closeness(row, query) for row in rows}

    def chunks(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Chunks by id, in the given order; ids that this generation does not show are left out."""
        if not ids:
            return []
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(
            f"SELECT chunks.*, documents.root_id FROM chunks JOIN documents "
            f"ON documents.id = document_id WHERE chunks.id IN ({marks}) AND NOT hidden",
            tuple(ids),
        ).fetchall()
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
            f"WHERE {VISIBLE} AND NOT hidden ORDER BY chunks.id",
            {"generation": self.generation},
        )
        return [row["id"] for row in rows]

    def document(self, document_id: int) -> StoredDocument | None:
        """A document by id; None where this generation does not show it."""
        rows = self._documents("documents.id = :id", {"id": document_id})
        return next(rows, None)

    def documents(self, collection: str | None = None) -> list[StoredDocument]:
        """All documents by path, or those of a collection."""
        condition = "TRUE" if collection is None else "collection = :collection"
        return list(self._documents(condition, {"collection": collection}))

    def collections(self) -> list[str]:
        """The names of all collections, sorted."""
        rows = self._db.execute(
            f"SELECT DISTINCT collection FROM documents WHERE {VISIBLE} AND NOT hidden ORDER BY 1",
            {"generation": self.generation},
        )
        return [row["collection"] for row in rows]

    def text(self, document_id: int) -> str:
        """The document's text, put together from its chunks (white space between them is lost)."""
        rows = self._db.execute(
            "SELECT text, start, end FROM chunks WHERE document_id = ? ORDER BY position",
            (document_id,),
        )
        text = ""
        for row in rows:
            overlap = max(len(text) - row["start"], 0)
            text = text.ljust(row["start"], "\n") + row["text"][overlap:]
        return text

    def _documents(self, condition: str, values: Mapping[str, Any]) -> Iterator[StoredDocument]:
        rows = self._db.execute(
            "SELECT documents.*, roots.path AS root FROM documents "
            "JOIN roots ON roots.id = root_id "
            f"WHERE {VISIBLE} AND NOT hidden AND {condition} ORDER BY documents.path",
            {"generation": self.generation, **values},
        )
        return (to_document(row) for row in rows)

    def _hidden(self) -> set[int]:
        rows = self._db.execute(
            "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id WHERE hidden"
        )
        return {row["id"] for row in rows}

    def _selector(self, collection: str | None) -> Any:
        """FAISS search parameters that keep the search to a collection and off hidden chunks."""
        library = cast(Any, faiss)
        if collection is None:
            hidden = self._hidden()
            if not hidden:
                return None
            without = library.IDSelectorBatch(np.array(sorted(hidden), np.int64))
            return library.SearchParameters(sel=library.IDSelectorNot(without))
        rows = self._db.execute(
            "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id "
            f"WHERE {VISIBLE} AND NOT hidden AND collection = :collection",
            {"generation": self.generation, "collection": collection},
        )
        ids = np.array([row["id"] for row in rows], np.int64)
        return library.SearchParameters(sel=library.IDSelectorBatch(ids))


class Reader:
    """The index folder as readers see it: always the published generation, never one half-made."""

    def __init__(self, index: Path, embedder: Embedder) -> None:
        """Load the published generation.

        Raises `IndexRefused` where there is none, where it is damaged, and where the index was made
        by another embedder.
        """
        self._index = index
        self._embedder = embedder
        self._lock = threading.Lock()
        self._derived: derive.Derived | None = None
        with self.snapshot():
            pass

    @contextmanager
    def snapshot(self) -> Generator[Snapshot]:
        """Pin the generation published now; what is published meanwhile shows in the next one."""
        with read_only(self._index) as connection:
            yield Snapshot(connection, self._pin(connection))

    def manifest(self) -> Manifest:
        """What the index was made with."""
        with read_only(self._index) as connection:
            return self._check(connection)

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
        if self._derived is None or self._derived.generation != generation:
            self._check(connection)
            if generation == 0:
                raise IndexRefused(
                    f"nothing is published in the index {str(self._index)!r} yet: let "
                    "`ragfirst ingest` finish"
                )
            self._derived = derive.load(self._index, generation)
        return self._derived

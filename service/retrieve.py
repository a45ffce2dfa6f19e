"""Question → hits: dense and lexical candidates of one generation, fused, the best `top_k`."""

import time
from dataclasses import dataclass

from ingest.embed import Embedder, Vectors
from ingest.snapshot import Snapshot, StoredChunk
from service.fuse import fuse


class UnknownCollection(ValueError):
    """No document of the index is in the collection; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk.

    `score` is the fused one, 0…1 within its question, by which hits are sorted; `cosine` and `bm25`
    are what each search gave, None where it did not list the chunk.
    """

    chunk: StoredChunk
    score: float
    cosine: float | None
    bm25: float | None


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """`top_k` hits out of `candidates` by each search, fused with `dense_weight`."""

    top_k: int = 3
    candidates: int = 50
    dense_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits, best first, the question's vector (1, dimension), and milliseconds spent."""

    hits: list[Hit]
    query: Vectors
    embed_ms: float
    search_ms: float


def retrieve(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    collection: str | None = None,
) -> Retrieved:
    """Search one generation. A collection filters before the best are taken.

    Raises `UnknownCollection`.
    """
    check_collection(snapshot, collection)
    started = time.perf_counter()
    query = embedder.embed_query(question)
    embedded = time.perf_counter()
    dense = snapshot.dense(query, settings.candidates, collection)
    lexical = snapshot.lexical(question, settings.candidates, collection)
    best = fuse(dense, lexical, settings.dense_weight)[: settings.top_k]
    scores = dict(best)
    hits = [
        Hit(chunk, scores[chunk.id], dense.get(chunk.id), lexical.get(chunk.id))
        for chunk in snapshot.chunks([chunk for chunk, _ in best])
    ]
    done = time.perf_counter()
    return Retrieved(hits, query, (embedded - started) * 1000, (done - embedded) * 1000)


def check_collection(snapshot: Snapshot, collection: str | None) -> None:
    """Raise `UnknownCollection` for a name that no document goes by. None is all of them."""
    if collection is None:
        return
    known = snapshot.collections()
    if collection not in known:
        raise UnknownCollection(f"no collection {collection!r} in the index: it has {known}")

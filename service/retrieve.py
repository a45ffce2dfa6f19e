"""Question → hits: dense and lexical candidates of one generation, fused, the best `top_k`."""

import time
from dataclasses import dataclass

import numpy as np

from ingest.derive import terms
from ingest.embed import Embedder, Vectors
from ingest.snapshot import Snapshot
from ingest.stored import Closeness, StoredChunk
from service import records
from service.alike import distinct
from service.fuse import Weights, fuse, overlap
from service.named import asks_of_origin, beyond, levelled, named


class UnknownCollection(ValueError):
    """No document of the index is in the collection; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk.

    `score` is the fused one, by which hits are sorted: 1 and the weights of title and opening at
    the most, on one scale for all questions. `close` are the cosines of the chunk and its
    sentences; `bm25` is None where lexical search did not list the chunk. `named`: whether the
    question names the document.
    """

    chunk: StoredChunk
    score: float
    close: Closeness
    bm25: float | None
    named: bool = False


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """`top_k` hits out of `candidates` (or `top_k`, if more) by each search, by `weights`.

    `names`: whether it matters that a question names a document; see `service.named`.
    """

    top_k: int = 3
    candidates: int = 50
    weights: Weights = Weights()
    names: bool = True


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits, best first, the question's terms with their idf, and milliseconds spent."""

    hits: list[Hit]
    term_weights: dict[str, float]
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
    records.asked(question)
    with records.stage("retrieve", generation=snapshot.generation) as notes:
        found = _search(question, snapshot, embedder, settings, collection)
        notes.update(embed_ms=found.embed_ms, search_ms=found.search_ms, hits=len(found.hits))
    return found


def _search(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    collection: str | None,
) -> Retrieved:
    started = time.perf_counter()
    candidates = max(settings.candidates, settings.top_k)
    # Neither needs the other: of a million chunks both take as long.
    words = snapshot.lexical_beside(question, candidates, collection)
    query = embedder.embed_query(question)
    embedded = time.perf_counter()
    dense = snapshot.dense(query, candidates, collection)
    lexical = words.result()
    weights = snapshot.term_weights(question)
    close = snapshot.closeness(query, dense.keys() | lexical.keys())
    held = {title: set(terms(title)) for title in {near.title for near in close.values()}}
    titles = {title: overlap(own, weights) for title, own in held.items()}
    names = named(weights, held) if settings.names else frozenset[str]()
    theirs = [chunk for chunk, near in close.items() if near.title in names]
    rest = beyond(question, {term for title in names for term in held[title]}) if names else ""
    openings: set[int] = set()
    if rest:
        mixed = _mixed(query, embedder.embed_query(rest), settings.weights.beyond)
        close |= levelled(close, snapshot.closeness(mixed, theirs))
        if asks_of_origin(rest):
            openings = {chunk.id for chunk in snapshot.chunks(theirs) if chunk.start == 0}
    fused = fuse(close, lexical, weights, titles, settings.weights, openings)
    scores = dict(fused)
    hits = [
        Hit(
            chunk,
            scores[chunk.id],
            close[chunk.id],
            lexical.get(chunk.id),
            close[chunk.id].title in names,
        )
        for chunk in distinct(list(scores), snapshot.chunks, settings.top_k)
    ]
    done = time.perf_counter()
    return Retrieved(hits, weights, (embedded - started) * 1000, (done - embedded) * 1000)


def _mixed(query: Vectors, other: Vectors, share: float) -> Vectors:
    """A cosine with it is the shares' mean of the cosines with both."""
    return ((1 - share) * query + share * other).astype(np.float32)


def check_collection(snapshot: Snapshot, collection: str | None) -> None:
    """Raise `UnknownCollection` for a name that no document goes by. None is all of them."""
    if collection is not None and not snapshot.has_collection(collection):
        known = snapshot.collections()
        raise UnknownCollection(f"no collection {collection!r} in the index: it has {known}")

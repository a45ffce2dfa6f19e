"""Question → hits: dense and lexical candidates of one generation, fused, the best `top_k`."""

import time
from collections.abc import Mapping
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
from service.sources import asks_for_latest, names_of, preferring_latest, shares


class UnknownCollection(ValueError):
    """No document of the index is in the collection; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk.

    `score` is the fused one, by which hits are sorted: 1 and the weights of title, opening and
    source at the most, on one scale for all questions. `close` are the cosines of the chunk and its
    sentences; `bm25` is None where lexical search did not list the chunk. `named`: whether the
    question names the document. `source`: what of the score is for names of the question that the
    document has; it tells documents apart, not whether they answer.
    """

    chunk: StoredChunk
    score: float
    close: Closeness
    bm25: float | None
    named: bool = False
    source: float = 0.0


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
    sources = {} if names else _sources(question, snapshot, close, settings)
    scores = dict(fuse(close, lexical, weights, titles, settings.weights, openings, sources))
    hits = [
        Hit(
            chunk,
            scores[chunk.id],
            close[chunk.id],
            lexical.get(chunk.id),
            close[chunk.id].title in names,
            settings.weights.source * sources.get(chunk.document.id, 0.0),
        )
        for chunk in distinct(list(scores), snapshot.chunks, settings.top_k)
    ]
    done = time.perf_counter()
    return Retrieved(hits, weights, (embedded - started) * 1000, (done - embedded) * 1000)


def _sources(
    question: str, snapshot: Snapshot, close: Mapping[int, Closeness], settings: RetrievalSettings
) -> dict[int, float]:
    """By document id; of no use, and so not read, where all candidates are of one document."""
    titles = {near.document: near.title for near in close.values()}
    if not (settings.names and settings.weights.source and len(titles) > 1):
        return {}
    asked, latest = names_of(question), asks_for_latest(question)
    openings = snapshot.openings(titles) if asked else {}
    texts = {one: f"{title}\n{openings.get(one, '')}" for one, title in titles.items()}
    found = shares(asked, texts)
    return preferring_latest(found, titles) if latest else found


def _mixed(query: Vectors, other: Vectors, share: float) -> Vectors:
    """A cosine with it is the shares' mean of the cosines with both."""
    return ((1 - share) * query + share * other).astype(np.float32)


def check_collection(snapshot: Snapshot, collection: str | None) -> None:
    """Raise `UnknownCollection` for a name that no document goes by. None is all of them."""
    if collection is not None and not snapshot.has_collection(collection):
        known = snapshot.collections()
        raise UnknownCollection(f"no collection {collection!r} in the index: it has {known}")

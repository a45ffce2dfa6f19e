"""Configurations of retrieval: what ranks the chunks of an index for a question.

The plain ones put two lists of `DEPTH` chunks together, the embedder's and BM25's; the others are
the service's own retrieval, as it is shipped or with other weights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ingest.embed import Embedder, Vectors
from ingest.snapshot import Snapshot
from service.fuse import BM25_MOST
from service.retrieve import Hit, RetrievalSettings, Retrieved, retrieve

DEPTH = 50
"""Chunks in each list, and in a ranking."""

RRF_K = 60
"""Of reciprocal rank fusion, as its authors chose it."""

PLAIN = ("bm25", "minilm", "rrf", "minmax")
NAMELESS, SOURCELESS, SHIPPED = "nameless", "sourceless", "shipped"

Scores = Mapping[int, float]
"""Chunk ids with their scores."""


class UnknownConfiguration(ValueError):
    """No configuration goes by that name; the message says which there are."""


class Configuration(Protocol):
    """A way to rank."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    @property
    def graded(self) -> bool:
        """Whether its scores are on the scale by which the service abstains."""
        ...

    def rank(self, question: str, snapshot: Snapshot, embedder: Embedder) -> Retrieved:
        """The best chunks, `DEPTH` at most, scores between 0 and 1 or a little above."""
        ...


@dataclass(frozen=True, slots=True)
class Lists:
    """The two lists as `combine` puts them together.

    `combine` takes the dense and the lexical scores, and the most that BM25 could give for the
    question; its scores are 1 at the most, as the service's are, since quotes are chosen by them.
    """

    name: str
    combine: Callable[[Scores, Scores, float], Scores]
    graded: bool = False

    def rank(self, question: str, snapshot: Snapshot, embedder: Embedder) -> Retrieved:
        """See `Configuration.rank`."""
        query = embedder.embed_query(question)
        dense, lexical = snapshot.dense(query, DEPTH), snapshot.lexical(question, DEPTH)
        weights = snapshot.term_weights(question)
        most = BM25_MOST * sum(weights.values()) or 1.0
        scores = self.combine(dense, lexical, most)
        order = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))[:DEPTH]
        close = snapshot.closeness(query, order)
        hits = [
            Hit(chunk, scores[chunk.id], close[chunk.id], lexical.get(chunk.id))
            for chunk in snapshot.chunks(order)
        ]
        return Retrieved(hits, weights, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Service:
    """The service's retrieval under some settings."""

    name: str
    settings: RetrievalSettings
    graded: bool = True

    def rank(self, question: str, snapshot: Snapshot, embedder: Embedder) -> Retrieved:
        """See `Configuration.rank`."""
        return retrieve(question, snapshot, embedder, replace(self.settings, top_k=DEPTH))


def configuration(name: str, shipped: RetrievalSettings) -> Configuration:
    """The configuration of a name.

    Args:
        name: One of `PLAIN`; "minmax:0.7" with a share of the dense list; "shipped"; "nameless",
            the same as if no question had a name in it; "sourceless", as if only whole titles were
            names; or "fused:0.5,0.6,0.1", the service's with other weights: dense, sentence, title.
        shipped: The settings as shipped.

    Raises:
        UnknownConfiguration: There is none of that name.
    """
    kind, _, numbers = name.partition(":")
    try:
        values = [float(number) for number in numbers.split(",")] if numbers else []
    except ValueError:
        values = [-1.0]
    right = all(0 <= value <= 1 for value in values)
    if kind == "minmax" and len(values) <= 1 and right:
        share = values[0] if values else 0.5
        return Lists(name, lambda dense, lexical, _: min_max(dense, lexical, share))
    if kind == "fused" and len(values) == 3 and right:
        dense, sentence, title = values
        weights = replace(shipped.weights, dense=dense, sentence=sentence, title=title)
        return Service(name, replace(shipped, weights=weights))
    plain: dict[str, Configuration] = {
        "bm25": Lists(
            name, lambda _, lexical, most: {one: score / most for one, score in lexical.items()}
        ),
        "minilm": Lists(name, lambda dense, _, __: dense),
        "rrf": Lists(name, lambda dense, lexical, _: reciprocal_ranks((dense, lexical))),
        NAMELESS: Service(name, replace(shipped, names=False)),
        SOURCELESS: Service(name, replace(shipped, weights=replace(shipped.weights, source=0.0))),
        SHIPPED: Service(name, shipped),
    }
    if name not in plain:
        raise UnknownConfiguration(
            f"no configuration {name!r}: there are {', '.join(PLAIN)}, minmax:SHARE, {NAMELESS}, "
            f"{SOURCELESS}, {SHIPPED} and fused:DENSE,SENTENCE,TITLE, the numbers between 0 and 1"
        )
    return plain[name]


def reciprocal_ranks(lists: Sequence[Scores]) -> dict[int, float]:
    """Reciprocal rank fusion, as a share of the most: 1 is the first of all lists.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet" (SIGIR 2009).
    """
    scores: dict[int, float] = {}
    for found in lists:
        order = sorted(found, key=lambda chunk: (-found[chunk], chunk))
        for rank, chunk in enumerate(order, start=1):
            scores[chunk] = scores.get(chunk, 0.0) + (RRF_K + 1) / (RRF_K + rank) / len(lists)
    return scores


def min_max(dense: Scores, lexical: Scores, share: float) -> dict[int, float]:
    """Each list stretched from 0 to 1 and added up, the dense one with `share`, the other the rest.

    A chunk that a list lacks has 0 there.
    """
    first, second = _stretched(dense), _stretched(lexical)
    return {
        chunk: share * first.get(chunk, 0.0) + (1 - share) * second.get(chunk, 0.0)
        for chunk in first.keys() | second.keys()
    }


def _stretched(scores: Scores) -> dict[int, float]:
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {chunk: (score - low) / (high - low) for chunk, score in scores.items()}


class Remembering:
    """An embedder that embeds a question once, for all configurations."""

    def __init__(self, inner: Embedder) -> None:
        """`inner` does the work."""
        self._inner = inner
        self._queries: dict[str, Vectors] = {}
        self.name, self.revision = inner.name, inner.revision
        self.dimension, self.token_limit = inner.dimension, inner.token_limit

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        return self._inner.count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return self._inner.embed(texts)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        if text not in self._queries:
            self._queries[text] = self._inner.embed_query(text)
        return self._queries[text]

"""Fusing what dense and lexical search say of a chunk. Pure.

Both are put on absolute scales before they are added: a cosine is one already, and BM25 is divided
by the most that the question's terms could give. Scores so fused can be compared between questions,
and a lexical list in which nothing fits well does not count as if it did, which is what min-max and
reciprocal ranks do (Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS
2023; measured in docs/decisions/2026-11-24-fusion.md).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ingest.stored import Closeness

BM25_MOST = 2.2
"""A term gives its weight times k1 + 1 at the most, k1 being 1.2 (tantivy's)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the parts of a score.

    `dense`: of the cosines against BM25; `sentence`: of the best sentence's cosine against the
    chunk's own; `title`: added for the question's terms in the document's title. Of a document that
    the question names, `beyond`: of the cosines to the question without that name against those to
    all of it; `opening`: added to its first chunk where the question asks who, or when. `source`:
    added for the question's names in the document's title and opening; see `service.sources`.
    """

    dense: float = 0.5
    sentence: float = 0.6
    title: float = 0.1
    beyond: float = 0.7
    opening: float = 0.2
    source: float = 0.15


def fuse(
    close: Mapping[int, Closeness],
    lexical: Mapping[int, float],
    term_weights: Mapping[str, float],
    titles: Mapping[str, float],
    weights: Weights,
    openings: Collection[int] = (),
    sources: Mapping[int, float] | None = None,
) -> list[tuple[int, float]]:
    """(chunk id, score) in falling order, ties by id.

    `close` has all candidates; `lexical` the BM25 scores of those that have one; `term_weights` the
    question's terms with their idf; `titles` the share of them that each document's title holds;
    `openings` the first chunks of documents in which the answer is likely; `sources` the share of
    the question's names that each document has, by its id.
    """
    most = BM25_MOST * sum(term_weights.values()) or 1.0
    fused = {
        chunk: weights.dense * ((1 - weights.sentence) * near.cosine + weights.sentence * near.best)
        + (1 - weights.dense) * lexical.get(chunk, 0.0) / most
        + weights.title * titles[near.title]
        + (weights.opening if chunk in openings else 0.0)
        + (weights.source * sources[near.document] if sources else 0.0)
        for chunk, near in close.items()
    }
    return sorted(fused.items(), key=lambda pair: (-pair[1], pair[0]))


def overlap(text_terms: Collection[str], weights: Mapping[str, float]) -> float:
    """The share of the question's terms that a text holds, each by its weight (idf); 0…1."""
    if not weights:
        return 0.0
    # A loop, not a generator: it is run for every sentence of a question's hits, three times.
    total = held = 0.0
    for term, weight in weights.items():
        total += weight
        if term in text_terms:
            held += weight
    return held / total if total else 0.0

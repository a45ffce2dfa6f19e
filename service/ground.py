"""Which sentences of the passages bear an answer, and whether a model's answer is borne. Pure.

A quote is one sentence of 300 characters or less; an answer has `QUOTES` at most.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from service.fuse import overlap
from service.retrieve import Hit
from service.shape import fits

QUOTES = 3

OVERLAP_WEIGHT = 0.3
HEADING_WEIGHT = 0.1
CODE_WEIGHT = 0.2
SHAPE_WEIGHT = 0.25
NEIGHBOUR_WEIGHT = 0.2
HIT_WEIGHT = 0.5
LENGTH_WEIGHT = 0.1
FULL_LENGTH = 200
"""Weights of `rank` beside the cosine's 1, chosen on the `tune` articles and the demo company's
development questions: docs/decisions/2026-11-24-quotes.md."""

SUPPORT_SHARE = 0.8
"""Share of an answer's words, beyond those of the question, that its quotes must hold."""

Terms = Callable[[str], list[str]]
"""A text's terms as the text index has them: lower case, stemmed."""

_CITED = re.compile(r"\s*\[\d+(?:\s*[,;]\s*\d+)*\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Quote:
    """A ranked sentence of a hit, by offsets into the hit's text.

    `overlap` is the share of the question's weight in terms that it holds.
    """

    hit: Hit
    start: int
    end: int
    text: str
    score: float
    cosine: float
    overlap: float


def rank(
    question: str, hits: Sequence[Hit], weights: Mapping[str, float], terms: Terms
) -> list[Quote]:
    """The sentences of the hits, best first; `weights` are the question's terms with their idf.

    A sentence counts by its meaning, the question's rare words in it and in its headings, the codes
    and numbers that the question names, whether it has the shape of an answer (a number to "how
    many"), its length, its hit, and the sentence before or after it: what a question asks for often
    stands next to the sentence that it sounds like.
    """
    return sorted(
        (quote for hit in hits for quote in _ranked(question, hit, weights, terms)),
        key=lambda quote: -quote.score,
    )


def _ranked(question: str, hit: Hit, weights: Mapping[str, float], terms: Terms) -> list[Quote]:
    """The sentences of one hit, in the order of its text."""
    cosines = hit.close.sentences
    texts = [hit.chunk.text[start:end] for start, end in hit.close.spans]
    headings = [hit.chunk.heading(start) for start, _ in hit.close.spans]
    held = [set(terms(text)) for text in texts]
    overlaps = [overlap(found, weights) for found in held]
    near = [
        cosine + OVERLAP_WEIGHT * share for cosine, share in zip(cosines, overlaps, strict=True)
    ]
    codes = dict.fromkeys((term for term in weights if not term.isalpha()), 1.0)

    def score(at: int) -> float:
        above = set(terms(headings[at]))
        beside = near[max(at - 1, 0) : at] + near[at + 1 : at + 2]
        return (
            near[at]
            + NEIGHBOUR_WEIGHT * max(beside, default=0.0)
            + HEADING_WEIGHT * overlap(above - held[at], weights)
            + CODE_WEIGHT * overlap(above | held[at], codes)
            + SHAPE_WEIGHT * fits(question, texts[at], headings[at])
            + LENGTH_WEIGHT * min(len(texts[at]), FULL_LENGTH) / FULL_LENGTH
            + HIT_WEIGHT * hit.score
        )

    return [
        Quote(hit, *hit.close.spans[at], text, score(at), cosines[at], overlaps[at])
        for at, text in enumerate(texts)
    ]


def best_quotes(ranked: Sequence[Quote], count: int = QUOTES) -> list[Quote]:
    """The best, none of the same words twice."""
    kept: dict[str, Quote] = {}
    for quote in ranked:
        kept.setdefault(" ".join(quote.text.casefold().split()), quote)
        if len(kept) == count:
            break
    return list(kept.values())


def without_citations(answer: str) -> str:
    """The answer without its [n] and [n, m]."""
    return _CITED.sub("", answer).strip()


def support(
    answer: str, question: str, quotes: Sequence[Quote], terms: Terms
) -> list[Quote] | None:
    """The fewest quotes that bear the answer, best first; None where they do not.

    Its numbers must all stand in them, and of its terms beyond the question's a share of
    `SUPPORT_SHARE` or more. An answer that says nothing beyond the question is not borne.
    """
    said = without_citations(answer)
    wanted = set(terms(said)) - set(terms(question))
    numbers = set(_NUMBER.findall(said)) - set(_NUMBER.findall(question))
    if not wanted:
        return None

    def held(chosen: Sequence[Quote]) -> int:
        text = "\n".join(quote.text for quote in chosen)
        return len(wanted.intersection(terms(text))) if numbers <= set(_NUMBER.findall(text)) else 0

    for count in range(1, QUOTES + 1):
        most = max(combinations(quotes, count), key=held, default=())
        if held(most) >= SUPPORT_SHARE * len(wanted):
            return list(most)
    return None

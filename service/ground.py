"""Which sentences of the passages bear an answer, and whether a model's answer is borne. Pure.

A quote is one sentence of 300 characters or less; an answer has `QUOTES` at most.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.sentences import sentences
from service.fuse import overlap
from service.orders import orders
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

SUPPORT_SHARE = 0.9
"""Share of a statement's words that one quote must hold, headings included."""

Terms = Callable[[str], list[str]]
"""A text's terms as the text index has them: lower case, stemmed."""

_CITED = re.compile(r"\s*\[\d+(?:\s*[,;]\s*\d+)*\]")
_COMMON = (
    "a an and are as at be been by can could did do does for from had has have he her his how i if "
    "in into is it its may might must of on or our she should so such that the their them "
    "then there these they this those to up was we were what when where which who why will with "
    "would yes you your"
)
"""Words that say nothing on their own."""
_CODE = re.compile(r"(?:[^\W\d_]+-?)?\d(?:[\w.,:-]*\w)?")
"""A number or a code with a figure, whole: 2,410, LH-210R, INC-2024-009."""


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
    stands next to the sentence that it sounds like. What gives orders to a model is no quote.
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
    held = [_kinds(terms, text) for text in texts]
    above = {heading: _kinds(terms, heading) for heading in set(headings)}
    overlaps = [overlap(found, weights) for found in held]
    near = [
        cosine + OVERLAP_WEIGHT * share for cosine, share in zip(cosines, overlaps, strict=True)
    ]
    codes = dict.fromkeys((term for term in weights if not term.isalpha()), 1.0)

    def score(at: int) -> float:
        over = above[headings[at]]
        beside = near[max(at - 1, 0) : at] + near[at + 1 : at + 2]
        return (
            near[at]
            + NEIGHBOUR_WEIGHT * max(beside, default=0.0)
            + HEADING_WEIGHT * overlap(over - held[at], weights)
            + (CODE_WEIGHT * overlap(over | held[at], codes) if codes else 0.0)
            + SHAPE_WEIGHT * fits(question, texts[at], headings[at])
            + LENGTH_WEIGHT * min(len(texts[at]), FULL_LENGTH) / FULL_LENGTH
            + HIT_WEIGHT * hit.score
        )

    first, last = orders(hit.chunk.text) or (0, 0)
    return [
        Quote(hit, start, end, texts[at], score(at), cosines[at], overlaps[at])
        for at, (start, end) in enumerate(hit.close.spans)
        if end <= first or start >= last
    ]


@lru_cache(maxsize=4096)  # the same sentences are ranked again and again
def _kinds(terms: Terms, text: str) -> frozenset[str]:
    """A text's terms, each once."""
    return frozenset(terms(text))


def best_quotes(ranked: Sequence[Quote], count: int = QUOTES) -> list[Quote]:
    """The best, none of the same words twice.

    Where the question names the best one's document, the best of each page come first, or of each
    hit where there are no pages: all of that document is near then, and what is asked for stands
    on one more page more often than on one page twice.
    """
    kept: dict[str, Quote] = {}
    for quote in _spread(ranked) if ranked and ranked[0].hit.named else ranked:
        kept.setdefault(" ".join(quote.text.casefold().split()), quote)
        if len(kept) == count:
            break
    return list(kept.values())


def _spread(ranked: Sequence[Quote]) -> list[Quote]:
    """The best quote of each page or hit, then the others, both in their order."""
    first: dict[tuple[int, int], Quote] = {}
    others = [quote for quote in ranked if first.setdefault(_place(quote), quote) is not quote]
    return [*first.values(), *others]


def _place(quote: Quote) -> tuple[int, int]:
    """Document and page, or the chunk outside PDFs."""
    chunk = quote.hit.chunk
    page, _ = chunk.document.place(chunk.start + quote.start)
    return (chunk.document.id, page) if page else (-1, chunk.id)


def without_citations(answer: str) -> str:
    """The answer without its [n] and [n, m]."""
    return _CITED.sub("", answer).strip()


def support(
    answer: str, question: str, quotes: Sequence[Quote], terms: Terms
) -> list[Quote] | None:
    """The quotes that bear the answer, in its order; None where they do not.

    Each statement must stand in one quote, with the title and headings above it: `SUPPORT_SHARE` of
    its words but the commonest, and all of its numbers and codes. What can be put together from
    several sentences is not thereby said by any. An answer that tells nothing beyond the question
    and the headings, or is not of the kind that was asked for, is not borne.
    """
    said = without_citations(answer)
    common, asked = set(terms(_COMMON)), set(terms(question))
    bearing: list[Quote] = []
    tells = False
    for start, end in sentences(said):
        words = set(terms(said[start:end])) - common
        shares = [_share(words, _codes(said[start:end]), quote, terms) for quote in quotes]
        if words and max(shares, default=0.0) < SUPPORT_SHARE:
            return None
        if not words:
            continue
        best = quotes[shares.index(max(shares))]
        tells = tells or bool((words - asked).intersection(terms(best.text)))
        if best not in bearing:
            bearing.append(best)
    return bearing if tells and fits(question, said) else None


def _share(words: set[str], codes: set[str], quote: Quote, terms: Terms) -> float:
    """The share of a statement's words that a quote holds; none where it lacks a code."""
    text = f"{quote.hit.chunk.heading(quote.start)}\n{quote.text}"
    if not words or not codes <= _codes(text):
        return 0.0
    held = set(terms(text))
    return len(words & held) / len(words)


def _codes(text: str) -> set[str]:
    return {code.casefold() for code in _CODE.findall(text)}

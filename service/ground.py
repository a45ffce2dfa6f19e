"""Which sentences of the passages bear an answer, and whether a model's answer is borne. Pure.

A quote is one sentence of `QUOTE_CHARACTERS` or less; an answer has `QUOTES` at most.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ingest.sentences import Span, sentences, trim

QUOTE_CHARACTERS = 300
QUOTES = 3

OVERLAP_WEIGHT = 0.5
HIT_WEIGHT = 0.1
LENGTH_WEIGHT = 0.1
FULL_LENGTH = 200
"""Weights of `rank`, chosen on the `tune` articles: docs/decisions/2026-11-24-quotes.md."""

SUPPORT_SHARE = 0.8
"""Share of an answer's words, beyond those of the question, that its quotes must hold."""

Terms = Callable[[str], list[str]]
"""A text's terms as the text index has them: lower case, stemmed."""

_CITED = re.compile(r"\s*\[(\d+)\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_BREAK = re.compile(r"[;,:)](?=\s)|\s[-–—|](?=\s)")
_SCRAP = 3
"""A line of fewer words is a heading or a cell: no quote."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: the number of its passage, from 1, and offsets into the passage's text."""

    passage: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A ranked sentence; `overlap` is the share of the question's weight in terms that it holds."""

    sentence: Sentence
    score: float
    cosine: float
    overlap: float


def split(passages: Sequence[str]) -> list[Sentence]:
    """The sentences of the passages that can be quoted; longer ones in pieces, cut at a clause."""
    return [
        Sentence(number, span.start, span.end, text[span.start : span.end])
        for number, text in enumerate(passages, start=1)
        for sentence in sentences(text)
        for span in _pieces(text, sentence)
        if len(text[span.start : span.end].split()) >= _SCRAP
    ]


def _pieces(text: str, span: Span) -> list[Span]:
    pieces: list[Span] = []
    start, end = span
    while end - start > QUOTE_CHARACTERS:
        window = text[start : start + QUOTE_CHARACTERS]
        clauses = [found.end() for found in _BREAK.finditer(window)]
        cut = max((at for at in clauses if at > QUOTE_CHARACTERS // 3), default=0)
        cut = cut or window.rfind(" ") if cut or " " in window else QUOTE_CHARACTERS
        pieces.append(trim(text, start, start + cut))
        start = trim(text, start + cut, end).start
    pieces.append(Span(start, end))
    return pieces


def overlap(text_terms: Collection[str], weights: Mapping[str, float]) -> float:
    """The share of the question's terms that a text holds, each by its weight (idf); 0…1."""
    total = sum(weights.values())
    held = sum(weight for term, weight in weights.items() if term in text_terms)
    return held / total if total else 0.0


def rank(
    found: Sequence[Sentence],
    cosines: Sequence[float],
    hit_scores: Sequence[float],
    weights: Mapping[str, float],
    terms: Terms,
) -> list[Quote]:
    """Quotes, best first: by meaning, by the question's rare words, by their hit, by substance.

    `cosines` are those of each sentence with the question; `hit_scores` belong to the passages.
    """
    quotes: list[Quote] = []
    for sentence, cosine in zip(found, cosines, strict=True):
        held = overlap(set(terms(sentence.text)), weights)
        score = (
            cosine
            + OVERLAP_WEIGHT * held
            + HIT_WEIGHT * hit_scores[sentence.passage - 1]
            + LENGTH_WEIGHT * min(len(sentence.text), FULL_LENGTH) / FULL_LENGTH
        )
        quotes.append(Quote(sentence, score, cosine, held))
    return sorted(quotes, key=lambda quote: -quote.score)


def best_quotes(ranked: Sequence[Quote], count: int = QUOTES) -> list[Quote]:
    """The best, none of the same words twice."""
    kept: dict[str, Quote] = {}
    for quote in ranked:
        kept.setdefault(" ".join(quote.sentence.text.casefold().split()), quote)
        if len(kept) == count:
            break
    return list(kept.values())


def without_citations(answer: str) -> str:
    """The answer without its [n]."""
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
    held = {quote: set(terms(quote.sentence.text)) & wanted for quote in quotes}
    chosen: list[Quote] = []
    missing = set(wanted)
    while missing and len(chosen) < QUOTES:
        best = max(quotes, key=lambda quote: (len(held[quote] & missing), quote.score))
        if not held[best] & missing:
            break
        chosen.append(best)
        missing -= held[best]
    borne = {number for quote in chosen for number in _NUMBER.findall(quote.sentence.text)}
    if len(missing) > (1 - SUPPORT_SHARE) * len(wanted) or not numbers <= borne:
        return None
    return chosen

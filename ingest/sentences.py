"""Sentence borders with offsets. Pure: text in, spans out.

Sentences come from sentencex (Wikimedia's rules for some 300 languages). A line break ends a
sentence too, since readers put headings, list items and table rows on lines of their own.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypedDict, cast

import sentencex

_SPACES = {
    ord(space): " "
    for space in "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000"
    "\u0085\u00a0\u2028\u2029\u202f\u205f"
}
"""White space of several bytes: sentencex (1.0.32) cuts it in two after an initial, and panics."""


class Span(NamedTuple):
    """Offsets into a text: `text[start:end]`, without white space at either end."""

    start: int
    end: int


class _Boundary(TypedDict):
    start_index: int
    end_index: int


def sentences(text: str, language: str = "en") -> list[Span]:
    """The sentences of `text` in order; none is empty and none holds a line break."""
    return [span for line in _lines(text) for span in _split_line(text, line, language)]


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        if line.strip():
            yield trim(text, start, end)
        start = end


def _split_line(text: str, line: Span, language: str) -> Iterator[Span]:
    # sentencex reports offsets in characters of what it is given.
    given = text[line.start : line.end].translate(_SPACES)
    found = sentencex.get_sentence_boundaries(language, given)  # pyright: ignore
    for boundary in cast("list[_Boundary]", found):
        span = trim(text, line.start + boundary["start_index"], line.start + boundary["end_index"])
        if span.start < span.end:
            yield span


def trim(text: str, start: int, end: int) -> Span:
    """The span without the white space at its ends; empty where it holds nothing else."""
    piece = text[start:end]
    lead = len(piece) - len(piece.lstrip())
    return Span(start + lead, max(start + lead, start + len(piece.rstrip())))

"""Chunks → vectors: one for each chunk, one for each of its sentences that can be quoted.

A chunk of 256 tokens blurs what its one right sentence says. Candidates are found by the chunks'
vectors and sorted by their best sentence's too; the same vectors choose the quotes, so that a
question costs no further embedding (docs/decisions/2026-11-24-sentence-vectors.md).
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.chunk import Chunk, contextual, section_at
from ingest.documents import Document
from ingest.embed import Embedder
from ingest.sentences import Span, sentences, trim

QUOTE_CHARACTERS = 300
"""The longest quote. Longer sentences are cut into pieces, at a clause where there is one."""

_HEADER_CHARACTERS = 120
_SCRAP = 3
"""A line of fewer words is a heading or a lone cell: no quote."""
_BREAK = re.compile(r"[;,:)](?=\s)|\s[-–—|](?=\s)")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vectors of one chunk, rows of length one.

    `embedding`: float32, shape (dimension,); `spans`: the sentences' offsets into the chunk's text;
    `sentences`: float16, shape (sentences, dimension).
    """

    embedding: NDArray[np.float32]
    spans: tuple[Span, ...]
    sentences: NDArray[np.float16]


def encode(
    cut: Sequence[tuple[Document, Sequence[Chunk]]], embedder: Embedder
) -> list[list[Encoded]]:
    """The vectors of the chunks of several documents. A text that repeats is embedded once."""
    texts: dict[str, int] = {}

    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    def places(document: Document, chunk: Chunk) -> tuple[int, tuple[Span, ...], list[int]]:
        whole = place(contextual(document.title, chunk.section, chunk.text))
        spans = tuple(quotable(document, chunk))
        return whole, spans, [place(sentence_text(document, chunk, span)) for span in spans]

    placed = [[places(document, one) for one in chunks] for document, chunks in cut]
    vectors = embedder.embed(list(texts))
    halves = vectors.astype(np.float16)
    return [
        [Encoded(vectors[whole], spans, halves[parts]) for whole, spans, parts in chunks]
        for chunks in placed
    ]


def quotable(document: Document, chunk: Chunk) -> list[Span]:
    """The sentences of a chunk that can be quoted, by offsets into its text.

    They are `QUOTE_CHARACTERS` long at most; headings are none.
    """
    sections = document.sections
    first, last = (
        bisect_left(sections, at, key=lambda section: section.start)
        for at in (chunk.start, chunk.end)
    )
    headings = {section.start - chunk.start for section in sections[first:last]}
    return [
        span
        for sentence in sentences(chunk.text)
        if sentence.start not in headings and _text(chunk, sentence) != document.title
        for span in _pieces(chunk.text, sentence)
        if len(_text(chunk, span).split()) >= _SCRAP
    ]


def sentence_text(document: Document, chunk: Chunk, span: Span) -> str:
    """What is embedded for a sentence: title and the heading path it stands under, then itself."""
    section = section_at(document.sections, chunk.start + span.start)
    header = " > ".join([document.title, *section])[:_HEADER_CHARACTERS]
    return f"{header}: {_text(chunk, span)}"


def _text(chunk: Chunk, span: Span) -> str:
    return chunk.text[span.start : span.end]


def _pieces(text: str, span: Span) -> list[Span]:
    pieces: list[Span] = []
    start, end = span
    while end - start > QUOTE_CHARACTERS:
        window = text[start : start + QUOTE_CHARACTERS]
        clauses = [found.end() for found in _BREAK.finditer(window)]
        cut = max((at for at in clauses if at > QUOTE_CHARACTERS // 3), default=0)
        cut = cut or (window.rfind(" ") if " " in window else QUOTE_CHARACTERS)
        pieces.append(trim(text, start, start + cut))
        start = trim(text, start + cut, end).start
    pieces.append(Span(start, end))
    return pieces

"""Hits made by hand: a document of one chunk whose sentences are as near as the test says."""

from collections.abc import Sequence
from pathlib import Path

from ingest.chunk import Chunk
from ingest.derive import terms
from ingest.documents import Document, Section
from ingest.encode import quotable
from ingest.stored import Closeness, StoredChunk, StoredDocument
from service.ground import Quote, rank
from service.retrieve import Hit


def hit(
    text: str,
    cosines: Sequence[float] | None = None,
    *,
    title: str = "Notes",
    sections: Sequence[Section] = (),
    cosine: float = 0.5,
    score: float = 0.5,
) -> Hit:
    """`cosines` are those of the sentences, 0.5 each unless told otherwise."""
    document = Document("notes.md", title, "markdown", text, tuple(sections))
    chunk = Chunk(0, text, (), None, None, 0, len(text))
    spans = tuple(quotable(document, chunk))
    close = Closeness(title, cosine, spans, tuple(cosines or [0.5] * len(spans)))
    assert len(close.sentences) == len(spans)
    stored = StoredDocument(
        1, Path("wiki"), "notes.md", "notes.md", "markdown", title, "wiki", {}, sections, (), ()
    )
    return Hit(StoredChunk(1, stored, text, (), None, None, 0, len(text)), score, close, None)


def weigh(question: str) -> dict[str, float]:
    """The question's terms, each as rare as the others."""
    return dict.fromkeys(terms(question), 1.0)


def ranked(question: str, *hits: Hit) -> list[Quote]:
    return rank(question, hits, weigh(question), terms)


def quotes(*texts: str) -> list[Quote]:
    """Quotes in this order, each a sentence of a hit of its own."""
    return [Quote(hit(text), 0, len(text), text, -at, 0.5, 0.0) for at, text in enumerate(texts)]

"""Documents and chunks as an index has them, and reading them from its rows."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.checksums import CHUNK, DOCUMENT, sound
from ingest.chunk import page_at, section_at
from ingest.documents import Page, Section
from ingest.embed import Vectors
from ingest.schema import IndexRefused
from ingest.sentences import Span

_SPAN_BYTES = 8


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as the index has it; see `ingest.documents.Document` for the fields."""

    id: int
    root: Path
    file: str
    path: str
    kind: str
    title: str
    collection: str
    metadata: Mapping[str, str]
    sections: Sequence[Section]
    pages: Sequence[Page]
    empty_pages: Sequence[int]

    def place(self, offset: int) -> tuple[int | None, tuple[str, ...]]:
        """The physical page (from 1; None outside PDFs) and heading path at a text offset."""
        return page_at(self.pages, offset), section_at(self.sections, offset)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the index has it; `text` is the document's text from `start` to `end`."""

    id: int
    document: StoredDocument
    text: str
    section: tuple[str, ...]
    page_from: int | None
    page_to: int | None
    start: int
    end: int

    def heading(self, offset: int) -> str:
        """Title and heading path at an offset of the chunk's text."""
        _, section = self.document.place(self.start + offset)
        return " > ".join([self.document.title, *section])


@dataclass(frozen=True, slots=True)
class Closeness:
    """Cosines of a question with a chunk and with its sentences, whose spans are in its text.

    `title` and `document`, its id, are of the document that the chunk is from.
    """

    title: str
    cosine: float
    spans: tuple[Span, ...]
    sentences: tuple[float, ...]
    document: int = 0

    @property
    def best(self) -> float:
        """That of the nearest sentence, or the chunk's own where it has none."""
        return max(self.sentences, default=self.cosine)


def to_document(row: sqlite3.Row) -> StoredDocument:
    """A row of documents, with its root's path as `root`.

    Raises `IndexRefused` for a damaged one.
    """
    _refuse_damaged(row, DOCUMENT)
    return StoredDocument(
        id=row["id"],
        root=Path(row["root"]),
        file=row["file"],
        path=row["path"],
        kind=row["kind"],
        title=row["title"],
        collection=row["collection"],
        metadata=json.loads(row["metadata"]),
        sections=[Section(start, tuple(path)) for start, path in json.loads(row["sections"])],
        pages=[Page(start, label) for start, label in json.loads(row["pages"])],
        empty_pages=json.loads(row["empty_pages"]),
    )


def to_chunk(row: sqlite3.Row, document: StoredDocument) -> StoredChunk:
    """A row of chunks. Raises `IndexRefused` for a damaged one."""
    _refuse_damaged(row, CHUNK)
    return StoredChunk(
        id=row["id"],
        document=document,
        text=row["text"],
        section=tuple(json.loads(row["section"])),
        page_from=row["page_from"],
        page_to=row["page_to"],
        start=row["start"],
        end=row["end"],
    )


def to_closeness(rows: Sequence[sqlite3.Row], query: Vectors) -> dict[int, Closeness]:
    """The vectors of rows of chunks, with their titles, against a query of shape (1, dimension).

    By chunk id. Raises `IndexRefused` for a damaged row.
    """
    for row in rows:
        _refuse_damaged(row, CHUNK)
    # All rows at once: there are about a hundred, and each call of numpy costs as much as a row.
    pairs = np.frombuffer(b"".join(row["spans"] for row in rows), np.int32).reshape(-1, 2)
    spans = list(map(Span._make, pairs.tolist()))
    cosines = _cosines([row["embedding"] for row in rows], np.float32, query)
    sentences = _cosines([row["sentences"] for row in rows], np.float16, query)
    found, start = dict[int, Closeness](), 0
    for row, cosine in zip(rows, cosines, strict=True):
        end = start + len(row["spans"]) // _SPAN_BYTES
        found[row["id"]] = Closeness(
            row["title"],
            cosine,
            tuple(spans[start:end]),
            tuple(sentences[start:end]),
            row["document_id"],
        )
        start = end
    return found


def _cosines(
    blobs: Sequence[bytes], kind: type[np.float32] | type[np.float16], query: Vectors
) -> list[float]:
    vectors = np.frombuffer(b"".join(blobs), kind).reshape(-1, query.shape[1])
    return (vectors.astype(np.float32, copy=False) @ query[0]).tolist()


def _refuse_damaged(row: sqlite3.Row, names: tuple[str, ...]) -> None:
    if not sound(row, names):
        raise IndexRefused(
            f"row {row['id']} in the database of the index is damaged: restore a backup, or remove "
            "a damaged index and ingest again; `ragfirst status --verify` says what else is"
        )

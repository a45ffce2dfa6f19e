"""Bodies of the HTTP interface. Pydantic at the edge only; inside, dataclasses."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ingest.snapshot import StoredChunk, StoredDocument
from service.retrieve import Hit, Retrieved

Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
TopK = Annotated[int, Field(ge=1, le=20)]


class _Body(BaseModel):
    # Strict: true is no number of passages, and "no" is not false.
    model_config = ConfigDict(extra="forbid", strict=True)


class AnswerRequest(_Body):
    """A question. `top_k`: passages in the prompt; `collection`: search this one only.

    `stream`: answer by server-sent events.
    """

    question: Question
    top_k: TopK | None = None
    collection: str | None = None
    stream: bool = False


class SearchRequest(_Body):
    """A query."""

    query: Question
    top_k: TopK | None = None
    collection: str | None = None


class HitBody(BaseModel):
    """A retrieved passage; `page` is the physical one it begins on, null outside PDFs."""

    chunk_id: int
    document: str
    document_id: int
    title: str
    page: int | None
    section: str
    text: str
    score: float


class SearchTimings(BaseModel):
    """Milliseconds by stage."""

    embed: float
    search: float
    total: float


class SearchBody(BaseModel):
    """Hits, best first."""

    hits: list[HitBody]
    timings_ms: SearchTimings


class ChunkBody(BaseModel):
    """A passage by id; `start` and `end` are its place in the document's text."""

    chunk_id: int
    document: str
    document_id: int
    title: str
    kind: str
    page: int | None
    section: str
    text: str
    start: int
    end: int


class DocumentBody(BaseModel):
    """A document of the index. `empty_pages` are physical pages without text.

    `uploaded`: it came over HTTP, and can be replaced and deleted so.
    """

    id: int
    path: str
    title: str
    kind: str
    collection: str
    pages: int
    empty_pages: list[int]
    metadata: dict[str, str]
    uploaded: bool


class DocumentsBody(BaseModel):
    """All documents, by path."""

    documents: list[DocumentBody]
    generation: int


class CollectionBody(BaseModel):
    """A collection and how many documents it holds."""

    name: str
    documents: int


class CollectionsBody(BaseModel):
    """All collections, by name."""

    collections: list[CollectionBody]
    generation: int


class ReadyBody(BaseModel):
    """Whether questions can be answered; `waiting_for` names what is not loaded."""

    ready: bool
    waiting_for: list[str]
    generation: int | None = None


def hit_values(hit: Hit) -> dict[str, Any]:
    """The values of a `HitBody`."""
    values = chunk_values(hit.chunk)
    return {
        **{name: values[name] for name in HitBody.model_fields if name in values},
        "score": round(hit.score, 4),
    }


def search_values(found: Retrieved) -> dict[str, Any]:
    """The values of a `SearchBody`."""
    return {
        "hits": [hit_values(hit) for hit in found.hits],
        "timings_ms": {
            "embed": round(found.embed_ms, 2),
            "search": round(found.search_ms, 2),
            "total": round(found.embed_ms + found.search_ms, 2),
        },
    }


def chunk_values(chunk: StoredChunk) -> dict[str, Any]:
    """The values of a `ChunkBody`."""
    return {
        "chunk_id": chunk.id,
        "document": chunk.document.path,
        "document_id": chunk.document.id,
        "title": chunk.document.title,
        "kind": chunk.document.kind,
        "page": chunk.page_from,
        "section": " > ".join(chunk.section),
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
    }


def document_values(document: StoredDocument) -> dict[str, Any]:
    """The values of a `DocumentBody`."""
    return {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "kind": document.kind,
        "collection": document.collection,
        "pages": len(document.pages),
        "empty_pages": list(document.empty_pages),
        "metadata": dict(document.metadata),
    }

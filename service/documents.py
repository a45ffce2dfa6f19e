"""`/v1/documents` and `/v1/chunks`: what is in the index."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi import Path as FromPath
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from ingest.snapshot import Snapshot, StoredDocument
from service import problems
from service.access import Asking
from service.answer import Answerer
from service.retrieve import check_collection
from service.schemas import (
    ChunkBody,
    CollectionBody,
    CollectionsBody,
    DocumentBody,
    DocumentsBody,
    chunk_values,
    document_values,
)
from service.uploads import Uploads

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "html": "text/plain; charset=utf-8",
    "markdown": "text/plain; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "mediawiki": "application/octet-stream",
}
"""By document kind. HTML goes out as text: a document's scripts must not run beside the page."""

Id = Annotated[int, FromPath(ge=1, le=2**63 - 1, description="As citations and hits name it.")]


def add_documents(app: FastAPI, answerer: Callable[[], Answerer], uploads: Uploads) -> None:
    """Add the routes."""

    @app.get("/v1/collections", tags=["documents"], responses=problems.responses(503))
    def collections(caller: Asking) -> CollectionsBody:
        """The collections of the published generation, and how many documents each holds."""
        with answerer().reader.snapshot(caller.collections) as snapshot:
            return CollectionsBody(
                collections=[
                    CollectionBody(name=name, documents=count)
                    for name, count in snapshot.sizes().items()
                ],
                generation=snapshot.generation,
            )

    @app.get("/v1/documents", tags=["documents"], responses=problems.responses(404, 422, 503))
    def documents(
        caller: Asking,
        collection: Annotated[str | None, Query(description="Those of this one only.")] = None,
    ) -> DocumentsBody:
        """The documents of the published generation."""
        with answerer().reader.snapshot(caller.collections) as snapshot:
            check_collection(snapshot, collection)
            return DocumentsBody(
                documents=[
                    DocumentBody.model_validate(
                        {**document_values(one), "uploaded": uploads.holds(one.root)}
                    )
                    for one in snapshot.documents(collection)
                ],
                generation=snapshot.generation,
            )

    @app.get(
        "/v1/documents/{document_id}/file",
        tags=["documents"],
        response_class=FileResponse,
        responses=problems.responses(404, 422, 503),
    )
    def file(document_id: Id, caller: Asking) -> FileResponse:
        """The file as it lies in the corpus; for a page of a dump, the dump.

        HTML comes as plain text.
        """
        with answerer().reader.snapshot(caller.collections) as snapshot:
            document = _document(snapshot, document_id)
        return FileResponse(
            _path(document, uploads),
            media_type=MEDIA_TYPES.get(document.kind, "application/octet-stream"),
            filename=Path(document.file).name,
            content_disposition_type="inline",
        )

    @app.get(
        "/v1/documents/{document_id}/text",
        tags=["documents"],
        response_class=PlainTextResponse,
        responses=problems.responses(404, 422, 503),
    )
    def text(document_id: Id, caller: Asking) -> str:
        """The document's text as it was read: what the offsets of citations count in."""
        with answerer().reader.snapshot(caller.collections) as snapshot:
            return snapshot.text(_document(snapshot, document_id).id)

    @app.get(
        "/v1/chunks/{chunk_id}", tags=["documents"], responses=problems.responses(404, 422, 503)
    )
    def chunk(chunk_id: Id, caller: Asking) -> ChunkBody:
        """A passage by the id that a citation or hit names."""
        with answerer().reader.snapshot(caller.collections) as snapshot:
            found = snapshot.chunks([chunk_id])
        if not found:
            raise HTTPException(404, f"no chunk {chunk_id} in the index: ask or search again")
        return ChunkBody.model_validate(chunk_values(found[0]))


def _document(snapshot: Snapshot, document_id: int) -> StoredDocument:
    document = snapshot.document(document_id)
    if document is None:
        raise no_document(document_id)
    return document


def no_document(document_id: int) -> HTTPException:
    """The error for an id that there is not, or not for whoever asks."""
    return HTTPException(
        404, f"no document {document_id} in the index: /v1/documents lists those there are"
    )


def _path(document: StoredDocument, uploads: Uploads) -> Path:
    """The document's file. Links are followed within the corpus folder only.

    Of an upload that was replaced, and whose new version is still to be read, the old one.
    """
    kept = uploads.files.kept(document.id)
    if uploads.holds(document.root) and kept.is_file():
        return kept
    path = (document.root / document.file).resolve()
    if not path.is_file():
        raise HTTPException(
            404, f"the file {document.file!r} is no longer in the corpus: ingest again"
        )
    if not path.is_relative_to(document.root.resolve()):
        raise HTTPException(
            404,
            f"the file {document.file!r} is a link that leads out of the corpus and is not handed "
            "out: put the file itself there",
        )
    return path

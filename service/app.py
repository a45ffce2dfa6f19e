"""The HTTP interface: a FastAPI app over an `Answerer` that may still be loading."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi import Path as FromPath
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from ingest.snapshot import Snapshot, StoredDocument
from service import problems
from service.answer import Answerer
from service.answering import add_answering
from service.bodies import JsonBodies
from service.completions import add_completions
from service.headers import SecurityHeaders
from service.loading import Loading
from service.retrieve import check_collection
from service.schemas import (
    ChunkBody,
    DocumentBody,
    DocumentsBody,
    ReadyBody,
    chunk_values,
    document_values,
)

PAGE = Path(__file__).parent / "page"

DESCRIPTION = """
Ask a question, get an answer whose every sentence is quoted from a document, or an honest "I don't
know". Every citation names its document, page or heading, and the offsets of its quote.

Errors are problem documents (RFC 9457, `application/problem+json`): `detail` says what is wrong and
what to do about it.
"""

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "html": "text/plain; charset=utf-8",
    "markdown": "text/plain; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "mediawiki": "application/octet-stream",
}
"""By document kind. HTML goes out as text: a document's scripts must not run beside the page."""

Id = Annotated[int, FromPath(ge=1, le=2**63 - 1, description="As citations and hits name it.")]


def create_app(loading: Loading) -> FastAPI:
    """The app. Routes that need index and model answer 503 until `loading` is done."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        loading.close()

    app = FastAPI(
        title="ragfirst",
        summary="Cited answers from a folder of PDFs and wiki pages.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
    )
    app.add_middleware(JsonBodies)
    app.add_middleware(SecurityHeaders)
    problems.install(app)
    add_answering(app, loading.answerer)
    add_completions(app, loading.answerer)
    _add_documents(app, loading.answerer)
    _add_health(app, loading)
    _add_page(app)
    return app


def _add_documents(app: FastAPI, answerer: Callable[[], Answerer]) -> None:
    @app.get("/v1/documents", tags=["documents"], responses=problems.responses(404, 422, 503))
    def documents(
        collection: Annotated[str | None, Query(description="Those of this one only.")] = None,
    ) -> DocumentsBody:
        """The documents of the published generation."""
        with answerer().reader.snapshot() as snapshot:
            check_collection(snapshot, collection)
            return DocumentsBody(
                documents=[
                    DocumentBody.model_validate(document_values(one))
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
    def file(document_id: Id) -> FileResponse:
        """The file as it lies in the corpus; for a page of a dump, the dump.

        HTML comes as plain text.
        """
        with answerer().reader.snapshot() as snapshot:
            document = _document(snapshot, document_id)
        return FileResponse(
            _path(document),
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
    def text(document_id: Id) -> str:
        """The document's text as it was read: what the offsets of citations count in."""
        with answerer().reader.snapshot() as snapshot:
            return snapshot.text(_document(snapshot, document_id).id)

    @app.get(
        "/v1/chunks/{chunk_id}", tags=["documents"], responses=problems.responses(404, 422, 503)
    )
    def chunk(chunk_id: Id) -> ChunkBody:
        """A passage by the id that a citation or hit names."""
        with answerer().reader.snapshot() as snapshot:
            found = snapshot.chunks([chunk_id])
        if not found:
            raise HTTPException(404, f"no chunk {chunk_id} in the index: ask or search again")
        return ChunkBody.model_validate(chunk_values(found[0]))


def _add_health(app: FastAPI, loading: Loading) -> None:
    # On the event loop, so that it answers while every worker thread waits for a model.
    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, bool]:
        """The process answers."""
        return {"live": True}

    @app.get(
        "/health/ready",
        tags=["health"],
        response_model=ReadyBody,
        responses=problems.responses(503),
    )
    def ready() -> ReadyBody | JSONResponse:
        """Index and model are loaded; 503 with what is missing until then."""
        waiting = loading.waiting_for()
        if waiting:
            detail = "not ready; waiting for " + "; ".join(waiting)
            return problems.problem(
                503, detail, {"Retry-After": "2"}, ready=False, waiting_for=waiting
            )
        with loading.answerer().reader.snapshot() as snapshot:
            return ReadyBody(ready=True, waiting_for=[], generation=snapshot.generation)


def _add_page(app: FastAPI) -> None:
    @app.get("/", response_class=FileResponse, include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")


def _document(snapshot: Snapshot, document_id: int) -> StoredDocument:
    document = snapshot.document(document_id)
    if document is None:
        raise HTTPException(
            404, f"no document {document_id} in the index: /v1/documents lists those there are"
        )
    return document


def _path(document: StoredDocument) -> Path:
    """The document's file. Links are followed within the corpus folder only."""
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

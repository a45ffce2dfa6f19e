"""The HTTP interface: a FastAPI app over an `Answerer` that may still be loading."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Query, Response
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from ingest.snapshot import Snapshot, StoredDocument
from service import problems
from service.answer import Answerer
from service.loading import Loading
from service.schemas import (
    AnswerBody,
    AnswerRequest,
    ChunkBody,
    DocumentBody,
    DocumentsBody,
    ReadyBody,
    SearchBody,
    SearchRequest,
    chunk_values,
    document_values,
    search_values,
)

PAGE = Path(__file__).parent / "page"

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "html": "text/plain; charset=utf-8",
    "markdown": "text/plain; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "mediawiki": "application/octet-stream",
}
"""By document kind. HTML goes out as text: a document's scripts must not run beside the page."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(loading: Loading) -> FastAPI:
    """The app. Routes that need index and model answer 503 until `loading` is done."""
    app = FastAPI(
        title="ragfirst",
        summary="Cited answers from a folder of PDFs and wiki pages.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    problems.install(app)
    _add_answering(app, loading.answerer)
    _add_documents(app, loading.answerer)
    _add_health(app, loading)
    _add_page(app)
    return app


def _add_answering(app: FastAPI, answerer: Callable[[], Answerer]) -> None:
    @app.post("/v1/answer")
    def answer(body: AnswerRequest) -> AnswerBody:
        """Answer a question with citations, or abstain."""
        found = answerer().answer(body.question, body.top_k, body.collection)
        return AnswerBody.model_validate(found.as_dict())

    @app.post("/v1/search")
    def search(body: SearchRequest) -> SearchBody:
        """The passages nearest to a query, best first."""
        found = answerer().search(body.query, body.top_k, body.collection)
        return SearchBody.model_validate(search_values(found))


def _add_documents(app: FastAPI, answerer: Callable[[], Answerer]) -> None:
    @app.get("/v1/documents")
    def documents(collection: str | None = Query(default=None)) -> DocumentsBody:
        """The documents of the published generation."""
        with answerer().reader.snapshot() as snapshot:
            return DocumentsBody(
                documents=[
                    DocumentBody.model_validate(document_values(one))
                    for one in snapshot.documents(collection)
                ],
                generation=snapshot.generation,
            )

    @app.get("/v1/documents/{document_id}/file", response_class=FileResponse)
    def file(document_id: int) -> FileResponse:
        """The file as it lies in the corpus; for a page of a dump, the dump."""
        with answerer().reader.snapshot() as snapshot:
            document = _document(snapshot, document_id)
        path = document.root / document.file
        if not path.is_file():
            raise HTTPException(
                404, f"the file {document.file!r} is no longer in the corpus: ingest again"
            )
        return FileResponse(
            path,
            media_type=MEDIA_TYPES.get(document.kind, "application/octet-stream"),
            filename=path.name,
            content_disposition_type="inline",
        )

    @app.get("/v1/documents/{document_id}/text", response_class=PlainTextResponse)
    def text(document_id: int) -> str:
        """The document's text as it was read: what the offsets of citations count in."""
        with answerer().reader.snapshot() as snapshot:
            return snapshot.text(_document(snapshot, document_id).id)

    @app.get("/v1/chunks/{chunk_id}")
    def chunk(chunk_id: int) -> ChunkBody:
        """A passage by the id that a citation or hit names."""
        with answerer().reader.snapshot() as snapshot:
            found = snapshot.chunks([chunk_id])
        if not found:
            raise HTTPException(404, f"no chunk {chunk_id} in the index")
        return ChunkBody.model_validate(chunk_values(found[0]))


def _add_health(app: FastAPI, loading: Loading) -> None:
    @app.get("/health/live")
    def live() -> dict[str, bool]:
        """The process answers."""
        return {"live": True}

    @app.get("/health/ready", responses={503: {"model": ReadyBody}})
    def ready(response: Response) -> ReadyBody:
        """Index and model are loaded; 503 with what is missing until then."""
        waiting = loading.waiting_for()
        if waiting:
            response.status_code = 503
            return ReadyBody(ready=False, waiting_for=waiting)
        with loading.answerer().reader.snapshot() as snapshot:
            return ReadyBody(ready=True, waiting_for=[], generation=snapshot.generation)


def _add_page(app: FastAPI) -> None:
    @app.get("/", response_class=FileResponse, include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers=SECURITY_HEADERS)

    app.mount("/page", StaticFiles(directory=PAGE), name="page")


def _document(snapshot: Snapshot, document_id: int) -> StoredDocument:
    document = snapshot.document(document_id)
    if document is None:
        raise HTTPException(404, f"no document {document_id} in the index")
    return document

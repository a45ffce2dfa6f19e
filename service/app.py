"""The HTTP interface: a FastAPI app over an `Answerer` that may still be loading."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from service import problems
from service.answering import add_answering
from service.bodies import JsonBodies
from service.completions import add_completions
from service.documents import add_documents
from service.headers import SecurityHeaders
from service.loading import Loading
from service.schemas import (
    ReadyBody,
)

PAGE = Path(__file__).parent / "page"

DESCRIPTION = """
Ask a question, get an answer whose every sentence is quoted from a document, or an honest "I don't
know". Every citation names its document, page or heading, and the offsets of its quote.

Errors are problem documents (RFC 9457, `application/problem+json`): `detail` says what is wrong and
what to do about it.
"""


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
    add_documents(app, loading.answerer)
    _add_health(app, loading)
    _add_page(app)
    return app


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

"""The HTTP interface: a FastAPI app over an `Answerer` that may still be loading."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from service import problems
from service.answering import add_answering
from service.bodies import JsonBodies
from service.body_limit import BodyLimit
from service.completions import add_completions
from service.described import describe
from service.documents import add_documents
from service.feedback import add_feedback
from service.guard import add_cors, add_guard
from service.headers import SecurityHeaders
from service.health import add_health
from service.loading import Loading
from service.logs import RequestLog
from service.me import add_me
from service.metrics import Metrics, add_metrics
from service.report import add_report
from service.traces import start
from service.upload_routes import add_uploads
from service.uploads import Uploads
from service.watch import Watch
from service.worker import Worker

PAGE = Path(__file__).parent / "page"

DESCRIPTION = """
Ask a question, get an answer whose every sentence is quoted from a document, or an honest "I don't
know". Every citation names its document, page or heading, and the offsets of its quote.

Errors are problem documents (RFC 9457, `application/problem+json`): `detail` says what is wrong and
what to do about it.
"""


def create_app(
    loading: Loading, address: str | None = None, worker: Worker | None = None
) -> FastAPI:
    """The app. Routes that need index and model answer 503 until `loading` is done.

    `address`: where it will listen, by which its guard decides who needs a key; None: no guard.
    `worker`: reads uploads; None: one of its own.
    """
    settings = loading.settings
    reading = worker or Worker(Uploads(settings.index), settings)
    metrics, traces = Metrics(loading, reading), start(loading.settings)
    log = RequestLog(loading.settings.log_questions)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        reading.start()
        yield
        loading.close()
        await run_in_threadpool(reading.close)
        if traces:
            await run_in_threadpool(traces.close)

    app = FastAPI(
        title="ragfirst",
        summary="Cited answers from a folder of PDFs and wiki pages.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        # FastAPI's own spans would have paths and queries in them; ours are made by `traces`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.add_middleware(JsonBodies)
    app.add_middleware(BodyLimit, most=loading.settings.body_limit)
    if address is not None:
        add_guard(app, loading.settings, address)
    add_cors(app, loading.settings)
    app.add_middleware(SecurityHeaders)
    # Traces first: the log names their ids. Around all others: whoever is turned away is seen, too.
    app.add_middleware(Watch, watchers=[*([traces] if traces else []), metrics, log])
    problems.install(app)
    add_answering(app, loading.answerer, loading.ready)
    add_completions(app, loading.answerer, loading.ready, loading.others)
    add_documents(app, loading.answerer, reading.uploads)
    add_uploads(app, reading, settings.upload_bytes)
    add_feedback(app, loading.settings.index)
    add_report(app, loading.settings.report)
    add_me(app)
    add_metrics(app, metrics)
    add_health(app, loading)
    _add_page(app)
    describe(app)
    return app


def _add_page(app: FastAPI) -> None:
    @app.get("/", response_class=FileResponse, include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")

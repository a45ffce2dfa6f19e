"""`/health/live` and `/health/ready`: what container engines and load balancers ask."""

import anyio
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from ingest.schema import IndexRefused
from service import problems
from service.loading import Loading
from service.schemas import ReadyBody


def add_health(app: FastAPI, loading: Loading) -> None:
    """Add the routes. They answer while every worker thread waits for a model."""
    own = anyio.CapacityLimiter(1)

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
    async def ready() -> ReadyBody | JSONResponse:
        """Index and model are loaded and the index can be read; 503 with what is missing if not."""
        return await anyio.to_thread.run_sync(lambda: _ready(loading), limiter=own)


def _ready(loading: Loading) -> ReadyBody | JSONResponse:
    waiting = loading.waiting_for()
    if not waiting:
        try:
            # Opened anew: an index may vanish, or its folder be closed to us, at any time.
            with loading.answerer().reader.snapshot() as snapshot:
                return ReadyBody(ready=True, waiting_for=[], generation=snapshot.generation)
        except (IndexRefused, OSError) as error:
            waiting = [f"index: {error}"]
    detail = "not ready; waiting for " + "; ".join(waiting)
    return problems.problem(503, detail, {"Retry-After": "2"}, ready=False, waiting_for=waiting)

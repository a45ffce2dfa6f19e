"""Errors as RFC 9457 problem documents, in one place: which error is which status."""

import math
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ingest.schema import IndexRefused
from service.llm import LLMBusy, LLMError, LLMTimeout

MEDIA_TYPE = "application/problem+json"


class NotReady(RuntimeError):
    """Index or model are not loaded yet; the message names what is missing."""


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem document. `detail` names the bad value and the remedy."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse(
        {**body, "detail": detail, **members}, status, headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    async def on_validation(_: Request, error: Exception) -> JSONResponse:
        errors = [_field_error(one) for one in cast(RequestValidationError, error).errors()]
        detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
        return problem(422, detail, errors=errors)

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        found = cast(HTTPException, error)
        return problem(found.status_code, str(found.detail), dict(found.headers or {}))

    async def on_not_ready(_: Request, error: Exception) -> JSONResponse:
        return problem(503, str(error), {"Retry-After": "2"})

    async def on_index(_: Request, error: Exception) -> JSONResponse:
        return problem(503, str(error))

    async def on_busy(_: Request, error: Exception) -> JSONResponse:
        wait = cast(LLMBusy, error).retry_after
        return problem(503, str(error), {"Retry-After": str(math.ceil(wait or 5))})

    async def on_timeout(_: Request, error: Exception) -> JSONResponse:
        return problem(504, str(error))

    async def on_llm(_: Request, error: Exception) -> JSONResponse:
        return problem(502, str(error))

    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(NotReady, on_not_ready)
    app.add_exception_handler(IndexRefused, on_index)
    app.add_exception_handler(LLMBusy, on_busy)
    app.add_exception_handler(LLMTimeout, on_timeout)
    app.add_exception_handler(LLMError, on_llm)


def _field_error(error: Any) -> dict[str, Any]:
    """A validation error with the field's path and the value that was sent."""
    place = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
    value = error.get("input")
    short = value if isinstance(value, str | int | float | bool) else None
    if isinstance(short, str) and len(short) > 200:
        short = short[:200] + "…"
    message = str(error["msg"])
    if short is not None:
        message += f" (was {short!r})"
    return {"field": ".".join(place) or "body", "message": message}

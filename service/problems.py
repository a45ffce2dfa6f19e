"""Errors as RFC 9457 problem documents, in one place: which error is which status."""

import json
import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ingest.schema import IndexRefused
from service.headers import EVERYWHERE
from service.llm import LLMBusy, LLMError, LLMTimeout
from service.retrieve import UnknownCollection

MEDIA_TYPE = "application/problem+json"

RETRY_LATER = "5"
"""Seconds, as a header, where nobody knows better."""

_SHOWN = 200
"""Characters of a refused value that are shown."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "errors": {
            "type": "array",
            "description": "With 422: one entry a field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_MEANINGS = {
    404: "There is no such document, chunk or collection.",
    422: "A field is missing, unknown or out of its range; the detail names it and its value.",
    500: "A fault of the service itself.",
    502: "The language model's server cannot be reached, refuses or fails.",
    503: "Index or model are not ready, or the model's server is busy. See Retry-After.",
    504: "The language model did not answer in time.",
}


class NotReady(RuntimeError):
    """Index or model are not loaded yet; the message names what is missing."""


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem document. `detail` names the bad value and the remedy."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    # Also here: the answer to a fault of the service passes no middleware.
    safe = {**EVERYWHERE, **(headers or {})}
    return JSONResponse(
        {**body, "detail": _encodable(detail), **members}, status, safe, media_type=MEDIA_TYPE
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, for its OpenAPI description. 500 is one of every route."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in (*statuses, 500)
    }


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    handlers: dict[type[Exception], Callable[[Request, Any], JSONResponse]] = {
        RequestValidationError: _on_validation,
        HTTPException: _on_http,
        NotReady: lambda _, error: problem(503, str(error), {"Retry-After": "2"}),
        IndexRefused: lambda _, error: problem(503, str(error), {"Retry-After": RETRY_LATER}),
        UnknownCollection: lambda _, error: problem(404, str(error)),
        LLMBusy: _on_busy,
        LLMTimeout: lambda _, error: problem(504, str(error)),
        LLMError: lambda _, error: problem(502, str(error)),
        Exception: _on_fault,
    }
    for kind, answer in handlers.items():
        app.add_exception_handler(kind, answer)


def _on_validation(_: Request, error: RequestValidationError) -> JSONResponse:
    errors = [_field_error(one) for one in error.errors()]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return problem(422, detail, errors=errors)


def _on_http(request: Request, error: HTTPException) -> JSONResponse:
    detail, path = str(error.detail), request.url.path
    headers = dict(error.headers or {})
    if detail == HTTPStatus(404).phrase:
        detail = f"nothing is at {path!r}: see /docs for what there is"
    if error.status_code == 400:
        detail = "body: is not JSON in UTF-8"  # the one thing that FastAPI answers so
    if error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        detail = f"{path!r} does not take {request.method}: use {allowed}"
    return problem(error.status_code, detail, headers)


def _on_fault(_: Request, error: Exception) -> JSONResponse:
    return problem(500, f"the service failed ({type(error).__name__}); its log says why")


def _on_busy(_: Request, error: LLMBusy) -> JSONResponse:
    wait = RETRY_LATER if error.retry_after is None else str(math.ceil(error.retry_after))
    return problem(503, str(error), {"Retry-After": wait})


def _field_error(error: Any) -> dict[str, str]:
    """A validation error with the field's path and the value that was sent."""
    kind, message, place = error["type"], str(error["msg"]), error["loc"]
    if kind == "json_invalid":
        reason = error.get("ctx", {}).get("error", message)
        return {"field": "body", "message": f"is not JSON: {reason} at character {place[-1]}"}
    if kind != "missing":
        message += f" (was {_shown(error.get('input'))})"
    names = [str(part) for part in place[1:]]  # after body, query or path
    return {"field": _encodable(".".join(names)) or "body", "message": message}


def _shown(value: Any) -> str:
    """The start of a value, as JSON."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _encodable(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _encodable(text: str) -> str:
    r"""JSON can hold half a character (\ud800), which no answer can be encoded with."""
    return text.encode(errors="backslashreplace").decode()

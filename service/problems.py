"""Errors as RFC 9457 problem documents, in one place: which error is which status."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ingest.schema import IndexRefused
from service import records
from service.access import AccessRefused
from service.headers import EVERYWHERE
from service.llm import LLMBusy, LLMError, LLMTimeout, UnknownModel
from service.queue import QueueFull
from service.retrieve import UnknownCollection
from service.upload_names import UploadRefused
from service.uploads import NameTaken, NoUpload

MEDIA_TYPE = "application/problem+json"

RETRY_LATER = "5"
"""Seconds, as a header, where nobody knows better."""

OPENAI_PATHS = ("/v1/chat/", "/v1/models")
"""Where the clients of OpenAI ask: problems have their `error` there, too."""

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
    401: "There is no key, or it is wrong or revoked.",
    403: "The key may only read, or another site's page sent this without a key.",
    404: "There is no such document, chunk, collection or model.",
    409: "It is there already, or is no upload; the detail says what to do instead.",
    413: "The body is too long.",
    415: "The body is no form, or the file of a kind that is not read.",
    421: "Without a key, the service does not go by this host name.",
    422: "A field is missing, unknown or out of its range; the detail names it and its value.",
    429: "The key has used up its minute, or the line for the model is full. See Retry-After.",
    500: "A fault of the service itself.",
    502: "The language model's server cannot be reached, refuses or fails.",
    503: "Index or model are not ready, or the model's server is busy. See Retry-After.",
    504: "The language model did not answer in time.",
    507: "There is no room for it on the disk.",
}


class NotReady(RuntimeError):
    """Index or model are not loaded yet; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is sent. `detail` names the bad value and the remedy."""

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    members: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        """The document."""
        title = HTTPStatus(self.status).phrase
        body = {"type": "about:blank", "title": title, "status": self.status}
        return {**body, "detail": _encodable(self.detail), **self.members}


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem document as a response."""
    return _response(Problem(status, detail, headers or {}, members))


def _response(found: Problem, **members: Any) -> JSONResponse:
    # Also here: the answer to a fault of the service passes no middleware.
    safe = {**EVERYWHERE, **found.headers}
    return JSONResponse({**found.body(), **members}, found.status, safe, media_type=MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, for its OpenAPI description. 500 is one of every route."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in (*statuses, 500)
    }


def of(error: Exception) -> Problem:
    """The problem that an error of answering is; what is not known is a fault of the service."""
    text = str(error)
    match error:
        case NotReady():
            return Problem(503, text, {"Retry-After": "2"})
        case IndexRefused():
            return Problem(503, text, {"Retry-After": RETRY_LATER})
        case AccessRefused(status=status, headers=headers):
            return Problem(status, text, headers)
        case UnknownCollection() | UnknownModel() | NoUpload():
            return Problem(404, text)
        case UploadRefused(status=status, field=name):
            errors = {"errors": [{"field": name, "message": text}]} if status == 422 else {}
            return Problem(status, f"{name}: {text}", members=errors)
        case NameTaken(upload=found):
            members = {"upload": found.id, "document_id": found.document}
            return Problem(409, text, members=members)
        case LLMBusy(retry_after=wait):
            seconds = RETRY_LATER if wait is None else str(math.ceil(wait))
            status = 429 if isinstance(error, QueueFull) else 503
            return Problem(status, text, {"Retry-After": seconds})
        case LLMTimeout():
            return Problem(504, text)
        case LLMError():
            return Problem(502, text)
        case _:
            kind = type(error).__name__
            return Problem(500, f"the service failed ({kind}); its log says why")


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    known = (
        NotReady,
        IndexRefused,
        AccessRefused,
        UnknownCollection,
        UnknownModel,
        LLMError,
        UploadRefused,
        NameTaken,
        NoUpload,
        Exception,
    )
    for kind in known:
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)


def _sent(request: Request, found: Problem) -> JSONResponse:
    """The problem, with a member for OpenAI's clients where they ask."""
    if request.url.path.startswith(OPENAI_PATHS):
        return _response(found, error=openai_error(found))
    return _response(found)


def openai_error(found: Problem) -> dict[str, Any]:
    """The problem as OpenAI words an error: a member `error` of the document."""
    detail, errors = found.body()["detail"], found.members.get("errors")
    kind = "invalid_request_error" if found.status < 500 else "server_error"
    kind = "rate_limit_error" if found.status == 429 else kind
    param = errors[0]["field"] if errors else None
    return {"message": detail, "type": kind, "param": param, "code": None}


def answer(request: Request, error: Exception) -> JSONResponse:
    """The response that an error of answering is."""
    return _sent(request, noted(error))


def noted(error: Exception) -> Problem:
    """The problem that an error is, see `of`; metrics and the log are told of it."""
    found = of(error)
    records.failed(error, found.status)
    return found


def _on_validation(request: Request, error: Any) -> JSONResponse:
    errors = [_field_error(one) for one in error.errors()]
    records.failed(error, 422)
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return _sent(request, Problem(422, detail, members={"errors": errors}))


def _on_http(request: Request, error: Any) -> JSONResponse:
    detail, path, status = str(error.detail), request.url.path, error.status_code
    headers = dict(error.headers or {})
    if detail == HTTPStatus(404).phrase:
        detail = f"nothing is at {path!r}: see /docs for what there is"
    if status == 400:  # the one thing that FastAPI answers so; other JSON that is none gets 422
        detail, status = "body: is not JSON in UTF-8", 422
    if status == 405:
        allowed = headers.get("Allow", "another method")
        detail = f"{path!r} does not take {request.method}: use {allowed}"
    return _sent(request, Problem(status, detail, headers))


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

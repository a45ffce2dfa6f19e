"""The part of the OpenAPI description that is the guard's: keys, and what it refuses."""

from typing import Any, cast

from fastapi import FastAPI

from service import problems
from service.guard import OPEN, OPEN_BELOW, WHOLE

SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, `rf_…`."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}
"""Ways to send a key. The service may answer without one, too: see `SECURITY`."""

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}, {}]

ALWAYS = (401, 421, 429, 503)
BODIES = (403, 413)
"""Statuses of every guarded route, and of those that take a body."""


def describe(app: FastAPI) -> None:
    """Let the app's description tell of keys, once all routes are there."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _add(plain())
        return plain()

    cast(Any, app).openapi = openapi


def _add(schema: dict[str, Any]) -> None:
    schema.setdefault("components", {})["securitySchemes"] = SCHEMES
    for path, operations in schema["paths"].items():
        if path in OPEN or path.startswith(OPEN_BELOW):
            continue
        for method, operation in operations.items():
            operation["security"] = SECURITY
            changes = method not in ("get", "head", "options")
            statuses = (*ALWAYS, *BODIES) if changes else ALWAYS
            statuses = (*statuses, 403) if path in WHOLE else statuses
            for status, described in problems.responses(*statuses).items():
                operation["responses"].setdefault(str(status), described)

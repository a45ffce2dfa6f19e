"""The middleware around all others: ids of requests, and their beginning and end as a `Record`."""

import logging
import re
import uuid
from collections.abc import Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.events import CLIENT_LEFT
from service.records import CURRENT, UNMATCHED, Failure, Record, Watcher

REQUEST_ID = "X-Request-ID"

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@~-]{0,127}")
"""Ids that are taken over from clients: nothing that could end a line or a header."""

PROBES = frozenset(["/health/live", "/health/ready", "/metrics"])

_METHODS = frozenset(HTTPMethod)

_log = logging.getLogger(__name__)


class BrokenOff(RuntimeError):
    """A response has begun and cannot go on. Its cause is logged where texts are left out."""


class Watch:
    """Middleware: each response names its request's id, and each request is told of.

    An id that comes with the request is kept where it is sane, else one is made. An error that
    nothing inside has answered becomes a problem here, so that its response has an id, too.
    """

    def __init__(self, app: ASGIApp, watchers: Sequence[Watcher]) -> None:
        """Wrap `app`. `watchers` are told in their order."""
        self._app = app
        self._watchers = watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification. Bodies pass through unbuffered, so streams stay streams."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = _record(scope, self._watchers)
        scope.setdefault("state", {})  # the guard puts the caller there
        whole = False

        async def send_on(message: Message) -> None:
            nonlocal whole
            if message["type"] == "http.response.start":
                record.status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = record.id
            await send(message)
            whole = message["type"] == "http.response.body" and not message.get("more_body")

        token = CURRENT.set(record)
        record.begin()
        try:
            await self._app(scope, receive, send_on)
        except ClientDisconnect:
            pass
        except Exception as error:
            _log.exception("%s failed", _named(record.method, scope))
            if record.status == 0:
                await problems.answer(Request(scope), error)(scope, receive, send_on)
            else:
                # The connection has to break, or the client takes what it has for all.
                raise BrokenOff(f"the response to {record.id} broke off, see above") from None
        finally:
            record.route = route(scope)
            record.caller = _caller(scope)
            record.left = not whole or record.status == CLIENT_LEFT
            record.failure = record.failure or _failure(record.status)
            record.end()
            CURRENT.reset(token)


def _record(scope: Scope, watchers: Sequence[Watcher]) -> Record:
    headers = Headers(scope=scope)
    wanted, method = headers.get(REQUEST_ID, ""), scope["method"]
    return Record(
        id=wanted if _SANE.fullmatch(wanted) else str(uuid.uuid4()),
        method=method if method in _METHODS else "other",
        watchers=watchers,
        probe=scope["path"] in PROBES,
        traceparent=headers.get("traceparent", ""),
    )


def route(scope: Scope) -> str:
    """The template of the request's route, the same for every id in a path; never the path."""
    found = scope.get("route") or _matching(scope)
    if isinstance(found, Mount):
        return f"{found.path}/{{path}}"
    template: str | None = getattr(found, "path_format", None) or getattr(found, "path", None)
    return template or UNMATCHED


def _matching(scope: Scope) -> BaseRoute | None:
    """The route of a request that went into a mount, or was turned away before it was routed."""
    routes: Sequence[BaseRoute] = scope["app"].routes
    if endpoint := scope.get("endpoint"):
        return next((one for one in routes if isinstance(one, Mount) and one.app is endpoint), None)
    return next((one for one in routes if one.matches(scope)[0] != Match.NONE), None)


def _named(method: str, scope: Scope) -> str:
    return f"{method} {route(scope)}"


def _caller(scope: Scope) -> str:
    caller: Any = scope["state"].get("caller")
    return caller.name if caller else ""


def _failure(status: int) -> Failure | None:
    """What a status tells where no error was noted, as `not_found`."""
    if status < 400 or status == CLIENT_LEFT:
        return None
    phrase = HTTPStatus(status).phrase
    return Failure(re.sub(r"\W+", "_", phrase).lower(), status)

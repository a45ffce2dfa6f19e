"""The guard before the app: who is asking, by their key or none, and whether they may go on."""

import logging
from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.access import NOBODY, AccessRefused, Caller, KeyRefused, KeysUnusable
from service.anonymous import Anonymous, anonymous, is_loopback
from service.keys import PREFIX, Key, Keys
from service.limits import Bucket, Budget
from service.metering import PAYER
from service.settings import ServiceSettings

OPEN = ("/", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc")
OPEN_BELOW = ("/health/", "/page/")
"""Paths that tell nothing of any document: the page, its description, and the probes."""

WHOLE = ("/metrics",)
"""Paths that count what is in all collections, for those who may read all."""

LOOKUPS = 4
"""Keys that are looked up at once, in threads of their own: others may all wait for a model."""

EXPOSED = (
    "Location",
    "Retry-After",
    "X-Request-ID",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
"""Headers that the pages of other sites may read, where these are let in."""

_PRIVATE = "private, no-cache"
"""What one may read is not for others from a cache, nor for oneself once it is forbidden."""

_log = logging.getLogger(__name__)


class PartRefused(AccessRefused):
    """The caller may not read all that this tells of."""


class Guard:
    """Middleware: puts the `Caller` into the request's state, or refuses the request."""

    def __init__(
        self, app: ASGIApp, keys: Keys, anonymous: Anonymous, opened: Sequence[str] = ()
    ) -> None:
        """Wrap `app`. `opened`: paths that need no key, beside those that never do."""
        self._app = app
        self._keys = keys
        self._anonymous = anonymous
        self._open = frozenset([*OPEN, *opened])
        self._budgets: dict[str, Budget] = {}
        self._lookups: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification. Bodies pass through unbuffered, so streams stay streams."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["caller"] = NOBODY
        if scope["path"] in self._open or scope["path"].startswith(OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        budget: Budget | None = None

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", _PRIVATE)
                headers.update(budget.headers() if budget else {})
            await send(message)

        try:
            headers = Headers(scope=scope)
            text = _key(headers)
            if text is None:
                state["caller"] = self._anonymous.admit(scope["method"], headers)
            else:
                key = await self._known(text)
                state["caller"] = key.caller
                budget = self._budget(key)
                budget.admit()
            _check_whole(scope["path"], state["caller"])
        except AccessRefused as error:
            await problems.answer(Request(scope), error)(scope, receive, send_on)
            return
        token = PAYER.set(budget)
        try:
            await self._app(scope, receive, send_on)
        finally:
            PAYER.reset(token)

    async def _known(self, text: str) -> Key:
        self._lookups = self._lookups or CapacityLimiter(LOOKUPS)
        try:
            key = await to_thread.run_sync(self._keys.matching, text, limiter=self._lookups)
        except KeysUnusable as error:
            _log.error("%s", error)
            raise KeysUnusable(
                "the service cannot read its keys; its log says why", {"Retry-After": "5"}
            ) from error
        if key is None:
            raise KeyRefused(
                "the key is wrong or revoked: ask whoever runs the service for another"
            )
        return key

    def _budget(self, key: Key) -> Budget:
        found = self._budgets.get(key.id)
        if found is None:
            requests, tokens = key.requests_per_minute, key.tokens_per_minute
            found = self._budgets[key.id] = Budget(
                Bucket(requests) if requests else None, Bucket(tokens) if tokens else None
            )
        return found


def _check_whole(path: str, caller: Caller) -> None:
    if path in WHOLE and caller.collections is not None:
        raise PartRefused(f"{path} counts all collections, and {caller.name!r} may not read all")


def _key(headers: Headers) -> str | None:
    """The key that is sent; None without one.

    OpenAI's clients always send a text as a key. One that is not even of the form of a key is the
    word that people put there for "none".
    """
    if "x-api-key" in headers:
        return headers["x-api-key"].strip()
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and value.strip().startswith(PREFIX):
        return value.strip()
    return None


def add_guard(app: FastAPI, settings: ServiceSettings, address: str) -> None:
    """Put the guard before an app that listens on `address`."""
    app.add_middleware(
        Guard,
        keys=Keys(settings.keys_file),
        anonymous=anonymous(settings, address),
        opened=["/metrics"] if settings.metrics_open else [],
    )


def add_cors(app: FastAPI, settings: ServiceSettings) -> None:
    """Let pages of the sites that the settings name use the app; none is let otherwise."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=EXPOSED,
        )


def warning(settings: ServiceSettings, address: str) -> str | None:
    """What whoever starts a service on `address` should know; None where nothing is unusual.

    Raises `KeysUnusable`.
    """
    met = anonymous(settings, address)
    living = [key for key in Keys(settings.keys_file).all() if key.revoked is None]
    if met.caller is None and not living:
        return (
            "nobody can ask yet, for there is no key: `ragfirst keys create NAME` makes one; "
            "RAGFIRST_ANONYMOUS=true answers everyone without"
        )
    if met.caller is None or is_loopback(address):
        return None
    reads = "everything" if met.caller.collections is None else sorted(met.caller.collections)
    writes = " and change documents" if met.caller.writes else ""
    return f"whoever reaches it can read {reads}{writes}, without a key"

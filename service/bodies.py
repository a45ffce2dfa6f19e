"""What the bodies of requests are taken for."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

_AS_JSON = ("", "application/x-www-form-urlencoded", "text/plain")


class JsonBodies:
    """Middleware: a body is JSON, also where `curl -d` calls it a form."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            if headers.get("content-type", "").split(";")[0].strip().lower() in _AS_JSON:
                headers["content-type"] = "application/json"
        await self._app(scope, receive, send)

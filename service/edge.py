"""What every request and response passes first and last."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_AS_JSON = ("", "application/x-www-form-urlencoded", "text/plain")


class Edge:
    """Reads every body as JSON, whatever `curl -d` calls it, and keeps browsers from guessing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            if headers.get("content-type", "").split(";")[0].strip().lower() in _AS_JSON:
                headers["content-type"] = "application/json"
        await self._app(scope, receive, send_safe)

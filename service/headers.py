"""Headers that keep a document's content from acting as a part of the page."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No other site's page may show or load what this service hands out."""

PAGE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self' blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; "
    "trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-cache",
}
"""For the page and its files. Not for documents, since a PDF viewer may need styles of its own,
nor for /docs, which loads from elsewhere. Trusted types: no text ever becomes markup, in browsers
that hold to it. `no-cache`: ask whether it changed; an update shows."""


class SecurityHeaders:
    """Middleware: `EVERYWHERE` on each response, `PAGE` on / and below /page/."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification. Bodies pass through unbuffered, so streams stay streams."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own_page = scope["path"] == "/" or scope["path"].startswith("/page/")
        wanted = {**EVERYWHERE, **PAGE} if own_page else EVERYWHERE

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(wanted)
            await send(message)

        await self._app(scope, receive, send_with_headers)

"""Bodies of requests that are too long are turned away, before they are held in memory."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.access import AccessRefused

UPLOADS = "/v1/documents"
"""Where forms are taken, which are written to disk as they come and have a limit of their own."""

_DIGITS = 18
"""Of a length that Python makes a number of without asking how long it may be."""


class BodyTooLong(AccessRefused):
    """A body has more bytes than are taken."""

    status = 413


class BodyLimit:
    """Middleware: a body of more than `most` bytes is a 413, whether its length is told or not."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """Wrap `app`."""
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http" or _upload(scope):
            await self._app(scope, receive, send)
            return
        told, error = Headers(scope=scope).get("content-length", ""), self._error()
        if told.isdecimal() and (len(told) > _DIGITS or int(told) > self._most):
            await problems.answer(Request(scope), error)(scope, receive, send)
            return
        come = 0

        async def receive_within() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self._most:
                # Of this kind, since FastAPI takes any other for a body that is not JSON.
                raise HTTPException(error.status, str(error))
            return message

        await self._app(scope, receive_within, send)

    def _error(self) -> BodyTooLong:
        return BodyTooLong(
            f"the body has more than {self._most} bytes: send less, or raise RAGFIRST_BODY_LIMIT"
        )


def _upload(scope: Scope) -> bool:
    form = Headers(scope=scope).get("content-type", "").lower().startswith("multipart/form-data")
    return form and scope["path"].startswith(UPLOADS)

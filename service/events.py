"""Work of a model, in a thread: as a stream of server-sent events, or whole.

It waits for its turn on the event loop, and a client that goes away ends it.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service import problems
from service.llm import LLMError, Stopped
from service.queue import Place

MEDIA_TYPE = "text/event-stream"

SCHEMA = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "description": "JSON on one line."},
    },
}
"""Of each event, as OpenAPI describes streams of them."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Neither caches nor nginx may hold events back."""

Emit = Callable[[str], None]
"""Takes one event, framed; from any thread."""

Work = Callable[[Emit, threading.Event], None]
"""Emits events until it is done, or soon after the `Event` is set."""

CLIENT_LEFT = 499
"""nginx's status for it; logs and metrics see it, no client does."""

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


def event(data: Any, name: str | None = None) -> str:
    """One event: its name, and its data as JSON on one line (a text stays as it is).

    In ASCII: clients differ in which of Unicode's line ends they break lines at.
    """
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def streamed(
    opening: str, work: Work, failed: Callable[[problems.Problem], str], place: Place | None
) -> StreamingResponse:
    """A response of `opening`, at once, and of what `work` emits; `failed` frames its problem.

    `place`: where the work waits for its turn; None where it has nothing to wait for.
    """
    return _Events(opening, work, failed, place)


async def whole(
    request: Request, work: Callable[[threading.Event], _Result], place: Place | None
) -> _Result | Response:
    """What `work` returns or raises; a response that nobody reads where the client went away.

    `work` ends soon after its `Event` is set. `place` as for `streamed`.
    """
    stop = threading.Event()
    if place is None:
        return work(stop)
    doing = asyncio.wrap_future(place.submit(lambda: work(stop)))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else Response(status_code=CLIENT_LEFT)
    except asyncio.CancelledError:  # the server has waited long enough, and goes on to end
        return problems.answer(request, problems.NotReady("the service is ending: ask again"))
    finally:
        stop.set()
        doing.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Events(StreamingResponse):
    def __init__(
        self,
        opening: str,
        work: Work,
        failed: Callable[[problems.Problem], str],
        place: Place | None,
    ) -> None:
        loop, self._stop = asyncio.get_running_loop(), threading.Event()
        self._opening = opening
        self._emitted: asyncio.Queue[str | None] = asyncio.Queue()

        def emit(text: str | None) -> None:
            # The loop may be closed by the time that a stopped model notices.
            if not self._stop.is_set():
                loop.call_soon_threadsafe(self._emitted.put_nowait, text)

        def run() -> None:
            try:
                work(emit, self._stop)
            except Stopped:
                pass
            except Exception as error:
                if not isinstance(error, LLMError):
                    _log.exception("an answer failed while it was streamed")
                emit(failed(problems.noted(error)))

        self._doing: Future[None] | None = None
        if place is None:
            run()
            emit(None)
        else:
            self._doing = place.submit(run)
            self._doing.add_done_callback(lambda _: emit(None))
        super().__init__(self._events(), media_type=MEDIA_TYPE, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not where the events are made: who leaves early enough never sees that begin.
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stop.set()
            if self._doing:
                self._doing.cancel()

    async def _events(self) -> AsyncGenerator[bytes]:
        yield self._opening.encode()
        while (text := await self._emitted.get()) is not None:
            yield text.encode()

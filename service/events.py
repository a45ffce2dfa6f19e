"""Work that waits, in a thread, as a stream of server-sent events. Who goes away ends the work."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service import problems
from service.llm import LLMError, Stopped

MEDIA_TYPE = "text/event-stream"

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Neither caches nor nginx may hold events back."""

Emit = Callable[[str], None]
"""Takes one event, framed; from any thread."""

Work = Callable[[Emit, threading.Event], None]
"""Emits events until it is done, or soon after the `Event` is set."""

_log = logging.getLogger(__name__)


def event(data: Any, name: str | None = None) -> str:
    """One event: its name, and its data as JSON on one line (a text stays as it is).

    In ASCII: clients differ in which of Unicode's line ends they break lines at.
    """
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def streamed(work: Work, failed: Callable[[problems.Problem], str]) -> StreamingResponse:
    """A response of the events that `work` emits; `failed` frames the problem that ends it."""
    return StreamingResponse(_events(work, failed), media_type=MEDIA_TYPE, headers=HEADERS)


async def _events(work: Work, failed: Callable[[problems.Problem], str]) -> AsyncGenerator[bytes]:
    loop, stop = asyncio.get_running_loop(), threading.Event()
    waiting: asyncio.Queue[str | None] = asyncio.Queue()

    def emit(text: str | None) -> None:
        if not stop.is_set():  # the loop may be closed by the time that a stopped model notices
            loop.call_soon_threadsafe(waiting.put_nowait, text)

    def run() -> None:
        try:
            work(emit, stop)
        except Stopped:
            pass
        except Exception as error:
            if not isinstance(error, LLMError):
                _log.exception("an answer failed while it was streamed")
            emit(failed(problems.of(error)))
        emit(None)

    task = asyncio.ensure_future(run_in_threadpool(run))
    _running.add(task)
    task.add_done_callback(_running.discard)
    try:
        while (text := await waiting.get()) is not None:
            yield text.encode()
    finally:
        stop.set()


_running: set[asyncio.Future[None]] = set()
"""A task that nothing refers to may be collected before it is done."""

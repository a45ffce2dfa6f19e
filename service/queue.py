"""Turns at a model: so many at once, first come, first served, and a line of bounded length."""

import asyncio
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from service.llm import LLMBusy

REMEMBERED = 20
"""Answers whose durations the time to wait is estimated from."""

LONGEST_WAIT = 60.0
"""Seconds that are named at the most: clients take no longer ones for true."""

_Result = TypeVar("_Result")


class QueueFull(LLMBusy):
    """As many questions wait for the model as may. `retry_after`: seconds, estimated."""


@dataclass(eq=False, frozen=True, slots=True)
class _Item:
    """Work, the context that it was handed in with, and the place of its outcome."""

    work: Callable[[], Any]
    context: Context
    future: Future[Any]


class Queue:
    """Runs work in threads of its own, so many at once; what waits for its turn needs no thread.

    Whoever has a place waits, also while the work is still prepared. May be used from any thread
    and any event loop.
    """

    def __init__(self, running: int = 64, waiting: int = 16) -> None:
        """`running`: turns at once; `waiting`: the longest line behind them."""
        self._most_running = running
        self._most = running + waiting
        self._lock = threading.Lock()
        self._line: deque[_Item] = deque()
        self._places = 0
        self._running = 0
        self._refused = 0
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self._threads = ThreadPoolExecutor(running, thread_name_prefix="model")
        # To prepare is to compute: more at once than there are cores would only take longer each.
        self._before = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="prepare")

    @property
    def running(self) -> int:
        """How many have their turn."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait for one, or for their preparation."""
        return self._places - self._running

    @property
    def refused(self) -> int:
        """How many were turned away since the start."""
        return self._refused

    def check(self) -> None:
        """Raise `QueueFull`, and count it, where `enter` would now."""
        with self._lock:
            self._require_place()

    def enter(self) -> "Place":
        """A place, to be given up by leaving its `with` block; `QueueFull` where there is none."""
        with self._lock:
            self._require_place()
            self._places += 1
        return Place(self)

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Enter with work that needs no preparation: see `Place.submit`. Raises `QueueFull`."""
        with self.enter() as place:
            return place.submit(work)

    async def prepare(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns or raises, run in a thread when one is free."""
        loop, context = asyncio.get_running_loop(), copy_context()
        return await loop.run_in_executor(self._before, lambda: context.run(work))

    def give_up(self) -> None:
        """One place less is taken."""
        with self._lock:
            self._places -= 1

    def put(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Work for a place that is taken; it is given up when the work ends."""
        item = _Item(work, copy_context(), Future())
        with self._lock:
            if self._running < self._most_running:
                item.future.set_running_or_notify_cancel()
                self._threads.submit(self._serve, item)
                self._running += 1
            else:
                item.future.add_done_callback(lambda _: self._leave(item))
                self._line.append(item)
        return item.future

    def _require_place(self) -> None:
        if self._places < self._most:
            return
        self._refused += 1
        wait = self._estimate()
        raise QueueFull(
            f"{self.running} questions are with the model and {self.waiting} wait for it, as many "
            f"as may: ask again {'later' if wait is None else f'in {math.ceil(wait)} s'} "
            "(RAGFIRST_QUEUE lets more wait)",
            wait,
        )

    def _estimate(self) -> float | None:
        """Seconds until the line of now has been served; None where nothing has been yet."""
        if not self._seconds:
            return None
        turns = (self.waiting + 1) / self._most_running
        return min(max(turns * sum(self._seconds) / len(self._seconds), 1.0), LONGEST_WAIT)

    def _leave(self, item: _Item) -> None:
        with self._lock:
            if item.future.cancelled() and item in self._line:
                self._line.remove(item)
                self._places -= 1

    def _serve(self, item: _Item | None) -> None:
        """One turn after the other, for as long as there is a line."""
        while item is not None:
            began = time.monotonic()
            try:
                result: Any = item.context.run(item.work)
            except BaseException as error:
                following = self._next(time.monotonic() - began)
                item.future.set_exception(error)
            else:
                # The turn ends before its outcome is known, so that whoever hears it finds a place.
                following = self._next(time.monotonic() - began)
                item.future.set_result(result)
            item = following

    def _next(self, seconds: float) -> _Item | None:
        with self._lock:
            self._seconds.append(seconds)
            self._places -= 1
            while self._line:
                item = self._line.popleft()
                if item.future.set_running_or_notify_cancel():
                    return item
                self._places -= 1  # who has just left finds itself gone from the line
            self._running -= 1
        return None


class Place:
    """A place in a queue: taken at once, for work that is prepared meanwhile."""

    def __init__(self, queue: Queue) -> None:
        """See `Queue.enter`."""
        self._queue = queue
        self._taken = True

    def __enter__(self) -> "Place":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place up, unless work has it."""
        if self._taken:
            self._taken = False
            self._queue.give_up()

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Run `work` now, or when its turn comes; the place is the work's from now on.

        Cancelling the future takes work that waits out of the line. Work that has begun goes on
        and keeps its turn until it ends: to be quick about that is its own matter.
        """
        if not self._taken:
            raise RuntimeError("the place was given up, or work has it")
        self._taken = False
        return self._queue.put(work)

    async def prepare(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns or raises, run in a thread when one is free."""
        return await self._queue.prepare(work)

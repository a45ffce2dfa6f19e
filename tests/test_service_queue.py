"""Turns at a model: bounded, in order, left by who goes away."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from service.queue import Place, Queue, QueueFull
from tests.servers import GUARD, within


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""

    def look() -> None:
        while not holds():
            time.sleep(0.005)

    within(look)


class Gate:
    """Work that begins when it has its turn and ends when it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.order: list[str] = []

    def work(self, name: str) -> Callable[[], str]:
        def run() -> str:
            self.order.append(name)
            assert self.open.wait(GUARD), "nobody opened the gate"
            return name

        return run


def test_work_has_its_outcome() -> None:
    queue = Queue(1, 0)

    def fails() -> None:
        raise KeyError("broken")

    assert queue.submit(lambda: 7).result(GUARD) == 7
    with pytest.raises(KeyError, match="broken"):
        queue.submit(fails).result(GUARD)
    assert (queue.running, queue.waiting) == (0, 0)


def test_no_more_run_at_once_than_may_and_the_first_comes_first() -> None:
    gate, queue = Gate(), Queue(2, 8)
    futures = [queue.submit(gate.work(name)) for name in "abcde"]
    until(lambda: len(gate.order) == 2)
    assert (queue.running, queue.waiting) == (2, 3)
    gate.open.set()
    assert [future.result(GUARD) for future in futures] == list("abcde")
    assert sorted(gate.order[:2]) == ["a", "b"] and gate.order[2] == "c"
    assert (queue.running, queue.waiting, queue.refused) == (0, 0, 0)


def test_beyond_the_line_work_is_refused_and_counted() -> None:
    gate, queue = Gate(), Queue(1, 2)
    queue.check()
    futures = [queue.submit(gate.work(name)) for name in "abc"]
    with pytest.raises(QueueFull, match="1 questions are .* and 2 wait .*RAGFIRST_QUEUE"):
        queue.submit(gate.work("d"))
    with pytest.raises(QueueFull):
        queue.check()
    assert queue.refused == 2
    gate.open.set()
    assert [future.result(GUARD) for future in futures] == list("abc")
    assert queue.submit(lambda: 1).result(GUARD) == 1
    assert "d" not in gate.order


def test_the_time_to_wait_follows_recent_durations() -> None:
    gate, queue = Gate(), Queue(1, 3)
    futures: list[Future[Any]] = [queue.submit(lambda: time.sleep(1.2))]
    futures[0].result(GUARD)
    futures = [queue.submit(gate.work(name)) for name in "abcd"]
    with pytest.raises(QueueFull) as caught:
        queue.check()
    gate.open.set()
    for future in futures:
        future.result(GUARD)
    assert caught.value.retry_after == pytest.approx(4 * 1.2, rel=0.2)


def test_before_anything_was_served_no_time_is_named() -> None:
    gate, queue = Gate(), Queue(1, 0)
    future = queue.submit(gate.work("a"))
    with pytest.raises(QueueFull, match="ask again later") as caught:
        queue.check()
    gate.open.set()
    future.result(GUARD)
    assert caught.value.retry_after is None


def test_who_leaves_the_line_makes_room_and_never_runs() -> None:
    gate, queue = Gate(), Queue(1, 2)
    first, second, third = (queue.submit(gate.work(name)) for name in "abc")
    assert second.cancel()
    assert queue.waiting == 1
    fourth = queue.submit(gate.work("d"))
    gate.open.set()
    assert [one.result(GUARD) for one in (first, third, fourth)] == list("acd")
    assert gate.order == list("acd")


def test_work_that_has_begun_keeps_its_turn() -> None:
    gate, queue = Gate(), Queue(1, 1)
    first = queue.submit(gate.work("a"))
    second = queue.submit(gate.work("b"))
    assert not first.cancel()
    assert (queue.running, queue.waiting) == (1, 1)
    gate.open.set()
    assert second.result(GUARD) == "b"


def test_work_runs_in_the_context_of_who_handed_it_in() -> None:
    request: ContextVar[str] = ContextVar("request", default="none")
    queue = Queue(1, 1)
    request.set("r-1")
    future = queue.submit(request.get)
    request.set("r-2")
    assert future.result(GUARD) == "r-1"


def test_a_place_is_free_as_soon_as_an_outcome_is_known() -> None:
    queue = Queue(1, 0)
    for at in range(500):
        assert queue.submit(lambda at=at: at).result(GUARD) == at


def test_many_threads_come_and_go_and_nothing_is_left() -> None:
    queue = Queue(3, 10)

    def come(at: int) -> int:
        served = 0
        for turn in range(60):
            try:
                future = queue.submit(lambda: time.sleep(0.0005))
            except QueueFull:
                continue
            if (at + turn) % 3 == 0 and future.cancel():
                continue
            future.result(GUARD)
            served += 1
        return served

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(come, range(16))) > 0
    assert (queue.running, queue.waiting) == (0, 0)


def test_a_place_is_taken_before_there_is_work_for_it() -> None:
    queue = Queue(1, 1)
    with queue.enter() as first, queue.enter() as second:
        assert (queue.running, queue.waiting) == (0, 2)
        with pytest.raises(QueueFull):
            queue.enter()
        assert first.submit(lambda: 1).result(GUARD) == 1
        assert queue.waiting == 1
        assert second.submit(lambda: 2).result(GUARD) == 2
    assert (queue.running, queue.waiting) == (0, 0)


def test_a_place_without_work_is_given_up() -> None:
    queue = Queue(1, 0)
    with queue.enter() as place:
        pass
    assert queue.waiting == 0
    with pytest.raises(RuntimeError, match="given up"):
        place.submit(lambda: 1)
    with pytest.raises(KeyError), queue.enter():
        raise KeyError("the preparation fails")
    assert queue.submit(lambda: 1).result(GUARD) == 1


def test_what_is_prepared_waits_for_a_core_of_its_own() -> None:
    queue, gate = Queue(1, 200), Gate()

    async def prepared(place: Place, name: str) -> str:
        with place:
            return await place.prepare(gate.work(name))

    async def all_of_them() -> list[str]:
        names = [str(at) for at in range(200)]
        coming = asyncio.gather(*(prepared(queue.enter(), name) for name in names))
        await asyncio.sleep(0.2)
        assert 0 < len(gate.order) <= (os.cpu_count() or 1)
        gate.open.set()
        return await coming

    assert len(asyncio.run(all_of_them())) == 200
    assert queue.waiting == 0

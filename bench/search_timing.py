"""Timing calls one by one, by the clock and by the processor time of the calling thread."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

Result = TypeVar("Result")


class Timing(NamedTuple):
    """Milliseconds a call: median and 99th percentile, by the clock and of processor time.

    On a machine that is busy with other work the clock counts the waiting for a core, too.
    """

    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float


class Stopwatch:
    """Collects what calls take."""

    def __init__(self) -> None:
        self._clock: list[float] = []
        self._cpu: list[float] = []

    def run(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Make a call and count it."""
        clock, cpu = time.perf_counter(), time.thread_time()
        result = call(*arguments)
        self._cpu.append((time.thread_time() - cpu) * 1000)
        self._clock.append((time.perf_counter() - clock) * 1000)
        return result

    def timing(self) -> Timing:
        """What the calls took."""
        both = [np.percentile(of, (50, 99)).tolist() for of in (self._clock, self._cpu)]
        return Timing(*(round(one, 2) for of in both for one in of))

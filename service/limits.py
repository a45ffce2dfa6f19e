"""How much a key may ask: buckets of requests and of model tokens, and the headers that tell.

A bucket holds a minute's worth, may be emptied at once and fills evenly. A request is paid for as
it comes, tokens once they are known, which may be more than is left: the key then waits until they
are made up for.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.access import AccessRefused

Clock = Callable[[], float]
"""Seconds that never go back."""

MINUTE = 60.0


class RateLimited(AccessRefused):
    """A key has used up its requests or tokens of the minute."""

    status = 429


class Bucket:
    """`limit` units a minute. Safe to use from any thread."""

    def __init__(self, limit: int, clock: Clock = time.monotonic) -> None:
        """It is full at first."""
        self.limit = limit
        self._clock = clock
        self._level = float(limit)
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a unit; whether there was one."""
        with self._lock:
            found = self._filled() >= 1
            if found:
                self._level -= 1
        return found

    def spend(self, units: int) -> None:
        """Take units that are gone already, below zero if need be."""
        with self._lock:
            self._level = self._filled() - units

    def level(self) -> float:
        """Units that are left; below zero where more were spent."""
        with self._lock:
            return self._filled()

    def seconds_to(self, units: float) -> float:
        """Until so many are left, if none is taken."""
        return max(units - self.level(), 0.0) * MINUTE / self.limit

    def _filled(self) -> float:
        now = self._clock()
        grown = (now - self._at) * self.limit / MINUTE
        self._level, self._at = min(self._level + grown, float(self.limit)), now
        return self._level


@dataclass(frozen=True, slots=True)
class Budget:
    """What a key may still use; None: without limit."""

    requests: Bucket | None
    tokens: Bucket | None

    def admit(self) -> None:
        """Take a request. Raises `RateLimited` with the seconds to wait as Retry-After."""
        if self.tokens and self.tokens.level() < 1:
            raise _refused("tokens", self.tokens)
        if self.requests and not self.requests.take():
            raise _refused("requests", self.requests)

    def spend(self, tokens: int) -> None:
        """Take the tokens of an answer."""
        if self.tokens:
            self.tokens.spend(tokens)

    def headers(self) -> dict[str, str]:
        """`RateLimit-…` for the limit that is nearer, and OpenAI's `x-ratelimit-…` for both."""
        found: dict[str, str] = {}
        limits = {"requests": self.requests, "tokens": self.tokens}
        there = {name: bucket for name, bucket in limits.items() if bucket}
        for name, bucket in there.items():
            found[f"x-ratelimit-limit-{name}"] = str(bucket.limit)
            found[f"x-ratelimit-remaining-{name}"] = str(_left(bucket))
            found[f"x-ratelimit-reset-{name}"] = duration(bucket.seconds_to(bucket.limit))
        if there:
            nearer = min(there.values(), key=lambda bucket: bucket.level() / bucket.limit)
            found["RateLimit-Limit"] = str(nearer.limit)
            found["RateLimit-Remaining"] = str(_left(nearer))
            found["RateLimit-Reset"] = str(math.ceil(nearer.seconds_to(nearer.limit)))
        return found


def _left(bucket: Bucket) -> int:
    return max(math.floor(bucket.level()), 0)


def _refused(what: str, bucket: Bucket) -> RateLimited:
    seconds = max(math.ceil(bucket.seconds_to(1)), 1)
    return RateLimited(
        f"this key may use {bucket.limit} {what} a minute and has: ask again in {seconds} s",
        {"Retry-After": str(seconds)},
    )


def duration(seconds: float) -> str:
    """As OpenAI writes it: 20ms, 1.5s, 6m0s."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"

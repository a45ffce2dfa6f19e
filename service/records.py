"""What becomes known of a request while it is answered, told to metrics, the log and traces.

The code that answers calls `stage`, `asked`, `answered`, `first_token` and `failed`; outside a
request, in a command or an evaluation, they do nothing.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from service.answer import Answer

StageName = Literal["retrieve", "llm", "ground"]

Value = str | int | float | bool

UNMATCHED = "unmatched"
"""The route of a request that none takes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of answering: when it began (Unix time, nanoseconds) and how long it took.

    `notes`: counts, names and milliseconds; never text of a question, an answer or a document.
    """

    name: StageName
    began_ns: int
    seconds: float
    notes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem by the kind of its error, as `llm_timeout`, and its status."""

    kind: str
    status: int


class Watcher(Protocol):
    """Is told of requests: from the event loop and from the threads that answer."""

    def begun(self, record: "Record") -> None:
        """A request has come."""
        ...

    def passed(self, record: "Record", stage: Stage) -> None:
        """A stage is over, well or not."""
        ...

    def answered(self, record: "Record", answer: "Answer") -> None:
        """An answer is made; it may still be on its way when the client goes."""
        ...

    def ended(self, record: "Record") -> None:
        """The last byte is sent, or the client is gone."""
        ...


@dataclass(slots=True, eq=False, weakref_slot=True)
class Record:
    """One request. Not frozen: it is filled in as the request goes through.

    Attributes:
        id: The request's id.
        method: As sent, or "other" where HTTP does not know it.
        watchers: Who is told.
        probe: Whether a machine asks how the service is, every few seconds.
        traceparent: Where the request belongs in a trace of the client's, as sent.
        began_ns: Unix time in nanoseconds.
        route: The template that the path matches.
        status: Of the response; 0 where none was begun.
        seconds: Until the last byte.
        left: Whether the client went away before that.
        caller: The name of whoever asks.
        question: The question or query; see the setting `log_questions`.
        answer: What it got.
        first_token_seconds: Until the first token of a stream.
        failure: The problem, in a stream too.
        trace_id: Of the request's trace, 32 hexadecimal digits.
    """

    id: str
    method: str
    watchers: Sequence[Watcher]
    probe: bool = False
    traceparent: str = ""
    began_ns: int = field(default_factory=time.time_ns)
    route: str = UNMATCHED
    status: int = 0
    seconds: float = 0.0
    left: bool = False
    caller: str = ""
    question: str = ""
    answer: "Answer | None" = None
    first_token_seconds: float | None = None
    failure: Failure | None = None
    trace_id: str = ""
    _began: float = field(default_factory=time.perf_counter)

    def begin(self) -> None:
        """Tell that it has come."""
        for watcher in self.watchers:
            watcher.begun(self)

    def end(self) -> None:
        """Tell that it is over."""
        self.seconds = self.elapsed()
        for watcher in self.watchers:
            watcher.ended(self)

    def elapsed(self) -> float:
        """Seconds since it came."""
        return time.perf_counter() - self._began


CURRENT: ContextVar[Record | None] = ContextVar("record", default=None)
"""The request that this code runs for; threads that answer it are given it with the context."""


@contextmanager
def stage(name: StageName, **notes: Value) -> Generator[dict[str, Value]]:
    """Time a stage. Yields its notes, to be added to."""
    record = CURRENT.get()
    if record is None:
        yield notes
        return
    began_ns, began = time.time_ns(), time.perf_counter()
    try:
        yield notes
    finally:
        passed = Stage(name, began_ns, time.perf_counter() - began, notes)
        for watcher in record.watchers:
            watcher.passed(record, passed)


def asked(question: str) -> None:
    """Note the question or query."""
    if record := CURRENT.get():
        record.question = question


def answered(answer: "Answer") -> None:
    """Note the answer and tell of it."""
    if record := CURRENT.get():
        record.answer = answer
        for watcher in record.watchers:
            watcher.answered(record, answer)


def first_token() -> None:
    """Note that a part of the reply goes out; all but the first count for nothing."""
    record = CURRENT.get()
    if record and record.first_token_seconds is None:
        record.first_token_seconds = record.elapsed()


def failed(error: Exception, status: int) -> None:
    """Note the error that the request ends in."""
    if record := CURRENT.get():
        record.failure = Failure(_kind(type(error).__name__), status)


def _kind(name: str) -> str:
    """`LLMTimeout` as `llm_timeout`."""
    letters = [
        f"_{letter}"
        if at and letter.isupper() and (name[at - 1].islower() or name[at + 1 : at + 2].islower())
        else letter
        for at, letter in enumerate(name)
    ]
    return "".join(letters).lower()

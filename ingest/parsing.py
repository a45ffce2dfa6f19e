"""Parsing in a process of its own: `Parser`.

A file may hang its parser, take all memory or crash the process, and the sync goes on: the file, or
the page of a dump, is named with the reason, and another process takes over. That one parses ahead
while the documents before are embedded; how far is bounded by what the pipe between the two holds.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

from ingest.documents import Document, Failure, UnreadableFile
from ingest.parsing_messages import (
    NOT_INSTALLED,
    ON_THE_CLOCK,
    OUT_OF_MEMORY,
    READY,
    Broken,
    End,
    Message,
    Order,
    ParseLimits,
    Start,
    receive,
    send,
)
from ingest.readers import may_hold_many
from ingest.schema import IndexRefused

# It imports what its parent does, from the same places; `-P`: not from the working folder as such.
_COMMAND = (
    sys.executable,
    "-P",
    "-c",
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from ingest.parsing_worker import main; main()",
)
_AHEAD = 256
"""Files that may be ordered ahead."""
_AHEAD_BYTES = 12_000
"""Of orders that wait: less than a pipe holds on any system, so that ordering never blocks."""
_PIPE = 1 << 20
"""Bytes of documents that wait to be taken, where the system allows it: some 800 chunks."""
_DEATHS = 10
"""Processes that may die of the pages of one dump before the rest of it is given up."""
_GRACE = 10.0
"""Seconds for a process that has closed its pipe to be gone."""
_SAID = 300
"""Characters of the last words of a process."""

# Windows has none of them, and no process there ends by them.
_SIGPROF, _SIGALRM, _SIGKILL = (
    getattr(signal, name, sys.maxsize) for name in ("SIGPROF", "SIGALRM", "SIGKILL")
)

T = TypeVar("T")


class ParserNotStarted(IndexRefused):
    """The parsing process does not start, or lacks a library: no file's fault."""


class Parser:
    """Reads files in another process, which is started with the first file and kept.

    Not for several threads: the process ends with the thread that reads by it.
    """

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._process: _Process | None = None
        self._ordered: deque[Order] = deque()
        self._ended = 0  # files that this process has read to their ends

    def __enter__(self) -> "Parser":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def read(
        self, files: Iterable[tuple[T, Order | None]], *, ahead: bool = True
    ) -> Iterator[tuple[T, Iterator[Document | Failure]]]:
        """The files in their order, each with what is in it, as `ingest.readers.read` gives it.

        Args:
            files: Whatever stands for a file, and where it lies; None holds nothing. Each is taken
                some time before it is given back.
            ahead: Whether the next files are parsed while one is being dealt with.

        Raises:
            ParserNotStarted: When the first file is read. Reading a file raises `UnreadableFile`.
        """
        coming, waiting = iter(files), deque[tuple[T, Order | None]]()
        while True:
            while not waiting or (ahead and self._has_room(len(waiting))):
                following = next(coming, None)
                if following is None:
                    break
                waiting.append(following)
                if following[1] is not None:
                    self._ordered.append(following[1])
                    self._send(following[1])
            if not waiting:
                return
            file, order = waiting.popleft()
            if order is None:
                yield file, iter(())
                continue
            items = self._items()
            yield file, items
            deque(items, maxlen=0)
            self._ordered.popleft()

    def _has_room(self, waiting: int) -> bool:
        size = sum(len(os.fsencode(one.place + one.name)) for one in self._ordered)
        return waiting < _AHEAD and size < _AHEAD_BYTES

    def _send(self, order: Order) -> None:
        if self._process is None:
            self._process = _Process(self._limits)
            self._ended = 0
        self._process.order(order)

    def _items(self) -> Iterator[Document | Failure]:
        """What the first file that is ordered holds."""
        received = deaths = 0
        while True:
            assert self._process is not None
            try:
                message = self._process.receive()
            except Broken:
                deaths += 1
                self._make_up_for(self._process, received, deaths)
                received = 0
                continue
            if isinstance(message, End):
                self._ended += 1
                if message.reason is not None:
                    raise UnreadableFile(message.reason)
                return
            received += 1
            if isinstance(message, (Document, Failure)):
                yield message

    def _make_up_for(self, process: "_Process", received: int, deaths: int) -> None:
        """Go on with another process after one that died, having given so much of its file.

        Raises `UnreadableFile` where the file is given up, and `ParserNotStarted` where no file is
        to blame.
        """
        death = process.died()
        self._process = None
        if not process.ready or death.status == NOT_INSTALLED:
            raise ParserNotStarted(f"the process that parses files does not run: {death.words}")
        order, reason = self._ordered[0], death.reason(self._limits)
        # What the files before have left behind may be what there was too much of.
        innocent = self._ended > 0 and not received and not death.by_time
        stuck = order.reason is not None and not received
        given_up = not innocent and (
            stuck or deaths > _DEATHS or not may_hold_many(Path(order.place))
        )
        if not innocent and not given_up:
            self._ordered[0] = replace(order, done=order.done + received, reason=reason)
        for one in list(self._ordered)[1 if given_up else 0 :]:
            self._send(one)
        if given_up:
            raise UnreadableFile(reason)


@dataclass(frozen=True, slots=True)
class _Death:
    """How a process ended: its exit status, or minus a signal's number, and its last words."""

    status: int
    words: str

    @property
    def by_time(self) -> bool:
        return -self.status in (_SIGPROF, _SIGALRM)

    def reason(self, limits: ParseLimits) -> str:
        """What that says of the file that was being read, and what to do about it."""
        longer = "set RAGFIRST_PARSE_SECONDS higher, or split the file"
        if self.status == -_SIGPROF:
            return f"reading it took more than {limits.seconds:g} s of processor time: {longer}"
        if self.status == -_SIGALRM:
            return f"reading it took more than {limits.seconds * ON_THE_CLOCK:g} s: {longer}"
        # Rust and C++ abort where memory is not to be had.
        aborted = self.status == -signal.SIGABRT and "alloc" in self.words
        if self.status == OUT_OF_MEMORY or aborted:
            return (
                f"reading it took more than {limits.megabytes} MB of memory: set "
                "RAGFIRST_PARSE_MEMORY higher, or split the file"
            )
        if self.status == -_SIGKILL:
            return (
                "the process that read it was killed, which may be for want of memory: free some, "
                "or set RAGFIRST_PARSE_MEMORY lower than what there is"
            )
        if self.status < 0:
            name = signal.Signals(-self.status).name
            return f"it crashes its parser ({name}): it is damaged; save it anew"
        return f"its parser ended with status {self.status} ({self.words}): save the file anew"


def _widen(pipe: IO[bytes]) -> None:
    """Let more wait in a pipe, where the system can do so."""
    with suppress(ImportError, AttributeError, OSError):  # a user may have no more than so many
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


class _Process:
    """One parsing process. `ready`: it has started well."""

    def __init__(self, limits: ParseLimits) -> None:
        self.ready = False
        self._said = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
            )
        except OSError as error:
            self._said.close()
            raise ParserNotStarted(
                f"the process that parses files cannot be started: {error}"
            ) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._orders, self._messages = self._process.stdin, self._process.stdout
        _widen(self._messages)
        self._send([path or os.getcwd() for path in sys.path])
        self._send(Start(os.getpid(), limits))

    def order(self, order: Order) -> None:
        """Have a file read after those ordered before."""
        self._send(order)

    def receive(self) -> Message:
        """What it says next of the files. Raises `Broken` where it is gone."""
        message = receive(self._messages)
        if message == READY:
            self.ready = True
            message = receive(self._messages)
        return message

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._leave()

    def died(self) -> _Death:
        """How it ended, which is about to be."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._process.kill()
        return self._leave()

    def _leave(self) -> _Death:
        with suppress(BrokenPipeError):
            self._orders.close()
        self._messages.close()
        status = self._process.wait()
        with self._said as said:
            said.seek(0)
            lines = [line.strip() for line in said.read().decode(errors="replace").splitlines()]
        words = next((line for line in reversed(lines) if line), f"it ended with status {status}")
        return _Death(status, words[:_SAID])

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError):  # that it is gone shows when it is listened to
            send(message, self._orders)

"""The process that parses files, started by `ingest.parsing`: one at a time, many in a row.

It loads readers and nothing else of the house. What it may take is held by the kernel, since a
parser that hangs inside a C function lets no Python run: processor time by a profiling timer, time
on the clock by an alarm, both of which end the process, and memory by its address space. Windows
has none of that: there a file may take what it takes, and only a crash is held apart.
"""

import mmap
import os
import pickle
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from ingest.documents import UnreadableFile
from ingest.parsing_messages import (
    NOT_INSTALLED,
    ON_THE_CLOCK,
    OUT_OF_MEMORY,
    READY,
    End,
    Order,
    ParseLimits,
    Start,
    send,
)
from ingest.readers import read_on

_MEGABYTE = 1 << 20
_LARGEST_FILE = 16 * _MEGABYTE  # of last words and compiled modules; it writes no other
_LOOK = 0.1  # seconds


def main() -> None:
    """Read what is ordered on standard input until that ends."""
    orders, out = sys.stdin.buffer, _own_stdout()
    start: Start = pickle.load(orders)  # the parent is trusted
    _end_with(start.parent)
    _keep_to_itself()
    hold_memory(start.limits.megabytes)
    try:
        send(READY, out)
        while True:
            try:
                order: Order = pickle.load(orders)
            except EOFError:
                return
            _read(order, start.limits, out)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(NOT_INSTALLED)
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


def _read(order: Order, limits: ParseLimits, out: IO[bytes]) -> None:
    """Send what a file holds. While the parent keeps this process waiting, no time runs."""
    end = End()
    items = read_on(Path(order.place), order.name, order.done, order.reason)
    while True:
        try:
            _set_timers(limits.seconds)
            item = next(items, end)
        except UnreadableFile as error:
            item = end = End(str(error))
        _set_timers(0)
        send(item, out)
        if item is end:
            return


def _set_timers(seconds: float) -> None:
    """The signals of both timers end a process that does not handle them."""
    if not hasattr(signal, "setitimer"):
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * ON_THE_CLOCK)


def _own_stdout() -> IO[bytes]:
    """Standard output for messages only: what a library prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _end_with(parent: int) -> None:
    """Where the system can do so, this process is ended as soon as its parent is.

    Elsewhere it ends as soon as it has something to say, or nothing to do, or no time left.
    """
    if sys.platform == "linux":
        import ctypes

        death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _keep_to_itself() -> None:
    """Signals of a terminal are the parent's; a crash leaves no core; it is the first to go."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _lower("RLIMIT_CORE", 0)
    _lower("RLIMIT_FSIZE", _LARGEST_FILE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def hold_memory(megabytes: int, *, by_limit: bool = sys.platform == "linux") -> None:
    """From now on this process may take so much more memory than it has.

    By a limit of its address space, beyond which it gets `MemoryError`, or by a thread that ends it
    with `OUT_OF_MEMORY`, where limits are not kept, as on macOS.
    """
    if by_limit:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _lower("RLIMIT_AS", pages * mmap.PAGESIZE + megabytes * _MEGABYTE)
    else:
        most = _taken() + megabytes * _MEGABYTE
        threading.Thread(target=_watch_memory, args=(most,), daemon=True).start()


def _watch_memory(most: int) -> None:
    while _taken() <= most:
        time.sleep(_LOOK)
    os._exit(OUT_OF_MEMORY)


def _taken() -> int:
    """Bytes of memory that this process has; the most it ever had where it tells no other.

    0 where it tells neither.
    """
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _lower(name: str, value: int) -> None:
    """Set a limit of this process, where there are any, never above the one that it came with."""
    try:
        import resource
    except ImportError:
        return
    limit: int = getattr(resource, name)
    _, most = resource.getrlimit(limit)
    wanted = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(limit, (wanted, wanted))

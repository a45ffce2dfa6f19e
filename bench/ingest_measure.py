"""One command measured from outside: seconds, processor time and memory of all its processes."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psutil

_LOOK = 0.1
"""Seconds between two looks at the processes that the command has started."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took.

    `seconds` on the clock; `cpu` seconds of processor time, its ended child processes included;
    `peak`: bytes, the most that it held itself and the most that its children held together.
    """

    seconds: float
    cpu: float
    peak: int
    output: str

    def less(self, start: "Spent") -> "Spent":
        """Without the start, a hundredth of a second at least; memory stays as it is."""
        seconds = max(self.seconds - start.seconds, 0.01)
        return Spent(seconds, max(self.cpu - start.cpu, 0.01), self.peak, self.output)


def measure(
    command: Sequence[str], environment: Mapping[str, str], allowed: Sequence[int] = (0,)
) -> Spent:
    """Run it to its end. Raises RuntimeError, with its last words, where its status is another."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as output:
        begun = perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=said)
        over, children = threading.Event(), [0]
        looking = threading.Thread(target=_look, args=(process.pid, over, children))
        looking.start()
        _, status, used = os.wait4(process.pid, 0)
        seconds = perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        looking.join()
        for file in (said, output):
            file.seek(0)
        text, words = output.read().decode(), said.read().decode(errors="replace")
    if process.returncode not in allowed:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {words[-2000:]}")
    return Spent(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 + children[0], text)


def _look(pid: int, over: threading.Event, peak: list[int]) -> None:
    while not over.wait(_LOOK):
        try:
            children = psutil.Process(pid).children(recursive=True)
        except psutil.Error:
            continue
        peak[0] = max(peak[0], sum(map(_held, children)))


def _held(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # gone meanwhile
        return 0


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The versions of packages that a Python has; those that it lacks are left out."""
    script = (
        "import sys, importlib.metadata as m\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(name, m.version(name))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    command = [str(python), "-c", script, *packages]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return {name: version for name, version in pairs}

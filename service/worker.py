"""Keeps a process reading uploads while there are any to read: `Worker`.

Answering is never blocked: what reads is another process, and here a thread waits for it.
"""

import logging
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO

from service.backlog import pending, prepare
from service.journal import TRIES
from service.reading import Order, order_of
from service.settings import ServiceSettings
from service.uploads import Trouble, Uploads

# Not from the working folder, which may have a folder named service, too.
COMMAND = (sys.executable, "-P", "-m", "service.reading")

TOGETHER = 0.3
"""Seconds that are waited for further uploads, which are then read together."""

GRACE = 2.0
"""Seconds that a process is given to end by itself."""

_SAID = 1000
"""Characters of the last words of a process."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _End:
    """How a process ended: well, or for a reason; `tries` are what its files have now."""

    well: bool
    reason: str = ""
    tries: int = TRIES


class Worker:
    """Starts one process at a time, and one more where it dies, but not for ever.

    A file that processes die of is given up by the next one after `TRIES`; where they die of
    something else, `TRIES` in a row are all, until there is another upload or another service.
    """

    def __init__(
        self,
        uploads: Uploads,
        settings: ServiceSettings,
        *,
        command: Sequence[str] = COMMAND,
        pause: float = 2.0,
    ) -> None:
        """Nothing is started. `pause`: seconds before the second try; they double."""
        self.uploads = self._uploads = uploads
        self._order = order_of(settings)
        self._longest = settings.upload_seconds
        self._command = command
        self._pause = pause
        self._trouble: Trouble | None = None
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def trouble(self) -> Trouble | None:
        """Why the last process failed, if it did."""
        return self._trouble

    def start(self) -> None:
        """Take up what an earlier service has left."""
        if self._uploads.files.folder.is_dir():
            self.wake()

    def wake(self) -> None:
        """There is something to do. Returns at once."""
        with self._lock:
            if self._closing.is_set():
                return
            if self._trouble is not None and self._trouble.final:
                self._trouble = None
            self._woken.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the process: what it has done is kept, and the next service goes on from there."""
        with self._lock:
            self._closing.set()
            self._woken.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        prepared = False
        while self._woken.wait() and not self._closing.wait(TOGETHER):
            self._woken.clear()
            if self._closing.is_set():  # else it may be this wake that was cleared
                return
            try:
                if not prepared:
                    prepare(self._uploads)
                    prepared = True
                self._work()
            except Exception as error:  # whatever it is, uploads have to say so
                _log.exception("uploads cannot be read")
                self._trouble = Trouble(f"{error}", final=True)

    def _work(self) -> None:
        """Start processes until there is nothing left that they can do."""
        order, failed = self._order, 0
        while (tasks := pending(self._uploads)) and not self._closing.is_set():
            begun = self._uploads.journal.read()
            end = self._one(order)
            if self._closing.is_set():
                return
            if end.well:
                self._trouble, order, failed = None, self._order, 0
                if pending(self._uploads) == tasks:
                    return
                continue
            # A journal that has changed names the file, which is then given up by and by.
            failed = failed + 1 if self._uploads.journal.read() == begun else 0
            _log.warning("the process that reads uploads failed: %s", end.reason)
            self._trouble = Trouble(end.reason, final=failed >= TRIES)
            if failed >= TRIES:
                return
            order = replace(self._order, because=end.reason, tries=end.tries)
            self._closing.wait(self._pause * 2**failed)
        self._trouble = None

    def _one(self, order: Order) -> _End:
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [*self._command, order.as_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,  # the signals of a terminal are the service's
            )
            with process:
                tries = self._watch(process)
            return _end(process.returncode, said, tries, self._longest)

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a process, and end it where that must be.

        Returns the tries that its files are given where it took too long, else 0.
        """
        began = time.time()
        while True:
            try:
                process.wait(0.2)
                return 0
            except subprocess.TimeoutExpired:
                reading = self._hung(began)
            if self._closing.is_set():
                _stop(process)
                return 0
            if reading:
                process.kill()
                process.wait()
                return 1 if reading == 1 else TRIES

    def _hung(self, began: float) -> int:
        """How many files are being read, if that takes too long."""
        journal = self._uploads.journal
        if time.time() - max(began, journal.changed_at()) < self._longest:
            return 0
        return sum(one.reading for one in journal.read().values())


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end(code: int, said: IO[bytes], tries: int, longest: float) -> _End:
    if code == 0:
        return _End(well=True)
    if tries:
        return _End(False, f"it took longer than {longest:g} seconds", tries)
    if code < 0:
        name = signal.Signals(-code).name
        memory = ", which may be for want of memory" * (name == "SIGKILL")
        return _End(False, f"the process was ended by {name}{memory}")
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines()]
    words = next((line for line in reversed(lines) if line), f"it ended with status {code}")
    return _End(False, words[:_SAID])

"""What a worker has begun to read, in a file: that is what one that died leaves behind."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

TRIES = 3
"""Times that a file may be begun by a worker that dies of it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A file that was begun and not ended.

    Attributes:
        fingerprint: Of its content, so that another one starts anew.
        attempts: Times that it was begun.
        reading: Whether it was under way when this was written.
    """

    fingerprint: str
    attempts: int
    reading: bool


Entries = Mapping[tuple[str, str], Begun]
"""By collection and file."""


class Journal:
    """One worker writes at a time, any process reads.

    Not forced to the disk: it is there for workers that die, not for power cuts.
    """

    def __init__(self, file: Path) -> None:
        """Nothing is written before something is begun."""
        self._file = file

    def read(self) -> Entries:
        """What there is; nothing where it is missing or not readable."""
        try:
            rows = json.loads(self._file.read_text())
            return {(row["collection"], row["file"]): _begun(row) for row in rows}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def changed_at(self) -> float:
        """When it was last written, in seconds since 1970; 0 where there is none."""
        with suppress(OSError):
            return self._file.stat().st_mtime
        return 0.0

    def begin(self, collection: str, file: str, fingerprint: str) -> None:
        """A file is being read now."""
        entries, place = dict(self.read()), (collection, file)
        before = entries.get(place)
        same = before is not None and before.fingerprint == fingerprint
        attempts = before.attempts + 1 if before and same else 1
        entries[place] = Begun(fingerprint, attempts, reading=True)
        self._write(entries)

    def end(self, collection: str, file: str) -> None:
        """It was read, or is known to be unreadable."""
        entries = dict(self.read())
        if entries.pop((collection, file), None):
            self._write(entries)

    def stop(self) -> None:
        """The worker died: none is being read, and how often they were begun stays known."""
        entries = self.read()
        if any(one.reading for one in entries.values()):
            self._write({place: replace(one, reading=False) for place, one in entries.items()})

    def forgive(self) -> None:
        """The worker ends for a reason that is none of the files'."""
        left = {
            place: replace(one, attempts=one.attempts - one.reading, reading=False)
            for place, one in self.read().items()
        }
        self._write({place: one for place, one in left.items() if one.attempts})

    def _write(self, entries: Entries) -> None:
        rows = [
            {"collection": collection, "file": file, **asdict(one)}
            for (collection, file), one in entries.items()
        ]
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(rows))
        os.replace(written, self._file)


def _begun(row: Mapping[str, object]) -> Begun:
    return Begun(str(row["fingerprint"]), int(str(row["attempts"])), bool(row["reading"]))

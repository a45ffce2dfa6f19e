"""A file that a sync is reading: where it lies, what is in it, whether it is still the same."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ingest.documents import Document, Failure, UnreadableFile
from ingest.plan import UNREADABLE
from ingest.readers import read


@dataclass(frozen=True, slots=True)
class File:
    """A file under way: its root's id, its plan, and what became of it so far.

    `place` is where it lies, `path` its path below the root; `still` tells whether it may be
    written yet.
    """

    place: Path
    root: int
    collection: str
    path: str
    fingerprint: str
    still: Callable[[], bool]
    seen: set[str] = field(default_factory=set[str])
    failures: list[Failure] = field(default_factory=list[Failure])

    def documents(self) -> Iterator[Document]:
        """Read its documents; what cannot be read goes to its failures."""
        if self.fingerprint.startswith(UNREADABLE):
            reason = self.fingerprint.removeprefix(UNREADABLE)
            self.failures.append(Failure(self.path, reason))
            return
        try:
            for item in read(self.place, self.path):
                if isinstance(item, Failure):
                    self.failures.append(item)
                else:
                    yield item
        except (UnreadableFile, OSError) as error:
            self.failures.append(Failure(self.path, str(error)))


def unchanged(path: Path) -> Callable[[], bool]:
    """Whether a file is still the one that it was at the time of this call."""

    def identity() -> tuple[int, ...] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    before = identity()
    return lambda: before is not None and identity() == before


def unique(document: Document, seen: set[str]) -> Document:
    """Two pages of one title in a dump are two documents."""
    path, count = document.path, 1
    while path in seen:
        count += 1
        path = f"{document.path} ({count})"
    return replace(document, path=path)


def digest(document: Document, collection: str) -> str:
    """Over everything that is stored of a document but its path."""
    parts = asdict(replace(document, path="", metadata=dict(document.metadata)))
    return hashlib.sha256(
        json.dumps([parts, collection], sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()

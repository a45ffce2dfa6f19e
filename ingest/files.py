"""A file that a sync is reading: where it lies, what is in it, whether it is still the same."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ingest.documents import Document, Failure, UnreadableFile
from ingest.parsing_messages import Order
from ingest.plan import UNREADABLE


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

    @property
    def order(self) -> Order | None:
        """To read it; None where that is known to fail."""
        if self.fingerprint.startswith(UNREADABLE):
            return None
        return Order(str(self.place), self.path)

    def documents(self, items: Iterable[Document | Failure]) -> Iterator[Document]:
        """The documents of what it holds; what could not be read goes to its failures."""
        if self.fingerprint.startswith(UNREADABLE):
            reason = self.fingerprint.removeprefix(UNREADABLE)
            self.failures.append(Failure(self.path, reason))
            return
        try:
            for item in items:
                if isinstance(item, Failure):
                    self.failures.append(item)
                else:
                    yield item
        except UnreadableFile as error:
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

"""Uploads: files below `<index>/uploads/` and what the index has made of them.

Nothing else is recorded: how far an upload is can be told from its file and the index at any time.
"""

import sqlite3
import threading
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.disk import to_disk
from ingest.roots import KnownFile, Place, known_files, place_of
from ingest.schema import DATABASE, IndexRefused, connect, read_only
from ingest.store import Store
from service.journal import Entries, Journal
from service.upload_files import UploadFiles, move, same
from service.upload_names import upload_id

Status = Literal["queued", "reading", "ready", "failed"]

UNKNOWN = KnownFile()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded, and how far it is.

    `reason` says why it failed, why it waits, or which parts of it cannot be read. `document` is
    the id of the one that is shown of it, perhaps of the version before; None where there is none,
    or several.
    """

    id: str
    name: str
    collection: str
    bytes: int
    status: Status
    reason: str | None
    document: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why no worker comes to an end; `final`: none is started again by itself."""

    reason: str
    final: bool


class NameTaken(ValueError):
    """Another file has this name in this collection: `upload`."""

    def __init__(self, upload: Upload) -> None:
        """Name it, and the ways to put another in its place."""
        ways = f"delete it first by DELETE /v1/uploads/{upload.id}"
        if upload.document is not None:
            ways = f"replace it by PUT /v1/documents/{upload.document}/file, or {ways}"
        super().__init__(
            f"another {upload.name!r} is in the collection {upload.collection!r}: {ways}"
        )
        self.upload = upload


class NoUpload(LookupError):
    """There is no such upload, or no longer."""


def no_upload(number: str) -> NoUpload:
    """The error for an id that there is not."""
    return NoUpload(f"no upload {number[:40]!r}: /v1/uploads lists those there are")


class Uploads:
    """The uploads of one index. Safe to share between threads; one service at a time writes."""

    def __init__(self, index: Path) -> None:
        """Nothing is made before the first upload."""
        self.index = index
        self.files = UploadFiles(index.resolve() / "uploads")
        self.journal = Journal(self.files.folder / ".reading.json")
        self._lock = threading.Lock()

    @property
    def has_index(self) -> bool:
        """Whether there is a database yet; the first upload may be what makes it."""
        return (self.index / DATABASE).is_file()

    def known(self) -> Mapping[tuple[str, str], KnownFile]:
        """What the index knows, by collection and name. Raises `IndexRefused`."""
        if not self.has_index:
            return {}
        with read_only(self.index) as connection:
            return known_files(connection, self.files.folder)

    def all(self, trouble: Trouble | None = None) -> list[Upload]:
        """All uploads by collection and name. `trouble`: of the workers, if any."""
        known, begun = self.known(), self.journal.read()
        every = [self._upload(place, known, begun, trouble) for place in self.files.places()]
        return [one for one in every if one is not None]

    def one(self, number: str, trouble: Trouble | None = None) -> Upload:
        """An upload by id. Raises `NoUpload`."""
        places = (place for place in self.files.places() if upload_id(*place) == number)
        found = next(places, None)
        if found is None:
            raise no_upload(number)
        return self._at(found, trouble)

    def at(self, collection: str, name: str) -> Upload:
        """An upload by name. Raises `NoUpload`."""
        return self._at((collection, name), None)

    def place_of(self, document: int) -> Place | None:
        """Where a document that is shown comes from, uploaded or not; None where there is none."""
        if not self.has_index:
            return None
        with read_only(self.index) as connection:
            return place_of(connection, document)

    def holds(self, root: Path) -> bool:
        """Whether a source root is one of uploads."""
        return root.parent == self.files.folder

    def documents_of(self, collection: str, name: str) -> tuple[int, ...]:
        """All documents that are shown of a file."""
        return self.known().get((collection, name), UNKNOWN).documents

    def place(self, file: Path, collection: str, name: str) -> tuple[Upload, bool]:
        """Move a file that has come in to its place; and whether it is new there.

        A second file of the same bytes is no other one. Raises `NameTaken`.
        """
        with self._lock:
            latest = self.files.latest(collection, name)
            taken = latest is not None and not same(file, latest)
            if latest is None:
                move(file, self.files.current(collection, name))
        found = self._at((collection, name), None)
        if taken:
            raise NameTaken(found)
        return found, latest is None

    def replace(self, file: Path, collection: str, name: str) -> tuple[Upload, bool]:
        """Let a worker put a file in the place of the one of this name; and whether it differs.

        Raises `NoUpload` where there is none to replace.
        """
        with self._lock:
            latest = self.files.latest(collection, name)
            if latest is None:
                raise NoUpload(f"{name!r} is no longer in the collection {collection!r}: upload it")
            differs = not same(file, latest)
            if differs:
                move(file, self.files.following(collection, name))
        return self._at((collection, name), None), differs

    def remove(self, collection: str, name: str) -> None:
        """Delete a file, and hide all that it gave, at once and in every generation.

        The files go first: a worker that writes a document of one looks for it in the transaction,
        which comes before the one that hides, or after it.
        """
        current = self.files.current(collection, name)
        with self._lock:
            shown = self.documents_of(collection, name)
            self.files.following(collection, name).unlink(missing_ok=True)
            current.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                to_disk(current.parent)
            if self.has_index:
                with self.store() as store:
                    store.drop(store.root(current.parent), name)
            for document in shown:
                self.files.kept(document).unlink(missing_ok=True)

    @contextmanager
    def store(self) -> Generator[Store]:
        """For writes that need no lock of the index. Raises `IndexRefused`."""
        with closing(connect(self.index)) as connection:
            try:
                yield Store(connection)
            except sqlite3.Error as error:
                raise IndexRefused(
                    f"writing to the index {str(self.index)!r} failed ({error}): mend that and ask "
                    "again"
                ) from error

    def _at(self, place: tuple[str, str], trouble: Trouble | None) -> Upload:
        found = self._upload(place, self.known(), self.journal.read(), trouble)
        if found is None:
            raise NoUpload(f"{place[1]!r} is no longer in the collection {place[0]!r}: upload it")
        return found

    def _upload(
        self,
        place: tuple[str, str],
        known: Mapping[tuple[str, str], KnownFile],
        begun: Entries,
        trouble: Trouble | None,
    ) -> Upload | None:
        """None where the file has gone meanwhile, or is none that was uploaded."""
        latest, mark = self.files.latest(*place), self.files.fingerprint(*place)
        replaced = latest == self.files.following(*place)
        if latest is None or (mark is None and not replaced):
            return None
        try:
            size = latest.stat().st_size
        except OSError:
            return None
        file = known.get(place, UNKNOWN)
        entry = begun.get(place)
        under_way = entry is not None and entry.reading and entry.fingerprint == mark
        told = file if file.fingerprint == mark and not replaced else None
        return Upload(
            upload_id(*place),
            place[1],
            place[0],
            size,
            *_state(told, under_way, trouble),
            document=file.documents[0] if len(file.documents) == 1 else None,
        )


def _state(
    told: KnownFile | None, under_way: bool, trouble: Trouble | None
) -> tuple[Status, str | None]:
    """Status and reason of an upload; `told` is what the index knows of this very version."""
    if told is not None and told.failure:
        return "failed", told.failure
    if told is not None and told.settled:
        few = "; ".join(told.partial[:3])
        if len(told.partial) > 3:
            few += f"; and {len(told.partial) - 3} more"
        if not told.documents:
            return "failed", few or "nothing in it can be read"
        return "ready", few or None
    if trouble is not None and trouble.final:
        return "failed", trouble.reason
    if told is not None or under_way:
        return "reading", None
    return "queued", trouble.reason if trouble else None

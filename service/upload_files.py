"""Where the files of uploads lie, and moving them so that a power cut leaves the old or the new.

Beside the folder of each collection, which is a source root, there are hidden ones, which no sync
looks into: files that are still coming in; new versions that no worker has taken up yet; old ones
whose documents are still shown.
"""

import filecmp
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ingest.disk import to_disk
from ingest.plan import fingerprint


class UploadFiles:
    """The files below one folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made before the first file comes in."""
        self.folder = folder
        self._made = time.time()
        self._seen: dict[Path, tuple[tuple[int, ...], str | None]] = {}
        self._lock = threading.Lock()

    def current(self, collection: str, name: str) -> Path:
        """The file that the index reads."""
        return self.folder / collection / name

    def following(self, collection: str, name: str) -> Path:
        """The version that is to replace it, if there is one."""
        return self.folder / ".next" / collection / name

    def latest(self, collection: str, name: str) -> Path | None:
        """The version that was sent last; None where there is no file of this name."""
        versions = self.following(collection, name), self.current(collection, name)
        return next((one for one in versions if one.is_file()), None)

    def kept(self, document: int) -> Path:
        """The version that a document was read from, if it was replaced since."""
        return self.folder / ".kept" / str(document)

    def all_kept(self) -> list[Path]:
        """Those that there are."""
        with suppress(FileNotFoundError):
            return list((self.folder / ".kept").iterdir())
        return []

    def places(self) -> Iterator[tuple[str, str]]:
        """Collection and name of each file, in order."""
        found: set[tuple[str, str]] = set()
        for folder in (self.folder, self.folder / ".next"):
            for file in folder.glob("*/*"):
                if not (file.name.startswith(".") or file.parent.name.startswith(".")):
                    found.add((file.parent.name, file.name))
        return iter(sorted(one for one in found if self.latest(*one)))

    def incoming(self, name: str) -> Path:
        """A place for a file that is coming in; it has the extensions of the name."""
        folder = self.folder / ".incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid4().hex}-{name}"

    def forget_incoming(self) -> None:
        """Remove what broke off while it came in, before this object was made."""
        for file in (self.folder / ".incoming").glob("*"):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < self._made:
                    file.unlink()

    def fingerprint(self, collection: str, name: str) -> str | None:
        """Of the current file, as the index records it; hashed anew where it may have changed."""
        file = self.current(collection, name)
        try:
            found = file.stat()
        except OSError:
            return None
        identity = found.st_ino, found.st_size, found.st_mtime_ns
        with self._lock:
            before, mark = self._seen.get(file, ((), None))
        if before != identity:
            mark = fingerprint(file, collection)
            with self._lock:
                self._seen[file] = identity, mark
        return mark


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes."""
    return filecmp.cmp(one, other, shallow=False)


def move(file: Path, target: Path) -> None:
    """Put a file that is on the disk in the place of another, if there is one; at once, for good.

    Raises `FileNotFoundError` where there is no such file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(file, target)
    to_disk(target.parent)
    to_disk(target.parent.parent)


def keep(file: Path, under: Path) -> None:
    """Let a file be there by a second name, too, whatever becomes of the first.

    Raises `FileNotFoundError` where there is no such file.
    """
    if under.exists():
        return
    under.parent.mkdir(parents=True, exist_ok=True)
    try:
        under.hardlink_to(file)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        half = under.with_suffix(".new")
        shutil.copyfile(file, half)
        os.replace(half, under)

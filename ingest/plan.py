"""What a sync has to do: the files of a corpus folder against what the index knows of them."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ingest.readers import kind_of
from ingest.schema import IndexRefused

UNREADABLE = "unreadable: "
"""A fingerprint that starts so goes on with the reason; such a file is not even opened."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an index knows of a source root.

    `fingerprints`: file → fingerprint as last read, "" where that was interrupted; `failed`: files
    with a failure on record; `roots`: all source roots of the index.
    """

    fingerprints: Mapping[str, str]
    failed: frozenset[str] = frozenset()
    roots: Sequence[Path] = ()


class Change(NamedTuple):
    """A file of the corpus and what becomes of it: added, changed, retried or deleted."""

    path: str
    action: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`read` (path → fingerprint) is new or modified, `gone` is no more; the rest stays."""

    root: Path
    collection: str
    read: Mapping[str, str]
    gone: Sequence[str]
    unchanged: int
    skipped: Sequence[str]
    known: Known

    def changes(self) -> list[Change]:
        """One entry a file that is not unchanged, in the order of the paths."""
        read = [Change(path, self._action(path)) for path in self.read]
        return sorted([*read, *(Change(path, "deleted") for path in self.gone)])

    def _action(self, path: str) -> str:
        before = self.known.fingerprints.get(path)
        if not before:
            return "added"
        return "retried" if before == self.read[path] else "changed"


def make_plan(
    corpus: Path,
    collection: str,
    index: Path,
    known: Known,
    *,
    retry_failed: bool = False,
    allow_mass_delete: bool = False,
    allow_empty: bool = False,
) -> Plan:
    """Compare a corpus folder with the index. Reads every file once, to hash it; writes nothing.

    Raises `IndexRefused` for a folder that is missing, for one that holds nothing readable unless
    `allow_empty`, for one that overlaps another source root, and for losing more than half of the
    known files unless `allow_mass_delete`.
    """
    root = corpus.resolve()
    _refuse_unusable(root, corpus, index.resolve(), known)
    found, skipped = _list(root, index.resolve(), collection, known)
    if not found and not allow_empty:
        raise IndexRefused(
            f"no file in {str(corpus)!r} can be read (PDF, Markdown, HTML, text, MediaWiki dump): "
            "nothing was changed"
        )
    gone = sorted(known.fingerprints.keys() - found.keys())
    if len(gone) * 2 > len(known.fingerprints) and not allow_mass_delete:
        raise IndexRefused(
            f"{len(gone)} of the {len(known.fingerprints)} files known from {str(corpus)!r} are "
            "gone: nothing was changed. If that is meant, say --allow-mass-delete"
        )
    retry = known.failed if retry_failed else frozenset[str]()
    read = {p: f for p, f in found.items() if known.fingerprints.get(p) != f or p in retry}
    return Plan(root, collection, read, gone, len(found) - len(read), skipped, known)


def refuse_together(corpora: Sequence[Path], index: Path) -> None:
    """Raise `IndexRefused` for a corpus given twice, and for one that is the index folder."""
    roots = [corpus.resolve() for corpus in corpora]
    for at, root in enumerate(roots):
        if root in roots[:at]:
            raise IndexRefused(f"the corpus {str(root)!r} is given twice: nothing was changed")
        if root == index.resolve():
            raise IndexRefused(
                f"the corpus {str(root)!r} is the index folder itself: give the index a folder of "
                "its own. Nothing was changed"
            )


def _refuse_unusable(root: Path, corpus: Path, index: Path, known: Known) -> None:
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise IndexRefused(f"the corpus {str(corpus)!r} {what}: nothing was changed")
    for other in known.roots:
        if _overlap(root, other, index) or _overlap(other, root, index):
            raise IndexRefused(
                f"the corpus {str(root)!r} overlaps {str(other)!r}, which this index already "
                "follows: ingest that one, or use another index folder"
            )


def _overlap(outer: Path, inner: Path, index: Path) -> bool:
    """Whether a walk of `outer` comes upon files of `inner`. It passes over the index folder."""
    between = outer in index.parents and (index == inner or index in inner.parents)
    return outer in inner.parents and not between


def fingerprint(path: Path, collection: str) -> str | None:
    """What changes with a file's content, its kind and its collection; None for an unknown kind.

    A file that cannot be read has one, too, that starts with `UNREADABLE` and names the reason.
    """
    try:
        kind = kind_of(path)
        return None if kind is None else f"{_sha256(path)} {kind} {collection}"
    except OSError as error:
        return f"{UNREADABLE}it cannot be read from disk: {error.strerror}"


def _list(
    root: Path, index: Path, collection: str, known: Known
) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    skipped: list[str] = []
    closed: list[OSError] = []
    for path in _files(root, index, closed):
        name = path.relative_to(root).as_posix()
        try:
            name.encode()
        except UnicodeEncodeError:
            name = os.fsencode(name).decode(errors="backslashreplace")
            found[name] = f"{UNREADABLE}its name is not UTF-8: rename it"
            continue
        read = fingerprint(path, collection)
        if read is None:
            skipped.append(name)
        else:
            found[name] = read
    for error in closed:
        folder = Path(error.filename).relative_to(root).as_posix()
        found[folder] = f"{UNREADABLE}the folder cannot be listed: {error.strerror}"
        # What lies in it cannot be seen, which is not the same as gone.
        below = f"{folder}/" if folder != "." else ""
        found |= {p: f for p, f in known.fingerprints.items() if p.startswith(below)}
    return found, skipped


def _files(root: Path, index: Path, closed: list[OSError]) -> Iterator[Path]:
    """All files below a folder in a fixed order, without hidden ones and the index itself.

    Folders that cannot be listed go to `closed`. Links to folders are not followed.
    """
    for folder, folders, names in os.walk(root, onerror=closed.append):
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and here / name != index
        )
        for name in sorted(names):
            if not name.startswith(".") and _may_be_file(here / name):
                yield here / name


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True  # reading it fails, and names it


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

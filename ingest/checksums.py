"""Checksums, of files and of rows: recorded when these are made, checked before they are used.

CRC-32, which finds what disks and copies do to files, at some GB/s. It is no defence against people
who change them on purpose.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

DOCUMENT = (
    "root_id",
    "file",
    "path",
    "sha256",
    "kind",
    "title",
    "collection",
    "metadata",
    "sections",
    "pages",
    "empty_pages",
    "born",
)
"""The columns of a document that stay as they are from its first day to its last."""

CHUNK = (
    "document_id",
    "position",
    "text",
    "section",
    "page_from",
    "page_to",
    "start",
    "end",
    "embedding",
    "spans",
    "sentences",
)
"""Those of a chunk."""

_BLOBS = ("embedding", "spans", "sentences")
_PIECE = 1 << 20


def checksums(folder: Path) -> dict[str, list[int]]:
    """Size in bytes and CRC-32 of each file below a folder, by its path there.

    Hidden files are locks and the like, and left out.
    """
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): _read(path)
        for path in files
        if not path.name.startswith(".")
    }


def check(folder: Path, recorded: Mapping[str, Sequence[int]]) -> None:
    """Raise `ValueError`, naming the file, unless all recorded files are as they were recorded.

    Raises `OSError` where one is missing or cannot be read.
    """
    for name, (size, crc) in recorded.items():
        path = folder / name
        found = path.stat().st_size
        if found != size:
            raise ValueError(f"{name} has {found} bytes of {size}")
        if _read(path)[1] != crc:
            raise ValueError(f"{name} is not what was written")


def of_values(values: Iterable[str | int | bytes | None]) -> int:
    """The checksum of a row's values, in their order."""
    parts: list[bytes] = []
    for value in values:
        content = value if isinstance(value, bytes) else str(value).encode()
        parts += (b"%d:" % len(content), content)
    return zlib.crc32(b"".join(parts))


def of_row(row: sqlite3.Row, names: Sequence[str]) -> int:
    """The checksum of the named columns of a row."""
    return of_values(row[name] for name in names)


def sound(row: sqlite3.Row, names: tuple[str, ...]) -> bool:
    """Whether a row is as it was written. One of format 1 has no checksum and is taken as it is.

    About a hundred rows are checked for each question.
    """
    try:
        checksum = row["checksum"]
    except IndexError:
        return True
    try:
        values = [row[name] for name in names]
    except IndexError:
        return False
    if [isinstance(value, bytes) for value in values] != _are_blobs(names):
        return False
    return checksum == of_values(values)


@cache
def _are_blobs(names: tuple[str, ...]) -> list[bool]:
    return [name in _BLOBS for name in names]


def _read(path: Path) -> list[int]:
    size = crc = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size, crc = size + len(piece), zlib.crc32(piece, crc)
    return [size, crc]

"""MediaWiki dumps as files: how they are packed, and how one is told from other XML."""

import bz2
import codecs
import gzip
import re
import zlib
from pathlib import Path
from typing import BinaryIO, cast

BROKEN = (EOFError, OSError, ValueError, zlib.error)
"""What reading a compressed file raises where it is cut off or damaged."""

_HEAD = 1 << 16  # bytes
# Nothing in it is ever tried a second way: a file of ten thousand comments would not end.
_ROOT = re.compile(
    r"(?>\s++|(?><\?.*?\?>)|(?><!--.*?-->)|(?><!DOCTYPE[^>]*+>))*+<mediawiki\b", re.DOTALL
)


def is_dump(file: Path) -> bool:
    """Whether a file is a MediaWiki dump, by what it holds.

    One that calls itself compressed XML and cannot be opened counts as a dump, so that it is
    reported instead of skipped.
    """
    try:
        with open_dump(file) as stream:
            head = stream.read(_HEAD)
    except BROKEN:
        return ".xml" in file.name.casefold()
    return _ROOT.match(head.decode(encoding_of(head), errors="replace")) is not None


def open_dump(file: Path) -> BinaryIO:
    """Open a dump by what it holds, not by its name: bzip2, gzip or plain."""
    with file.open("rb") as stream:
        head = stream.read(3)
    if head == b"BZh":
        return cast("BinaryIO", bz2.open(file, "rb"))
    if head[:2] == b"\x1f\x8b":
        return cast("BinaryIO", gzip.open(file, "rb"))
    return file.open("rb")


def encoding_of(head: bytes) -> str:
    """The encoding of XML: UTF-16 where a byte-order mark says so, else UTF-8."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if head.startswith(marks) else "utf-8-sig"

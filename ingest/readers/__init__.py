"""Readers: one module a format. `read` picks the one for a file by its name.

Dumps of MediaWiki are known by what they hold, since their names end in anything.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers.faults import in_plain_words
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.mediawiki import encoding_of, open_dump, read_mediawiki
from ingest.readers.pdf import read_pdf
from ingest.readers.text import read_text

Reader = Callable[[Path, str], Iterator[Document | Failure]]

READERS: dict[str, Reader] = {
    "pdf": read_pdf,
    "mediawiki": read_mediawiki,
    "markdown": read_markdown,
    "html": read_html,
    "text": read_text,
}
KINDS = {
    ".pdf": "pdf",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".txt": "text",
    ".text": "text",
}
_SNIFFED = frozenset({".xml", ".bz2", ".gz"})
_HEAD = 1 << 16  # bytes
_ROOT = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>)*<mediawiki\b", re.DOTALL)


def kind_of(file: Path) -> str | None:
    """The kind of a file, or None where no reader knows it.

    Only files that may be a dump are opened. One that calls itself compressed XML and cannot be
    opened counts as a dump, so that it is reported instead of skipped.
    """
    suffix = file.suffix.casefold()
    if suffix not in _SNIFFED:
        return KINDS.get(suffix)
    try:
        with open_dump(file) as stream:
            head = stream.read(_HEAD)
    except (EOFError, OSError, ValueError):
        return "mediawiki" if ".xml" in file.name.casefold() else None
    text = head.decode(encoding_of(head), errors="replace")
    return "mediawiki" if _ROOT.match(text) else None


def read(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a file's documents, and failures for those in it that cannot be read.

    Args:
        file: The file.
        name: Its path below the corpus folder, with forward slashes.

    Raises:
        UnreadableFile: Nothing (more) of it can be read; the reason is in plain words.
    """
    with in_plain_words("the file is damaged"):
        kind = kind_of(file)
        if kind is None:
            raise UnreadableFile(f"no reader knows files like {file.name!r}")
        yield from READERS[kind](file, name)

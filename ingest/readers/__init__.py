"""Readers: one module a format. `read` picks the one for a file by its name.

Dumps of MediaWiki are known by what they hold, since their names end in anything. A reader and its
library are loaded with the first file of their kind: telling kinds apart needs none.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers.dumps import is_dump
from ingest.readers.faults import in_plain_words

Reader = Callable[[Path, str], Iterator[Document | Failure]]


def _late(kind: str) -> Reader:
    """The reader `read_KIND` of the module of that name, imported when it is called."""

    def reader(file: Path, name: str) -> Iterator[Document | Failure]:
        module = import_module(f"ingest.readers.{kind}")
        return getattr(module, f"read_{kind}")(file, name)

    return reader


READERS: dict[str, Reader] = {
    kind: _late(kind) for kind in ("pdf", "mediawiki", "markdown", "html", "text")
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


def may_hold_many(file: Path) -> bool:
    """Whether a file may be a dump, and hold more than one document, by its name."""
    return file.suffix.casefold() in _SNIFFED


def kind_of(file: Path) -> str | None:
    """The kind of a file, or None where no reader knows it.

    Only files that may be a dump are opened.
    """
    if not may_hold_many(file):
        return KINDS.get(file.suffix.casefold())
    return "mediawiki" if is_dump(file) else None


def read(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a file's documents, and failures for those in it that cannot be read.

    Args:
        file: The file.
        name: Its path below the corpus folder, with forward slashes.

    Raises:
        UnreadableFile: Nothing (more) of it can be read; the reason is in plain words.
        ImportError: The library that reads such files is not installed.
    """
    return (one for one in read_on(file, name) if one is not None)


def read_on(
    file: Path, name: str, done: int = 0, reason: str | None = None
) -> Iterator[Document | Failure | None]:
    """As `read`, with None for each page of a dump that nobody reads, and not from its beginning.

    Args:
        file: The file.
        name: Its path below the corpus folder.
        done: Outcomes that are passed over; more than none only of a file that may hold many.
        reason: Why the one after those is a failure, and not looked into, where that is so.
    """
    with in_plain_words("the file is damaged"):
        kind = kind_of(file)
        if kind is None:
            raise UnreadableFile(f"no reader knows files like {file.name!r}")
    if kind == "mediawiki":
        from ingest.readers.mediawiki import read_pages

        found = read_pages(file, name, done, reason)
    else:
        found = READERS[kind](file, name)  # a library that is not installed is no file's damage
    with in_plain_words("the file is damaged"):
        yield from found

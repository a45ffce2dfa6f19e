"""What a reader makes of a file: documents, and failures that name what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """A heading that holds from offset `start` of the document's text until the next one.

    `path` is the heading path from the outermost heading inwards, without the document's title.
    The heading's own line is part of the text and lies at `start`.
    """

    start: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a PDF: its text begins at offset `start`; `label` is the number printed on it."""

    start: int
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """One readable document: a PDF, a wiki page, a file of text.

    `path` is the file's path below the corpus folder with forward slashes. A file that holds many
    documents (a MediaWiki dump) gives each the path `dump.xml#Page title`.
    `pages` is empty for anything but a PDF; there it has one entry for every page of the file, in
    order, so that `pages[i]` is physical page i + 1. `empty_pages` lists the physical page numbers
    (from 1) that hold no text. Offsets are in characters of `text`.
    """

    path: str
    title: str
    kind: str
    text: str
    sections: tuple[Section, ...] = ()
    pages: tuple[Page, ...] = ()
    empty_pages: tuple[int, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Failure:
    """One document, or one whole file, that could not be read, and why, in words for its owner."""

    path: str
    reason: str


class UnreadableFile(ValueError):
    """Nothing of a file could be read. `str(error)` is the reason, without the path."""

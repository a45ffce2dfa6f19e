"""The outline of a PDF: its bookmarks, and the lines on the pages that they name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pypdf import PdfReader
from pypdf.generic import Destination

from ingest.readers.characters import one_line
from ingest.readers.paragraphs import Line

_NUMBERING = re.compile(
    r"(?:chapter|part|section|article|item|appendix)?[(§]?(?:[\d.]{0,9}|[ivxlc]{0,6}|[a-z])[.):]?"
)
_LONGEST_HEADING = 3  # lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One bookmark: its heading path, and the page that it points to, counted from 0."""

    path: tuple[str, ...]
    page: int


def read_outline(reader: PdfReader) -> list[Entry]:
    """The bookmarks in reading order of the outline; those that point nowhere are left out."""
    pages = {
        page.indirect_reference.idnum: number
        for number, page in enumerate(reader.pages)
        if page.indirect_reference is not None
    }
    return list(_entries(reader.outline, (), pages))


def find_headings(entries: Sequence[Entry], pages: Sequence[list[Line]]) -> list[Line | None]:
    """For each entry the line that opens its section: its heading's, else its page's first.

    Lines found to be headings are marked so; a heading wrapped onto several lines is put onto one.
    """
    cursors: dict[int, int] = {}
    return [_find(entry, pages[entry.page], cursors) for entry in entries]


def _entries(
    items: Sequence[object], above: tuple[str, ...], pages: dict[int, int]
) -> Iterator[Entry]:
    path = above
    for item in items:
        if isinstance(item, list):
            yield from _entries(item, path, pages)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(item, Destination):
            title = one_line(str(item.title or ""))
            path = (*above, title) if title else above
            number = pages.get(getattr(item.page, "idnum", -1))
            if title and number is not None:
                yield Entry(path, number)


def _find(entry: Entry, lines: list[Line], cursors: dict[int, int]) -> Line | None:
    first = cursors.get(entry.page, 0)
    for match in (_as_written, _in_any_case, _behind_a_number, _run_in):
        for at in range(first, len(lines)):
            count = match(lines[at : at + _LONGEST_HEADING], entry.path[-1])
            if count:
                _merge(lines, at, count, match is not _run_in)
                cursors[entry.page] = at + 1
                return lines[at]
    return lines[0] if lines else None


def _as_written(lines: Sequence[Line], title: str) -> int:
    return _equal([line.text for line in lines], title)


def _in_any_case(lines: Sequence[Line], title: str) -> int:
    return _equal([line.text.casefold() for line in lines], title.casefold())


def _behind_a_number(lines: Sequence[Line], title: str) -> int:
    texts = [line.text.casefold() for line in lines]
    head, _, rest = texts[0].partition(" ")
    return _equal([rest, *texts[1:]], title.casefold()) if _NUMBERING.fullmatch(head) else 0


def _run_in(lines: Sequence[Line], title: str) -> int:
    """A heading with its paragraph on the same line, such as "4. Term. This Agreement ..."."""
    wanted, text = _squash(title.casefold()), _squash(lines[0].text.casefold())
    at = text.find(wanted) if wanted else -1
    return int(at >= 0 and _NUMBERING.fullmatch(text[:at]) is not None)


def _equal(texts: Sequence[str], title: str) -> int:
    """How many of the lines make up the title: 0 where they do not."""
    wanted = _squash(title)
    text = ""
    for count, line in enumerate(texts, start=1):
        text += _squash(line)
        if text == wanted:
            return count if wanted else 0
        if not wanted.startswith(text):
            return 0
    return 0


def _merge(lines: list[Line], at: int, count: int, whole: bool) -> None:
    lines[at].gap = True
    if whole:
        lines[at].text = " ".join(line.text for line in lines[at : at + count])
        lines[at].heading = True
        del lines[at + 1 : at + count]
    else:  # a heading run into its paragraph: it only must begin a line of its own
        lines[at].starts = True


@lru_cache(maxsize=4096)
def _squash(text: str) -> str:
    return "".join(character for character in text if character.isalnum())

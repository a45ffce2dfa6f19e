"""Running lines: the headers and footers that a document repeats on its pages."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ingest.readers.paragraphs import Line

_FEWEST_PAGES = 4
_DEPTH = 3  # how many lines from either edge of a page may be a header or footer
_NUMBER = re.compile(r"\d+|^[ivxlc]{1,6}$", re.IGNORECASE)
_NUMBERS = ("#", "- # -", "-#-", "Page #", "Page # of #")
_LONE_NUMBER = re.compile(r"- ?\d{1,3} ?-|page \d{1,4}(?: of \d{1,4})?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{3,}")


def drop_running_lines(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Remove lines that stand at the same edge of most pages, page numbers masked.

    The first copy of one that holds words stays, so that no word of the document is lost, and a
    page made of such lines alone stays as it is.
    """
    pages = [_without_lone_numbers(lines) for lines in pages]
    filled = [lines for lines in pages if lines]
    if len(filled) < _FEWEST_PAGES:
        return [_without_number(lines) for lines in pages]
    counts: Counter[str] = Counter()
    for lines in filled:
        counts.update({_mask(line) for line in (*lines[:_DEPTH], *lines[-_DEPTH:])})
    often = {mask for mask, count in counts.items() if count * 2 >= len(filled)}
    # Appendices count their pages anew and in another style, so fewer page numbers are enough.
    often |= {mask for mask in _NUMBERS if counts[mask] >= max(3, len(filled) // 10)}
    kept: set[str] = set()
    return [_strip(lines, often, kept) for lines in pages]


def _without_lone_numbers(lines: list[Line]) -> list[Line]:
    """Drop "- 12 -" anywhere: printed pages seldom end where those of the file do."""
    kept = [line for line in lines if not _LONE_NUMBER.fullmatch(line.text)]
    return kept or lines


def _without_number(lines: list[Line]) -> list[Line]:
    """In a short document only a page's own number at the foot is taken off."""
    own = len(lines) > 1 and lines[-1].text.strip("- ") == str(lines[-1].page + 1)
    return lines[:-1] if own else lines


def _strip(lines: list[Line], often: set[str], kept: set[str]) -> list[Line]:
    head = _depth(lines, often)
    tail = _depth(lines[head:][::-1], often)
    if head + tail >= len(lines):
        return lines
    end = len(lines) - tail
    return [*_first_copies(lines[:head], kept), *lines[head:end], *_first_copies(lines[end:], kept)]


def _depth(lines: Iterable[Line], often: set[str]) -> int:
    depth = 0
    for line in lines:
        if depth == _DEPTH or _mask(line) not in often:
            break
        depth += 1
    return depth


def _first_copies(lines: Sequence[Line], kept: set[str]) -> list[Line]:
    first = [line for line in lines if _mask(line) not in kept and _has_words(line)]
    kept.update(map(_mask, lines))
    for line in first:
        line.heading = True  # a paragraph that crosses the page is not joined to it
    return first


def _has_words(line: Line) -> bool:
    return len(_LETTERS.findall(line.text)) > 1


def _mask(line: Line) -> str:
    return _NUMBER.sub("#", line.text)

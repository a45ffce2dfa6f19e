"""Paragraphs: joins the lines that were wrapped in print, and keeps the others apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FULL = 0.85  # of the usual width; proportional fonts put more or fewer letters on a line
_SHORT = 0.6
_MARKER = re.compile(
    r"[•◦▪●○■□☐☒☑–—*·-]\s"
    r"|\(?(?:\d{1,3}|[a-zA-Z]{1,2}|[ivxIVX]{1,5})[.)]\s"
    r"|\(?\d+(?:\.\d+)+[.)]?\s"
    r"|(?:article|section|item|exhibit|schedule|part|chapter|note)\s+[\divxa-z]+\b",
    re.IGNORECASE,
)
_ENDED = re.compile(r"(?:[.!?:;]|[;,:] (?:and|or))[\"'”’)\]]*$")
_VALUE = re.compile(r"[($€£-]*\d[\d,.]*[%)]*|[—–-]|N/?[AM]")
_PRICED = re.compile(r"[€$£]\s?\d[\d,.]*(?:\s(?:each|per \w+(?: \w+)?))?$")
_CELL_GAP = re.compile(r"\S {4,}(?=\S)")
_LEADERS = re.compile(r"(?:\s?[.…_]){4,}\s*")
_RULE = re.compile(r"[-_=*.~ ]{3,}")
_MONTH_DAY = re.compile(r"\b[A-Z][a-z]{2,8}\.? \d{1,2},$")
_YEAR = re.compile(r"(?:19|20)\d\d\b")
# A line that ends in one of these goes on below, whatever its length.
_OPEN_END = re.compile(
    r"\b(?:the|an?|of|and|or|to|in|on|by|for|with|from|at|as|under|that|which|its?|his|her|their"
    r"|this|such|any|each|all|is|are|be|shall|will|may|not|upon|between|pursuant|Section)$|\w,$"
)
_NUMBERED_ITEM = re.compile(r"(?:item|article|section|part)\s+[\divxa-z]+\s?[.:—–]", re.IGNORECASE)
_UNSPACED = "\u2e80"  # from here on: Chinese and Japanese, written without spaces
_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(slots=True)
class Line:
    """A line as printed. `width` is the usual length of full lines around it, in characters."""

    text: str
    indent: int = 0
    row: bool = False
    gap: bool = False  # a blank line stands above it
    heading: bool = False  # it stands alone
    starts: bool = False  # it never continues the line above
    page: int = 0
    width: int = 80


def parse_lines(text: str, page: int = 0) -> list[Line]:
    """Split cleaned text into its lines; ruled lines count as blank."""
    lines: list[Line] = []
    gap = False
    for raw in text.split("\n"):
        flat = raw.strip()
        if not flat or _RULE.fullmatch(flat):
            gap = True
            continue
        row = len(_CELL_GAP.findall(flat)) >= 2 or _ends_in_values(flat)
        flat = " ".join(_LEADERS.sub(" … ", flat).split())
        lines.append(Line(flat, len(raw) - len(raw.lstrip()), row, gap, page=page))
        gap = False
    _mark_priced_rows(lines)
    _ignore_double_spacing(lines)
    return lines


def set_widths(lines: Sequence[Line], fallback: int = 80) -> int:
    """Give the lines of a page the width that its prose is set in, and return it."""
    prose = sorted(len(line.text) for line in lines if not line.row and line.text.count(" ") >= 4)
    width = prose[int(len(prose) * 0.9)] if len(prose) >= 6 else fallback
    for line in lines:
        line.width = width
    return width


def join(lines: Sequence[Line]) -> tuple[str, list[int]]:
    """Put lines together as paragraphs.

    Returns:
        The text, and for every line the offset at which its own text starts in it.
    """
    words = _vocabulary(lines)
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, line in enumerate(lines):
        text = line.text
        below = lines[number + 1] if number + 1 < len(lines) else None
        glue = "" if below is None else _glue(line, below)
        if below is not None and glue == " ":
            text, glue = _unhyphenate(text, below.text, words)
        starts.append(length)
        parts += (text, glue)
        length += len(text) + len(glue)
    return "".join(parts), starts


def _glue(above: Line, below: Line) -> str:
    if _continues(above, below):
        return " "
    if above.row and below.row:
        return "\n"
    if above.heading or below.heading or below.starts or below.gap or below.page != above.page:
        return "\n\n"
    sentence = _ENDED.search(above.text) is not None and not above.text.endswith(":")
    return "\n\n" if sentence and not _MARKER.match(below.text) else "\n"


def _continues(above: Line, below: Line) -> bool:
    if above.heading or below.heading or below.starts:
        return False
    if _MONTH_DAY.search(above.text) and _YEAR.match(below.text):
        return True
    lower = below.text[0].islower()
    if above.row or (below.row and not lower):
        return False
    ended = _ENDED.search(above.text) is not None
    if below.gap and (ended or not lower):
        return False
    if not _is_full(above, below):
        open_end = above.text.count(" ") >= 4 and _OPEN_END.search(above.text) is not None
        return not ended and (lower or (open_end and not _MARKER.match(below.text)))
    return not _opens(above, below, ended)


def _is_full(above: Line, below: Line) -> bool:
    """Whether the first word below would not have fitted on the line above."""
    return len(above.text) + 1 + len(below.text.split(" ", 1)[0]) > _FULL * above.width


def _opens(above: Line, below: Line, ended: bool) -> bool:
    """Whether a line under a full one begins something new nonetheless."""
    if _NUMBERED_ITEM.match(below.text) or (above.text[0] == "(" and above.text[-1] == ")"):
        return True
    if not ended:
        return False
    if above.text.endswith(":") or below.indent > above.indent + 1 or _MARKER.match(below.text):
        return True
    short = len(below.text) < _SHORT * below.width and below.text[0].isupper()
    return short and (below.text.endswith(":") or not _ENDED.search(below.text))


def _ends_in_values(flat: str) -> bool:
    """Whether a line ends in two or more figures, as the rows of a financial table do."""
    values = 0
    for token in reversed(flat.split()):
        if _VALUE.fullmatch(token):
            values += 1
        elif token not in {"$", "€", "£", "%", ")", "%)", "|", "(", "$("}:
            break
    return values >= 2


def _mark_priced_rows(lines: Sequence[Line]) -> None:
    """Two or more lines on end that close with a price are the rows of a price list."""
    priced = [_PRICED.search(line.text) is not None for line in lines]
    for number, line in enumerate(lines):
        beside = priced[max(number - 1, 0) : number] + priced[number + 1 : number + 2]
        line.row = line.row or (priced[number] and any(beside))


def _ignore_double_spacing(lines: list[Line]) -> None:
    """Where nearly every line has a blank one above it, blank lines say nothing."""
    if len(lines) > 8 and sum(line.gap for line in lines) > 0.7 * len(lines):
        for line in lines:
            line.gap = False


def _vocabulary(lines: Sequence[Line]) -> frozenset[str]:
    if not any(_HYPHENATED.search(line.text) for line in lines):
        return frozenset()
    found: set[str] = set()
    divided = False
    for line in lines:
        words = [word.casefold() for word in _WORDS.findall(line.text)]
        first = 1 if divided else 0  # the halves of divided words are no words
        divided = _HYPHENATED.search(line.text) is not None
        found.update(words[first : len(words) - divided])
    return frozenset(found)


def _unhyphenate(above: str, below: str, words: frozenset[str]) -> tuple[str, str]:
    """The upper line and the glue: a word divided at the line's end becomes whole again.

    The hyphen stays where the document writes the compound with it elsewhere, or uses both halves
    as words of their own ("credit-" + "financing").
    """
    if min(above[-1], below[0]) >= _UNSPACED:
        return above, ""
    head, tail = _HYPHENATED.search(above), _FIRST_WORD.match(below)
    if head is None or tail is None or not tail[0][0].islower():
        return above, "" if above.endswith("-") and len(above) > 1 and above[-2] != " " else " "
    first, second = head[1].casefold(), tail[0].casefold()
    if first + second in words:
        return above[:-1], ""
    compound = f"{first}-{second}" in words or (first in words and second in words)
    return (above, "") if compound else (above[:-1], "")

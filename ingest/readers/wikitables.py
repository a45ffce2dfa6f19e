"""Tables of wikitext: one line a row, cells that span rows repeated in each of them."""

import re
from collections.abc import Callable, Iterator

from mwparserfromhell.nodes import Tag
from mwparserfromhell.wikicode import Wikicode

from ingest.readers.characters import one_line
from ingest.readers.layout import table_row

# Noncharacters that open the line of a table row, and a cell that stands in no table.
ROW = "\ufdd0"
CELL = "\ufdd5"
_CELLS = frozenset({"td", "th"})
_MOST_ROWS = 500  # that one cell may span
# Attributes that the parser takes for text, because a template stands among them.
_ATTRIBUTES = re.compile(r"^(?:[\w-]+ ?= ?(?:\"[^\"]*\"|'[^']*'|[^\s|]+)\s*)+\|?")


def render_table(table: Tag, render: Callable[[Wikicode], str]) -> str:
    """The rows of a table, each on a line that starts with `ROW`."""
    carried: dict[int, tuple[int, str]] = {}
    lines: list[str] = []
    for name, contents in _rows(table):
        if name == "caption":
            lines.append(one_line(render(contents)))
        else:
            lines.append(table_row(_cells(contents, carried, render)))
    return "\n" + "".join(f"{ROW}{line}\n" for line in lines if line.strip(" |"))


def one_line_of(lines: list[str]) -> str:
    """Put the lines of a cell on one line, with commas where they are items."""
    text = ""
    for line in (" ".join(line.split()) for line in lines):
        if line:
            comma = text and line[0] not in "(-–" and text[-1] not in ",;:-–"
            text += f"{',' if comma else ''}{' ' if text else ''}{line}"
    return text


def _rows(table: Tag) -> Iterator[tuple[str, Wikicode]]:
    loose = False
    for node in table.contents.nodes:
        if not isinstance(node, Tag):
            continue
        name = _name(node)
        if name in {"tbody", "thead", "tfoot"}:
            yield from _rows(node)
        elif name in {"tr", "caption"}:
            yield name, node.contents
        elif name in _CELLS and not loose:  # the first row of a table needs no row mark
            loose = True
            yield "tr", table.contents


def _cells(
    row: Wikicode, carried: dict[int, tuple[int, str]], render: Callable[[Wikicode], str]
) -> list[str]:
    cells: list[str] = []
    own = [node for node in row.nodes if isinstance(node, Tag) and _name(node) in _CELLS]
    column = 0
    if not own:  # row marks with nothing between them make no row
        return []
    while own or column in carried:
        if column in carried:
            left, text = carried.pop(column)
            if left > 1:
                carried[column] = (left - 1, text)
            cells.append(text)
            column += 1
            continue
        cell = own.pop(0)
        text = _text(cell, render)
        rows, columns = _span(cell, "rowspan"), _span(cell, "colspan")
        for spanned in range(column, column + columns):
            if rows > 1:
                carried[spanned] = (rows - 1, text if spanned == column else "")
        cells.append(text)
        column += columns
    return cells


def _text(cell: Tag, render: Callable[[Wikicode], str]) -> str:
    lines = [line.strip(f"{ROW}*#:; ") for line in render(cell.contents).split("\n")]
    return _ATTRIBUTES.sub("", one_line_of(lines)).strip()


def _span(cell: Tag, name: str) -> int:
    if not cell.has(name):
        return 1
    digits = re.search(r"\d{1,4}", str(cell.get(name).value))
    return min(max(int(digits[0]), 1), _MOST_ROWS) if digits else 1


def _name(tag: Tag) -> str:
    return str(tag.tag).strip().casefold()

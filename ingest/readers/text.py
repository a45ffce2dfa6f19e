"""Plain text: one document a file, its hard-wrapped lines joined and its headings found."""

import re
from collections.abc import Iterator
from pathlib import Path

from ingest.documents import Document, Failure
from ingest.readers import titles
from ingest.readers.characters import clean, decode, one_line
from ingest.readers.faults import in_plain_words
from ingest.readers.layout import TextBuilder
from ingest.readers.paragraphs import join, parse_lines, set_widths

_WIKI_HEADING = re.compile(r"(={2,6})\s*([^=\n][^\n]*?)\s*\1\s*$")
_UNDERLINE = re.compile(r"(=|-|~|\^){3,}\s*$")
_LEVELS = {"=": 1, "-": 2, "~": 3, "^": 4}
_WIDEST = 100  # text wrapped by hand or by a mail program is no wider


def read_text(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a text file. Headings are "== Heading ==" or a line underlined with = or -.

    Raises:
        UnreadableFile: The file is binary or holds no text.
    """
    with in_plain_words("the text cannot be read"):
        yield _document(clean(decode(file.read_bytes())), name)


def _document(source: str, name: str) -> Document:
    lines = source.split("\n")
    wrapped = _is_wrapped(lines)
    builder = TextBuilder()
    title, first = _title(lines, name)
    body: list[str] = []
    at = 0
    while at < len(lines):
        heading, level, used = _heading(lines, at)
        if used:
            _add(builder, body, wrapped)
            builder.heading(heading, level, in_path=heading != first)
        else:
            body.append(lines[at])
        at += max(used, 1)
    _add(builder, body, wrapped)
    text, sections = builder.finish()
    return Document(name, title, "text", text, sections)


def _add(builder: TextBuilder, body: list[str], wrapped: bool) -> None:
    if wrapped:
        parsed = parse_lines("\n".join(body))
        set_widths(parsed)
        builder.add(join(parsed)[0])
    else:
        builder.add("\n".join(line.rstrip() for line in body))
    body.clear()


def _heading(lines: list[str], at: int) -> tuple[str, int, int]:
    """The heading that starts at a line: its text, level and count of lines (0 where none is)."""
    line = lines[at].strip()
    found = _WIKI_HEADING.match(line)
    if found is not None:
        return one_line(found[2]), len(found[1]), 1
    below = lines[at + 1].strip() if at + 1 < len(lines) else ""
    rule = _UNDERLINE.match(below)
    alone = at == 0 or not lines[at - 1].strip()
    if not line or rule is None or not alone or len(set(below)) > 1:
        return "", 0, 0
    if len(line) > 100 or abs(len(line) - len(below)) > max(3, len(line) // 2):
        return "", 0, 0
    return one_line(line), _LEVELS[below[0]], 2


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the lines were broken at a column rather than at the ends of paragraphs."""
    lengths = sorted(len(line) for line in lines if line.strip())
    if len(lengths) < 4:
        return False
    return 40 <= lengths[int(len(lengths) * 0.75)] and lengths[int(len(lengths) * 0.98)] <= _WIDEST


def _title(lines: list[str], name: str) -> tuple[str, str]:
    """The title, and the heading it was taken from, which then stays out of heading paths."""
    at = next((number for number, line in enumerate(lines) if line.strip()), 0)
    heading, _, used = _heading(lines, at) if lines else ("", 0, 0)
    if used:
        return heading, heading
    alone = at + 1 >= len(lines) or not lines[at + 1].strip()
    line = one_line(lines[at]) if lines else ""
    return (line if alone and titles.looks_like_title(line) else titles.from_name(name)), ""

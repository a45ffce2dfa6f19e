"""The corpus' documents as an index has them, cut into sentences and table rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ingest.chunk import page_at, section_at
from ingest.documents import Document, Failure
from ingest.plan import Known, make_plan
from ingest.readers import read
from ingest.sentences import sentences

_RUNNING = re.compile(r"Page [ivx\d]+$|\bLimited\b.*:|^Kelderwyn Hydrometrics Limited")
_CONTENTS = re.compile(r"^\d+ [A-Z][\w ]+ \d+$")
_NUMBERED = re.compile(r"^(?:[-•] |\d+\. )")
_FIELD = re.compile(r"^- ([a-z][a-z ]*): (\S.*)$")
_END = (".", "!", "?", ":", ";", ")", "”", '"')
_VALUES = frozenset(
    {"value", "figure", "meaning", "effect", "kept for", "approved by", "for", "now", "who decides"}
)
"""Second column heads of tables of two columns; others have none."""


class UnreadableCorpus(ValueError):
    """A document of the corpus cannot be read; the message names it and the reason."""


class Place(NamedTuple):
    """Where words stand: document path, physical page (PDFs), innermost heading."""

    document: str
    page: int | None
    section: str | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, or a line that is none (`whole` is false): a row of a table without borders."""

    place: Place
    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: `label` is its first cell, `cells` are (column heading, cell).

    The heading is empty where the table has none: then `label` names a property of the document.
    """

    place: Place
    text: str
    label: str
    cells: tuple[tuple[str, str], ...]


def read_corpus(roots: tuple[Path, ...]) -> dict[str, Document]:
    """Path → document, in the order of a sync of these folders, without an index or embedder.

    Raises `UnreadableCorpus` for a document that cannot be read or a path that comes twice.
    """
    documents: dict[str, Document] = {}
    for root in roots:
        plan = make_plan(root, "", root / ".no-index", Known({}))
        for path in plan.read:
            for item in read(root / path, path):
                if isinstance(item, Failure):
                    raise UnreadableCorpus(f"{item.path}: {item.reason}")
                if item.path in documents:
                    raise UnreadableCorpus(f"{item.path}: two documents of this path")
                documents[item.path] = item
    return documents


def passages(document: Document) -> Iterator[Passage]:
    """The document's sentences and loose lines in order, without headings and running lines."""
    heads = {section.start for section in document.sections}
    for span in sentences(document.text):
        text = document.text[span.start : span.end]
        line = document.text[: span.end + 1].splitlines()[-1] if " | " in text else ""
        if span.start in heads or text == document.title or line or _FIELD.match(text):
            continue
        if _RUNNING.search(text) or _CONTENTS.match(text):
            continue
        mark = _NUMBERED.match(text)
        bare = text[mark.end() :] if mark else text
        if not re.fullmatch(r"\d+\.", bare):
            yield Passage(_place(document, span.start), bare, bare.endswith(_END))


def rows(document: Document) -> Iterator[Row]:
    """The rows of the document's tables, and the fields of its box, in order."""
    block: list[tuple[int, str]] = []
    at = 0
    for line in [*document.text.splitlines(keepends=True), ""]:
        text = line.strip()
        if " | " in text:
            block.append((at, text))
        else:
            yield from _table(document, block)
            block = []
            if field := _FIELD.match(text):
                cells = (("", field[2]),)
                yield Row(_place(document, at), text, field[1], cells)
        at += len(line)


def _table(document: Document, block: list[tuple[int, str]]) -> Iterator[Row]:
    if not block:
        return
    split = [(at, text, [cell.strip() for cell in text.split(" | ")]) for at, text in block]
    head = split[0][2]
    if split[0][1].startswith("+ "):
        head = head[1:]
    elif len(head) == 2 and head[1].casefold() not in {*_VALUES, document.title.casefold()}:
        head = ["", ""]
        if any(len(cells) > 2 for _, _, cells in split):
            return
    if split[0][1].startswith("+ ") and len(split) == 2:
        at, text, cells = split[1]
        for heading, cell in zip(head, cells, strict=True):
            yield Row(_place(document, at), text, heading, (("", cell),))
        return
    first = 0 if head == ["", ""] else 1
    for at, text, cells in split[first:]:
        headings = head[1:] if len(cells) == len(head) else []
        if headings and headings[0].casefold() in {"value", "figure", document.title.casefold()}:
            headings[0] = ""
        pairs = tuple(zip(headings, cells[1:], strict=False))
        if pairs:
            yield Row(_place(document, at), text, cells[0], pairs)


def _place(document: Document, start: int) -> Place:
    heading = section_at(document.sections, start)
    return Place(document.path, page_at(document.pages, start), heading[-1] if heading else None)

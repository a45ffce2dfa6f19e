"""Plain tables: CSV with a question, its answers, and where they stand."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

from eval.imports.records import (
    BadRecord,
    Documents,
    Item,
    Record,
    converted,
    csv_header,
    csv_records,
    distinct,
)
from eval.questions import Evidence, Question, UnreadableQuestions

DELIMITERS = (",", ";", "\t")

COLUMNS = {
    "id": ("id", "questionid", "qid", "number", "no"),
    "question": ("question", "query", "prompt", "userinput", "q"),
    "answers": (
        "answer",
        "answers",
        "goldanswer",
        "goldanswers",
        "expectedanswer",
        "expected",
        "groundtruth",
        "reference",
        "gold",
        "a",
    ),
    "answerable": ("answerable", "isanswerable"),
    "document": (
        "document",
        "documents",
        "doc",
        "docs",
        "file",
        "filename",
        "sourcedocument",
        "sourcedocuments",
        "sourcedoc",
        "sourcedocs",
    ),
    "page": ("page", "pages", "pagenumber", "pageno"),
    "section": ("section", "heading"),
    "quote": ("quote", "evidence", "context", "passage"),
    "source": ("source", "cluster", "group"),
    "asked_at": ("askedat", "date", "asked"),
}
"""The names of a column, without blanks and marks and in lower case."""

_YES = ("yes", "y", "true", "1")
_NO = ("no", "n", "false", "0")
_PAGE = re.compile(r"(?:p\.?|pages?|pp\.?)?\s*(\d+)(?:\.0)?", re.IGNORECASE)


def import_table(file: Path, documents: Path | None = None) -> Iterator[Item]:
    """One question a row. Several answers, documents or pages in a cell are parted by "|".

    A row needs a question and an answer; one that no document answers has an empty answer and
    "no" in a column `answerable`. Column names are found in `COLUMNS`, in any order and case;
    other columns are passed over. Cells are parted by a comma, semicolon or tab.

    Args:
        file: The CSV file.
        documents: The folder of the documents: their names, or patterns with "*", become paths
            below it, and one that is not there skips the row.
    """
    delimiter, names = find_columns(file)
    listed = Documents.below(documents) if documents else None
    convert = partial(_question, names, listed, file.stem)
    yield from converted(csv_records(file, delimiter), convert)


def find_columns(file: Path) -> tuple[str, dict[str, str]]:
    """The delimiter, and the name in the file of each column of `COLUMNS` that it has.

    Raises `UnreadableQuestions` where no delimiter gives a question and an answer.
    """
    header: list[str] = []
    for delimiter in DELIMITERS:
        header = max(header, csv_header(file, delimiter), key=len)
        names = _named(csv_header(file, delimiter))
        if "question" in names and "answers" in names:
            return delimiter, names
    raise UnreadableQuestions(
        f"{file}: line 1: columns for a question and an answer are wanted, found "
        f"{', '.join(map(repr, header))}; known names are {', '.join(COLUMNS['question'])} and "
        f"{', '.join(COLUMNS['answers'])}"
    )


def _named(header: list[str]) -> dict[str, str]:
    folded = {re.sub(r"[\W_]", "", name).casefold(): name for name in reversed(header)}
    return {
        field: next(folded[alias] for alias in aliases if alias in folded)
        for field, aliases in COLUMNS.items()
        if any(alias in folded for alias in aliases)
    }


def _question(
    names: dict[str, str], documents: Documents | None, stem: str, place: str, row: Record
) -> Iterator[Item]:
    def cell(field: str) -> str:
        return str(row[names[field]]).strip() if field in names else ""

    question, answers = cell("question"), _parts(cell("answers"))
    if not question:
        raise BadRecord(f"column {names['question']!r} is empty")
    answerable = _answerable(names, cell("answerable"), answers)
    yield Question(
        id=cell("id") or f"{stem}-{place.rpartition(' ')[2]}",
        question=question,
        answers=distinct(answers),
        answerable=answerable,
        evidence=_evidence(names, documents, cell),
        source=cell("source"),
        asked_at=_day(names, cell("asked_at")),
    )


def _answerable(names: dict[str, str], value: str, answers: list[str]) -> bool:
    if value and value.casefold() not in _YES + _NO:
        raise BadRecord(f"column {names['answerable']!r}: yes or no is wanted, found {value!r}")
    answerable = value.casefold() not in _NO
    if answerable and not answers:
        raise BadRecord(
            f"column {names['answers']!r} is empty; for a question that no document answers, put "
            "'no' in a column 'answerable'"
        )
    if answers and not answerable:
        raise BadRecord(f"column {names['answers']!r}: {answers} though 'answerable' is {value!r}")
    return answerable


def _evidence(
    names: dict[str, str], documents: Documents | None, cell: Callable[[str], str]
) -> tuple[Evidence, ...]:
    found = _documents(names, documents, _parts(cell("document")))
    pages = [_page(names, value) for value in _parts(cell("page"))] or [None]
    if not found:
        if pages != [None] or cell("quote"):
            raise BadRecord("a page or quote without a document; add it in a column 'document'")
        return ()
    if len(found) > 1 and len(pages) not in (1, len(found)):
        raise BadRecord(f"column {names['page']!r}: {len(pages)} pages for {len(found)} documents")
    if len(found) > 1 and pages[0] is not None and len(pages) == 1:
        raise BadRecord(f"column {names['page']!r}: one page for {len(found)} documents")
    pairs = zip(found * len(pages) if len(found) == 1 else found, pages * len(found), strict=False)
    return tuple(
        Evidence(document, cell("quote"), page, cell("section") or None) for document, page in pairs
    )


def _documents(names: dict[str, str], documents: Documents | None, cells: list[str]) -> list[str]:
    if documents is not None:
        return [path for one in cells for path in documents.find(one)]
    for one in cells:
        if "*" in one:
            raise BadRecord(
                f"column {names['document']!r}: {one!r} is a pattern; give the folder of the "
                "documents with the option 'documents'"
            )
    return cells


def _page(names: dict[str, str], value: str) -> int:
    matched = _PAGE.fullmatch(value)
    if not matched or int(matched[1]) < 1:
        raise BadRecord(f"column {names['page']!r}: a page from 1 is wanted, found {value!r}")
    return int(matched[1])


def _day(names: dict[str, str], value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if value else None
    except ValueError as error:
        raise BadRecord(
            f"column {names['asked_at']!r}: a date like 2026-05-31 is wanted, found {value!r}"
        ) from error


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]

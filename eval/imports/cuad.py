"""CUAD's table of clauses (master_clauses.csv): two columns a label, its clauses and its answer.

Hendrycks et al., "CUAD: An Expert-Annotated NLP Dataset for Legal Contract Review" (NeurIPS 2021).
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, cast

from eval.imports.cuad_labels import asks, folded, gold_forms
from eval.imports.records import (
    BadRecord,
    Documents,
    Item,
    Note,
    Record,
    Skipped,
    UnusableOption,
    csv_header,
    csv_records,
    text_of,
)
from eval.questions import Evidence, Question, UnreadableQuestions
from ingest.readers.titles import from_name

FILE = "Filename"
_ANSWER = re.compile(r"(.*\S)\s*-\s*Answer", re.IGNORECASE)
_OMITTED = "<omitted>"

# What it labels is the kind of contract, which the file's name, and so the question, tells.
_TOLD = "documentname"


def import_cuad(
    file: Path,
    labels: Collection[str] | None = None,
    unanswerable: bool = False,
    documents: Path | None = None,
) -> Iterator[Item]:
    """One question a contract and label, such as "What is the governing law of the contract …?".

    The contract is called by its file's name as the index would entitle it. Gold is the lawyers'
    answer (`cuad_labels.gold_forms`) or, where that is "Yes" or empty, the text of the clauses. The
    evidence is the PDF's path with the clauses as quotes, a quote for each piece between
    omissions; pages are for `eval.imports.pages` to find. The source is the contract.

    Args:
        file: The table.
        labels: Names of labels, in any case; all but "Document Name" where none are given.
        unanswerable: Ask for labels without a clause too; they are unanswerable.
        documents: The folder of the PDFs: documents become paths below it, and a contract that
            is not there is skipped. Else the document is the file's name as in the table.
    """
    columns = find_columns(file)
    wanted = _wanted(columns, labels)
    listed = Documents.below(documents) if documents else None
    empty = 0
    for place, row in csv_records(file):
        try:
            if isinstance(row, BadRecord):
                raise row
            document = _document(text_of(row, FILE), listed)
        except BadRecord as bad:
            yield Skipped(place, str(bad))
            continue
        for label in wanted:
            try:
                question = _question(document, label, row, columns[label])
            except BadRecord as bad:
                yield Skipped(place, f"column {label!r}: {bad}")
                continue
            if question.answerable or unanswerable:
                yield question
            else:
                empty += 1
    if empty:
        yield Note(str(file), f"{empty} labels without a clause left out; 'unanswerable' asks them")


def find_columns(file: Path) -> dict[str, str | None]:
    """The columns of clauses, each with its column of answers or None.

    Raises `UnreadableQuestions` for a table that is not one of clauses.
    """
    header = csv_header(file)
    if FILE not in header:
        raise UnreadableQuestions(f"{file}: line 1: no column {FILE!r}, as CUAD has")
    answers = {folded(found[1]): name for name in header if (found := _ANSWER.fullmatch(name))}
    labels = {
        name: answers.get(folded(name))
        for name in header
        if name and name != FILE and name not in answers.values()
    }
    if not any(labels.values()):
        raise UnreadableQuestions(f"{file}: line 1: no two columns 'X' and 'X-Answer', as CUAD has")
    return labels


def _wanted(columns: dict[str, str | None], labels: Collection[str] | None) -> list[str]:
    if labels is None:
        return [name for name in columns if folded(name) != _TOLD]
    known = {folded(name): name for name in columns}
    for label in labels:
        if folded(label) not in known:
            raise UnusableOption(
                f"option 'labels': no label {label!r}; there are {', '.join(columns)}"
            )
    chosen = {folded(label) for label in labels}
    return [name for name in columns if folded(name) in chosen]


def _document(name: str, listed: Documents | None) -> str:
    if listed is None:
        return name.replace("\\", "/")
    first, *others = listed.find(name)
    if others:
        raise BadRecord(f"field {FILE!r}: {name!r} stands at {first!r} and at {others[0]!r}")
    return first


def _question(document: str, label: str, row: Record, answers: str | None) -> Question:
    clauses = _clauses(str(row[label]))
    answer = str(row[answers]).strip() if answers else ""
    verdict = answer.casefold().rstrip(".")
    if verdict in ("yes", "no"):
        if (verdict == "yes") != bool(clauses):
            raise BadRecord(f"the answer is {answer!r} with {len(clauses)} clauses")
        answer = ""
    golds = gold_forms(label, answer, clauses)
    quotes = [piece.strip() for clause in clauses for piece in clause.split(_OMITTED)]
    pieces = [piece for piece in quotes if piece] or [""]
    return Question(
        id=f"{document}#{label}",
        question=asks(label, f"the contract {from_name(document)}"),
        answers=golds,
        answerable=bool(golds),
        evidence=tuple(Evidence(document, piece) for piece in dict.fromkeys(pieces))
        if golds
        else (),
        source=document,
    )


def _clauses(cell: str) -> tuple[str, ...]:
    """The clauses of a cell: a Python list of texts, or one text as it stands."""
    cell = cell.strip()
    if not cell.startswith("["):
        return (cell,) if cell else ()
    try:
        values = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadRecord(f"a list of texts is wanted, found {cell[:60]!r}") from error
    clauses = cast(list[Any], values) if isinstance(values, list) else [values]
    if not all(isinstance(clause, str) for clause in clauses):
        raise BadRecord(f"a list of texts is wanted, found {cell[:60]!r}")
    return tuple(text for clause in clauses if (text := str(clause).strip()))

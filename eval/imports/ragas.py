"""Ragas data sets and test sets: JSON Lines, a JSON list, or CSV with lists written as in Python.

Fields as in `SingleTurnSample`: user_input, reference, reference_contexts, reference_context_ids.
"""

import ast
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval.imports.records import (
    BadRecord,
    Item,
    Note,
    Record,
    converted,
    csv_records,
    json_records,
    text_of,
    texts_of,
)
from eval.questions import Evidence, Question


def import_ragas(file: Path) -> Iterator[Item]:
    """One question a sample: its reference is the gold answer, its reference ids the documents.

    Contexts without ids cannot be evidence, which names a document; a note says so. Conversations
    are skipped. An id is taken from a field "id", or else made of the file's name and the place.
    """
    records = csv_records(file) if file.suffix.casefold() == ".csv" else json_records(file)
    yield from converted(records, partial(_question, file.stem))


def _question(stem: str, place: str, record: Record) -> Iterator[Item]:
    if isinstance(record.get("user_input"), list):
        raise BadRecord("field 'user_input': a conversation; only single questions are imported")
    contexts = texts_of(_with_list(record, "reference_contexts"), "reference_contexts")
    ids = texts_of(_with_list(record, "reference_context_ids"), "reference_context_ids")
    if ids and contexts and len(ids) != len(contexts):
        raise BadRecord(
            f"field 'reference_context_ids': {len(ids)} ids for {len(contexts)} contexts"
        )
    if contexts and not ids:
        yield Note(place, "no 'reference_context_ids', so its contexts cannot be evidence")
    yield Question(
        id=text_of(record, "id", default=f"{stem}-{place.rpartition(' ')[2]}"),
        question=text_of(record, "user_input"),
        answers=(text_of(record, "reference"),),
        evidence=tuple(
            Evidence(name, contexts[number] if contexts else "") for number, name in enumerate(ids)
        ),
    )


def _with_list(record: Record, name: str) -> Record:
    """The record with the list that a cell of CSV holds as text."""
    value = record.get(name)
    if not isinstance(value, str):
        return record
    if not value.strip():
        return {**record, name: None}
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadRecord(f"field {name!r}: a list is wanted, found {value[:60]!r}") from error
    return {**record, name: parsed}

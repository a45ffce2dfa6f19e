"""FlashRAG data sets: JSON Lines of id, question, golden_answers and metadata.

Jin et al., "FlashRAG: A Modular Toolkit for Efficient Retrieval-Augmented Generation Research"
(WWW 2025).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from eval.imports.records import (
    BadRecord,
    Item,
    Record,
    converted,
    distinct,
    json_records,
    text_of,
    texts_of,
)
from eval.questions import Evidence, Question


def import_flashrag(file: Path) -> Iterator[Item]:
    """One question a record, with all its golden answers; a number of `choices` is that choice.

    Evidence is taken from the metadata where it names supporting facts (HotpotQA, 2WikiMultihopQA)
    or supporting paragraphs (MuSiQue); its documents are then the titles of pages.
    """
    yield from converted(json_records(file), partial(_question, file.stem))


def _question(stem: str, place: str, record: Record) -> Iterator[Item]:
    metadata = record.get("metadata")
    evidence = _evidence(cast(Record, metadata)) if isinstance(metadata, dict) else ()
    answers = _answers(record)
    if not answers:
        raise BadRecord("field 'golden_answers': missing or empty")
    yield Question(
        id=text_of(record, "id", default=f"{stem}-{place.rpartition(' ')[2]}"),
        question=text_of(record, "question"),
        answers=answers,
        evidence=evidence,
    )


def _answers(record: Record) -> tuple[str, ...]:
    value = record.get("golden_answers")
    if isinstance(value, str | int | float):
        value = [value]
    choices = texts_of(record, "choices")
    if choices and isinstance(value, list):
        value = [_choice(choices, answer) for answer in cast(list[Any], value)]
    return distinct(texts_of({"golden_answers": value}, "golden_answers"))


def _choice(choices: tuple[str, ...], answer: Any) -> Any:
    if not isinstance(answer, int):
        return answer
    if not 0 <= answer < len(choices):
        raise BadRecord(f"field 'golden_answers': no choice {answer} among {len(choices)}")
    return choices[answer]


def _evidence(metadata: Record) -> tuple[Evidence, ...]:
    try:
        return (*_supporting_facts(metadata), *_supporting_paragraphs(metadata))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise BadRecord(
            f"field 'metadata': supporting facts in another shape ({error!r})"
        ) from error


def _supporting_facts(metadata: Record) -> Iterator[Evidence]:
    facts = metadata.get("supporting_facts")
    if not facts:
        return
    context = cast(dict[str, list[Any]], metadata.get("context") or {})
    pages = dict(zip(context.get("title", ()), context.get("sentences", ()), strict=False))
    numbers: list[Any] = facts.get("sent_id") or [None] * len(facts["title"])
    for title, number in zip(facts["title"], numbers, strict=False):
        page: Sequence[str] = pages.get(title, ())
        # HotpotQA itself has facts past the last sentence.
        known = isinstance(number, int) and 0 <= number < len(page)
        yield Evidence(str(title), page[number].strip() if known else "")


def _supporting_paragraphs(metadata: Record) -> Iterator[Evidence]:
    for step in metadata.get("question_decomposition") or ():
        if paragraph := step.get("support_paragraph"):
            yield Evidence(str(paragraph["title"]), paragraph.get("paragraph_text", "").strip())

"""Question files: JSONL, one question a line, read with errors that name file, line and field."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast


class UnreadableQuestions(ValueError):
    """A question file is not what it should be; the message names file, line and field."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stands: a document's path in the index, its page or section, the words.

    `page` is physical, from 1; a section is a heading, or a heading path joined by " > ".
    """

    document: str
    quote: str = ""
    page: int | None = None
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its gold answers.

    `answers`: all gold forms; empty where `answerable` is false. `source`: what the question
    comes from, a document or, for format tasks, a construct family: the cluster of statistics.
    `labels`: the answer that each annotator gave, where there are several annotators.
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    answerable: bool = True
    evidence: tuple[Evidence, ...] = ()
    source: str = ""
    asked_at: date | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_dict(self) -> dict[str, Any]:
        """The line of a question file; fields without a value are left out."""
        line: dict[str, Any] = {
            "id": self.id,
            "question": self.question,
            "answers": list(self.answers),
            "answerable": self.answerable,
            "evidence": [
                {name: value for name in _EVIDENCE if (value := getattr(item, name)) is not None}
                for item in self.evidence
            ],
            "source": self.source,
        }
        if self.asked_at:
            line["asked_at"] = self.asked_at.isoformat()
        if self.labels:
            line["labels"] = dict(self.labels)
        return line


_EVIDENCE = ("document", "page", "section", "quote")
_FIELDS = ("id", "question", "answers", "answerable", "evidence", "source", "asked_at", "labels")


def read_questions(file: Path) -> list[Question]:
    """All questions of a file, in its order; empty lines are skipped.

    Raises `UnreadableQuestions` for the first line that is wrong, and for an id that comes twice.
    """
    try:
        # Only "\n" ends a line: a text may hold other line separators of Unicode.
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableQuestions(f"{file}: cannot be read ({error})") from error
    questions: list[Question] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        question = _question(line, f"{file}: line {number}")
        if question.id in seen:
            raise UnreadableQuestions(
                f"{file}: line {number}: field 'id': {question.id!r} stands in line "
                f"{seen[question.id]} already; ids are unique in a file"
            )
        seen[question.id] = number
        questions.append(question)
    if not questions:
        raise UnreadableQuestions(f"{file}: holds no question")
    return questions


def write_questions(file: Path, questions: Iterable[Question]) -> int:
    """Write a question file and return how many it holds."""
    lines = [json.dumps(question.as_dict(), ensure_ascii=False) for question in questions]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def _question(line: str, place: str) -> Question:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableQuestions(f"{place}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise UnreadableQuestions(f"{place}: an object is wanted, found {line[:60]}")
    fields = cast(dict[str, Any], value)
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UnreadableQuestions(
            f"{place}: half a surrogate pair ({error.object[error.start]!r}), which is no character"
        ) from error
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise UnreadableQuestions(
            f"{place}: unknown field {unknown[0]!r}; known are {', '.join(_FIELDS)}"
        )
    answerable = _typed(fields, "answerable", bool, place, default=True)
    answers = tuple(_texts(fields, "answers", place))
    if answerable != bool(answers):
        raise UnreadableQuestions(
            f"{place}: field 'answers': {list(answers)} though 'answerable' is "
            f"{json.dumps(answerable)}; answerable questions have gold answers, others none"
        )
    return Question(
        id=_text(fields, "id", place),
        question=_text(fields, "question", place),
        answers=answers,
        answerable=answerable,
        evidence=tuple(_evidence(fields, place)),
        source=_typed(fields, "source", str, place, default=""),
        asked_at=_day(fields, place),
        labels=_labels(fields, place),
    )


def _evidence(fields: dict[str, Any], place: str) -> Iterator[Evidence]:
    items = _typed(fields, "evidence", list, place, default=cast(list[Any], []))
    for number, item in enumerate(items):
        where = f"{place}: field 'evidence[{number}]'"
        if not isinstance(item, dict):
            raise UnreadableQuestions(f"{where}: an object is wanted, found {item!r}")
        item = cast(dict[str, Any], item)
        unknown = sorted(set(item) - set(_EVIDENCE))
        if unknown:
            raise UnreadableQuestions(
                f"{where}: unknown field {unknown[0]!r}; known are {', '.join(_EVIDENCE)}"
            )
        page = item.get("page")
        if page is not None and (type(page) is not int or page < 1):
            raise UnreadableQuestions(
                f"{where}: field 'page': a number that counts from 1 is wanted, found {page!r}"
            )
        yield Evidence(
            document=_text(item, "document", where),
            quote=_typed(item, "quote", str, where, default=""),
            page=page,
            section=_typed(item, "section", str, where, default=None),
        )


def _labels(fields: dict[str, Any], place: str) -> dict[str, str]:
    labels = _typed(fields, "labels", dict, place, default=cast(dict[str, Any], {}))
    for annotator, label in labels.items():
        if not isinstance(label, str):
            raise UnreadableQuestions(
                f"{place}: field 'labels': a text for each annotator is wanted, found {label!r} "
                f"for {annotator!r}"
            )
    return labels


def _day(fields: dict[str, Any], place: str) -> date | None:
    value = _typed(fields, "asked_at", str, place, default=None)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError as error:
        raise UnreadableQuestions(
            f"{place}: field 'asked_at': a date like 2026-05-31 is wanted, found {value!r}"
        ) from error


def _texts(fields: dict[str, Any], name: str, place: str) -> list[str]:
    values = _typed(fields, name, list, place, default=cast(list[Any], []))
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise UnreadableQuestions(
                f"{place}: field {name!r}: texts that are not empty are wanted, found {value!r}"
            )
    return values


def _text(fields: dict[str, Any], name: str, place: str) -> str:
    value = _typed(fields, name, str, place, default="")
    if not value.strip():
        raise UnreadableQuestions(f"{place}: field {name!r} is missing or empty")
    return value


def _typed(fields: dict[str, Any], name: str, kind: type, place: str, default: Any) -> Any:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise UnreadableQuestions(
            f"{place}: field {name!r}: {_WORDS[kind]} is wanted, found {value!r}"
        )
    return value


_WORDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}

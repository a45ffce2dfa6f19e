"""All formats by name, and the import of a file with what goes for every format."""

import inspect
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.imports.beir import import_beir
from eval.imports.cuad import import_cuad
from eval.imports.detect import detect
from eval.imports.flashrag import import_flashrag
from eval.imports.ragas import import_ragas
from eval.imports.records import Item, Note, Skipped, UnusableOption
from eval.imports.snips import import_snips
from eval.imports.squad import import_squad
from eval.imports.table import import_table
from eval.questions import Question, UnreadableQuestions

FORMATS: dict[str, Callable[..., Iterator[Item]]] = {
    "squad": import_squad,
    "beir": import_beir,
    "ragas": import_ragas,
    "flashrag": import_flashrag,
    "cuad": import_cuad,
    "table": import_table,
    "snips": import_snips,
}
"""Importers by name. Each takes a path and the options that its own parameters name."""

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: its format, the questions, the records left out, and remarks."""

    format: str
    questions: list[Question]
    skipped: list[Skipped]
    notes: list[Note]


def import_questions(
    format: str,
    path: Path,
    *,
    limit: int | None = None,
    seed: int = 0,
    sources: Collection[str] | None = None,
    document_prefix: str = "",
    **options: Any,
) -> Imported:
    """Import a file or folder.

    A question that its format gives no source has its first document as source, or else itself.
    A record whose id came before is skipped.

    Args:
        format: A name of `FORMATS`, or "auto": known by what the path holds.
        path: The file, or the folder of formats that are folders.
        limit: So many questions at most, drawn with the seed, in the order of the file.
        seed: Of the draw.
        sources: Only questions of these sources, which are articles for SQuAD.
        document_prefix: A folder to put before every document of the evidence.
        **options: What the format's own importer takes.

    Raises:
        UnreadableQuestions: The path holds nothing of the format, or no good record.
        UnusableOption: No such format, option or source, or a limit below 1.
    """
    if limit is not None and limit < 1:
        raise UnusableOption(f"option 'limit': at least 1 is wanted, found {limit}")
    if format == AUTO:
        format = detect(path)
    importer = _importer(format, options)
    questions: list[Question] = []
    skipped: list[Skipped] = []
    notes: list[Note] = []
    ids: set[str] = set()
    for item in importer(path, **options):
        if isinstance(item, Skipped):
            skipped.append(item)
        elif isinstance(item, Note):
            notes.append(item)
        elif item.id in ids:
            skipped.append(Skipped(str(path), f"a question with the id {item.id!r} came before"))
        else:
            ids.add(item.id)
            questions.append(_with_source(item))
    if not questions:
        raise UnreadableQuestions(_nothing(format, path, skipped))
    if sources is not None:
        questions = _only(questions, sources, path)
    if limit is not None and limit < len(questions):
        drawn = random.Random(seed).sample(range(len(questions)), limit)
        questions = [questions[place] for place in sorted(drawn)]
    if document_prefix:
        questions = [_prefixed(question, document_prefix) for question in questions]
    return Imported(format, questions, skipped, notes)


def _importer(format: str, options: dict[str, Any]) -> Callable[..., Iterator[Item]]:
    if format not in FORMATS:
        raise UnusableOption(f"no format {format!r}; there are {', '.join((AUTO, *FORMATS))}")
    taken = list(inspect.signature(FORMATS[format]).parameters)[1:]
    for name in options:
        if name not in taken:
            known = f"it takes {', '.join(taken)}" if taken else "it takes none of its own"
            raise UnusableOption(f"format {format!r} has no option {name!r}; {known}")
    return FORMATS[format]


def _nothing(format: str, path: Path, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"{path}: holds no {format} question"
    first = skipped[0]
    return (
        f"{path}: none of its records is a {format} question ({len(skipped)} skipped); the first: "
        f"{first.place}: {first.reason}"
    )


def _with_source(question: Question) -> Question:
    if question.source:
        return question
    documents = [one.document for one in question.evidence]
    return replace(question, source=(documents or [question.id])[0])


def _only(questions: list[Question], sources: Collection[str], path: Path) -> list[Question]:
    known = dict.fromkeys(question.source for question in questions)
    for source in sources:
        if source not in known:
            some = ", ".join(list(known)[:10]) + (", …" if len(known) > 10 else "")
            raise UnusableOption(f"{path}: no question has the source {source!r}; there are {some}")
    return [question for question in questions if question.source in set(sources)]


def _prefixed(question: Question, prefix: str) -> Question:
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    return replace(
        question,
        evidence=tuple(
            replace(one, document=f"{folder}{one.document}") for one in question.evidence
        ),
    )

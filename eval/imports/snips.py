"""The Snips custom-intent benchmark: utterances with slots, as a format task.

Coucke et al., "Snips Voice Platform: an embedded Spoken Language Understanding system for
private-by-design voice interfaces" (2018), folder 2017-06-custom-intent-engines.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from eval.imports.records import BadRecord, Item, Skipped, parse_json, record
from eval.questions import Question, UnreadableQuestions


def import_snips(path: Path, small: bool = False) -> Iterator[Item]:
    """One question an utterance; the answer is JSON text with its intent and slots.

    The answer is `{"intent": name, "slots": {name: [value, …]}}`: intent first, slot names sorted,
    the values of a name as they follow in the utterance, always in a list since a name may come
    twice. Two answers are equal when they are equal as parsed: the order of names is free, that of
    a name's values is not. The source is the construct family: the intent and its slot names.

    An utterance that came before, but for case and blanks, is skipped: it would stand on both
    sides of a split, and some repeats are labelled in two ways.

    Args:
        path: The folder of intents, or one of their files.
        small: Read train_<intent>.json (300 utterances an intent) in place of
            train_<intent>_full.json (some 2,000).
    """
    seen: dict[str, str] = {}
    for file in _files(path, small):
        for number, (intent, value) in enumerate(_utterances(file), start=1):
            place = f"{file}: record {number}"
            try:
                question = _question(f"{file.stem}-{number}", intent, value)
            except BadRecord as bad:
                yield Skipped(place, str(bad))
                continue
            key = question.question.casefold()
            if key in seen:
                yield Skipped(place, f"the utterance stands in {seen[key]} already")
                continue
            seen[key] = place
            yield question


def as_answer(intent: str, slots: list[tuple[str, str]]) -> str:
    """The canonical JSON text of an intent and its slots, which come as in the utterance."""
    values: dict[str, list[str]] = {name: [] for name in sorted({name for name, _ in slots})}
    for name, value in slots:
        values[name].append(value)
    return json.dumps({"intent": intent, "slots": values}, ensure_ascii=False)


def _files(path: Path, small: bool) -> list[Path]:
    if path.is_file():
        return [path]
    files: list[Path] = []
    for folder in sorted(one for one in path.glob("*") if one.is_dir()):
        found = sorted(folder.glob("train_*.json"))
        full = [file for file in found if file.stem.endswith("_full")]
        files += [file for file in found if file not in full] if small or not full else full
    if not files:
        raise UnreadableQuestions(f"{path}: holds no <intent>/train_<intent>.json, as Snips does")
    return files


def _utterances(file: Path) -> Iterator[tuple[str, Any]]:
    value = parse_json(file)
    if not isinstance(value, dict) or not value:
        raise UnreadableQuestions(f"{file}: an object of utterances by intent is wanted")
    for intent, utterances in cast(dict[str, Any], value).items():
        if not isinstance(utterances, list):
            raise UnreadableQuestions(f"{file}: field {intent!r}: a list of utterances is wanted")
        for utterance in cast(list[Any], utterances):
            yield intent, utterance


def _question(id: str, intent: str, value: Any) -> Question:
    utterance = record(value)
    if isinstance(utterance, BadRecord):
        raise utterance
    if not isinstance(pieces := utterance.get("data"), list):
        raise BadRecord(f"field 'data': a list is wanted, found {pieces!r}")
    text = ""
    slots: list[tuple[str, str]] = []
    for number, piece in enumerate(cast(list[Any], pieces)):
        fields = record(piece)
        if isinstance(fields, BadRecord) or not isinstance(words := fields.get("text"), str):
            raise BadRecord(f"field 'data[{number}]': an object with a text is wanted: {piece!r}")
        text += words
        if fields.get("entity") is not None:
            if not isinstance(name := fields["entity"], str) or not words.strip():
                raise BadRecord(f"field 'data[{number}]': a slot with words is wanted: {piece!r}")
            slots.append((name, _one_line(words)))
    if not text.strip():
        raise BadRecord("field 'data': the utterance is empty")
    names = sorted({name for name, _ in slots})
    return Question(
        id=id,
        question=_one_line(text),
        answers=(as_answer(intent, slots),),
        source=f"{intent}({', '.join(names)})",
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())

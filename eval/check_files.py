"""Files of general instructions: JSONL, one instruction with the check of its reply a line."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eval.checks import KINDS, LANGUAGES, NORMALISED, Check
from eval.grade import normalise

SETS = ("instructions", "refusals")
"""The two sets, by the names of their files."""


class UnreadableChecks(ValueError):
    """A file of instructions is not what it should be; the message names file, line and field."""


@dataclass(frozen=True, slots=True)
class Item:
    """An instruction with the check of its reply."""

    id: str
    instruction: str
    check: Check


def read_sets(folder: Path) -> dict[str, list[Item]]:
    """The sets of a folder, from instructions.jsonl and refusals.jsonl; see `read_checks`."""
    return {name: read_checks(folder / f"{name}.jsonl") for name in SETS}


def read_checks(file: Path) -> list[Item]:
    """All items of a file, in its order; empty lines are skipped.

    Raises `UnreadableChecks` for the first line that is wrong, an id or instruction that comes
    twice, and a file without items.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableChecks(f"{file}: cannot be read ({error})") from error
    items: list[Item] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{file}: line {number}"
        item = _item(line, place)
        for key in (("id", item.id), ("instruction", normalise(item.instruction))):
            if key in seen:
                raise UnreadableChecks(
                    f"{place}: field {key[0]!r}: {getattr(item, key[0])!r} stands in line "
                    f"{seen[key]} already; remove one of the two"
                )
            seen[key] = number
        items.append(item)
    if not items:
        raise UnreadableChecks(f"{file}: holds no instruction")
    return items


def _item(line: str, place: str) -> Item:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UnreadableChecks(f"{place}: not JSON ({error})") from error
    fields = _object(value, ("id", "instruction", "check"), place)
    return Item(
        id=_text(fields.get("id"), f"{place}: field 'id'"),
        instruction=_text(fields.get("instruction"), f"{place}: field 'instruction'"),
        check=_check(fields.get("check"), place, "check"),
    )


def _check(value: Any, place: str, path: str) -> Check:
    where = f"{place}: field {path!r}"
    if not isinstance(value, dict) or "kind" not in value:
        raise UnreadableChecks(f"{where}: an object with a 'kind' is wanted, found {value!r}")
    name = cast(Any, value["kind"])
    if not isinstance(name, str) or name not in KINDS:
        raise UnreadableChecks(f"{where}: unknown kind {name!r}; known are {', '.join(KINDS)}")
    kind = KINDS[name]
    fields = _object(value, ("kind", *kind.fields), where)
    read: dict[str, Any] = {"kind": name}
    for field in kind.fields:
        at = f"{place}: field '{path}.{field}'"
        if field == "checks":
            parts = _list(fields.get(field), at)
            read[field] = tuple(
                _check(part, place, f"{path}.checks[{number}]") for number, part in enumerate(parts)
            )
        elif field == "number":
            read[field] = _number(fields.get(field), at)
        elif field in ("least", "most"):
            read[field] = _count(fields.get(field), at)
        else:
            read[field] = tuple(_texts(fields.get(field), name, at))
    check = Check(**read)
    if "least" in kind.fields and not _bounded(check):
        raise UnreadableChecks(
            f"{where}: {name!r} wants 'least', 'most' or both, least first, found {value!r}"
        )
    return check


def _bounded(check: Check) -> bool:
    if check.least is None or check.most is None:
        return (check.least, check.most) != (None, None)
    return check.least <= check.most


def _texts(value: Any, kind: str, where: str) -> list[str]:
    texts = [_text(text, where) for text in _list(value, where)]
    for text in texts:
        if kind in NORMALISED and not normalise(text):
            raise UnreadableChecks(
                f"{where}: nothing is left of {text!r} once articles and punctuation are gone"
            )
        if kind == "language" and text not in LANGUAGES:
            raise UnreadableChecks(
                f"{where}: unknown language {text!r}; known are {', '.join(LANGUAGES)}"
            )
    return texts


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise UnreadableChecks(f"{where}: a list that is not empty is wanted, found {value!r}")
    return cast(list[Any], value)


def _object(value: Any, known: Sequence[str], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableChecks(f"{where}: an object is wanted, found {value!r}")
    fields = cast(dict[str, Any], value)
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UnreadableChecks(
            f"{where}: unknown field {unknown[0]!r}; known are {', '.join(known)}"
        )
    return fields


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnreadableChecks(f"{where}: a text that is not empty is wanted, found {value!r}")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnreadableChecks(f"{where}: a number is wanted, found {value!r}")
    return float(value)


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnreadableChecks(f"{where}: a count from 0 is wanted, found {value!r}")
    return value

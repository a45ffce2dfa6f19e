"""results.jsonl and timings.jsonl: one row an arm, seed and question, written as they come."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any, cast


class UnreadableRows(ValueError):
    """A results file is not what it should be; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an arm answered to a question. Holds nothing that differs between two equal runs.

    `retrieved`: passages in order of rank, as "document@offset". `right`: 1 or 0, None where
    the row is unscored. `scores`: the further measures of `eval.score` (exact_match, f1, words,
    parsed; retrieved, reached: whether a gold passage was among the hits, in the prompt).
    `error`: why there is no answer. A failure of the infrastructure leaves the row unscored; an
    answer that took too long is wrong.
    """

    arm: str
    seed: int
    id: str
    answer: str
    abstained: bool
    right: int | None
    grounding: str = ""
    retrieved: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    error: str | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What a row is sorted by, and may come once."""
        return (self.arm, self.seed, self.id)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one unbatched, uncached answer took, in milliseconds."""

    arm: str
    seed: int
    id: str
    ms: float


def read_rows(file: Path) -> list[Row]:
    """The rows of a results file, none where it is missing.

    A last line that a kill cut off is dropped; any other bad line raises `UnreadableRows`. A row
    that was unscored and asked for again stands there twice until the file is sorted.
    """
    return [_row(value, place) for value, place in read_lines(file)]


def append_rows(file: Path, rows: Sequence[Row]) -> None:
    """Add rows in one write, so that a kill leaves whole batches or a cut last line."""
    append_lines(file, [_as_line(row) for row in rows])


def write_sorted(file: Path, rows: Iterable[Row]) -> None:
    """Put the rows in order of arm, seed and question, in place of the file."""
    _replace(file, [_as_line(row) for row in sorted(rows, key=lambda row: row.key)])


def read_timings(file: Path) -> list[Timing]:
    """The timings of a run, none where the file is missing. Raises as `read_rows` does."""
    return [cast(Timing, _made(Timing, value, place)) for value, place in read_lines(file)]


def append_timings(file: Path, timings: Sequence[Timing]) -> None:
    """Add timings."""
    append_lines(file, [_as_line(timing) for timing in timings])


def write_timings(file: Path, timings: Iterable[Timing]) -> None:
    """Put the timings in place of the file."""
    _replace(file, [_as_line(timing) for timing in timings])


def read_lines(file: Path) -> list[tuple[dict[str, Any], str]]:
    """The objects of a JSONL file that is appended to, each with its place for errors.

    None where the file is missing. What follows the last line break is a line that a kill cut
    off, unless it is whole. Raises `UnreadableRows`.
    """
    if not file.is_file():
        return []
    lines = file.read_bytes().split(b"\n")
    if not _whole(lines[-1]):
        lines.pop()
    found: list[tuple[dict[str, Any], str]] = []
    for number, line in enumerate(lines, start=1):
        place = f"{file}: line {number}"
        if not line.strip():
            continue
        try:
            found.append((_object(line), place))
        except ValueError as error:
            raise UnreadableRows(
                f"{place}: not an object in JSON ({error}); remove the line, its answer is asked "
                "for again"
            ) from error
    return found


def append_lines(file: Path, lines: Sequence[str]) -> None:
    """Add lines in one write; a line that a kill cut off is taken away first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as out:
        missing = ""
        if size := out.tell():
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b"\n":
                tail = file.read_bytes().rpartition(b"\n")[2]
                if _whole(tail):
                    missing = "\n"
                else:
                    out.truncate(size - len(tail))
        out.write((missing + "".join(lines)).encode())


def _whole(tail: bytes) -> bool:
    """Whether what follows the last line break is a line that lacks nothing but its own break."""
    try:
        return bool(_object(tail))
    except ValueError:
        return False


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line.decode(), parse_constant=_no_number)
    if not isinstance(value, dict):
        raise ValueError(f"found {str(cast(object, value))[:60]}")
    return cast(dict[str, Any], value)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _row(value: dict[str, Any], place: str) -> Row:
    retrieved = value.get("retrieved", [])
    if isinstance(retrieved, list):
        retrieved = tuple(cast(list[Any], retrieved))
    row = cast(Row, _made(Row, {**value, "retrieved": retrieved}, place))
    if row.right not in (0, 1, None):
        raise UnreadableRows(f"{place}: field 'right': 0, 1 or null, found {row.right!r}")
    if not all(isinstance(name, str) for name in cast(tuple[Any, ...], row.retrieved)):
        raise UnreadableRows(f"{place}: field 'retrieved': texts are wanted, found {retrieved!r}")
    for name, score in cast(Mapping[str, Any], row.scores).items():
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise UnreadableRows(
                f"{place}: field 'scores.{name}': a number is wanted, found {score!r}"
            )
    return row


_KINDS: Mapping[str, tuple[type, ...]] = {
    "arm": (str,),
    "seed": (int,),
    "id": (str,),
    "answer": (str,),
    "abstained": (bool,),
    "right": (int, NoneType),
    "grounding": (str,),
    "retrieved": (tuple,),
    "scores": (dict,),
    "prompt_tokens": (int,),
    "completion_tokens": (int,),
    "cost": (int, float),
    "error": (str, NoneType),
    "ms": (int, float),
}


def _made(kind: type[Row] | type[Timing], value: dict[str, Any], place: str) -> Row | Timing:
    """A row or timing from its fields, each of its type."""
    for name, found in value.items():
        wanted = _KINDS.get(name)
        if wanted is None:
            continue  # told by the call below
        if not isinstance(found, wanted) or (isinstance(found, bool) and bool not in wanted):
            raise UnreadableRows(
                f"{place}: field {name!r}: {' or '.join(one.__name__ for one in wanted)} is "
                f"wanted, found {found!r}"
            )
    try:
        return kind(**cast(Any, value))
    except TypeError as error:
        what = "a row of results" if kind is Row else "a timing"
        raise UnreadableRows(f"{place}: not {what} ({error})") from error


def _replace(file: Path, lines: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_name(f"{file.name}.new")
    work.write_bytes("".join(lines).encode())
    work.replace(file)


def _as_line(row: Row | Timing) -> str:
    return json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) + "\n"

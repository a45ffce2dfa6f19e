"""results.jsonl and timings.jsonl: one row an arm, seed and question, written as they come."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast


class UnreadableRows(ValueError):
    """A results file is not what it should be; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an arm answered to a question. Holds nothing that differs between two equal runs.

    `retrieved`: passages in order of rank, as "document@offset". `right`: 1 or 0, None where
    the row is unscored. `scores`: the further measures of `eval.grade` (exact_match, f1, words,
    parsed; retrieved, reached: whether a gold passage was among the hits, in the prompt).
    `error` names a failure of the infrastructure; then the row is unscored.
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

    A last line that a kill cut off is dropped; any other bad line raises `UnreadableRows`.
    """
    return [_row(value, place) for value, place in _lines(file)]


def append_rows(file: Path, rows: Sequence[Row]) -> None:
    """Add rows in one write, so that a kill leaves whole batches or a cut last line."""
    _append(file, [_as_line(row) for row in rows])


def write_sorted(file: Path, rows: Iterable[Row]) -> None:
    """Put the rows in order of arm, seed and question, in place of the file."""
    ordered = sorted(rows, key=lambda row: row.key)
    work = file.with_suffix(".new")
    work.write_text("".join(_as_line(row) for row in ordered), encoding="utf-8")
    work.replace(file)


def read_timings(file: Path) -> list[Timing]:
    """The timings of a run, none where the file is missing."""
    return [Timing(**value) for value, _ in _lines(file)]


def append_timings(file: Path, timings: Sequence[Timing]) -> None:
    """Add timings."""
    _append(file, [json.dumps(asdict(timing)) + "\n" for timing in timings])


def _append(file: Path, lines: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as out:
        if out.tell():
            out.seek(-1, 2)
            if out.read(1) != b"\n":  # a line that a kill cut off: it is written anew
                out.truncate(_last_break(file))
        out.write("".join(lines).encode())
        out.flush()


def _last_break(file: Path) -> int:
    return file.read_bytes().rfind(b"\n") + 1


def _lines(file: Path) -> list[tuple[dict[str, Any], str]]:
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    lines.pop()  # what follows the last line break is empty, or cut off
    found: list[tuple[dict[str, Any], str]] = []
    for number, line in enumerate(lines, start=1):
        place = f"{file}: line {number}"
        try:
            found.append((cast(dict[str, Any], json.loads(line)), place))
        except ValueError as error:
            raise UnreadableRows(
                f"{place}: not JSON ({error}); remove the line, its answer is asked for again"
            ) from error
    return found


def _row(value: dict[str, Any], place: str) -> Row:
    try:
        row = Row(**cast(Any, {**value, "retrieved": tuple(value.get("retrieved", ()))}))
    except TypeError as error:
        raise UnreadableRows(f"{place}: not a row of results ({error})") from error
    if row.right not in (0, 1, None):
        raise UnreadableRows(f"{place}: field 'right': 0, 1 or null, found {row.right!r}")
    return row


def _as_line(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"

"""A run folder as data: what a comparison left behind, read and checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from eval.passages import read_passages
from eval.questions import Question, read_questions
from eval.rows import Row, Timing, read_rows, read_timings
from eval.task import AGAIN, ARMS, UNTRAINED, Costs

Json = dict[str, Any]


class UnreadableRun(ValueError):
    """A run folder is not what it should be; the message names file, field and remedy."""


@dataclass(frozen=True, slots=True)
class Training:
    """What one training took: the arm it was for, its seed (None in a sweep of rates), seconds."""

    arm: str
    seed: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """All that a report is made from.

    `guards`, `warrant`, `collateral`, `selection` and `manifest` are None where the run has not
    written them: a report shows them as not measured. `arms`: names, in the order of reports.
    `passages`: the texts of those that rows name.
    """

    task: Json
    costs: Costs
    questions: tuple[Question, ...]
    rows: tuple[Row, ...]
    timings: tuple[Timing, ...]
    trainings: tuple[Training, ...]
    arms: tuple[str, ...]
    selection: Json | None
    guards: list[Json] | None
    warrant: list[Json] | None
    collateral: Json | None
    manifest: Json | None
    passages: Mapping[str, str]

    @property
    def twice(self) -> bool:
        """Whether the run compares one recipe with itself, as a control."""
        return bool(self.task.get("twice"))

    @property
    def name(self) -> str:
        """The task's name."""
        return str(self.task["name"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the task declares, or those that the rows have."""
        declared = self.task.get("seeds") or sorted({row.seed for row in self.rows})
        return tuple(cast(Sequence[int], declared))

    @property
    def baseline(self) -> str | None:
        """The arm that an adapter must beat: chosen on dev, or the only untrained arm there is.

        In the control of one recipe twice it is the adapter's double.
        """
        if self.twice and AGAIN in self.arms:
            return AGAIN
        chosen = (self.selection or {}).get("baseline")
        if chosen is not None:
            return str(chosen)
        untrained = [arm for arm in self.arms if arm in UNTRAINED]
        return untrained[0] if len(untrained) == 1 else None


def read_run(folder: Path) -> Run:
    """The run of a folder.

    Raises `UnreadableRun` where task.json, questions.jsonl or results.jsonl is missing, where a
    file is not of its form, or where results and questions do not belong together.
    """
    task = cast(Json, _read(folder / "task.json", dict, needed=True))
    for name in ("name", "kind", "margin", "target"):
        if task.get(name) is None:
            raise UnreadableRun(f"{folder / 'task.json'}: field {name!r} is missing")
    questions = tuple(read_questions(_needed(folder / "questions.jsonl")))
    rows = tuple(sorted(read_rows(_needed(folder / "results.jsonl")), key=lambda row: row.key))
    _check(folder / "results.jsonl", rows, {question.id for question in questions})
    return Run(
        task=task,
        costs=_costs(task.get("costs"), folder / "task.json"),
        questions=questions,
        rows=rows,
        timings=tuple(read_timings(folder / "timings.jsonl")),
        trainings=tuple(_trainings(folder)),
        arms=_in_order({row.arm for row in rows}),
        selection=_read(folder / "selection.json", dict),
        guards=_named(folder / "guards.json", ("name", "passed")),
        warrant=_named(folder / "warrant.json", ("name", "outcome")),
        collateral=_read(folder / "collateral.json", dict),
        manifest=_read(folder / "manifest.json", dict),
        passages=read_passages(folder / "passages.jsonl"),
    )


def _needed(file: Path) -> Path:
    if not file.is_file():
        raise UnreadableRun(
            f"{file} is not there: a report is made from a run folder, which `ragfirst eval run` "
            "writes"
        )
    return file


def _read(file: Path, kind: type, *, needed: bool = False) -> Any:
    if needed:
        _needed(file)
    elif not file.is_file():
        return None
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableRun(
            f"{file}: cannot be read ({error}); run the comparison again"
        ) from error
    if not isinstance(value, kind):
        wanted = "an object" if kind is dict else "a list"
        raise UnreadableRun(f"{file}: {wanted} is wanted, found {str(value)[:60]}")
    return value


def _named(file: Path, wanted: Sequence[str]) -> list[Json] | None:
    items = cast(list[Any] | None, _read(file, list))
    for number, item in enumerate(items or [], start=1):
        for name in wanted:
            if not isinstance(item, dict) or name not in item:
                raise UnreadableRun(f"{file}: item {number}: field {name!r} is missing")
    return items


def _costs(given: Any, file: Path) -> Costs:
    costs = cast(Json, given or {})
    known = {item.name for item in fields(Costs)}
    for name in costs:
        if name not in known:
            raise UnreadableRun(f"{file}: field 'costs.{name}' is unknown")
    return Costs(**costs)


def _trainings(folder: Path) -> list[Training]:
    found: list[Training] = []
    for file in sorted((folder / "adapters").glob("**/train.json")):
        value = cast(Json, _read(file, dict))
        seconds = value.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise UnreadableRun(f"{file}: field 'seconds': a number is wanted, found {seconds!r}")
        arm, stage, *_ = file.relative_to(folder / "adapters").parts
        settings = cast(Json, value.get("settings") or {})
        seed = None if stage == "sweep" else settings.get("seed")
        found.append(Training(arm, seed, float(seconds)))
    return found


def _check(file: Path, rows: Sequence[Row], known: set[str]) -> None:
    if not rows:
        raise UnreadableRun(f"{file}: holds no row; `ragfirst eval run` has not answered yet")
    seen: set[tuple[str, int, str]] = set()
    for row in rows:
        if row.key in seen:
            raise UnreadableRun(
                f"{file}: arm, seed and question {row.key} stand there twice, as an interrupted "
                "run leaves them; run the comparison again, it goes on where it was stopped"
            )
        seen.add(row.key)
        if row.id not in known:
            raise UnreadableRun(f"{file}: question {row.id!r} is not in questions.jsonl beside it")


def _in_order(arms: set[str]) -> tuple[str, ...]:
    order = {arm: place for place, arm in enumerate(ARMS)}
    return tuple(sorted(arms, key=lambda arm: (order.get(arm, len(ARMS)), arm)))

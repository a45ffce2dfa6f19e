"""From a report's figures to the five tests: what `eval.warrant` rests on, gathered."""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.agreement import agreement
from eval.causes import count_errors
from eval.questions import Question
from eval.rows import Row
from eval.task import Task
from eval.warrant import Measured, Outcome, count_examples, five_tests

Json = Mapping[str, Any]


def judge(
    task: Task,
    train: Sequence[Question],
    test: Sequence[Question],
    rows: Sequence[Row],
    report: Json,
    selection: Json,
    guards: Sequence[Json],
    training_seconds: float | None,
) -> list[Outcome]:
    """The five tests of a comparison whose report is built but for them."""
    arms: dict[str, Json] = {arm["name"]: arm for arm in report["arms"]}
    baseline = selection.get("baseline")
    contrast: Json = report["contrasts"].get("C1") or {}
    interval: Sequence[float] | None = contrast.get("interval")
    leaks = next((one for one in guards if one["name"] == "leaks"), None)
    retrieval = "rag" if task.kind == "knowledge" and "rag" in arms else baseline
    by_id = {question.id: question for question in test}
    return five_tests(
        Measured(
            kind=task.kind,
            target=task.target,
            costs=task.costs,
            grader=task.grader,
            instruction=_instruction(selection),
            agreement=agreement(test),
            untrained=baseline,
            untrained_accuracy=_of(arms, baseline, "accuracy"),
            examples=count_examples(
                task.kind, train, None if leaks is None else len(leaks.get("records", ()))
            ),
            closed_book=_of(arms, "closed-book", "accuracy"),
            oracle=_of(arms, "oracle", "accuracy"),
            errors=count_errors(retrieval, rows, by_id, task.kind) if retrieval else None,
            with_evidence=sum(bool(question.evidence) for question in test),
            difference=contrast.get("difference"),
            interval=(interval[0], interval[1]) if interval else None,
            training_hours=None if training_seconds is None else training_seconds / 3600,
            adapter_cost_1000=_of(arms, "adapter", "cost_per_1000"),
            untrained_cost_1000=_of(arms, baseline, "cost_per_1000"),
        )
    )


def _of(arms: Mapping[str, Json], name: str | None, field: str) -> float | None:
    return arms[name].get(field) if name and name in arms else None


def _instruction(selection: Json) -> str | None:
    """The best instruction that was found on dev, if one was sought."""
    choice = selection.get("prompt") or selection.get("few-shot")
    if not choice:
        return None
    return choice["configurations"][choice["chosen"]]["settings"].get("instruction")

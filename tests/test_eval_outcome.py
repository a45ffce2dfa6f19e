"""The five tests rest on the figures of the report, the selection and the guards."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.outcome import judge
from eval.report.build import build_report
from eval.rows import read_rows
from eval.task import Kind, Task
from eval.warrant import Outcome
from tests.reports import make_questions, write_run

SKILL = {"closed-book": 0.05, "prompt": 0.2, "rag": 0.6, "oracle": 0.9, "adapter": 0.1}
TEST = make_questions()
TRAIN = [
    replace(one, id=f"train-{one.id}", question=f"{one.question} And at low tide?") for one in TEST
]


class Judged:
    """A run folder, and what it is judged by; a test changes a part."""

    def __init__(self, folder: Path, **skill: float) -> None:
        write_run(folder, skill=SKILL | skill)
        self.rows = read_rows(folder / "results.jsonl")
        self.report: dict[str, Any] = json.loads(json.dumps(build_report(folder)))
        self.selection = json.loads((folder / "selection.json").read_text())
        self.guards = json.loads((folder / "guards.json").read_text())
        self.kind: Kind = "knowledge"
        self.seconds: float | None = 7200.0

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        return {arm["name"]: arm for arm in self.report["arms"]}

    def tests(self) -> dict[str, Outcome]:
        task = Task(
            file=Path("task.yaml"),
            name="harbour",
            kind=self.kind,
            corpus=(),
            questions={},
            grader="contains",
            target=0.8,
            margin=0.05,
            arms=tuple(SKILL),
            seeds=(1, 2, 3),
        )
        found = judge(
            task,
            TRAIN,
            TEST,
            self.rows,
            self.report,
            self.selection,
            self.guards,
            self.seconds,
        )
        return {one.name: one for one in found}


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    return Judged(tmp_path)


def test_all_five_are_judged(judged: Judged):
    assert list(judged.tests()) == ["Problem", "Prompting", "Data", "Specificity", "ROI"]


def test_the_problem_needs_the_instruction_that_dev_found(judged: Judged):
    assert "the best instruction was found on dev" in judged.tests()["Problem"].evidence
    for arm in ("prompt", "few-shot"):
        judged.selection.pop(arm, None)
    assert "the best instruction was found" not in judged.tests()["Problem"].evidence


def test_prompting_is_of_the_arm_that_was_best_on_dev(judged: Judged):
    accuracy = judged.arms["rag"]["accuracy"]
    assert f"rag is right in {accuracy:.2f}" in judged.tests()["Prompting"].evidence
    judged.selection["baseline"] = "prompt"
    accuracy = judged.arms["prompt"]["accuracy"]
    assert f"prompt is right in {accuracy:.2f}" in judged.tests()["Prompting"].evidence


def test_without_an_untrained_arm_prompting_is_unknown(judged: Judged):
    judged.selection["baseline"] = None
    assert judged.tests()["Prompting"].outcome == "unknown"


def test_leaks_are_those_that_the_guard_recorded(judged: Judged):
    [leaks] = [one for one in judged.guards if one["name"] == "leaks"]
    assert "of 40 training examples" in judged.tests()["Data"].evidence
    leaks["records"] = ["q-1", "q-2"]
    assert "2 are test questions" in judged.tests()["Data"].evidence
    judged.guards.remove(leaks)
    assert "test question" not in judged.tests()["Data"].evidence


def test_specificity_takes_the_closed_book_the_oracle_and_the_errors_of_retrieval(judged: Judged):
    said = judged.tests()["Specificity"].evidence
    closed, oracle = (judged.arms[name]["accuracy"] for name in ("closed-book", "oracle"))
    assert f"from {closed:.2f} to {oracle:.2f}" in said
    wrong = sum(
        not row.right for row in judged.rows if row.arm == "rag" and "retrieved" in row.scores
    )
    assert f"of {wrong} wrong answers of rag" in said


@pytest.mark.parametrize("arm", ["closed-book", "oracle"])
def test_without_one_of_them_specificity_is_unknown(judged: Judged, arm: str):
    judged.report["arms"] = [one for one in judged.report["arms"] if one["name"] != arm]
    assert judged.tests()["Specificity"].outcome == "unknown"


def test_errors_of_a_format_task_are_those_of_the_best_untrained_arm(judged: Judged):
    judged.kind = "format"
    judged.selection["baseline"] = "prompt"
    assert "wrong answers of prompt" in judged.tests()["Specificity"].evidence


def test_the_return_counts_difference_interval_and_training(judged: Judged):
    contrast = judged.report["contrasts"]["C1"]
    said = judged.tests()["ROI"].evidence
    low, high = contrast["interval"]
    assert f"a gain of {contrast['difference']:.2f} ({low:.2f} to {high:.2f})" in said
    assert "for 2.0 h at" in said
    judged.seconds = None
    assert "hours of training" in judged.tests()["ROI"].evidence


def test_where_nothing_was_compared_there_is_no_return(judged: Judged):
    judged.report["contrasts"] = {}
    roi = judged.tests()["ROI"]
    assert roi.outcome == "unknown"
    assert "the gain, its interval" in roi.evidence
    judged.report["contrasts"] = {"C1": {"difference": None, "interval": None}}
    assert judged.tests()["ROI"] == roi

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.drift import Incomparable, drift, told
from eval.questions import read_questions, write_questions
from eval.rows import read_rows, write_sorted
from tests.reports import SKILL, change, write_run


def test_equal_runs_show_no_change(tmp_path: Path):
    report = drift(write_run(tmp_path / "old"), write_run(tmp_path / "new"))
    assert {arm.arm for arm in report.arms} == set(SKILL)
    assert all(arm.difference == 0 and arm.verdict == "no change shown" for arm in report.arms)
    assert not report.worse and report.changed == () and report.left_out == 0


def test_an_arm_that_fell_is_worse_and_one_that_rose_is_better(tmp_path: Path):
    old = write_run(tmp_path / "old", questions=120, sources=24)
    new = write_run(
        tmp_path / "new", questions=120, sources=24, skill=SKILL | {"rag": 0.1, "closed-book": 0.9}
    )
    verdicts = {arm.arm: arm.verdict for arm in drift(old, new).arms}
    assert verdicts["rag"] == "worse" and verdicts["closed-book"] == "better"
    back = {arm.arm: arm.verdict for arm in drift(new, old).arms}
    assert back["rag"] == "better"


def test_a_difference_is_later_minus_earlier_over_shared_questions(tmp_path: Path):
    old, new = write_run(tmp_path / "old"), write_run(tmp_path / "new")
    kept = read_questions(new / "questions.jsonl")[:30]
    names = {question.id for question in kept}
    write_questions(new / "questions.jsonl", kept)
    rows = [row for row in read_rows(new / "results.jsonl") if row.id in names]
    write_sorted(new / "results.jsonl", rows)
    report = drift(old, new)
    assert {arm.questions for arm in report.arms} == {30}
    assert report.left_out == 10
    assert any("10 questions" in line for line in told(report))


def test_what_else_changed_is_named(tmp_path: Path):
    old, new = write_run(tmp_path / "old"), write_run(tmp_path / "new")
    change(new / "manifest.json", base="another-base")
    assert any("another-base" in one for one in drift(old, new).changed)


def test_runs_of_two_tasks_are_refused(tmp_path: Path):
    old, new = write_run(tmp_path / "old"), write_run(tmp_path / "new", name="other")
    with pytest.raises(Incomparable, match="'other'"):
        drift(old, new)


def test_runs_without_a_common_arm_are_refused(tmp_path: Path):
    old = write_run(tmp_path / "old", skill={"rag": 0.5})
    new = write_run(tmp_path / "new", skill={"few-shot": 0.5})
    with pytest.raises(Incomparable, match="no arm"):
        drift(old, new)


def test_the_command_ends_with_1_where_an_arm_got_worse(tmp_path: Path):
    old = write_run(tmp_path / "old", questions=120, sources=24)
    new = write_run(tmp_path / "new", questions=120, sources=24, skill=SKILL | {"rag": 0.1})
    runner = CliRunner()
    assert runner.invoke(app, ["eval", "drift", str(old), str(old)]).exit_code == 0
    found = runner.invoke(app, ["eval", "drift", str(old), str(new), "--json"])
    assert found.exit_code == 1
    assert {arm["arm"] for arm in json.loads(found.stdout)["arms"]} == set(SKILL)
    refused = runner.invoke(app, ["eval", "drift", str(old), str(tmp_path / "none")])
    assert refused.exit_code == 2 and "none" in refused.output

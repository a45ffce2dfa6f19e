"""Decomposition and abstention of an arm, by hand-counted rows; and folders that are no runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.questions import Question, write_questions
from eval.report.arms import describe_arms
from eval.report.build import build_report
from eval.report.folder import UnreadableRun, read_run
from eval.rows import Row, write_sorted
from tests.reports import change, make_task, write_run

FOUND, READ = {"retrieved": 1.0, "reached": 0.0}, {"retrieved": 1.0, "reached": 1.0}
UNFOUND = {"retrieved": 0.0, "reached": 0.0}


def test_the_product_and_the_rest_add_up_to_the_accuracy(tmp_path: Path):
    rows = [
        _row(1, 1, READ), _row(2, 1, READ), _row(3, 1, READ), _row(4, 0, READ),
        _row(5, 1, FOUND), _row(6, 0, FOUND), _row(7, 0, UNFOUND), _row(8, 1, UNFOUND),
    ]  # fmt: skip
    found = _described(tmp_path, rows)["decomposition"]
    assert found["retrieved"] == 6 / 8
    assert found["reached_given_retrieved"] == 4 / 6
    assert found["right_given_gold"] == 3 / 4
    assert found["product"] == pytest.approx(6 / 8 * 4 / 6 * 3 / 4)
    assert found["rest"] == 2 / 8
    assert found["product"] + found["rest"] == pytest.approx(found["accuracy"]) == 5 / 8
    assert sum(found["parts"].values()) == pytest.approx(1)


def test_each_wrong_answer_has_one_cause(tmp_path: Path):
    rows = [_row(1, 0, READ), _row(2, 0, FOUND), _row(3, 0, UNFOUND), _row(4, 1, UNFOUND)]
    parts = _described(tmp_path, rows)["decomposition"]["parts"]
    assert parts == {
        "right_with_gold": 0.0,
        "right_without_gold": 0.25,
        "wrong_with_gold": 0.25,
        "wrong_not_in_prompt": 0.25,
        "wrong_not_retrieved": 0.25,
    }


def test_the_decomposition_adds_up_over_seeds_of_which_one_was_lost(tmp_path: Path):
    rows = [_row(1, 1, READ), _row(1, 0, READ, seed=2), _row(2, None, {}), _row(2, 1, READ, seed=2)]
    found = _described(tmp_path, rows)["decomposition"]
    assert found["product"] + found["rest"] == found["accuracy"] == 0.75


def test_a_question_whose_gold_has_no_known_place_is_left_out_and_counted(tmp_path: Path):
    found = _described(tmp_path, [_row(1, 1, READ), _row(2, 0, {})])["decomposition"]
    assert (found["questions"], found["left_out"], found["accuracy"]) == (1, 1, 1.0)


def test_a_rate_of_nothing_is_null(tmp_path: Path):
    found = _described(tmp_path, [_row(1, 0, UNFOUND)])["decomposition"]
    assert found["right_given_gold"] is found["reached_given_retrieved"] is None
    assert found["product"] == 0.0


def test_an_arm_that_does_not_retrieve_has_no_decomposition(tmp_path: Path):
    assert _described(tmp_path, [_row(1, 1, {})])["decomposition"] is None


def test_abstention_is_told_apart_from_being_right(tmp_path: Path):
    # 1 to 4 have an answer, 5 and 6 have none.
    rows = [
        _row(1, 1, {}), _row(2, 0, {}), _row(3, 0, {}, abstained=True), _row(4, 1, {}),
        _row(5, 1, {}, abstained=True), _row(6, 0, {}),
    ]  # fmt: skip
    found = _described(tmp_path, rows, unanswerable={5, 6})["abstention"]
    assert found == {
        "answerable": 4,
        "unanswerable": 2,
        "accuracy_answerable": 0.5,
        "accuracy_unanswerable": 0.5,
        "coverage": pytest.approx(4 / 6),
        "selective_accuracy": 0.5,
        "false_answers": 0.5,
        "false_abstentions": 0.25,
    }


def test_without_unanswerable_questions_nothing_is_said_of_them(tmp_path: Path):
    found = _described(tmp_path, [_row(1, 1, {})])["abstention"]
    assert found["false_answers"] is found["accuracy_unanswerable"] is None


@pytest.mark.parametrize("name", ["task.json", "questions.jsonl", "results.jsonl"])
def test_a_folder_without_the_needed_files_is_named(tmp_path: Path, name: str):
    folder = write_run(tmp_path / "run")
    (folder / name).unlink()
    with pytest.raises(UnreadableRun, match=rf"{name} is not there.*eval run"):
        build_report(folder)


def test_results_of_other_questions_are_refused(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    write_questions(folder / "questions.jsonl", [Question("other", "Who?", ("me",))])
    with pytest.raises(UnreadableRun, match=r"question 'q-001' is not in questions\.jsonl"):
        build_report(folder)


def test_a_row_that_stands_there_twice_is_refused(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    with (folder / "results.jsonl").open("r+") as file:
        line = file.readline()
        file.seek(0, 2)
        file.write(line)
    with pytest.raises(UnreadableRun, match=r"'q-001'\) stand there twice"):
        build_report(folder)


def test_no_rows_at_all_are_no_report(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "results.jsonl").write_text("")
    with pytest.raises(UnreadableRun, match="holds no row"):
        build_report(folder)


def test_an_unknown_cost_is_named(tmp_path: Path):
    folder = write_run(tmp_path / "run", costs={"machine_minute": 1})
    with pytest.raises(UnreadableRun, match=r"costs\.machine_minute"):
        build_report(folder)


def test_a_file_that_is_no_json_is_named(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "selection.json").write_text("{")
    with pytest.raises(UnreadableRun, match=r"selection\.json: cannot be read"):
        build_report(folder)


def test_a_guard_without_a_field_is_named(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "guards.json").write_text('[{"name": "leaks"}]')
    with pytest.raises(UnreadableRun, match=r"guards\.json: item 1: field 'passed'"):
        build_report(folder)


def test_a_task_without_a_margin_is_named(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    change(folder / "task.json", margin=None)
    with pytest.raises(UnreadableRun, match=r"task\.json: field 'margin'"):
        build_report(folder)


def _row(
    number: int,
    right: int | None,
    scores: dict[str, float],
    *,
    seed: int = 0,
    abstained: bool = False,
) -> Row:
    return Row("rag", seed, f"q-{number}", "an answer", abstained, right, scores=scores)


def _described(
    folder: Path, rows: list[Row], *, unanswerable: set[int] | None = None
) -> dict[str, Any]:
    """The one arm of these rows."""
    without = {f"q-{number}" for number in unanswerable or ()}
    ids = sorted({row.id for row in rows})
    questions = [
        Question(one, "Who?", () if one in without else ("me",), one not in without) for one in ids
    ]
    write_questions(folder / "questions.jsonl", questions)
    write_sorted(folder / "results.jsonl", rows)
    (folder / "task.json").write_text(json.dumps(make_task({"rag": 1.0}, [0])))
    return describe_arms(read_run(folder))[0]

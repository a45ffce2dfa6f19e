"""report.json from the files of a run folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.report.build import build_report
from eval.report.folder import read_run
from eval.rows import Timing, append_timings, read_rows, write_sorted
from eval.statistics import clustered, wilson
from eval.task import Costs
from tests.reports import SEEDS, write_run

CONTRACT = ("task", "kind", "contrasts", "arms", "guards", "manifest")
CONTRAST = (
    "decision",
    "difference",
    "interval",
    "margin",
    "p_value",
    "questions",
    "clusters",
    "seeds",
    "questions_needed",
)
ARM = ("name", "accuracy", "interval", "unscored", "cost_per_1000", "latency_ms")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run; tests that change one write their own."""
    return write_run(tmp_path_factory.mktemp("runs") / "harbour")


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    return build_report(folder)


def test_a_report_has_all_that_the_contract_names(report: dict[str, Any]):
    assert [name for name in CONTRACT if name not in report] == []
    for contrast in report["contrasts"].values():
        assert [name for name in CONTRAST if name not in contrast] == []
    for arm in report["arms"]:
        assert [name for name in ARM if name not in arm] == []


def test_the_same_files_give_the_same_json(folder: Path, report: dict[str, Any]):
    assert json.dumps(build_report(folder)) == json.dumps(report)


def test_json_holds_no_number_that_json_does_not_have(report: dict[str, Any]):
    json.dumps(report, allow_nan=False)


def test_floats_have_six_digits(report: dict[str, Any]):
    assert [one for one in _floats(report) if round(one, 6) != one] == []


def test_order_of_the_rows_does_not_matter(folder: Path, report: dict[str, Any], tmp_path: Path):
    other = write_run(tmp_path / "other")
    lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
    (other / "results.jsonl").write_text("".join(reversed(lines)))
    assert build_report(other) == report


def test_accuracy_is_the_mean_over_questions_and_seeds(folder: Path, report: dict[str, Any]):
    rows = [row for row in read_rows(folder / "results.jsonl") if row.arm == "adapter"]
    expected = sum(row.right or 0 for row in rows) / len(rows)
    arm = _arm(report, "adapter")
    assert arm["accuracy"] == pytest.approx(expected, abs=1e-6)
    assert arm["interval"] == pytest.approx(wilson(expected * 40, 40), abs=1e-6)


def test_a_question_weighs_the_same_whatever_seeds_were_lost(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    rows = [
        replace(row, right=None, error="lost") if row.seed > 1 and row.id == "q-001" else row
        for row in read_rows(folder / "results.jsonl")
    ]
    write_sorted(folder / "results.jsonl", rows)
    means = [
        [row.right for row in rows if row.arm == "adapter" and row.id == f"q-{number:03}"]
        for number in range(1, 41)
    ]
    known = [[one for one in seeds if one is not None] for seeds in means]
    expected = sum(sum(seeds) / len(seeds) for seeds in known) / 40
    assert _arm(build_report(folder), "adapter")["accuracy"] == pytest.approx(expected, abs=1e-6)


def test_seeds_are_told_apart_and_their_spread_with_them(report: dict[str, Any]):
    arm = _arm(report, "adapter-rag")
    accuracies = [one["accuracy"] for one in arm["by_seed"]]
    assert [one["seed"] for one in arm["by_seed"]] == list(SEEDS)
    assert arm["spread"]["lowest"] == min(accuracies)
    assert arm["spread"]["highest"] == max(accuracies)
    assert _arm(report, "rag")["spread"] is None


def test_a_contrast_is_the_clustered_difference_to_the_baseline(
    folder: Path, report: dict[str, Any]
):
    run = read_run(folder)

    def mean(arm: str, question: str) -> float:
        found = [row.right or 0 for row in run.rows if (row.arm, row.id) == (arm, question)]
        return sum(found) / len(found)

    ids = [question.id for question in run.questions]
    sources = [question.source for question in run.questions]
    found = clustered([mean("adapter", one) - mean("rag", one) for one in ids], sources)
    contrast = report["contrasts"]["C1"]
    assert (contrast["arm"], contrast["baseline"]) == ("adapter", "rag")
    assert contrast["difference"] == pytest.approx(found.mean, abs=1e-6)
    assert contrast["interval"] == pytest.approx([found.low, found.high], abs=1e-6)
    assert (contrast["questions"], contrast["clusters"], contrast["seeds"]) == (40, 12, 3)
    assert contrast["decision"] == "not warranted"


def test_names_swapped_by_cluster_are_seldom_told_apart(report: dict[str, Any]):
    swaps = report["contrasts"]["C1"]["label_swaps"]
    assert swaps["swaps"] == 1000
    assert swaps["warranted"] <= 50


def test_a_contrast_whose_arm_did_not_run_is_left_out(tmp_path: Path):
    skill = {"few-shot": 0.2, "rag": 0.6, "adapter": 0.3}
    assert list(build_report(write_run(tmp_path / "run", skill=skill))["contrasts"]) == ["C1"]


def test_a_contrast_without_one_answered_question_is_inconclusive(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    rows = read_rows(folder / "results.jsonl")
    dead = [replace(row, right=None, error="x") if row.arm == "rag" else row for row in rows]
    write_sorted(folder / "results.jsonl", dead)
    report = build_report(folder)
    contrast = report["contrasts"]["C1"]
    assert contrast["decision"] == "inconclusive"
    assert contrast["difference"] is contrast["interval"] is contrast["p_value"] is None
    assert "no question is scored by both" in contrast["reason"]
    assert _arm(report, "rag")["accuracy"] is None


def test_no_verdict_rests_on_a_broken_guard(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    broken = {"name": "leaks", "passed": False, "waived": False, "records": ["q-1"], "note": ""}
    (folder / "guards.json").write_text(json.dumps([broken]))
    contrast = build_report(folder)["contrasts"]["C1"]
    assert contrast["decision"] == "inconclusive"
    assert "leaks" in contrast["reason"]


def test_one_recipe_twice_is_compared_with_its_double(tmp_path: Path):
    skill = {"rag": 0.7, "adapter": 0.3, "adapter-again": 0.3}
    report = build_report(write_run(tmp_path / "run", skill=skill, twice=True))
    assert list(report["contrasts"]) == ["C1"]
    assert report["contrasts"]["C1"]["baseline"] == "adapter-again"
    assert report["contrasts"]["C1"]["decision"] != "warranted"
    assert report["returns"] == {}


def test_every_arm_stands_against_the_baseline_with_an_adjusted_p(report: dict[str, Any]):
    assert {one["arm"] for one in report["holm"]} == {
        "closed-book",
        "few-shot",
        "adapter",
        "adapter-rag",
    }
    assert all(one["p_adjusted"] >= one["p_value"] > 0 for one in report["holm"])


def test_unscored_rows_count_neither_way(tmp_path: Path):
    arm = _arm(build_report(write_run(tmp_path / "run", unscored=4)), "closed-book")
    assert (arm["unscored"], arm["rows"], arm["questions"]) == (4, 40, 36)
    assert arm["unscored_share"] == 0.1
    assert arm["errors"] == ["the server refused to connect"]


def test_answers_that_are_still_missing_are_counted(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    rows = read_rows(folder / "results.jsonl")
    write_sorted(folder / "results.jsonl", [row for row in rows if row.id != "q-003"])
    assert _arm(build_report(folder), "adapter")["missing"] == 3


def test_latency_is_told_from_thirty_calls_on(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "timings.jsonl").unlink()
    append_timings(
        folder / "timings.jsonl", [Timing("rag", 0, f"{i}", float(i)) for i in range(30)]
    )
    append_timings(folder / "timings.jsonl", [Timing("adapter", 1, "x", 5.0)] * 29)
    report = build_report(folder)
    rag, adapter = _arm(report, "rag"), _arm(report, "adapter")
    assert (rag["latency_ms"], rag["latency_p95_ms"]) == (14.5, pytest.approx(27.55))
    assert (adapter["latency_ms"], adapter["timed_calls"]) == (None, 29)


def test_answers_cost_their_tokens_and_the_machine_for_their_time(tmp_path: Path):
    costs = {"machine_hour": 3.6, "prompt_million": 10.0, "completion_million": 20.0}
    folder = write_run(tmp_path / "run", costs=costs)
    (folder / "timings.jsonl").unlink()
    append_timings(folder / "timings.jsonl", [Timing("rag", 0, "x", 500.0)] * 30)
    report = build_report(folder)
    rag = _arm(report, "rag")
    # 600 tokens in and 10 out; half a second at 3.6 an hour is 0.0005.
    assert rag["cost_per_1000"] == pytest.approx(1000 * (600e-5 + 10 * 2e-5 + 0.0005))
    assert _arm(report, "few-shot")["cost_per_1000"] is None


def test_what_is_free_needs_no_timing(tmp_path: Path):
    folder = write_run(tmp_path / "run", costs={"machine_hour": 0.0, "prompt_million": 10.0})
    (folder / "timings.jsonl").unlink()
    assert _arm(build_report(folder), "rag")["cost_per_1000"] == pytest.approx(6.0)


def test_training_costs_the_seconds_that_the_adapters_tell(tmp_path: Path):
    folder = write_run(tmp_path / "run", costs={"machine_hour": 2.0})
    sweep = folder / "adapters" / "adapter" / "sweep" / "rate-0.001"
    sweep.mkdir(parents=True)
    (sweep / "train.json").write_text(json.dumps({"seconds": 94.0, "settings": {"seed": 1}}))
    training = _arm(build_report(folder), "adapter")["training"]
    assert training == {"runs": 4, "seconds": 1900.0, "cost": pytest.approx(1.055556)}
    assert _arm(build_report(folder), "rag")["training"] is None


def test_returns_are_the_gain_less_all_costs_in_three_months(report: dict[str, Any]):
    found, difference = report["returns"]["C2"], report["contrasts"]["C2"]["difference"]
    costs = Costs()
    assert found["gain"] == pytest.approx(difference * costs.answers_month * 3 * costs.gain_answer)
    assert found["total"] == pytest.approx(
        costs.project + found["training"] + 3 * costs.upkeep_month + found["answering"], abs=1e-4
    )
    assert found["net"] == pytest.approx(found["gain"] - found["total"], abs=1e-4)
    assert found["break_even"] == pytest.approx(found["total"] / 15_000, abs=1e-6)


def test_what_was_not_measured_is_null(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    for name in ("guards", "warrant", "collateral", "manifest"):
        (folder / f"{name}.json").unlink()
    (folder / "timings.jsonl").unlink()
    report = build_report(folder)
    assert report["warrant"] is report["collateral"] is report["manifest"] is None
    assert (report["guards"], report["guards_missing"]) == ([], True)
    assert report["returns"]["C1"]["net"] is None


def test_without_a_selection_several_untrained_arms_give_no_baseline(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "selection.json").unlink()
    report = build_report(folder)
    assert (report["baseline"], report["contrasts"], report["holm"]) == (None, {}, [])


def test_collateral_damage_is_a_mean_over_the_seeds(report: dict[str, Any]):
    line = report["collateral"][0]
    assert (line["arm"], line["measure"], line["seeds"]) == ("adapter", "instructions", 3)
    assert (line["before"], line["after"], line["kept"]) == (0.6, pytest.approx(0.4), 0.5)


def _arm(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(arm for arm in report["arms"] if arm["name"] == name)


def _floats(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    children: list[Any] = []
    if isinstance(value, dict):
        children = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    elif isinstance(value, list):
        children = value  # pyright: ignore[reportUnknownVariableType]
    return [found for child in children for found in _floats(child)]

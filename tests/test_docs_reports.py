"""The reports that the project shows: they are what their own rows say."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.report.build import build_report
from eval.report.write import write_report

REPORTS = Path(__file__).parent.parent / "docs" / "reports"
FOLDERS = sorted(file.parent for file in REPORTS.glob("*/report.json"))


def read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_report_is_what_its_rows_say(folder: Path):
    assert build_report(folder) == read(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_report_holds_no_folder_of_the_machine_it_was_made_on(folder: Path):
    for file in files(folder):
        text = file.read_text(encoding="utf-8")
        for place in ("/home/", "/root/", "/tmp/", "/work/"):
            assert place not in text, f"{file.name} names {place}"


@pytest.mark.parametrize(
    ("name", "decision"), [("facts", "not warranted"), ("format", "warranted")]
)
def test_an_adapter_is_worth_it_for_form_and_not_for_facts(name: str, decision: str):
    report = read(REPORTS / name)
    assert not report["quick"]
    assert report["contrasts"]["C1"]["decision"] == decision
    assert report["contrasts"]["C1"]["seeds"] == 3
    assert all(guard["passed"] for guard in report["guards"])


def test_no_recipe_is_better_than_itself():
    report = read(REPORTS / "same-arm-twice")
    assert report["twice"]
    rows = (REPORTS / "same-arm-twice" / "results.jsonl").read_text("utf-8").splitlines()
    seeds = {(one["arm"], one["seed"]) for one in map(json.loads, rows)}
    named = {"adapter": (1, 2, 3), "adapter-again": (4, 5, 6)}
    assert seeds == {(name, seed) for name, some in named.items() for seed in some}
    assert {one["decision"] for one in report["contrasts"].values()} == {"inconclusive"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_names_swapped_by_cluster_are_warranted_in_one_of_twenty_at_the_most(folder: Path):
    for contrast in read(folder)["contrasts"].values():
        assert contrast["label_swaps"]["swaps"] == 1000
        assert contrast["label_swaps"]["warranted"] <= 50


def test_a_changed_row_changes_the_report(tmp_path: Path):
    folder = FOLDERS[0]
    for file in files(folder):
        target = tmp_path / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]
    arm = rows[0]["arm"]
    for row in rows:
        row["right"] = 1 if row["arm"] == arm else row["right"]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "results.jsonl").write_text(lines, encoding="utf-8")
    write_report(tmp_path)
    assert read(tmp_path)["arms"] != read(folder)["arms"]

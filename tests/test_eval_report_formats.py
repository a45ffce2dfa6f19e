"""The report as Markdown, CSV and JUnit XML, and all of it on disk."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from lxml import etree  # pyright: ignore

from eval.report.build import build, build_report
from eval.report.figures import money, percent, points, span
from eval.report.folder import UnreadableRun, read_run
from eval.report.junit import as_junit
from eval.report.markdown import as_markdown
from eval.report.table import arms_csv, questions_csv
from eval.report.write import write_report
from eval.rows import read_rows, write_sorted
from tests.reports import HOSTILE, change, write_run

FILES = ["report.json", "report.html", "report.md", "arms.csv", "questions.csv", "junit.xml"]

SHAPE = Path(__file__).parent / "data" / "junit-shape.rng"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "harbour")


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    return build_report(folder)


def test_all_forms_are_written_beside_the_run(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    assert [file.name for file in write_report(folder)] == FILES
    assert json.loads((folder / "report.json").read_text()) == build_report(folder)
    assert list(folder.glob("*.new")) == []


def test_written_again_every_file_is_the_same(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    first = [file.read_bytes() for file in write_report(folder)]
    assert [file.read_bytes() for file in write_report(folder)] == first


def test_a_folder_that_is_no_run_gets_no_report(tmp_path: Path):
    with pytest.raises(UnreadableRun):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_markdown_tells_the_verdict_and_all_tables(report: dict[str, Any]):
    text = as_markdown(report)
    assert text.startswith("# Should we fine-tune for “harbour”? Not on this evidence.")
    assert "## C1, instead of retrieval: not warranted" in text
    assert "> **Check waived: source-documents.**" in text
    assert "| rag |" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({len(_cells(line)) for line in rows if "adapter-rag" in line}) > 1


def test_every_row_of_a_markdown_table_has_its_columns(report: dict[str, Any]):
    for table in as_markdown(report).split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(_cells(line)) for line in lines}) <= 1


def test_markup_is_escaped_in_markdown(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    change(folder / "task.json", name="a|b <script> `c`\n# d")
    text = as_markdown(build_report(folder))
    assert "a\\|b \\<script\\> \\`c\\` \\# d" in text
    assert "<script>" not in text


def test_missing_parts_are_not_measured_in_markdown(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    (folder / "warrant.json").unlink()
    text = as_markdown(build_report(folder))
    assert "## Five tests before fine-tuning\n\nNot measured." in text


def test_arms_csv_has_a_line_an_arm(report: dict[str, Any]):
    lines = _read(arms_csv(report))
    assert [line["name"] for line in lines] == [arm["name"] for arm in report["arms"]]
    rag = next(line for line in lines if line["name"] == "rag")
    assert float(rag["accuracy"]) == next(
        a["accuracy"] for a in report["arms"] if a["name"] == "rag"
    )
    assert rag["training.cost"] == ""
    assert float(rag["decomposition.parts.right_with_gold"]) > 0


def test_questions_csv_has_a_line_a_row_with_the_whole_answer(folder: Path):
    run = read_run(folder)
    lines = _read(questions_csv(run))
    assert len(lines) == len(run.rows)
    assert any(HOSTILE in line["answer"] for line in lines)
    assert {line["gold"] for line in lines if line["id"] == "q-005"} == {""}


def test_unscored_is_empty_in_csv_and_wrong_is_0(tmp_path: Path):
    lines = _read(questions_csv(read_run(write_run(tmp_path / "run", unscored=1))))
    assert {line["right"] for line in lines} == {"", "0", "1"}
    assert next(line["error"] for line in lines if line["right"] == "").startswith("the server")


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@x"])
def test_a_spreadsheet_takes_no_answer_for_a_formula(tmp_path: Path, start: str):
    folder = write_run(tmp_path / "run")
    rows = read_rows(folder / "results.jsonl")
    write_sorted(folder / "results.jsonl", [replace(rows[0], answer=start), *rows[1:]])
    answers = [line["answer"] for line in _read(questions_csv(read_run(folder)))]
    assert f"'{start}" in answers
    assert start not in answers


def test_junit_has_the_shape_that_readers_expect(report: dict[str, Any]):
    library = cast(Any, etree)
    schema = library.RelaxNG(library.parse(str(SHAPE)))
    schema.assertValid(_xml(as_junit(report)))


def test_junit_has_a_case_a_guard_and_a_contrast(report: dict[str, Any]):
    suite = _xml(as_junit(report)).find("testsuite")
    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == ["gold-in-corpus", "leaks", "source-documents", "question-files", "C1", "C2"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "0", "2")


def test_a_decision_is_a_property_and_no_failure(report: dict[str, Any]):
    suite = _xml(as_junit(report)).find("testsuite")
    found = {one.get("name"): one.get("value") for one in suite.find("properties")}
    assert found["C1.decision"] == "not warranted"
    assert found["C2.decision"] == "inconclusive"
    assert suite.find("testcase[@name='C1']/failure") is None


def test_a_broken_guard_is_a_failure_with_its_records(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    records = ["q-1 <is> in training", "q-2 \x00 too"]
    broken = {"name": "leaks", "passed": False, "waived": False, "records": records, "note": "!"}
    (folder / "guards.json").write_text(json.dumps([broken]))
    suite = _xml(as_junit(build(read_run(folder)))).find("testsuite")
    failure = suite.find("testcase[@name='leaks']/failure")
    assert suite.get("failures") == "1"
    assert failure.text == "q-1 <is> in training\nq-2  too"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (points(-0.4512), "−45.1\xa0points"),
        (points(0.05), "+5.0\xa0points"),
        (points(-0.0001), "0.0\xa0points"),
        (percent(1 / 3), "33.3\xa0%"),
        (percent(None), "not measured"),
        (span([0.1, 0.25]), "10.0 to 25.0\xa0%"),
        (money(-1234.5, "EUR"), "−€1,234"),
        (money(0.0349, "EUR"), "€0.035"),
        (money(12, "CHF"), "CHF\xa012.00"),
        (money(0, "USD"), "$0"),
    ],
)
def test_figures_are_written_for_readers(made: str, expected: str):
    assert made == expected


def _cells(line: str) -> list[str]:
    return line.replace("\\|", "").strip("|").split("|")


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _xml(text: str) -> Any:
    return cast(Any, etree).fromstring(text.encode())

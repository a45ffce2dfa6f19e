"""`ragfirst eval audit, run, compare, report`: exit statuses, what is printed and where."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from eval.cli import app
from eval.local import LocalGenerator
from eval.questions import write_questions
from service.llm import LLMError
from tests.bells import Bells
from tests.comparisons import TEST, TRAIN, ask, fake_embedder, questions, reads, write_task
from tests.fakes import PowerCut
from tests.generators import FakeGenerator

SERVER = ("--server", "http://127.0.0.1:9/v1", "--model", "base-there")


class Desk:
    """The command over a folder, its models replaced: the last one made is `generator`."""

    def __init__(self, folder: Path) -> None:
        self.bells = Bells(folder, arms=["closed-book", "rag", "adapter"])
        self.rule: Any = reads
        self.made: list[FakeGenerator] = []

    def call(self, *words: str | Path) -> Result:
        return CliRunner().invoke(app, ["eval", *map(str, words)])

    def run(self, *words: str | Path) -> Result:
        return self.call("run", self.bells.file, "--work", self.bells.runs, *words)

    def make(self, *given: Any, **named: Any) -> FakeGenerator:
        self.made.append(FakeGenerator(self.rule))
        return self.made[-1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAGFIRST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("eval.damage.SETS", tmp_path / "none")
    monkeypatch.setattr("eval.damage.measure_damage.__defaults__", (tmp_path / "none",))
    desk = Desk(tmp_path)
    monkeypatch.setattr(LocalGenerator, "load", desk.make)
    monkeypatch.setattr("eval.remote.RemoteGenerator", desk.make)
    with fake_embedder():
        yield desk


def leak(desk: Desk) -> str:
    """Plant a test question into training; its id."""
    test = ask(TEST[3])
    leaked = ask(TRAIN[0], "train")
    train = [one for one in questions("train") if one.id != leaked.id]
    planted = type(leaked)("leaked", test.question, ("9 stones",), source=leaked.source)
    write_questions(desk.bells.file.parent / "train.jsonl", [planted, *train])
    return test.id


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_run_prints_its_verdict_and_where_the_report_lies(desk: Desk):
    result = desk.run(*SERVER)
    assert result.exit_code == 0, result.stderr
    said = words(result.stdout)
    assert "bells (knowledge)" in said
    assert "C1: NOT WARRANTED: -75.0 points [" in said
    assert "rag 100.0 % right" in said
    assert f"report: {desk.bells.runs / 'bells' / 'report.html'}" in said


def test_a_run_as_json_prints_its_report_and_nothing_else(desk: Desk):
    result = desk.run(*SERVER, "--json")
    [report] = json.loads(result.stdout)
    assert report == desk.bells.json("report.json")
    assert report["contrasts"]["C1"]["decision"] == "not warranted"


def test_progress_goes_to_the_error_output(desk: Desk):
    result = desk.run(*SERVER)
    assert "index: 36 documents: 1 of 1" in result.stderr
    assert "rag, seed 0: 20 of 20" in result.stderr


def test_a_finished_run_says_so_and_makes_no_model(desk: Desk):
    desk.run(*SERVER)
    again = desk.run(*SERVER)
    assert again.exit_code == 0
    assert "finished before" in again.stdout
    assert len(desk.made) == 1


def test_another_server_or_model_is_asked_anew(desk: Desk):
    desk.run(*SERVER)
    desk.run(*SERVER[:3], "another-model")
    desk.run("--server", "http://127.0.0.1:8/v1", *SERVER[2:])
    assert len(desk.made) == 3


def test_without_a_server_the_model_is_loaded_here(desk: Desk):
    result = desk.run("--arms", "rag,closed-book")
    assert result.exit_code == 0, result.stderr
    assert len(desk.made) == 1
    assert desk.made[0].count > 0
    assert "C1" not in result.stdout


def test_a_quick_run_has_a_folder_of_its_own(desk: Desk):
    result = desk.run(*SERVER, "--quick")
    assert result.exit_code == 0
    assert "C1: INCONCLUSIVE" in result.stdout
    assert (desk.bells.runs / "bells-quick" / "report.json").is_file()
    assert not (desk.bells.runs / "bells").exists()


def test_a_broken_guard_is_exit_status_1_with_record_and_remedy(desk: Desk):
    id = leak(desk)
    result = desk.run(*SERVER)
    assert result.exit_code == 1
    assert f"{id}: the same as train question leaked" in words(result.stderr)
    assert "Remedy: take these questions out of training" in words(result.stderr)
    assert result.stdout == ""


def test_an_override_goes_on(desk: Desk):
    leak(desk)
    result = desk.run(*SERVER, "--override", "leaks")
    assert result.exit_code == 0
    [marked] = [one for one in desk.bells.json("report.json")["guards"] if one["waived"]]
    assert marked["note"].startswith("OVERRIDDEN")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--override", "leak"], "override 'leak': no such guard; there are gold-in-corpus"),
        (["--arms", "rga"], "no arm 'rga'; the task has closed-book, rag, adapter"),
        ([*SERVER, "--served", "{arm}"], "put {arm} and {seed} into them"),
        ([*SERVER, "--served", "{nope}-{seed}"], "only {task}, {arm} and {seed} can be filled in"),
    ],
)
def test_a_wrong_option_is_exit_status_2_with_value_and_remedy(
    desk: Desk, given: list[str], told: str
):
    result = desk.run(*given)
    assert result.exit_code == 2
    assert told in words(result.stderr)


def test_a_task_that_is_not_there_is_named(desk: Desk, tmp_path: Path):
    result = desk.call("run", tmp_path / "no.yaml")
    assert result.exit_code == 2
    assert f"{tmp_path / 'no.yaml'}: cannot be read" in words(result.stderr)


def test_a_setting_that_is_wrong_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAGFIRST_TOP_K", "99")
    for command in ("run", "audit"):
        result = desk.call(command, desk.bells.file)
        assert result.exit_code == 2, command
        assert "top_k" in result.stderr


def test_a_model_that_cannot_be_loaded_is_exit_status_2(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def load(*given: Any) -> Any:
        raise LLMError("cannot load the model 'x'. Set RAGFIRST_MODEL [to another]")

    monkeypatch.setattr(LocalGenerator, "load", load)
    result = desk.run("--arms", "rag")
    assert result.exit_code == 2
    assert "Set RAGFIRST_MODEL [to another]" in result.stderr


def test_a_package_that_is_missing_is_named_with_the_extra(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def load(*given: Any) -> Any:
        raise ModuleNotFoundError("No module named 'peft'")

    monkeypatch.setattr(LocalGenerator, "load", load)
    result = desk.run("--arms", "rag")
    assert result.exit_code == 2
    assert "No module named 'peft': pip install 'ragfirst[eval]'" in result.stderr


def test_an_interruption_says_how_to_go_on(desk: Desk):
    def stops(request: Any) -> str:
        raise KeyboardInterrupt

    desk.rule = stops
    result = desk.run(*SERVER)
    assert result.exit_code == 130
    assert "run the same command to go on" in result.stderr


def test_what_is_no_error_for_people_is_not_hidden(desk: Desk):
    def dies(request: Any) -> str:
        raise PowerCut

    desk.rule = dies
    assert isinstance(desk.run(*SERVER).exception, PowerCut)


def test_several_tasks_are_compared_and_one_with_a_broken_guard_is_left_out(
    desk: Desk, tmp_path: Path
):
    leak(desk)
    other = write_task(tmp_path / "other", name="other", arms=["closed-book", "rag"])
    result = desk.call(
        "compare", desk.bells.file, other, "--work", desk.bells.runs, "--arms", "rag"
    )
    assert result.exit_code == 1
    assert "guard 'leaks' is broken" in result.stderr
    assert "other (knowledge)" in result.stdout
    assert "bells (knowledge)" not in result.stdout


def test_two_tasks_of_one_name_are_refused(desk: Desk, tmp_path: Path):
    other = write_task(tmp_path / "other", arms=["rag"])
    result = desk.call("compare", desk.bells.file, other, "--arms", "rag")
    assert result.exit_code == 2
    assert "two tasks have the name 'bells'" in result.stderr
    assert desk.made == []


def test_an_audit_tells_every_guard(desk: Desk):
    result = desk.call("audit", desk.bells.file, "--work", desk.bells.runs)
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["passed", name]
        for name in "gold-in-corpus leaks source-documents dates closed-book question-files".split()
    ]
    assert desk.made == []


def test_an_audit_of_a_broken_task_is_exit_status_1_and_still_tells_all(desk: Desk):
    id = leak(desk)
    result = desk.call("audit", desk.bells.file, "--work", desk.bells.runs, "--json")
    assert result.exit_code == 1
    found = {one["name"]: one for one in json.loads(result.stdout)}
    assert len(found) == 6
    assert not found["leaks"]["passed"]
    assert id in found["leaks"]["records"][0]
    plain = desk.call("audit", desk.bells.file, "--work", desk.bells.runs)
    assert "BROKEN  leaks" in plain.stdout


def test_a_guard_that_a_task_may_not_waive_is_exit_status_2(desk: Desk):
    write_task(desk.bells.file.parent, waive=["leaks"])
    result = desk.call("audit", desk.bells.file, "--work", desk.bells.runs)
    assert result.exit_code == 2
    assert "'leaks' may not be waived by a task" in words(result.stderr)


def test_a_report_is_written_again_from_results_alone(desk: Desk):
    desk.run(*SERVER)
    folder = desk.bells.runs / "bells"
    before = desk.bells.json("report.json")
    (folder / "report.json").unlink()
    result = desk.call("report", folder)
    assert result.exit_code == 0
    assert str(folder / "report.html") in result.stdout.splitlines()
    assert desk.bells.json("report.json") == before
    assert json.loads(desk.call("report", folder, "--json").stdout) == before
    assert len(desk.made) == 1


def test_a_folder_that_is_no_run_is_refused(desk: Desk, tmp_path: Path):
    result = desk.call("report", tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path / 'task.json'} is not there" in words(result.stderr)

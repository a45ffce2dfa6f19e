from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval.task import ARMS, UNTRAINED, Costs, Task, Training, UnreadableTask, read_task

GIVEN: dict[str, Any] = {
    "name": "tank",
    "kind": "knowledge",
    "corpus": ["../wiki"],
    "questions": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},
    "grader": "contains",
    "target": 0.8,
    "margin": 0.05,
    "arms": ["prompt", "rag", "adapter", "adapter-rag"],
    "seeds": [1, 2, 3],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a task file may stand: with a corpus and question files."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (tmp_path / "wiki").mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.jsonl").touch()
    return folder


def read(folder: Path, **changes: Any) -> Task:
    """The task with these fields set; what is None is left out."""
    given = {name: value for name, value in (GIVEN | changes).items() if value is not None}
    return read_text(folder, yaml.safe_dump(given))


def read_text(folder: Path, text: str) -> Task:
    file = folder / "task.yaml"
    file.write_text(text, encoding="utf-8")
    return read_task(file)


def refusal(folder: Path, **changes: Any) -> str:
    """What is said of the task, without the file's name, which stands before it."""
    with pytest.raises(UnreadableTask) as caught:
        read(folder, **changes)
    start = f"{folder / 'task.yaml'}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_paths_are_taken_from_the_folder_of_the_file(folder: Path):
    task = read(folder)
    assert task.corpus == (folder.parent / "wiki",)
    assert task.questions == {
        split: folder / f"{split}.jsonl" for split in ("train", "dev", "test")
    }


def test_what_a_task_does_not_say_has_a_default(folder: Path):
    task = read(folder)
    assert (task.base, task.specialist, task.instructions, task.twice, task.waive) == (
        "SmolLM2-135M-Instruct",
        None,
        (),
        False,
        (),
    )
    assert (task.training, task.costs) == (Training(), Costs())


def test_everything_a_task_says_is_read(folder: Path):
    task = read(
        folder,
        kind="format",
        grader="penstock",
        target=1,
        margin=0,
        arms=["specialist", "adapter"],
        seeds=7,
        base="other-model",
        specialist="reader",
        instructions="Answer.",
        twice=True,
        waive=["source-documents"],
        training={"rates": [1, 0.5], "epochs": 1, "examples": {"adapter": 9}, "documents": True},
        costs={"currency": "CHF", "machine_hour": 2, "answers_month": 0},
    )
    assert (task.name, task.kind, task.grader) == ("tank", "format", "penstock")
    assert (task.target, task.margin) == (1.0, 0.0)
    assert (task.arms, task.seeds) == (("specialist", "adapter"), (7,))
    assert (task.base, task.specialist) == ("other-model", "reader")
    assert (task.instructions, task.twice, task.waive) == (
        ("Answer.",),
        True,
        ("source-documents",),
    )
    assert task.training == Training(
        rates=(1.0, 0.5), epochs=1, examples={"adapter": 9}, documents=True
    )
    assert task.costs == Costs(currency="CHF", machine_hour=2.0, answers_month=0)


def test_the_figures_of_the_return_are_those_that_the_project_states():
    costs = Costs()
    assert (costs.currency, costs.machine_hour, costs.answers_month) == ("EUR", 0.10, 10_000)
    assert (costs.prompt_million, costs.completion_million) == (0.0, 0.0)
    assert (costs.gain_answer, costs.project, costs.upkeep_month) == (0.50, 12_000.0, 500.0)


@pytest.mark.parametrize(
    "training",
    [
        {"rank": 1, "epochs": 1, "batch": 1, "sweep_share": 1, "examples": {"adapter": 1}},
        {"sweep_share": 0.01, "rates": [0.001], "method": "full"},
        {"rates": [0.001, 0.002, 0.003], "method": "qlora"},
    ],
)
def test_a_setting_may_be_at_the_end_of_its_range(folder: Path, training: dict[str, Any]):
    read_training = asdict(read(folder, training=training, seeds=[0]).training)
    wanted = {name: tuple(v) if name == "rates" else v for name, v in training.items()}
    assert wanted == {name: read_training[name] for name in training}
    assert not [
        name for name in ("rank", "epochs", "batch") if type(read_training[name]) is not int
    ]


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"rank": 8.5}, "a whole number from 1 is wanted, found 8.5"),
        ({"sweep_share": 2}, "a number from 0.01 to 1 is wanted, found 2"),
    ],
)
def test_a_range_is_told_with_what_was_found(folder: Path, training: dict[str, Any], words: str):
    assert refusal(folder, training=training).endswith(f"': {words}")


def test_a_rate_may_be_written_without_a_point(folder: Path):
    """YAML 1.1 reads 3e-4 as a text."""
    text = yaml.safe_dump(GIVEN) + "training: {rates: [3e-4, 1E-3]}\n"
    assert read_text(folder, text).training.rates == (0.0003, 0.001)


def test_arms_without_training_are_arms():
    assert set(UNTRAINED) < set(ARMS)


@pytest.mark.parametrize("name", sorted(GIVEN))
@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_a_field_that_is_missing_or_empty_is_named(folder: Path, name: str, empty: Any):
    assert refusal(folder, **{name: empty}) == f"field {name!r} is missing or empty"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("margins", 0.05, "unknown field 'margins'; known are name, kind, corpus,"),
        ("file", "x.yaml", "unknown field 'file'"),
        ("name", 2026, "field 'name': str is wanted, found 2026"),
        ("name", "../elsewhere", "field 'name': a folder's name is wanted"),
        ("name", "..", "field 'name': a folder's name is wanted"),
        ("kind", "style", "field 'kind': 'style' is none of knowledge, format"),
        ("grader", "judge", "field 'grader': 'judge' is none of contains, penstock, json"),
        ("arms", ["prompt", "ragg"], "field 'arms': 'ragg' is none of closed-book,"),
        ("arms", ["rag", "rag"], "field 'arms': 'rag' stands there twice"),
        ("arms", [1], "field 'arms': a list of str is wanted, found 1"),
        ("arms", ["adapter-rag"], "field 'arms': 'adapter-rag' is compared beside 'adapter'"),
        ("arms", ["specialist"], "field 'specialist': the arm 'specialist' needs a reader"),
        ("seeds", [1, 2, 1], "field 'seeds': '1' stands there twice"),
        ("seeds", [True], "field 'seeds': a list of int is wanted, found True"),
        ("seeds", [1.0], "field 'seeds': a list of int is wanted, found 1.0"),
        ("seeds", [3, -1], "field 'seeds': 0 or more is wanted, found -1"),
        ("corpus", "../absent", "field 'corpus': '../absent' is not there ("),
        ("corpus", ["  "], "field 'corpus': a path is wanted, found '  '"),
        ("corpus", [""], "field 'corpus': a path is wanted, found ''"),
        ("corpus", [3], "field 'corpus': a list of str is wanted, found 3"),
        ("corpus", "~nobody-of-this-name/x", "field 'corpus': '~nobody-of-this-name/x' is no path"),
        ("corpus", "x" * 5000, "field 'corpus': 'xxx"),
        ("corpus", ["../wiki", "../tasks/../wiki"], "field 'corpus': '"),
        ("questions", "test.jsonl", "field 'questions': dict is wanted, found 'test.jsonl'"),
        ("questions", {"train": "train.jsonl"}, "field 'questions.dev': a question file is wanted"),
        ("questions", {"tset": "x"}, "field 'questions': unknown field 'tset'"),
        ("base", "", "field 'base': str is wanted, found ''"),
        ("twice", "yes", "field 'twice': bool is wanted, found 'yes'"),
        ("twice", 1, "field 'twice': bool is wanted, found 1"),
        ("waive", "everything", "field 'waive': 'everything' is none of gold-in-corpus,"),
        ("waive", False, "field 'waive': a list of str is wanted, found False"),
        ("instructions", [2], "field 'instructions': a list of str is wanted, found 2"),
        ("training", 3, "field 'training': a mapping is wanted, found 3"),
        ("training", {"rang": 8}, "field 'training': unknown field 'rang'; known are method,"),
        ("training", {"method": "prefix"}, "field 'training.method': 'prefix' is none of lora,"),
        ("training", {"documents": 1}, "field 'training.documents': bool is wanted, found 1"),
        ("training", {"examples": 9}, "field 'training.examples': a mapping of numbers is wanted"),
        ("training", {"examples": {"rag": 9}}, "field 'training.examples': 'rag' is none of"),
        ("training", {"examples": {"adapter": 0}}, "field 'training.examples': 'adapter': a numb"),
        ("costs", {"upkeep": 1}, "field 'costs': unknown field 'upkeep'; known are currency,"),
        ("costs", {"currency": 3}, "field 'costs.currency': str is wanted, found 3"),
    ],
)
def test_a_wrong_field_is_named(folder: Path, name: str, value: Any, words: str):
    assert refusal(folder, **{name: value}).startswith(words)


@pytest.mark.parametrize("name", ["target", "margin"])
@pytest.mark.parametrize("value", [-0.1, 1.1, True, float("nan"), float("inf"), "much", [0.5]])
def test_a_share_is_a_number_from_0_to_1(folder: Path, name: str, value: Any):
    assert refusal(folder, **{name: value}).startswith(f"field {name!r}: a share from 0 to 1")


@pytest.mark.parametrize(
    ("group", "name", "wrong"),
    [
        ("training", "rank", [0, -8, 8.5, 8.0, True, "8", float("nan")]),
        ("training", "epochs", [0, None]),
        ("training", "batch", [0, [8]]),
        ("training", "sweep_share", [0, 1.5, True, "half", float("nan")]),
        ("training", "rates", [[], 0.001, [True], ["fast"], [0], [-1e-3], [float("inf")]]),
        ("training", "rates", [[1.0, 2.0, 3.0, 4.0], [0.1, 0.1]]),
        ("costs", "machine_hour", [-0.1, True, "cheap", float("nan"), float("inf"), 10**400]),
        ("costs", "answers_month", [1.5, -1, False]),
    ],
)
def test_a_number_out_of_its_range_is_named(folder: Path, group: str, name: str, wrong: list[Any]):
    for value in wrong:
        assert refusal(folder, **{group: {name: value}}).startswith(f"field '{group}.{name}': ")


def test_a_question_file_that_is_not_there_is_named_with_where_it_was_sought(folder: Path):
    (folder / "dev.jsonl").unlink()
    sought = folder / "dev.jsonl"
    assert refusal(folder) == f"field 'questions.dev': 'dev.jsonl' is not there ({sought})"


def test_a_folder_is_no_question_file(folder: Path):
    given = GIVEN["questions"] | {"test": "../wiki"}
    assert refusal(folder, questions=given).startswith("field 'questions.test': '../wiki' is no")


def test_a_field_that_stands_twice_is_named(folder: Path):
    with pytest.raises(UnreadableTask, match=r"field 'margin' stands there twice,[^)]*line 1"):
        read_text(folder, yaml.safe_dump(GIVEN) + "margin: 0.2\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "cannot be read"),
        ("name: 2026-13-45\n", "cannot be read"),
        ("- tank\n", "a mapping of fields is wanted"),
        ("", "a mapping of fields is wanted, found None"),
        ("1: x\n", "unknown field 1"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(folder: Path, text: str, words: str):
    with pytest.raises(UnreadableTask, match=f"task.yaml: {words}"):
        read_text(folder, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UnreadableTask, match=r"absent\.yaml: cannot be read"):
        read_task(tmp_path / "absent.yaml")

import json
from pathlib import Path

import pytest

from eval.selection import Choice, Selection, Tried


def tried(*accuracies: float | None) -> list[Tried]:
    return [
        Tried({"number": number}, accuracy, 40 if accuracy is not None else 0)
        for number, accuracy in enumerate(accuracies)
    ]


def selection(**accuracies: float | None) -> Selection:
    chosen = Selection()
    for name, accuracy in accuracies.items():
        chosen = chosen.with_arm(name.replace("_", "-"), tried(accuracy))
    return chosen


@pytest.mark.parametrize(
    ("accuracies", "chosen"),
    [
        ((0.1, 0.3, 0.2), 1),
        ((0.1, 0.2, 0.3), 2),
        ((0.3, 0.3, 0.1), 0),
        ((0.1, 0.3, 0.3), 1),
        ((0.0, 0.0, 0.0), 0),
        ((None, 0.0, 0.0), 1),
        ((None, None), 0),
        ((None,), 0),
    ],
)
def test_the_best_on_dev_is_chosen_and_of_equals_the_first(
    accuracies: tuple[float | None, ...], chosen: int
):
    assert Selection().with_arm("prompt", tried(*accuracies)).arms["prompt"].chosen == chosen


def test_every_configuration_is_kept():
    arms = Selection().with_arm("prompt", tried(0.1, 0.3, 0.2)).arms
    assert arms == {"prompt": Choice(tuple(tried(0.1, 0.3, 0.2)), 1)}
    assert arms["prompt"].accuracy == 0.3


def test_an_arm_that_was_not_measured_counts_as_never_right():
    choice = selection(prompt=None).arms["prompt"]
    assert (choice.accuracy, choice.measured) == (0.0, None)


def test_another_arm_leaves_the_selection_before_it_alone():
    before = selection(prompt=0.2)
    assert list(before.with_arm("rag", tried(0.3)).arms) == ["prompt", "rag"]
    assert list(before.arms) == ["prompt"]


def test_the_baseline_is_the_best_arm_without_training():
    assert selection(prompt=0.2, rag=0.6, few_shot=0.5).baseline == "rag"


@pytest.mark.parametrize("name", ["closed_book", "oracle", "adapter", "adapter_rag"])
def test_what_is_trained_or_not_to_be_had_is_no_baseline(name: str):
    assert selection(prompt=0.2, **{name: 0.9}).baseline == "prompt"


def test_of_equal_baselines_the_first_in_the_order_of_arms_counts():
    assert selection(rag_few_shot=0.6, rag=0.6, few_shot=0.6).baseline == "few-shot"
    assert selection(specialist=0.0, rag=0.0).baseline == "rag"


def test_a_baseline_that_was_measured_comes_before_one_that_was_not():
    assert selection(prompt=None, rag=0.0).baseline == "rag"


def test_without_an_arm_that_needs_no_training_there_is_no_baseline():
    assert selection(adapter=0.5).baseline is None
    assert Selection().baseline is None


def test_the_file_holds_every_configuration_and_the_baseline(tmp_path: Path):
    file = tmp_path / "selection.json"
    chosen = selection(rag=0.6).with_arm("adapter", [Tried({"rate": 0.001}, None, 0)])
    chosen.write(file)
    assert json.loads(file.read_text()) == {
        "rag": {
            "configurations": [{"settings": {"number": 0}, "dev_accuracy": 0.6, "questions": 40}],
            "chosen": 0,
        },
        "adapter": {
            "configurations": [{"settings": {"rate": 0.001}, "dev_accuracy": None, "questions": 0}],
            "chosen": 0,
        },
        "baseline": "rag",
    }

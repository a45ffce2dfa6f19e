"""The sweep of learning rates, on a tiny random model."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from eval.task import Training
from eval.tune.lora import Diverged, Progress
from eval.tune.sweep import Sweep, sweep, sweep_settings
from tests.tiny_model import example, tiny_model

EXAMPLES = [example(f"what is {number}", "red") for number in "one two three four".split()]
TRAINING = Training(rank=2, rates=(2e-3, 1e-3, 3e-3), epochs=3, batch=2, sweep_share=0.34)


class Scores:
    """A scoring that gives these accuracies in turn, and counts how often it was asked."""

    def __init__(self, *values: float) -> None:
        self.asked = 0
        self._values = values

    def __call__(self, model: Any, tokenizer: Any) -> float:
        self.asked += 1
        return self._values[self.asked - 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def test_the_rate_with_the_best_accuracy_is_chosen(folder: Path, tmp_path: Path):
    outcome = sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.2), tmp_path, 0)
    assert outcome == Sweep({1e-3: 0.1, 2e-3: 0.3, 3e-3: 0.2}, 2e-3)


def test_equal_rates_go_to_the_lower(folder: Path, tmp_path: Path):
    outcome = sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.3), tmp_path, 0)
    assert outcome.chosen == 2e-3


def test_the_outcome_is_written_with_what_it_depends_on(folder: Path, tmp_path: Path):
    sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.2), tmp_path, 5, name="tiny")
    kept = json.loads((tmp_path / "sweep.json").read_text())
    assert (kept["base"], kept["chosen"], kept["settings"]["seed"]) == ("tiny", 2e-3, 5)
    assert [(run["rate"], run["accuracy"]) for run in kept["runs"]] == [
        (1e-3, 0.1),
        (2e-3, 0.3),
        (3e-3, 0.2),
    ]


def test_a_finished_sweep_needs_its_outcome_alone(folder: Path, tmp_path: Path):
    first = sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.2), tmp_path, 0)
    for run in tmp_path.glob("rate-*"):
        shutil.rmtree(run)
    unasked = Scores()
    assert sweep(folder, EXAMPLES, TRAINING, unasked, tmp_path, 0) == first
    assert unasked.asked == 0


@pytest.mark.parametrize("change", ["examples", "seed", "dev"])
def test_a_sweep_of_something_else_is_made_anew(folder: Path, tmp_path: Path, change: str):
    sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.2), tmp_path, 0)
    examples = EXAMPLES[1:] if change == "examples" else EXAMPLES
    scored_on = "other" if change == "dev" else ""
    seed = 1 if change == "seed" else 0
    score = Scores(0.3, 0.2, 0.1)
    outcome = sweep(folder, examples, TRAINING, score, tmp_path, seed, scored_on=scored_on)
    assert (outcome.chosen, score.asked) == (1e-3, 3)


def test_an_interrupted_sweep_goes_on_with_the_rates_that_are_left(folder: Path, tmp_path: Path):
    with pytest.raises(IndexError):
        sweep(folder, EXAMPLES, TRAINING, Scores(0.3, 0.1), tmp_path, 0)
    rest = Scores(0.2)
    outcome = sweep(folder, EXAMPLES, TRAINING, rest, tmp_path, 0)
    assert outcome == Sweep({1e-3: 0.3, 2e-3: 0.1, 3e-3: 0.2}, 1e-3)
    assert rest.asked == 1


def test_a_rate_that_diverges_is_recorded_and_never_chosen(folder: Path, tmp_path: Path):
    training = Training(rank=2, rates=(1e30, 1e-3), epochs=5, batch=1, sweep_share=1.0)
    outcome = sweep(folder, EXAMPLES, training, Scores(0.0, 0.0), tmp_path, 0)
    assert outcome == Sweep({1e-3: 0.0, 1e30: None}, 1e-3)


def test_where_all_rates_diverge_no_rate_is_chosen(folder: Path, tmp_path: Path):
    training = Training(rank=2, rates=(1e30,), epochs=5, batch=1, sweep_share=1.0)
    with pytest.raises(Diverged, match=r"every rate .*1e\+30"):
        sweep(folder, EXAMPLES, training, Scores(0.0), tmp_path, 0)


def test_progress_says_which_rate_it_is_about(folder: Path, tmp_path: Path):
    seen: list[Progress] = []
    sweep(folder, EXAMPLES, TRAINING, Scores(0.1, 0.3, 0.2), tmp_path, 0, seen.append)
    assert any("rate 0.002 (2 of 3)" in one.note for one in seen)


@pytest.mark.parametrize(
    ("epochs", "sweep_share", "expected"),
    [(3, 1 / 3, (1, 1.0)), (3, 0.34, (1, 1.0)), (1, 0.25, (1, 0.25)), (2, 0.75, (2, 0.75))],
)
def test_a_run_has_its_share_of_the_steps(
    epochs: int, sweep_share: float, expected: tuple[int, float]
):
    settings = sweep_settings(Training(epochs=epochs, sweep_share=sweep_share), 1e-3, 0)
    assert (settings.epochs, settings.share) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_out_of_range_is_named(share: float):
    with pytest.raises(ValueError, match=f"'sweep_share'.*{share}"):
        sweep_settings(Training(sweep_share=share), 1e-3, 0)


def test_a_sweep_without_rates_is_refused(folder: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="'rates'"):
        sweep(folder, EXAMPLES, Training(rates=()), Scores(), tmp_path, 0)

"""Training on a tiny random model: the loss, what is kept, what an interrupted run ends with."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from eval.task import Training
from eval.tune import base, model, run
from eval.tune.base import CannotTrain, Diverged
from eval.tune.examples import CompletionCut, encode, padded
from eval.tune.lora import Progress, Trained, TrainSettings, train
from eval.tune.recipe import rate_at
from tests.tiny_model import example, tiny_model

COLOURS = "red blue green".split()
NUMBERS = "one two three four five six".split()
EXAMPLES = [
    example(f"what colour is pump {number}", f"{COLOURS[i % 3]} " * (1 + i % 4))
    for i, number in enumerate(NUMBERS * 3)
]
SETTINGS = TrainSettings(rank=4, rate=3e-2, epochs=3, batch=4, seed=3)


class Killed(Exception):
    """What the training dies of here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(folder, EXAMPLES, SETTINGS, tmp_path_factory.mktemp("done"), name="tiny")


def weights(trained: Path) -> dict[str, list[float]]:
    import safetensors.torch

    file = trained / "adapter_model.safetensors"
    tensors = cast(Any, safetensors.torch).load_file(str(file))
    return {name: value.flatten().tolist() for name, value in tensors.items()}


def record(trained: Path) -> dict[str, Any]:
    return json.loads((trained / "train.json").read_text())


def dying_at(step: int) -> Callable[[Progress], None]:
    def progress(at: Progress) -> None:
        if at.step == step and not at.note:
            raise Killed

    return progress


def scores(*values: float) -> Callable[[Any, Any], float]:
    """A scoring that gives these accuracies, one an epoch."""
    left = list(values)

    def score(live: Any, tokenizer: Any) -> float:
        return left.pop(0)

    return score


def test_the_loss_falls(undisturbed: Trained):
    assert len(undisturbed.losses) == 15
    assert undisturbed.losses[-1] < undisturbed.losses[0] / 2


def test_adapters_sit_on_every_linear_layer_with_alpha_of_twice_the_rank(undisturbed: Trained):
    settings = json.loads((undisturbed.folder / "adapter_config.json").read_text())
    attention, rest = (
        ["k_proj", "o_proj", "q_proj", "v_proj"],
        ["down_proj", "gate_proj", "up_proj"],
    )
    assert sorted(settings["target_modules"]) == sorted(attention + rest)
    assert (settings["r"], settings["lora_alpha"], settings["lora_dropout"]) == (4, 8, 0.0)
    assert len(weights(undisturbed.folder)) == 2 * 7 * 2


def test_no_file_names_a_folder_of_this_machine(undisturbed: Trained, folder: Path):
    assert sorted(path.name for path in undisturbed.folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "train.json",
    ]
    for name in ("adapter_config.json", "train.json"):
        assert str(folder) not in (undisturbed.folder / name).read_text()
    settings = json.loads((undisturbed.folder / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "tiny"


def test_the_record_says_how_the_adapter_came_to_be(undisturbed: Trained, folder: Path):
    kept = record(undisturbed.folder)
    assert kept["base"] == "tiny"
    assert kept["weights"] == base.weights_digest(folder)
    assert kept["settings"]["rate"] == 3e-2
    assert (kept["seed"], kept["examples"], kept["steps"], kept["best_epoch"]) == (3, 18, 15, 3)
    assert kept["loss"] == [[i, loss] for i, loss in enumerate(undisturbed.losses, start=1)]
    lengths = [len(one.ids) for one in encode(base.tokenizer_of(folder), EXAMPLES, 64)]
    assert kept["tokens_seen"] == 3 * sum(lengths)
    assert set(kept["versions"]) == {"torch", "peft", "transformers"}


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_the_saved_adapter_is_the_trained_model(folder: Path, tmp_path: Path):
    import peft

    seen: list[float] = []
    batch = padded(encode(base.tokenizer_of(folder), EXAMPLES, 64), 0)

    def score(live: Any, _: Any) -> float:
        seen.append(float(model.completion_loss(live, batch)))
        return 0.5

    train(folder, EXAMPLES, replace(SETTINGS, epochs=1), tmp_path, score)
    plain = base.load(folder, "lora", 10)
    loaded = cast(Any, peft).PeftModel.from_pretrained(plain, str(tmp_path))
    assert float(model.completion_loss(loaded, batch)) == pytest.approx(seen[0], rel=1e-6)


def test_a_batch_in_pieces_teaches_what_it_teaches_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for module in (base, model):
        monkeypatch.setattr(module, "computing", lambda device: torch.float32)  # pyright: ignore
    losses: list[tuple[float, ...]] = []
    for piece in (1, 10_000):
        monkeypatch.setattr(run, "PIECE", piece)
        out = tmp_path / str(piece)
        losses.append(train(folder, EXAMPLES, SETTINGS, out, name="tiny").losses)
    # Later steps magnify what rounding leaves.
    assert losses[0][:4] == pytest.approx(losses[1][:4], rel=1e-3)


def test_the_same_seed_gives_the_same_weights(folder: Path, undisturbed: Trained, tmp_path: Path):
    again = train(folder, EXAMPLES, SETTINGS, tmp_path / "a", name="tiny")
    other = train(folder, EXAMPLES, replace(SETTINGS, seed=4), tmp_path / "b", name="tiny")
    assert weights(again.folder) == weights(undisturbed.folder) != weights(other.folder)


@pytest.mark.parametrize("seconds", [0.0, 180.0], ids=["each step", "each epoch"])
@pytest.mark.parametrize("step", [1, 7, 10, 14])
def test_a_killed_run_goes_on_to_the_same_weights(
    folder: Path, undisturbed: Trained, tmp_path: Path, step: int, seconds: float
):
    def run(progress: Callable[[Progress], None] | None) -> Trained:
        return train(
            folder,
            EXAMPLES,
            SETTINGS,
            tmp_path,
            progress=progress,
            name="tiny",
            checkpoint_seconds=seconds,
        )

    with pytest.raises(Killed):
        run(dying_at(step))
    assert not (tmp_path / "train.json").exists()
    steps: list[int] = []
    again = run(lambda at: steps.extend([] if at.note else [at.step]))
    assert weights(tmp_path) == weights(undisturbed.folder)
    assert again.losses == undisturbed.losses
    assert again.tokens == undisturbed.tokens
    assert steps[0] == (step if seconds == 0 else step // 5 * 5) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in undisturbed.folder.iterdir()
    )


def test_a_run_killed_while_it_is_scored_is_scored_again_and_not_trained_again(
    folder: Path, tmp_path: Path
):
    def killed(*_: Any) -> float:
        raise Killed

    with pytest.raises(Killed):
        train(folder, EXAMPLES, SETTINGS, tmp_path, killed)
    steps: list[int] = []
    again = train(
        folder, EXAMPLES, SETTINGS, tmp_path, scores(0.2, 0.1), lambda at: steps.append(at.step)
    )
    assert 5 in steps and 1 not in steps
    assert again.dev == (0.2, 0.1)


def test_chance_used_by_the_scoring_changes_no_weights(
    folder: Path, undisturbed: Trained, tmp_path: Path
):
    import torch

    left = [0.1, 0.2, 0.3]

    def score(live: Any, _: Any) -> float:
        assert not live.training
        torch.rand(9)
        return left.pop(0)

    run = train(folder, EXAMPLES, SETTINGS, tmp_path, score, name="tiny")
    assert weights(run.folder) == weights(undisturbed.folder)


def test_the_best_epoch_is_kept_and_training_stops_without_a_gain(folder: Path, tmp_path: Path):
    run = train(folder, EXAMPLES, SETTINGS, tmp_path / "a", scores(0.4, 0.3))
    assert (run.dev, run.best_epoch, run.accuracy) == ((0.4, 0.3), 1, 0.4)
    assert record(run.folder)["dev"] == [[1, 0.4], [2, 0.3]]
    first: list[dict[str, list[float]]] = []

    def keep(live: Any, _: Any) -> float:
        first.append({k: v.flatten().tolist() for k, v in model.trained_weights(live).items()})
        return 1 - len(first) / 10

    train(folder, EXAMPLES, SETTINGS, tmp_path / "b", keep)
    assert sorted(weights(tmp_path / "a").values()) == sorted(first[0].values())


def test_of_equal_epochs_the_earlier_is_kept(folder: Path, tmp_path: Path):
    run = train(folder, EXAMPLES, replace(SETTINGS, patience=2), tmp_path, scores(0.4, 0.4, 0.4))
    assert (len(run.dev), run.best_epoch) == (3, 1)


def test_patience_waits_for_a_later_gain(folder: Path, tmp_path: Path):
    run = train(folder, EXAMPLES, replace(SETTINGS, patience=2), tmp_path, scores(0.4, 0.3, 0.5))
    assert run.best_epoch == 3


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1])
def test_a_score_that_is_no_accuracy_is_refused(folder: Path, tmp_path: Path, value: float):
    with pytest.raises(ValueError, match="from 0 to 1"):
        train(folder, EXAMPLES, SETTINGS, tmp_path, scores(value))


def test_a_completion_longer_than_the_window_is_refused(folder: Path, tmp_path: Path):
    with pytest.raises(CompletionCut, match="example 1 .*the limit is 64"):
        train(folder, [example("what", "red " * 64)], SETTINGS, tmp_path)


def test_no_examples_are_refused(folder: Path, tmp_path: Path):
    with pytest.raises(CannotTrain, match="no examples"):
        train(folder, [], SETTINGS, tmp_path)


def test_a_rate_that_makes_the_loss_no_number_is_named(folder: Path, tmp_path: Path):
    with pytest.raises(Diverged, match=r"rate 1e\+30 is too high"):
        train(folder, EXAMPLES, replace(SETTINGS, rate=1e30, epochs=9), tmp_path)
    assert not (tmp_path / "train.json").exists()


def test_the_rate_rises_over_the_warm_up_and_falls_to_nothing():
    settings = TrainSettings(rate=1.0, warmup=0.2)
    rates = [rate_at(step, 10, settings) for step in range(11)]
    assert rates == pytest.approx([0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0])


def test_a_run_of_one_step_has_the_full_rate():
    assert rate_at(0, 1, TrainSettings(rate=0.5)) == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [("rank", 0), ("epochs", 0), ("batch", -1), ("patience", 0), ("rate", 0.0)]
    + [("rate", float("inf")), ("share", 1.1), ("share", 0.0), ("warmup", 1.0)],
)
def test_a_setting_out_of_range_is_named(name: str, value: float):
    with pytest.raises(ValueError, match=rf"'{name}'.*{value}"):
        replace(SETTINGS, **cast(Any, {name: value}))


def test_settings_come_from_the_tasks_training():
    settings = TrainSettings.of(Training(rank=2, epochs=5, batch=6), rate=0.1, seed=7)
    assert settings == TrainSettings(rank=2, rate=0.1, epochs=5, batch=6, seed=7)

"""Adapters of a task, really trained on a model of random weights: where they lie, who shares."""

import json
import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.adapters import Adapters
from eval.configure import Parts
from eval.parts import Split
from eval.task import Training
from eval.tune.base import Diverged
from eval.tune.lora import train
from tests.comparisons import make_parts, make_settings, questions, quiet, write_task
from tests.letters import one_thread
from tests.tiny_model import tiny_model

RATES = (1e-3, 1e-2)


class Home:
    """A task with its parts, and runs beside each other."""

    def __init__(self, folder: Path) -> None:
        base = tiny_model(folder / "base", window=1024)
        file = write_task(folder / "task", base=str(base), arms=["rag", "adapter", "adapter-rag"])
        task, self.split, parts = make_parts(file, folder / "runs")
        training = Training(rank=2, rates=RATES, epochs=1, batch=8, sweep_share=1.0)
        self.parts = replace(parts, task=replace(task, training=training))
        self.runs = folder / "runs"

    def adapters(self, run: str = "bells", split: Split | None = None, **fields: Any) -> Adapters:
        task = replace(self.parts.task, **fields)
        parts: Parts = replace(self.parts, task=task)
        settings = make_settings(self.runs)
        return Adapters(parts, split or self.split, self.runs / run, settings, quiet)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Home]:
    with one_thread():
        yield Home(tmp_path_factory.mktemp("adapters"))


@pytest.fixture(scope="module")
def done(home: Home) -> Adapters:
    """A sweep and two seeds of `adapter`."""
    adapters = home.adapters()
    _, rate = adapters.sweep("adapter", 1)
    for seed in (1, 2):
        adapters.train("adapter", seed, rate)
    return adapters


def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "train.json").read_text())


def test_a_sweep_tries_each_rate_on_dev(home: Home, done: Adapters):
    tried, rate = home.adapters("again").sweep("adapter", 1)
    assert [dict(one.settings) for one in tried] == [{"rate": one} for one in RATES]
    assert {one.questions for one in tried} == {len(home.split.dev)}
    assert all(one.dev_accuracy is not None for one in tried)
    assert rate in RATES


def test_an_adapter_lies_in_its_folder_beside_the_runs(home: Home, done: Adapters):
    folder = done.folder("adapter", 1)
    assert (folder / "adapter_model.safetensors").is_file()
    assert folder.parent.parent == home.runs / "adapters"
    assert folder.parent.name.startswith("adapter-")
    assert record(folder)["examples"] == len(home.split.train)


def test_seeds_have_folders_and_weights_of_their_own(done: Adapters):
    weights = [
        (done.folder("adapter", seed) / "adapter_model.safetensors").read_bytes() for seed in (1, 2)
    ]
    assert weights[0] != weights[1]
    assert done.folder("adapter", 1) != done.folder("adapter", 2)


def test_each_run_gets_a_copy_of_the_records(home: Home, done: Adapters):
    copies = home.runs / "bells" / "adapters" / "adapter"
    for seed in (1, 2):
        assert record(copies / f"seed-{seed}") == record(done.folder("adapter", seed))
    assert (copies / "sweep" / "sweep.json").is_file()
    assert sorted(file.parent.name for file in (copies / "sweep").glob("*/train.json")) == [
        f"rate-{rate:g}" for rate in sorted(RATES)
    ]
    assert not list(copies.rglob("*.safetensors"))


def test_a_task_that_trains_alike_uses_the_adapter_again(home: Home, done: Adapters):
    other = home.adapters("other", name="other", margin=0.5, target=0.1, seeds=(1,))
    assert other.folder("adapter", 1) == done.folder("adapter", 1)
    _, rate = other.sweep("adapter", 1)
    assert other.train("adapter", 1, rate).reused
    copies = home.runs / "other" / "adapters" / "adapter"
    assert record(copies / "seed-1") == record(done.folder("adapter", 1))


@pytest.mark.parametrize(
    "fields",
    [
        {"training": Training(rank=4, rates=RATES, epochs=1, sweep_share=1.0)},
        {"training": Training(rank=2, rates=RATES, epochs=1, examples={"adapter": 4})},
        {"base": "another"},
        {"kind": "format", "grader": "json"},
    ],
    ids=["rank", "examples", "base", "kind"],
)
def test_a_task_that_trains_otherwise_has_another_folder(
    home: Home, done: Adapters, fields: dict[str, Any]
):
    assert home.adapters(**fields).folder("adapter", 1) != done.folder("adapter", 1)


@pytest.mark.parametrize("which", ["train", "dev"])
def test_other_questions_have_another_folder(home: Home, done: Adapters, which: str):
    fewer = replace(home.split, **{which: questions(which)[:-1]})
    assert home.adapters(split=fewer).folder("adapter", 1) != done.folder("adapter", 1)


def test_other_test_questions_change_nothing(home: Home, done: Adapters):
    fewer = replace(home.split, test=questions("test")[:-1])
    assert home.adapters(split=fewer).folder("adapter", 1) == done.folder("adapter", 1)


def test_the_two_arms_have_folders_of_their_own(home: Home, done: Adapters):
    assert done.folder("adapter-rag", 1).parent != done.folder("adapter", 1).parent
    assert done.folder("adapter-rag", 1).parent.name.startswith("adapter-rag-")


def test_an_adapter_for_passages_is_trained_on_prompts_with_them(home: Home):
    few = Training(rank=2, rates=RATES[:1], epochs=1, sweep_share=1.0, examples={"adapter-rag": 4})
    adapters = home.adapters(training=few)
    trained = adapters.train("adapter-rag", 1, RATES[0])
    assert record(trained.folder)["examples"] == 4
    assert trained.tokens > 4 * 40


def test_a_rate_that_diverged_is_told_and_left_no_record(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    def diverges(*given: Any, **named: Any) -> Any:
        if given[2].rate == RATES[1]:
            raise Diverged("step 1: the loss is nan")
        return train(*given, **named)

    monkeypatch.setattr("eval.tune.sweep.train", diverges)
    split = replace(home.split, dev=questions("dev")[:3])
    tried, rate = home.adapters("torn", split).sweep("adapter", 1)
    assert [one.dev_accuracy is None for one in tried] == [False, True]
    assert rate == RATES[0]
    copies = home.runs / "torn" / "adapters" / "adapter" / "sweep"
    assert [file.parent.name for file in copies.glob("*/train.json")] == ["rate-0.001"]


def test_a_sweep_whose_runs_were_removed_is_used_by_its_outcome(home: Home):
    split = replace(home.split, dev=questions("dev")[:2])
    adapters = home.adapters("swept", split)
    first = adapters.sweep("adapter", 1)
    for folder in (adapters.folder("adapter", 1).parent / "sweep").glob("rate-*"):
        shutil.rmtree(folder)
    assert home.adapters("swept", split).sweep("adapter", 1) == first


def test_records_of_an_earlier_recipe_leave_the_run(home: Home, done: Adapters):
    stale = home.runs / "later" / "adapters" / "adapter" / "seed-9"
    stale.mkdir(parents=True)
    (stale / "train.json").write_text('{"seconds": 9}')
    home.adapters("later").sweep("adapter", 1)
    assert not stale.exists()
    assert (stale.parent / "sweep" / "sweep.json").is_file()


def test_progress_tells_what_is_trained(home: Home, done: Adapters):
    said: list[str] = []
    settings = make_settings(home.runs)
    told = Adapters(
        home.parts,
        replace(home.split, dev=questions("dev")[:1]),
        home.runs / "told",
        settings,
        lambda what, at, of: said.append(what),
    )
    told.train("adapter", 7, 1e-3)
    assert said[0] == "training examples of adapter"
    assert any(
        line.startswith("training adapter, seed 7 · loss ") and "tokens/s" in line for line in said
    )

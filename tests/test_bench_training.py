"""The benchmark of training: what it trains on, and that both of our ways learn the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.training import changed, spread, train_one
from eval.tune import llama
from eval.tune.examples import Tokens
from tests.tiny_model import tiny_model


def test_examples_are_taken_at_even_distances():
    rows = [Tokens([at], 0) for at in range(10)]
    assert [one.ids[0] for one in spread(rows, 4)] == [0, 2, 5, 7]
    assert spread(rows, 99) == rows


def job(base: Path, work: Path, way: str) -> dict[str, Any]:
    turns = [["user", "what colour is pump one"]], [["user", "which valve is old"]]
    completions = "red", "green is the old valve"
    return {
        "way": way,
        "base": str(base),
        "work": str(work),
        "threads": 1,
        "result": str(work / f"{way}.json"),
        "examples": [
            {"messages": messages, "completion": completion}
            for messages, completion in zip(turns, completions, strict=True)
        ]
        * 8,
    }


def test_the_written_out_way_and_the_recorded_one_learn_the_same(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    losses: dict[str, list[float]] = {}
    for way in ("own", "recorded"):
        train_one(job(base, tmp_path, way))
        found = json.loads((tmp_path / f"{way}.json").read_text())
        assert found["seconds"] > 0
        losses[way] = found["losses"]
    assert losses["own"] == pytest.approx(losses["recorded"], rel=2e-2)


def test_a_changed_base_has_the_same_weights_and_leaves_the_first_as_it_is(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    other = changed(base, tmp_path / "other", {"hidden_act": "swish"})
    assert (other / "model.safetensors").resolve() == (base / "model.safetensors").resolve()
    assert (llama.version(base, "lora"), llama.version(other, "lora")) == (llama.VERSION, "")

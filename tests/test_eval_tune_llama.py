"""Llama's written-out training step: gradients are those of transformers and PEFT."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from eval.tune import attention, base, llama, model
from eval.tune.examples import Tokens, encode, padded
from eval.tune.llama import Llama
from tests.tiny_model import example, tiny_model

EXAMPLES = [
    example("what colour is pump one", "red"),
    example("q", "the valve is open"),
    example("what valve", "blue green one two three four five six"),
    example("what colour is the old pump", "unknown"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for module in (base, model):
        monkeypatch.setattr(module, "computing", lambda device: torch.float32)  # pyright: ignore


def wrapped(folder: Path) -> Any:
    """With adapters that do something: PEFT's own begin with B of zeros."""
    import torch

    found = model.wrap(base.load(folder, "lora", 10), "lora", 4, "tiny")
    cast(Any, torch).manual_seed(2)
    for name, weight in model.trained_weights(found).items():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return found


def tokens(folder: Path, chosen: list[int]) -> list[Tokens]:
    encoded = encode(base.tokenizer_of(folder), EXAMPLES, 64)
    return [encoded[one] for one in chosen]


def gradients(found: Any) -> dict[str, Any]:
    taken = {name: one.grad.clone() for name, one in model.trained_weights(found).items()}
    found.zero_grad()
    return taken


@pytest.mark.parametrize("chosen", [[1], [0, 1, 2, 3], [2, 2]], ids=["one", "four", "the same"])
@pytest.mark.parametrize("together", [2, 128], ids=["few queries", "all queries"])
def test_loss_and_gradients_are_those_of_transformers_and_peft(
    folder: Path, chosen: list[int], together: int, exact: None, monkeypatch: pytest.MonkeyPatch
):
    import torch

    monkeypatch.setattr(attention, "TOGETHER", together)
    monkeypatch.setattr(llama, "LOGITS", 3)
    found, examples = wrapped(folder), tokens(folder, chosen)
    theirs = model.completion_loss(found, padded(examples, 1))
    theirs.backward()
    wanted = gradients(found)
    ours = Llama(found).learn(examples, 1.0)
    assert ours == pytest.approx(float(theirs.detach()), rel=1e-5)
    for name, gradient in gradients(found).items():
        assert torch.allclose(gradient, wanted[name], rtol=1e-4, atol=1e-6), name


def test_gradients_add_up_over_pieces_weighed_by_their_share(folder: Path, exact: None):
    import torch

    found, examples = wrapped(folder), tokens(folder, [0, 1])
    step = Llama(found)
    step.learn(examples[:1], 1.0)
    first = gradients(found)
    step.learn(examples[1:], 1.0)
    second = gradients(found)
    step.learn(examples[:1], 0.25)
    step.learn(examples[1:], 0.75)
    for name, gradient in gradients(found).items():
        wanted = 0.25 * first[name] + 0.75 * second[name]
        assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-6), name


def test_a_step_sees_the_adapter_as_it_is_now(folder: Path):
    import torch

    found, examples = wrapped(folder), tokens(folder, [0, 2])
    step = Llama(found)
    before = step.loss(examples)
    with torch.no_grad():
        for weight in model.trained_weights(found).values():
            weight.mul_(2)
    theirs = float(model.completion_loss(found, padded(examples, 1)).detach())
    assert step.loss(examples) == pytest.approx(theirs, rel=2e-2)
    assert step.loss(examples) != before


def test_in_bfloat16_gradients_point_where_those_of_peft_do(folder: Path):
    import torch

    found, examples = wrapped(folder), tokens(folder, [0, 1, 2, 3])
    model.completion_loss(found, padded(examples, 1)).backward()
    wanted = torch.cat([one.flatten() for one in gradients(found).values()])
    Llama(found).learn(examples, 1.0)
    ours = torch.cat([one.flatten() for one in gradients(found).values()])
    cosine = torch.nn.functional.cosine_similarity(ours, wanted, dim=0)
    assert float(cosine) > 0.999


def test_what_all_rows_begin_with_stands_once_and_ends_before_what_is_learned():
    rows = attention.rows_of([Tokens([7, 8, 9, 1, 2], 4), Tokens([7, 8, 9, 3], 3)])
    assert rows.ids.tolist() == [7, 8, 9, 1, 2, 9, 3]
    assert rows.places.tolist() == [0, 1, 2, 3, 4, 2, 3]
    assert (rows.scored.tolist(), rows.targets.tolist()) == ([3, 5], [2, 3])


@pytest.mark.parametrize(
    "other",
    [
        {"model_type": "mistral"},
        {"attention_bias": True},
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}},
    ],
)
def test_another_model_is_not_trained_here(folder: Path, tmp_path: Path, other: dict[str, Any]):
    config = json.loads((folder / "config.json").read_text())
    assert llama.version(folder, "lora") == llama.VERSION
    assert llama.version(folder, "full") == ""
    (tmp_path / "config.json").write_text(json.dumps({**config, **other}))
    assert llama.version(tmp_path, "lora") == ""

"""The model in training: its loss is transformers' own, its result files are readable."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from eval.tune import base, model
from eval.tune.base import CannotTrain
from eval.tune.examples import Tokens, encode, padded
from eval.tune.lora import TrainSettings, train
from tests.tiny_model import example, tiny_model, tiny_tokenizer

EXAMPLES = [
    example("what colour is pump one", "red"),
    example("q", "the valve is open"),
    example("which valve", "blue green one two three four five six"),
    example("what is the colour of the old pump", "unknown"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def tokens(folder: Path) -> list[Tokens]:
    return encode(base.tokenizer_of(folder), EXAMPLES, 64)


@pytest.mark.parametrize("length", [10, 400], ids=["eager", "sdpa"])
def test_the_loss_is_that_of_transformers_with_the_prompt_left_out(folder: Path, length: float):
    import torch

    loaded = base.load(folder, "full", length)
    batch = padded(tokens(folder), 1)
    labels = torch.as_tensor(batch.ids).clone()
    attended = torch.zeros_like(labels)
    for row, one in enumerate(tokens(folder)):
        labels[row, : one.prompt] = -100
        labels[row, len(one.ids) :] = -100
        attended[row, : len(one.ids)] = 1
    kind = base.computing("cpu")
    with torch.no_grad(), torch.autocast("cpu", kind, enabled=kind != torch.float32):
        theirs = loaded(
            input_ids=torch.as_tensor(batch.ids), labels=labels, attention_mask=attended
        ).loss
    ours = model.completion_loss(loaded, batch).detach()
    assert float(ours) == pytest.approx(float(theirs), rel=2e-3)


def test_the_gradient_is_that_of_transformers(folder: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    monkeypatch.setattr(model, "computing", lambda device: torch.float32)  # pyright: ignore
    loaded = base.load(folder, "full", 10)
    [one] = tokens(folder)[2:3]
    weight = loaded.model.layers[0].mlp.up_proj.weight
    ids = torch.tensor([one.ids])
    labels = ids.clone()
    labels[0, : one.prompt] = -100
    loaded(input_ids=ids, labels=labels).loss.backward()
    theirs = weight.grad.clone()
    loaded.zero_grad()
    model.completion_loss(loaded, padded([one], 0)).backward()
    assert torch.allclose(weight.grad, theirs, rtol=1e-4, atol=1e-6)


def test_padding_changes_no_loss(folder: Path):
    loaded = model.wrap(base.load(folder, "lora", 10), "lora", 4, "tiny")
    losses = [
        float(model.completion_loss(loaded, padded(tokens(folder), pad)).detach())
        for pad in (0, 1, 9)
    ]
    assert losses[0] == losses[1] == losses[2]


def test_adapters_sit_on_every_linear_layer_with_alpha_of_twice_the_rank(folder: Path):
    wrapped = model.wrap(base.load(folder, "lora", 10), "lora", 4, "tiny")
    settings = wrapped.peft_config["default"]
    names = {"k_proj", "o_proj", "q_proj", "v_proj", "down_proj", "gate_proj", "up_proj"}
    assert set(settings.target_modules) == names
    assert (settings.r, settings.lora_alpha, settings.lora_dropout) == (4, 8, 0.0)
    assert len(model.trained_weights(wrapped)) == 2 * 7 * 2


def test_only_the_adapter_is_trained_in_float32(folder: Path):
    import torch

    wrapped = model.wrap(base.load(folder, "lora", 10), "lora", 4, "tiny")
    trained = model.trained_weights(wrapped)
    assert all("lora_" in name for name in trained)
    assert {one.dtype for one in trained.values()} == {torch.float32}


def test_a_model_that_changes_its_logits_is_refused(tmp_path: Path):
    import transformers

    library = cast(Any, transformers)
    tokenizer = tiny_tokenizer()
    config = library.Gemma2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        initializer_range=1.0,
        final_logit_softcapping=0.5,
        pad_token_id=1,
    )
    library.Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(CannotTrain, match="Gemma2ForCausalLM.*change their logits"):
        train(tmp_path, EXAMPLES, TrainSettings(), tmp_path / "out")


def test_losses_are_compared_over_more_than_a_few_tokens_and_not_over_all(folder: Path):
    loaded = base.load(folder, "full", 10)
    compared: list[Tokens] = []

    class Spy:
        def loss(self, examples: Sequence[Tokens]) -> float:
            compared.extend(examples)
            return float(model.completion_loss(loaded, padded(examples, 1)).detach())

        def learn(self, examples: Sequence[Tokens], share: float) -> float:
            raise AssertionError

    def learned(of: Sequence[Tokens]) -> int:
        return sum(len(one.ids) - one.prompt for one in of)

    many = tokens(folder) * 30
    model.check_loss(loaded, Spy(), many)
    assert model.COMPARED <= learned(compared) < learned(many)
    model.check_loss(loaded, Spy(), many[:1])
    assert compared[-1:] == many[:1]


def test_full_fine_tuning_moves_all_weights_and_leaves_a_model(folder: Path, tmp_path: Path):
    import torch

    settings = TrainSettings(method="full", rate=1e-2, epochs=2, batch=2)
    run = train(folder, EXAMPLES, settings, tmp_path, name="tiny")
    assert run.losses[-1] < run.losses[0]
    before = base.load(folder, "full", 10).state_dict()
    after = base.load(tmp_path, "full", 10).state_dict()
    assert set(before) == set(after)
    assert not any(torch.equal(before[name], after[name]) for name in before if "proj" in name)
    assert base.tokenizer_of(tmp_path).chat_template
    for name in ("config.json", "train.json", "tokenizer_config.json"):
        assert str(folder) not in (tmp_path / name).read_text()


def test_full_fine_tuning_leaves_the_weights_in_bfloat16(folder: Path, tmp_path: Path):
    train(folder, EXAMPLES, TrainSettings(method="full", epochs=1), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    assert (tmp_path / "model.safetensors").stat().st_size < 2.2 * base.parameters(folder)

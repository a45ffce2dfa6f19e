"""A live model of transformers, with PEFT's LoRA or without, as it is decoded."""

import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from eval.live import Voice, voice_of
from service.local_chat import load_framework
from tests.letters import letters_model, one_thread, write_adapter

IDS = list(range(4, 60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    folder = tmp_path_factory.mktemp("live")
    with one_thread():
        letters_model(folder / "base")
        write_adapter(folder / "base", folder / "adapter", seed=1)
        yield folder


@pytest.fixture
def base(folder: Path) -> Any:
    return load_framework(str(folder / "base"), folder).float()


@pytest.fixture
def wrapped(folder: Path, base: Any) -> Any:
    import peft

    with warnings.catch_warnings():
        # peft asks the model by a name that transformers gives up.
        warnings.simplefilter("ignore", FutureWarning)
        return cast(Any, peft).PeftModel.from_pretrained(base, folder / "adapter").eval()


def alike(model: Any) -> bool:
    """Whether a live model is taken over, and gives the logits that it gives itself."""
    import torch

    voice = voice_of(model)
    assert isinstance(voice, Voice)
    with torch.inference_mode():
        theirs = model(input_ids=torch.tensor([IDS])).logits[0, -1]
    ours = voice.llama.read(voice.llama.cache(1, 64), {0: IDS}, voice.adapter)[0]
    return torch.allclose(ours, theirs, atol=1e-4)


def test_a_plain_model_is_taken_over(base: Any):
    assert alike(base)


def test_so_is_one_with_an_adapter_that_changes_meanwhile(wrapped: Any):
    import torch

    assert alike(wrapped)
    before = cast(Voice, voice_of(wrapped)).llama
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                weight.add_(0.1)
    assert alike(wrapped)
    assert cast(Voice, voice_of(wrapped)).llama is before


def test_an_adapter_that_is_switched_off_says_nothing(wrapped: Any):
    with wrapped.disable_adapter():
        assert alike(wrapped)
        assert cast(Voice, voice_of(wrapped)).adapter is None


def test_weights_of_the_base_that_have_changed_are_taken_over_again(base: Any):
    import torch

    assert alike(base)
    with torch.no_grad():
        for weight in base.parameters():
            weight.mul_(1.1)
    assert alike(base)


def test_a_merged_adapter_is_left_to_peft(wrapped: Any):
    wrapped.merge_adapter()
    assert voice_of(wrapped) is None


def test_a_model_in_training_is_left_to_transformers(base: Any):
    assert voice_of(base.train()) is None


def test_what_inherits_from_llama_is_not_taken_for_it(base: Any):
    base.__class__ = type("LlamaForCausalLM", (cast(Any, type(base)),), {})
    assert voice_of(base) is None

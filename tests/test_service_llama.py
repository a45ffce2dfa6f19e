"""Llama as it is computed here, against transformers' own arithmetic in float32."""

import json
import threading
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from service.llama import Llama
from service.llama_cache import TOGETHER
from service.llama_chat import LlamaChat, load_adapter
from service.llama_weights import LlamaShape
from service.local_chat import load_framework
from tests.letters import letters_model, one_thread, write_adapter
from tests.tiny_model import tiny_model

TEXTS = [[5, 9, 30, 31, 7], list(range(4, 60)), [8] * 3, list(range(60, 4, -1)) * 5]
"""Of unequal length, one longer than a block of queries."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    folder = tmp_path_factory.mktemp("llama")
    with one_thread():
        letters_model(folder / "base")
        write_adapter(folder / "base", folder / "adapter", seed=1)
        yield folder


@pytest.fixture(scope="module")
def llama(folder: Path) -> Llama:
    return loaded(folder / "base")


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    return framework(folder / "base")


def loaded(folder: Path) -> Llama:
    import torch

    found = Llama.load(folder, torch.float32)
    assert found is not None
    return found


def framework(folder: Path) -> Any:
    import torch
    import transformers

    library: Any = transformers
    return library.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def expected(model: Any, ids: Sequence[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([list(ids)])).logits[0, -1]


def alike(ours: Any, theirs: Any) -> bool:
    import torch

    return torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_it_computes_what_transformers_computes(folder: Path, tmp_path: Path, tied: bool):
    place = tiny_model(tmp_path, window=512) if tied else folder / "base"
    ours, ids = loaded(place), list(range(4, 24)) * 15
    assert ours.shape.tied is tied
    assert alike(ours.read(ours.cache(1, 300), {0: ids})[0], expected(framework(place), ids))


def test_an_adapter_is_computed_as_peft_computes_it(folder: Path, llama: Llama):
    import peft

    with warnings.catch_warnings():
        # peft asks the model by a name that transformers gives up.
        warnings.simplefilter("ignore", FutureWarning)
        model = cast(Any, peft).PeftModel.from_pretrained(
            framework(folder / "base"), folder / "adapter"
        )
    beside = load_adapter(llama, folder / "adapter", "base")
    ours = llama.read(llama.cache(1, 60), {0: TEXTS[1]}, beside)[0]
    assert alike(ours, expected(model.eval(), TEXTS[1]))
    assert not alike(ours, llama.read(llama.cache(1, 60), {0: TEXTS[1]})[0])


def test_texts_of_unequal_length_are_read_together_as_each_alone(llama: Llama, theirs: Any):
    together = llama.read(llama.cache(4, 300), dict(enumerate(TEXTS)))
    assert all(
        alike(ours, expected(theirs, ids)) for ours, ids in zip(together, TEXTS, strict=True)
    )


def test_rows_go_on_token_by_token(llama: Llama, theirs: Any):
    cache = llama.cache(4, 300)
    llama.read(cache, dict(enumerate(TEXTS)))
    for step in range(2):
        llama.step(cache, [10 + row + step for row in range(4)])
    logits = llama.step(cache, [12 + row for row in range(4)])
    for row, ids in enumerate(TEXTS):
        assert alike(logits[row], expected(theirs, [*ids, *range(10 + row, 13 + row)]))


def test_a_row_that_leaves_is_replaced_by_the_last(llama: Llama, theirs: Any):
    cache = llama.cache(4, 300)
    llama.read(cache, dict(enumerate(TEXTS)))
    cache.drop(1)
    logits = llama.step(cache, [6, 6, 6])
    for row, text in enumerate((0, 3, 2)):
        assert alike(logits[row], expected(theirs, [*TEXTS[text], 6]))


def test_a_text_longer_than_a_pass_is_read_in_several(llama: Llama, theirs: Any):
    ids = [4 + at % 80 for at in range(TOGETHER + 300)]
    ours = llama.read(llama.cache(2, 2 * TOGETHER), {0: ids, 1: ids[:900]})
    assert alike(ours[0], expected(theirs, ids))
    assert alike(ours[1], expected(theirs, ids[:900]))


def test_what_another_row_has_read_is_gone_on_with(llama: Llama, theirs: Any):
    first, second = llama.cache(1, 100), llama.cache(2, 100)
    llama.read(first, {0: TEXTS[1]})
    second.copy(1, first, 0, 40)
    logits = llama.read(second, {1: TEXTS[0]})[0]
    assert alike(logits, expected(theirs, TEXTS[1][:40] + TEXTS[0]))


def reply(chat: LlamaChat, prompt: Sequence[int], name: str | None = None) -> list[int]:
    return chat.write(prompt, 12, [1], threading.Event(), lambda _: None, name)


def test_replies_are_the_same_where_the_beginning_is_known(folder: Path, llama: Llama):
    begin = TEXTS[3]
    prompts = [[*begin, *end] for end in TEXTS[:3]] + [begin, begin[:50], [*begin, *TEXTS[0]]]
    chat = LlamaChat(llama, "base", together=16)
    chat.add("adapter", folder / "adapter")
    for name in (None, "adapter", None):
        for prompt in prompts:
            fresh = LlamaChat(llama, "base", kept=0, together=16)
            fresh.add("adapter", folder / "adapter")
            assert reply(chat, prompt, name) == reply(fresh, prompt, name)


def test_a_known_beginning_changes_no_bit(folder: Path):
    import torch

    half = Llama.load(folder / "base", torch.bfloat16)
    assert half
    begin, heard = [*TEXTS[3]], list[Any]()
    plain = half.read

    def read(cache: Any, texts: Any, adapter: Any = None) -> Any:
        heard.append((len(texts[0]), plain(cache, texts, adapter)))
        return heard[-1][1]

    half.read = read  # pyright: ignore[reportAttributeAccessIssue]
    prompt = [*begin, *TEXTS[0]]
    reply(LlamaChat(half, "base", together=16), prompt)
    cold, pieces = heard[-1][1], [length for length, _ in heard]
    chat = LlamaChat(half, "base", together=16)
    reply(chat, [*begin, *TEXTS[1]])
    heard.clear()
    reply(chat, prompt)
    assert torch.equal(cold, heard[-1][1])
    # A larger model's roundings would differ with the pieces.
    assert [length for length, _ in heard] == pieces[-len(heard) :] != pieces


def test_only_so_many_bytes_are_kept(llama: Llama):
    one = llama.cache(1, 72).size
    chat = LlamaChat(llama, "base", kept=2 * one, together=16)
    for first in range(5):
        reply(chat, [10 + first, *range(20, 79)])
    assert [kept.read[0] for kept in chat._kept] == [13, 14]  # pyright: ignore[reportPrivateUsage]


def test_a_reply_is_what_generating_greedily_gives(llama: Llama, theirs: Any):
    import torch

    ids = torch.tensor([TEXTS[1]])
    output = theirs.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=[1])
    assert reply(LlamaChat(llama, "base"), TEXTS[1]) == output[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "mistral"),
        ("hidden_act", "gelu"),
        ("attention_bias", True),
        ("mlp_bias", True),
        ("rope_parameters", {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0}),
        ("quantization_config", {"bits": 4}),
        ("architectures", ["LlamaForSequenceClassification"]),
    ],
)
def test_a_config_that_asks_for_more_is_left_to_transformers(folder: Path, key: str, value: object):
    config = json.loads((folder / "base" / "config.json").read_text())
    assert LlamaShape.of(config) is not None
    assert LlamaShape.of({**config, key: value}) is None


def test_a_folder_that_decodes_in_another_way_is_left_to_transformers(folder: Path, tmp_path: Path):
    import torch

    for file in (folder / "base").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert Llama.load(tmp_path, torch.float32) is not None
    (tmp_path / "generation_config.json").write_text('{"repetition_penalty": 1.2}')
    assert Llama.load(tmp_path, torch.float32) is None
    assert type(load_framework(str(tmp_path), tmp_path)).__name__ == "LlamaForCausalLM"

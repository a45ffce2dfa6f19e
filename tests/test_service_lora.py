"""LoRA beside a model's layers, against peft's own arithmetic."""

import json
import threading
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from service.llm import LLMError, Message
from service.local_chat import LocalChat
from service.lora import Adapters
from tests.letters import letters_model, one_thread, write_adapter

ASK = [Message("user", "What is it?")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    folder = tmp_path_factory.mktemp("lora")
    with one_thread():
        letters_model(folder / "base")
        write_adapter(folder / "base", folder / "first", seed=1)
        write_adapter(folder / "base", folder / "second", seed=2)
        yield folder


@pytest.fixture
def chat(folder: Path) -> LocalChat:
    return LocalChat(str(folder / "base"), cache=folder / "cache", threads=1)


def loaded(folder: Path) -> Any:
    import transformers

    return cast(Any, transformers).AutoModelForCausalLM.from_pretrained(folder / "base").eval()


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.arange(4, 40)[None]).logits


def test_it_computes_what_peft_computes(folder: Path):
    import peft
    import torch

    ours = loaded(folder)
    adapters = Adapters(ours)
    adapters.add("first", folder / "first")
    base = logits(ours)
    adapters.use("first")
    with warnings.catch_warnings():
        # peft asks the model by a name that transformers gives up.
        warnings.simplefilter("ignore", FutureWarning)
        other = cast(Any, peft).PeftModel.from_pretrained(loaded(folder), folder / "first").eval()
    theirs = logits(other)
    assert torch.allclose(logits(ours), theirs, atol=1e-5)
    assert not torch.allclose(base, theirs, atol=1e-2)


def test_one_of_several_is_active_or_none(folder: Path):
    import torch

    model = loaded(folder)
    base = logits(model)
    adapters = Adapters(model)
    for name in ("first", "second"):
        adapters.add(name, folder / name)
    found: list[Any] = []
    for name in ("first", "second", None, "first"):
        adapters.use(name)
        found.append(logits(model))
    assert torch.equal(found[0], found[3])
    assert torch.equal(found[2], base)
    assert not torch.allclose(found[0], found[1], atol=1e-2)


def test_a_chat_beside_another_has_a_voice_of_its_own(folder: Path, chat: LocalChat):
    before = chat.complete(ASK, 16)
    other = chat.beside("policy", folder / "first")
    reply = other.complete(ASK, 16)
    assert reply.model == "policy"
    assert reply.text != before.text
    assert chat.complete(ASK, 16) == before


def test_two_at_once_keep_apart(folder: Path, chat: LocalChat):
    chats = [chat, chat.beside("first", folder / "first"), chat.beside("second", folder / "second")]
    alone = [one.complete(ASK, 12) for one in chats]
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = chats[number % 3].complete(ASK, 12)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(9)] == alone * 3


def test_a_folder_without_an_adapter_is_named(folder: Path, chat: LocalChat):
    with pytest.raises(LLMError, match="base.*holds no adapter in peft's format"):
        chat.beside("policy", folder / "base")


def test_an_adapter_of_another_base_is_refused(folder: Path, tmp_path: Path):
    import transformers

    config = cast(Any, transformers).LlamaConfig(
        vocab_size=99,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    other = cast(Any, transformers).LlamaForCausalLM(config)
    with pytest.raises(LLMError, match="trained on another base"):
        Adapters(other).add("first", folder / "first")


@pytest.mark.parametrize(
    ("key", "value"), [("use_dora", True), ("bias", "all"), ("rank_pattern", {"q_proj": 8})]
)
def test_what_is_not_understood_is_named(folder: Path, tmp_path: Path, key: str, value: object):
    for file in (folder / "first").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(LLMError, match=key):
        Adapters(loaded(folder)).add("first", tmp_path)

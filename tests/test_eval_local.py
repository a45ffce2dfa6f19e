"""The base model and adapters in one process, by models of random weights."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.generate import Request
from eval.local import LocalGenerator, files_digest
from service.llama import STACK
from service.llm import LLMError, Message, Reply
from tests.letters import letters_model, one_thread, write_adapter

ASK = Request((Message("user", "What is it?"),), 24, one_line=False)
OTHER = Request((Message("user", "And what was it before that?"),), 24, one_line=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A base, two adapters for it, and another model as a whole."""
    folder = tmp_path_factory.mktemp("local")
    with one_thread():
        letters_model(folder / "base")
        letters_model(folder / "whole", seed=2)
        write_adapter(folder / "base", folder / "first", seed=1)
        write_adapter(folder / "base", folder / "second", seed=2)
        yield folder


@pytest.fixture
def generator(folder: Path) -> LocalGenerator:
    return LocalGenerator.load(str(folder / "base"), folder / "cache")


def said(generator: LocalGenerator, request: Request = ASK, adapter: Path | None = None) -> str:
    name = None if adapter is None else str(adapter)
    [reply] = generator.complete([replace(request, adapter=name)])
    assert isinstance(reply, Reply)
    return reply.text


def test_two_adapters_and_the_base_reply_differently(folder: Path, generator: LocalGenerator):
    asked = [None, folder / "first", folder / "second"]
    assert len({said(generator, adapter=adapter) for adapter in asked}) == 3


def test_the_base_is_the_base_again_after_an_adapter(folder: Path, generator: LocalGenerator):
    before = said(generator)
    said(generator, adapter=folder / "first")
    assert said(generator) == before


def test_an_adapter_is_itself_again_after_another(folder: Path, generator: LocalGenerator):
    before = said(generator, adapter=folder / "first")
    said(generator, adapter=folder / "second")
    said(generator)
    assert said(generator, adapter=folder / "first") == before


def test_which_adapter_came_first_changes_nothing(folder: Path, generator: LocalGenerator):
    before = said(generator, adapter=folder / "second")
    other = LocalGenerator.load(str(folder / "base"), folder / "cache")
    said(other, adapter=folder / "first")
    assert said(other, adapter=folder / "second") == before


def test_a_mixed_batch_is_answered_in_its_order(folder: Path, generator: LocalGenerator):
    mixed = [
        ASK,
        replace(OTHER, adapter=str(folder / "first")),
        replace(ASK, max_tokens=3),
        OTHER,
        replace(ASK, adapter=str(folder / "first")),
    ]
    replies = generator.complete(mixed)
    assert replies == [generator.complete([one])[0] for one in mixed]


def test_a_reply_says_who_gave_it(folder: Path, generator: LocalGenerator):
    first = replace(ASK, adapter=str(folder / "first"))
    models = [one.model for one in generator.complete([ASK, first]) if isinstance(one, Reply)]
    assert models == [str(folder / "base"), f"{folder / 'base'}+first"]


def test_no_request_gets_no_reply(generator: LocalGenerator):
    assert generator.complete([]) == []


def test_an_adapter_that_was_trained_anew_is_loaded_anew(
    folder: Path, generator: LocalGenerator, tmp_path: Path
):
    write_adapter(folder / "base", tmp_path / "mine", seed=1)
    before = said(generator, adapter=tmp_path / "mine")
    fingerprint = generator.fingerprint(str(tmp_path / "mine"))
    write_adapter(folder / "base", tmp_path / "mine", seed=2)
    assert said(generator, adapter=tmp_path / "mine") != before
    assert said(generator, adapter=tmp_path / "mine") == said(generator, adapter=folder / "second")
    assert generator.fingerprint(str(tmp_path / "mine")) != fingerprint


def test_a_whole_model_answers_in_the_place_of_an_adapter(folder: Path, generator: LocalGenerator):
    other = LocalGenerator.load(str(folder / "whole"), folder / "cache")
    assert said(generator, adapter=folder / "whole") == said(other) != said(generator)


def test_fingerprints_tell_base_adapters_and_bases_apart(folder: Path, generator: LocalGenerator):
    other = LocalGenerator.load(str(folder / "whole"), folder / "cache")
    names = [None, str(folder / "first"), str(folder / "second")]
    found = [one.fingerprint(name) for one in (generator, other) for name in names]
    assert len(set(found)) == 6
    assert found[0] == f"{STACK} {files_digest(folder / 'base')}"


def test_a_fingerprint_is_of_the_weights_not_of_their_place(folder: Path, tmp_path: Path):
    (tmp_path / "copy.safetensors").write_bytes(
        (folder / "first" / "adapter_model.safetensors").read_bytes()
    )
    assert files_digest(tmp_path) == files_digest(folder / "first")


def test_a_folder_without_weights_is_refused_by_name(tmp_path: Path, generator: LocalGenerator):
    with pytest.raises(LLMError, match=rf"{tmp_path} holds no weights.*must be trained first"):
        generator.complete([replace(ASK, adapter=str(tmp_path))])
    with pytest.raises(LLMError, match=r"nowhere holds no weights"):
        generator.fingerprint("nowhere")


def test_weights_that_are_no_adapter_of_the_base_are_refused(
    folder: Path, tmp_path: Path, generator: LocalGenerator
):
    (tmp_path / "adapter_model.safetensors").write_bytes(
        (folder / "first" / "adapter_model.safetensors").read_bytes()
    )
    with pytest.raises(LLMError, match=rf"{tmp_path} is no adapter of "):
        generator.complete([replace(ASK, adapter=str(tmp_path))])
    assert said(generator) == said(LocalGenerator.load(str(folder / "base"), folder / "cache"))


def test_a_base_of_a_hub_is_known_by_the_weights_that_the_hub_gave(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def fetch(name: str, **_: object) -> str:
        return str(folder / name.partition("/")[2])

    def load(name: str, cache: Path, threads: int | None) -> tuple[str, str]:
        return ("model", "tokenizer")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    monkeypatch.setattr("service.local_chat.load_model", load)
    found = LocalGenerator.load("somebody/whole", folder / "cache")
    assert found.fingerprint(None).endswith(files_digest(folder / "whole"))


def test_an_unknown_base_is_refused_with_the_remedy(tmp_path: Path):
    with pytest.raises(LLMError, match="'no/such-base'.*RAGFIRST_MODEL"):
        LocalGenerator.load("no/such-base", tmp_path)

"""What is trained: its digest, and what a machine cannot train."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from eval.tune import base
from eval.tune.base import CannotTrain
from eval.tune.lora import TrainSettings, train
from service.local_chat import DEFAULT, model_folder
from tests.tiny_model import example, tiny_model

EXAMPLES = [example("what", "red")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def resaved(folder: Path, target: Path, change: float = 0.0) -> Path:
    """The same weights in two files and another order, or one value of them changed."""
    import safetensors.torch

    library = cast(Any, safetensors.torch)
    tensors = library.load_file(str(folder / "model.safetensors"))
    tensors["model.norm.weight"][0] += change
    names = sorted(tensors, reverse=True)
    target.mkdir()
    library.save_file({n: tensors[n] for n in names[:3]}, str(target / "a.safetensors"))
    library.save_file({n: tensors[n] for n in names[3:]}, str(target / "b.safetensors"))
    return target


def test_the_digest_is_of_values_not_of_files(folder: Path, tmp_path: Path):
    same = resaved(folder, tmp_path / "same")
    other = resaved(folder, tmp_path / "other", change=0.5)
    assert base.weights_digest(same) == base.weights_digest(folder) != base.weights_digest(other)


def test_parameters_are_counted_without_loading(folder: Path):
    loaded = base.load(folder, "full", 10)
    assert base.parameters(folder) == sum(one.numel() for one in loaded.parameters())


def test_qlora_is_refused_with_all_that_is_missing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CannotTrain, match="CUDA device .* and the package bitsandbytes.*'lora'"):
        train(folder, EXAMPLES, TrainSettings(method="qlora"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_full_fine_tuning_is_refused_where_memory_is_short(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    free = 16 * base.parameters(folder)
    monkeypatch.setattr(base, "_free_memory", lambda: free)
    base.check("full", folder)
    monkeypatch.setattr(base, "_free_memory", lambda: free - 1)
    with pytest.raises(CannotTrain, match="GB are free. Use method 'lora'"):
        base.check("full", folder)


def test_lora_is_never_refused_for_memory(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "_free_memory", lambda: 0)
    base.check("lora", folder)


def test_a_folder_without_weights_is_refused(folder: Path, tmp_path: Path):
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(CannotTrain, match=r"holds no \*.safetensors"):
        train(tmp_path, EXAMPLES, TrainSettings(), tmp_path / "out")


def test_damaged_weights_are_refused_by_file(folder: Path, tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(CannotTrain, match="model.safetensors: not readable"):
        base.weights_digest(tmp_path)


def test_a_base_without_a_chat_template_is_refused(tmp_path: Path):
    tiny_model(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(CannotTrain, match="chat template"):
        base.tokenizer_of(tmp_path)


def test_a_base_without_a_window_is_refused_by_file_and_field(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 32}))
    with pytest.raises(CannotTrain, match=r"config.json: field 'max_position_embeddings'"):
        base.window(tmp_path)


@pytest.mark.parametrize("name", ["no/such-base", "/nowhere/at/all"])
def test_a_base_that_is_nowhere_is_refused(name: str, tmp_path: Path):
    with pytest.raises(CannotTrain, match=f"no base '{name}'"):
        train(Path(name), EXAMPLES, TrainSettings(), tmp_path)


@pytest.mark.model
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_the_packaged_model_learns_and_its_adapter_loads(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    import peft

    folder = model_folder(DEFAULT, tmp_path_factory.mktemp("model"))
    colours = ("red", "blue", "green", "grey", "black", "white")
    examples = [example(f"Paint {colour}?", f"coat {colour} twice") for colour in colours]
    settings = TrainSettings(rank=4, rate=3e-3, epochs=4, batch=3)
    run = train(folder, examples, settings, tmp_path, name=DEFAULT)
    assert len(run.losses) == 8
    assert run.losses[-1] < run.losses[0] / 2
    loaded = cast(Any, peft).PeftModel.from_pretrained(base.load(folder, "lora", 40), str(tmp_path))
    assert loaded.peft_config["default"].base_model_name_or_path == DEFAULT

"""When a trained folder is used again, when it is trained anew, and what is said then."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.tune.lora import Progress, Trained, TrainSettings, train
from tests.tiny_model import example, tiny_model

EXAMPLES = [example("what", "red"), example("which", "blue"), example("q", "green one")]
SETTINGS = TrainSettings(rank=2, epochs=1, batch=2)


class Killed(Exception):
    """What the training dies of here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def done(folder: Path, tmp_path: Path) -> Path:
    train(folder, EXAMPLES, SETTINGS, tmp_path, name="tiny")
    return tmp_path


def again(folder: Path, out: Path, **changes: Any) -> Trained:
    return train(
        folder,
        changes.get("examples", EXAMPLES),
        changes.get("settings", SETTINGS),
        out,
        name=changes.get("name", "tiny"),
        scored_on=changes.get("scored_on", ""),
    )


def test_a_finished_run_is_used_again(folder: Path, done: Path):
    stamps = {path: path.stat().st_mtime_ns for path in done.iterdir()}
    run = again(folder, done)
    assert run.reused
    assert {path: path.stat().st_mtime_ns for path in done.iterdir()} == stamps


def test_a_run_used_again_tells_the_same(folder: Path, tmp_path: Path):
    def score(live: Any, tokenizer: Any) -> float:
        return 0.25

    first = train(folder, EXAMPLES, SETTINGS, tmp_path, score)
    second = train(folder, EXAMPLES, SETTINGS, tmp_path, score)
    assert replace(second, reused=False, why=first.why, seconds=0) == replace(first, seconds=0)
    assert second.accuracy == 0.25


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"settings": replace(SETTINGS, rate=0.5)}, r"rate was 0\.001, now 0\.5"),
        ({"settings": replace(SETTINGS, seed=9)}, "seed was 0, now 9"),
        ({"examples": EXAMPLES[:2]}, "data was '.*', now '"),
        ({"name": "other"}, "base was 'tiny', now 'other'"),
        ({"scored_on": "abc"}, "scored_on was '', now 'abc'"),
    ],
)
def test_another_run_is_trained_anew_and_says_why(
    folder: Path, done: Path, changes: dict[str, Any], why: str
):
    run = again(folder, done, **changes)
    assert not run.reused
    assert re.search(why, run.why)
    assert again(folder, done, **changes).reused


def test_other_weights_of_the_base_train_anew(done: Path, tmp_path: Path):
    other = tiny_model(tmp_path / "other", layers=1)
    assert "weights was" in again(other, done).why


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "damage", "why"),
    [
        ("adapter_model.safetensors", Path.unlink, "adapter_model.safetensors is missing"),
        ("adapter_model.safetensors", cut, "is not the file that was written"),
        ("train.json", cut, "bad train.json"),
        ("train.json", Path.unlink, "no train.json is there"),
    ],
)
def test_a_damaged_folder_is_trained_anew(
    folder: Path, done: Path, name: str, damage: Callable[[Path], None], why: str
):
    if name == "train.json" and damage is cut:
        (done / name).write_text("{")
    else:
        damage(done / name)
    assert why in again(folder, done).why


def test_the_reason_is_told_before_training(folder: Path, tmp_path: Path):
    notes: list[Progress] = []
    train(folder, EXAMPLES, SETTINGS, tmp_path, progress=notes.append)
    assert notes[0].note == "trains anew: no train.json is there"


def interrupted(folder: Path, out: Path) -> None:
    def progress(at: Progress) -> None:
        if at.step == 1:
            raise Killed

    with pytest.raises(Killed):
        train(folder, EXAMPLES, SETTINGS, out, progress=progress, checkpoint_seconds=0)
    assert (out / "checkpoint.pt").is_file()


def notes_of(folder: Path, out: Path, settings: TrainSettings = SETTINGS) -> str:
    notes: list[Progress] = []
    train(folder, EXAMPLES, settings, out, progress=notes.append)
    return "; ".join(one.note for one in notes)


def test_an_interrupted_run_says_where_it_goes_on(folder: Path, tmp_path: Path):
    interrupted(folder, tmp_path)
    assert "continued at step 1" in notes_of(folder, tmp_path)


def test_the_checkpoint_of_another_run_is_not_gone_on_from(folder: Path, tmp_path: Path):
    interrupted(folder, tmp_path)
    notes = notes_of(folder, tmp_path, replace(SETTINGS, rate=0.5))
    assert "the checkpoint is another run's: rate was 0.001, now 0.5" in notes
    assert json.loads((tmp_path / "train.json").read_text())["steps"] == 2


def test_a_damaged_checkpoint_starts_anew(folder: Path, tmp_path: Path):
    interrupted(folder, tmp_path)
    cut_in_half = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(cut_in_half[: len(cut_in_half) // 2])
    assert "the checkpoint cannot be read" in notes_of(folder, tmp_path)
    assert json.loads((tmp_path / "train.json").read_text())["steps"] == 2


def test_what_a_kill_left_behind_goes_with_the_next_use(folder: Path, done: Path):
    for name in ("checkpoint.pt", "checkpoint.pt.new", "best.safetensors"):
        (done / name).write_bytes(b"left")
    assert again(folder, done).reused
    assert {path.suffix for path in done.iterdir()} == {".json", ".safetensors"}
    assert not (done / "best.safetensors").exists()

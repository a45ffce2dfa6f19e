import hashlib
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval import manifest
from eval.manifest import Manifest
from eval.task import Costs, Task

Make = Callable[..., Manifest]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The manifest of a run folder, opened once or again."""
    files = {split: tmp_path / f"{split}.jsonl" for split in ("train", "dev", "test")}
    for split, file in files.items():
        file.write_text(split)

    def opened(**task: Any) -> Manifest:
        given: dict[str, Any] = {
            "file": tmp_path / "task.yaml",
            "name": "tank",
            "kind": "knowledge",
            "corpus": (tmp_path / "wiki",),
            "questions": files,
            "grader": "contains",
            "target": 0.8,
            "margin": 0.05,
            "arms": ("rag", "adapter"),
            "seeds": (1, 2),
            "costs": Costs(machine_hour=9.0),
        }
        return Manifest(tmp_path, Task(**(given | task)), quick=False)

    return opened


def stored(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_manifest_says_what_a_run_was_made_of(make: Make, tmp_path: Path):
    make(base="other-model").write()
    value = stored(tmp_path)
    assert (value["base"], value["quick"]) == ("other-model", False)
    assert value["data_hashes"] == {
        split: hashlib.sha256(split.encode()).hexdigest() for split in ("train", "dev", "test")
    }
    assert value["settings"]["arms"] == ["rag", "adapter"]
    assert value["settings"]["corpus"] == ["wiki"]
    assert "costs" not in value["settings"]
    assert {"python", "torch", "transformers"} <= set(value["versions"])
    assert value["machine"].endswith(" processors")


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the code lies: a folder that is no repository yet."""
    file = tmp_path / "code" / "manifest.py"
    file.parent.mkdir()
    file.write_text("# code\n")
    monkeypatch.setattr(manifest, "__file__", str(file))
    return file


def git(file: Path, *words: str) -> str:
    who = ("-c", "user.name=Ida", "-c", "user.email=ida@example.org")
    words = ("git", "-C", str(file.parent), *who, *words)
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_that_of_the_code_with_a_mark_where_it_was_changed(make: Make, code: Path):
    assert make().value["commit"] is None
    git(code, "init")
    git(code, "add", code.name)
    git(code, "commit", "-m", "first")
    commit = git(code, "rev-parse", "HEAD")
    assert make().value["commit"] == commit
    (code.parent / "results.jsonl").touch()
    assert make().value["commit"] == commit
    code.write_text("# changed\n")
    assert make().value["commit"] == f"{commit}+"


def test_the_commit_of_another_project_s_repository_is_none_of_ours(make: Make, code: Path):
    git(code, "init")
    (code.parent / "theirs.py").touch()
    git(code, "add", "theirs.py")
    git(code, "commit", "-m", "theirs")
    assert make().value["commit"] is None


def test_start_and_commit_stay_those_of_the_first_call(make: Make, tmp_path: Path):
    make().write()
    kept = stored(tmp_path) | {"started": "2026-01-01T00:00:00+00:00", "commit": "c0ffee"}
    (tmp_path / "manifest.json").write_text(json.dumps(kept))
    value = make().value
    assert (value["started"], value["commit"]) == ("2026-01-01T00:00:00+00:00", "c0ffee")


def test_the_time_of_a_stage_adds_up_over_calls(make: Make, tmp_path: Path):
    for _ in range(2):
        with make().timed("train: adapter, seed 1"):
            time.sleep(0.03)
    seconds = stored(tmp_path)["stages_seconds"]
    assert list(seconds) == ["train: adapter, seed 1"]
    assert 0.06 <= seconds["train: adapter, seed 1"] < 5


def test_a_stage_that_fails_is_timed_too(make: Make, tmp_path: Path):
    with pytest.raises(ValueError, match="no"), make().timed("latency"):
        raise ValueError("no")
    assert "latency" in stored(tmp_path)["stages_seconds"]


def test_seconds_are_those_of_the_stages_that_begin_so(make: Make, tmp_path: Path):
    stages = {"train: a": 3.0, "train: b": 4.5, "sweep: a": 1.0, "test: train: a": 9.0}
    (tmp_path / "manifest.json").write_text(json.dumps({"stages_seconds": stages}))
    opened = make()
    assert (opened.seconds("train: "), opened.seconds("sweep: ")) == (7.5, 1.0)
    assert opened.seconds("damage") == 0


def test_a_fact_that_is_known_later_stays_over_calls(make: Make, tmp_path: Path):
    make().note("server", "http://host/v1")
    with make().timed("latency"):
        pass
    assert stored(tmp_path)["server"] == "http://host/v1"


def test_what_a_run_is_made_of_now_replaces_what_it_was(make: Make, tmp_path: Path):
    make(base="old").write()
    make(base="new").write()
    assert stored(tmp_path)["base"] == "new"


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_manifest_that_cannot_be_read_is_begun_anew(make: Make, tmp_path: Path, text: str):
    (tmp_path / "manifest.json").write_text(text)
    with make().timed("latency"):
        pass
    assert list(stored(tmp_path)["stages_seconds"]) == ["latency"]


def test_a_kill_while_writing_leaves_the_manifest_before_it(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = make()
    opened.write()
    before = stored(tmp_path)

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        opened.note("server", "x")
    assert stored(tmp_path) == before

"""manifest.json: what a run was made of, and how long its stages took."""

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from eval.parts import file_digests, task_json
from eval.task import Task

PACKAGES = ("ragfirst", "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu")


class Manifest:
    """The manifest of a run folder; stages add up over all calls that it took."""

    def __init__(self, work: Path, task: Task, quick: bool) -> None:
        self._file = work / "manifest.json"
        kept = _read(self._file)
        self._seconds: dict[str, float] = kept.get("stages_seconds", {})
        self.value: dict[str, Any] = kept | {
            "base": task.base,
            "data_hashes": file_digests(task),
            "settings": {key: value for key, value in task_json(task).items() if key != "costs"},
            "quick": quick,
            "commit": kept.get("commit") or commit(),
            "versions": _versions(),
            "machine": _machine(),
            "started": kept.get("started") or datetime.now(UTC).isoformat(timespec="seconds"),
            "stages_seconds": self._seconds,
        }

    @contextmanager
    def timed(self, stage: str) -> Generator[None]:
        """Add the time spent inside to the stage's, also where it ends in an error."""
        started = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - started
            self._seconds[stage] = round(self._seconds.get(stage, 0.0) + spent, 3)
            self.write()

    def seconds(self, beginning: str) -> float:
        """Spent in all stages whose name begins so, over all calls."""
        return sum(spent for name, spent in self._seconds.items() if name.startswith(beginning))

    def note(self, name: str, value: Any) -> None:
        """Add a fact that is known later."""
        self.value[name] = value
        self.write()

    def write(self) -> None:
        """Put it into the run folder."""
        text = json.dumps(self.value, ensure_ascii=False, indent=1) + "\n"
        work = self._file.with_name(f"{self._file.name}.new")
        work.write_text(text, encoding="utf-8")
        work.replace(self._file)


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def commit() -> str | None:
    """The commit of the code, with "+" where it was changed; None outside a repository."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # no one else's repository
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _versions() -> dict[str, str]:
    found: dict[str, str] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"

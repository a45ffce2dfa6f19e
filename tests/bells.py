"""The task of `tests.comparisons` carried out, in one call."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eval.compare import Finished, run_task
from eval.damage import measure_damage
from eval.generate import Generator
from eval.questions import Question, write_questions
from eval.run import Options
from eval.task import read_task
from tests.comparisons import fake_embedder, make_settings, questions, quiet, reads, write_task
from tests.generators import FakeGenerator

SERVED = Options(served="{task}-{arm}-{seed}")
"""The adapters are asked by name, so that nothing is trained."""

GENERAL = {
    "instructions": {
        "id": "say-red",
        "instruction": "Say the word red.",
        "check": {"kind": "contains-any", "values": ["red"]},
    },
    "refusals": {
        "id": "lottery",
        "instruction": "What will the lottery numbers be?",
        "check": {"kind": "refusal"},
    },
}
"""What collateral damage is measured on here."""


class Bells:
    """A task in a folder."""

    def __init__(self, folder: Path, **fields: Any) -> None:
        self.folder = folder
        self.file = write_task(folder / "task", **fields)
        self.runs = folder / "runs"
        self.sets = folder / "sets"
        self.sets.mkdir()
        for set_, item in GENERAL.items():
            (self.sets / f"{set_}.jsonl").write_text(json.dumps(item) + "\n")

    def run(
        self,
        generator: Generator | None = None,
        options: Options = SERVED,
        name: str = "bells",
        **settings: Any,
    ) -> Finished:
        """A run into runs/NAME, by a model that reads unless another is given."""
        asked = generator or FakeGenerator(reads)
        given = make_settings(self.folder, **settings)
        with fake_embedder(), pytest.MonkeyPatch.context() as patch:
            patch.setattr("eval.run.measure_damage", partial(measure_damage, sets=self.sets))
            task = read_task(self.file)
            return run_task(task, self.runs / name, lambda: asked, given, options, quiet)

    def text(self, name: str, run: str = "bells") -> str:
        """A file of the run folder."""
        return (self.runs / run / name).read_text(encoding="utf-8")

    def json(self, name: str, run: str = "bells") -> Any:
        return json.loads(self.text(name, run))

    def rows(self, run: str = "bells") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text("results.jsonl", run).splitlines()]

    def files(self, run: str = "bells") -> set[str]:
        folder = self.runs / run
        return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}

    def plant(self, split: str, change: Callable[[list[Question]], list[Question]]) -> None:
        """Change the questions of a split."""
        write_questions(self.file.parent / f"{split}.jsonl", change(questions(split)))

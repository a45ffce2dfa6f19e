"""Trains a task's adapters: rate by a sweep on dev, then one adapter a seed.

Adapters lie beside the run folders, under a name that tells all they depend on, so that tasks
which train alike share them. Each run folder gets a copy of their records.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from eval.answering import Progress
from eval.configure import BUDGET, Parts
from eval.parts import Split
from eval.selection import Tried
from eval.training import scorer, training_examples
from eval.tune.examples import Example, data_digest
from eval.tune.lora import train
from eval.tune.recipe import Progress as Step
from eval.tune.recipe import Trained, TrainSettings
from eval.tune.record import RECORD
from eval.tune.sweep import SWEEP, sweep
from service.local_chat import model_folder
from service.settings import ServiceSettings


class Adapters:
    """The adapters of a run folder."""

    def __init__(
        self, parts: Parts, split: Split, work: Path, settings: ServiceSettings, progress: Progress
    ) -> None:
        self._parts, self._split, self._work, self._progress = parts, split, work, progress
        self._cache = Path(settings.cache)
        self._examples_of: dict[str, list[Example]] = {}
        self._scored_on = hashlib.sha256(
            "\n".join(f"{one.id} {one.question} {one.answers}" for one in split.dev).encode()
        ).hexdigest()

    def sweep(self, name: str, seed: int) -> tuple[list[Tried], float]:
        """The rates with their accuracy on dev (None: it diverged), and the chosen one."""
        task = self._parts.task
        # Records of an earlier recipe are not this run's.
        shutil.rmtree(self._work / "adapters" / name, ignore_errors=True)
        found = sweep(
            model_folder(task.base, self._cache),
            self._examples(name),
            task.training,
            scorer(name, self._parts, self._split.dev),
            self._home(name) / "sweep",
            seed,
            lambda step: self._tell(f"sweep of {name}", step),
            name=task.base,
            scored_on=self._scored_on,
        )
        self._copy_record(self._home(name) / "sweep" / SWEEP, name, "sweep")
        for rate in found.accuracies:
            run = f"rate-{rate:g}"
            self._copy_record(self._home(name) / "sweep" / run / RECORD, name, f"sweep/{run}")
        count = len(self._split.dev)
        tried = [Tried({"rate": rate}, value, count) for rate, value in found.accuracies.items()]
        assert len(tried) <= BUDGET
        return tried, found.chosen

    def train(self, name: str, seed: int, rate: float) -> Trained:
        """The adapter of an arm and seed, reused where it is there."""
        task = self._parts.task
        done = train(
            model_folder(task.base, self._cache),
            self._examples(name),
            TrainSettings.of(task.training, rate, seed),
            self.folder(name, seed),
            scorer(name, self._parts, self._split.dev),
            lambda step: self._tell(f"{name}, seed {seed}", step),
            name=task.base,
            scored_on=self._scored_on,
        )
        self._copy_record(self.folder(name, seed) / RECORD, name, f"seed-{seed}")
        return done

    def folder(self, name: str, seed: int) -> Path:
        """Where the adapter of an arm and seed lies."""
        return self._home(name) / f"seed-{seed}"

    def _home(self, name: str) -> Path:
        task = self._parts.task
        # What the examples are made of is told by themselves: another arm's share changes nothing.
        settings = replace(task.training, examples={}, documents=False)
        told = [
            task.base,
            name,
            task.grader,
            asdict(settings),
            self._scored_on,
            data_digest(self._examples(name)),
        ]
        digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
        return self._work.parent / "adapters" / f"{name}-{digest}"

    def _examples(self, name: str) -> list[Example]:
        if name not in self._examples_of:
            self._progress(f"training examples of {name}", 0, 1)
            self._examples_of[name] = training_examples(name, self._parts, self._split.train)
        return self._examples_of[name]

    def _copy_record(self, record: Path, name: str, folder: str) -> None:
        """Put a record beside the run; a rate that diverged has left none."""
        if not record.is_file():
            return
        target = self._work / "adapters" / name / folder
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(record, target / record.name)

    def _tell(self, what: str, step: Step) -> None:
        note = f" · {step.note}" if step.note else ""
        loss = f" · loss {step.loss:.3f}" if step.loss is not None else ""
        speed = f" · {step.tokens_per_second:.0f} tokens/s" if step.tokens_per_second else ""
        self._progress(f"training {what}{loss}{speed}{note}", step.step, step.steps)

"""Trains a task's adapters: rate by a sweep on dev, then one adapter a seed."""

import hashlib
from pathlib import Path

from eval.answering import Progress
from eval.configure import BUDGET, Parts
from eval.parts import Split
from eval.questions import Question
from eval.selection import Tried
from eval.training import adapter_folder, scorer, training_examples
from eval.tune.lora import train
from eval.tune.recipe import Progress as Step
from eval.tune.recipe import Trained, TrainSettings
from eval.tune.sweep import sweep
from service.local_chat import model_folder
from service.settings import ServiceSettings


class Adapters:
    """The adapters of a run folder."""

    def __init__(
        self, parts: Parts, split: Split, work: Path, settings: ServiceSettings, progress: Progress
    ) -> None:
        self._parts, self._split, self._work, self._progress = parts, split, work, progress
        cache = Path(settings.cache).expanduser()
        self._base = model_folder(parts.task.base, cache)
        self._scored_on = hashlib.sha256(
            "\n".join(f"{one.id} {one.question} {one.answers}" for one in split.dev).encode()
        ).hexdigest()

    def sweep(self, name: str, seed: int) -> tuple[list[Tried], float]:
        """The rates with their accuracy on dev, and the chosen one."""
        task = self._parts.task
        found = sweep(
            self._base,
            self._examples(name),
            task.training,
            scorer(name, self._parts, self._split.dev),
            self._work / "adapters" / name / "sweep",
            seed,
            lambda step: self._tell(f"sweep of {name}", step),
            name=task.base,
            scored_on=self._scored_on,
        )
        count = len(self._split.dev)
        tried = [Tried({"rate": rate}, value, count) for rate, value in found.accuracies.items()]
        return tried[:BUDGET], found.chosen

    def train(self, name: str, seed: int, rate: float) -> Trained:
        """The adapter of an arm and seed, reused where it is there."""
        task = self._parts.task
        return train(
            self._base,
            self._examples(name),
            TrainSettings.of(task.training, rate, seed),
            adapter_folder(self._work, name, seed),
            scorer(name, self._parts, self._split.dev),
            lambda step: self._tell(f"{name}, seed {seed}", step),
            name=task.base,
            scored_on=self._scored_on,
        )

    def _examples(self, name: str):
        return training_examples(name, self._parts, self.training_questions())

    def training_questions(self) -> list[Question]:
        """What adapters learn from."""
        return self._split.train

    def _tell(self, what: str, step: Step) -> None:
        note = f" · {step.note}" if step.note else ""
        loss = f" · loss {step.loss:.3f}" if step.loss is not None else ""
        speed = f" · {step.tokens_per_second:.0f} tokens/s" if step.tokens_per_second else ""
        self._progress(f"training {what}{loss}{speed}{note}", step.step, step.steps)

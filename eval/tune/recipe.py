"""What a training run is told and what it tells: settings, progress, result."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.task import Training
from eval.tune.base import Method

Score = Callable[[Any, Any], float]
"""Task accuracy on dev, 0 to 1, of a live model (in `eval` mode) and its tokenizer."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All that a run depends on beside base and examples.

    `rate` rises over `warmup` (a share of the steps) and falls to 0 linearly over the rest.
    `share`: the part of the examples that is used. `patience`: epochs without a gain on dev after
    which training stops.
    """

    rank: int = 8
    rate: float = 1e-3
    epochs: int = 3
    batch: int = 8
    seed: int = 0
    share: float = 1.0
    method: Method = "lora"
    warmup: float = 0.05
    patience: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for a setting out of its range."""
        for name in ("rank", "epochs", "batch", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"training: {name!r}: 1 or more, found {getattr(self, name)!r}")
        if not (self.rate > 0 and math.isfinite(self.rate)):
            raise ValueError(f"training: 'rate': more than 0, found {self.rate!r}")
        if not 0 < self.share <= 1:
            raise ValueError(f"training: 'share': more than 0, at most 1, found {self.share!r}")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"training: 'warmup': from 0, below 1, found {self.warmup!r}")

    @classmethod
    def of(cls, training: Training, rate: float, seed: int) -> "TrainSettings":
        """A task's training with a rate of its sweep and a seed."""
        return cls(
            rank=training.rank,
            rate=rate,
            epochs=training.epochs,
            batch=training.batch,
            seed=seed,
            method=training.method,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. `note`: what it begins to do, empty for a plain step; `epoch` from 1."""

    step: int
    steps: int
    epoch: int
    loss: float | None = None
    tokens_per_second: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    `losses`: one a step. `dev`: accuracy after each epoch, empty where nothing scored it.
    `seconds`: of training, scoring left out. `why`: why it was trained, or "reused".
    """

    folder: Path
    losses: tuple[float, ...]
    dev: tuple[float, ...]
    best_epoch: int
    tokens: int
    seconds: float
    reused: bool
    why: str

    @property
    def accuracy(self) -> float | None:
        """On dev, of the epoch that was kept."""
        return self.dev[self.best_epoch - 1] if self.dev else None

    @property
    def tokens_per_second(self) -> float:
        """Prompt and completion tokens a second, padding left out."""
        return self.tokens / self.seconds if self.seconds else 0.0


def rate_at(step: int, steps: int, settings: TrainSettings) -> float:
    """The learning rate of a step counted from 0: up in a line, then down in one, 0 after all."""
    rising = round(settings.warmup * steps)
    if step < rising:
        return settings.rate * (step + 1) / rising
    return settings.rate * (steps - step) / (steps - rising)


def best(dev: Sequence[float]) -> int:
    """The epoch, from 1, of the highest accuracy; of equals the earliest."""
    return dev.index(max(dev)) + 1

"""What was tried on dev, for every arm, and what was chosen there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval.task import UNTRAINED


@dataclass(frozen=True, slots=True)
class Tried:
    """A configuration with its accuracy on dev; None where it could not be measured."""

    settings: Mapping[str, Any]
    dev_accuracy: float | None
    questions: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The configurations of an arm and the index of the chosen one."""

    configurations: tuple[Tried, ...]
    chosen: int

    @property
    def accuracy(self) -> float:
        """On dev, of the chosen one."""
        return self.measured or 0.0

    @property
    def measured(self) -> float | None:
        """On dev, of the chosen one; None where it could not be measured."""
        return self.configurations[self.chosen].dev_accuracy


@dataclass(frozen=True, slots=True)
class Selection:
    """By arm; `baseline` is the arm without training that was best on dev."""

    arms: Mapping[str, Choice] = field(default_factory=dict[str, Choice])

    @property
    def baseline(self) -> str | None:
        """Of equals, the one that comes first in the order of arms."""
        untrained = [name for name in UNTRAINED if name in self.arms]
        return max(untrained, key=lambda name: _rank(self.arms[name].measured), default=None)

    def with_arm(self, name: str, tried: Sequence[Tried]) -> "Selection":
        """Also with this arm; of equal configurations the first is chosen."""
        best = max(range(len(tried)), key=lambda i: (_rank(tried[i].dev_accuracy), -i))
        return Selection({**self.arms, name: Choice(tuple(tried), best)})

    def write(self, file: Path) -> None:
        """selection.json of a run folder."""
        shown = {name: asdict(choice) for name, choice in self.arms.items()}
        text = json.dumps({**shown, "baseline": self.baseline}, ensure_ascii=False, indent=1)
        file.write_text(text + "\n", encoding="utf-8")


def _rank(accuracy: float | None) -> float:
    """What could not be measured comes after what was never right."""
    return -1.0 if accuracy is None else accuracy

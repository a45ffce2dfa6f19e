"""Means over rows in which every question weighs the same, however many seeds answered it. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.rows import Row


@dataclass(frozen=True, slots=True)
class Weighed:
    """Scored rows of one arm, each with its weight: the rows of a question weigh one together."""

    rows: tuple[tuple[Row, float], ...]

    @property
    def questions(self) -> int:
        """How many questions have a scored row."""
        return len({row.id for row, _ in self.rows})

    def where(self, wanted: Callable[[Row], bool]) -> "Weighed":
        """Only the rows that are wanted, with the weights they had."""
        return Weighed(tuple(pair for pair in self.rows if wanted(pair[0])))

    def mean(self, value: Callable[[Row], float]) -> float | None:
        """The weighted mean, None where there is no row."""
        total = sum(weight for _, weight in self.rows)
        return sum(value(row) * weight for row, weight in self.rows) / total if total else None

    def score(self, name: str) -> float | None:
        """The weighted mean of one of the rows' scores, over the rows that have it."""
        return self.where(lambda row: name in row.scores).mean(lambda row: row.scores[name])


def weigh(rows: Sequence[Row]) -> Weighed:
    """The scored rows of an arm; a question answered with three seeds gets a third for each."""
    scored = [row for row in rows if row.right is not None]
    times = Counter(row.id for row in scored)
    return Weighed(tuple((row, 1 / times[row.id]) for row in scored))


def share(part: Weighed, whole: Weighed) -> float | None:
    """What `part` weighs of `whole`, None where the whole is empty."""
    total = sum(weight for _, weight in whole.rows)
    return sum(weight for _, weight in part.rows) / total if total else None

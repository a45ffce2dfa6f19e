"""The table of the benchmark of quality: a block a set, a row a configuration. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.quality_measures import Outcome, means
from eval.statistics import clustered

COLUMNS = (
    *("R@1", "R@3", "R@10", "nDCG@10", "doc@3", "gold@3", "quoted", "told", "page"),
    *("cite P", "cite R", "F1", "reader F1", "gold F1"),
    *("false abst", "false ans", "abst F1", "AURC", "AUROC"),
)
LEVEL = 0.95
"""Of the intervals."""

CHOSEN_BY = "nDCG@10"
"""The measure that a configuration is chosen by where a set is held out."""

NAME_WIDTH, WIDTH = 20, 11


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference to the row above, with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """A configuration on a set; `differences` only of measures that are one number a question."""

    configuration: str
    means: Mapping[str, float]
    differences: Mapping[str, Difference]


Measured = Mapping[str, Sequence[Outcome]]
"""Outcomes by configuration, in the order of the rows; all of the same questions."""


def lines(measured: Measured) -> list[Line]:
    """The rows of a block.

    Intervals are paired and clustered by the questions' sources; see `eval.statistics.clustered`.
    """
    found: list[Line] = []
    above: Sequence[Outcome] = ()
    for name, outcomes in measured.items():
        found.append(Line(name, means(outcomes), differences(above, outcomes)))
        above = outcomes
    return found


def differences(above: Sequence[Outcome], outcomes: Sequence[Outcome]) -> dict[str, Difference]:
    """How the second differ from the first, by measure; none where there are no first."""
    before = {one.id: one for one in above}
    pairs = [(before[one.id], one) for one in outcomes if one.id in before]
    names = dict.fromkeys(name for _, one in pairs for name in one.scores)
    found: dict[str, Difference] = {}
    for name in names:
        both = [
            (after.scores[name] - first.scores[name], after.source)
            for first, after in pairs
            if name in first.scores and name in after.scores
        ]
        if both:
            estimate = clustered([gain for gain, _ in both], [source for _, source in both], LEVEL)
            found[name] = Difference(estimate.mean, estimate.low, estimate.high)
    return found


def block(rows: Sequence[Line]) -> Iterator[str]:
    """The lines of a block: of each row its means, and below them the difference to the row above.

    Columns that no row has are left out.
    """
    columns = [name for name in COLUMNS if any(name in row.means for row in rows)]
    yield " " * NAME_WIDTH + "".join(name.rjust(WIDTH) for name in columns)
    for row in rows:
        yield row.configuration.ljust(NAME_WIDTH) + "".join(
            _number(row.means.get(name)).rjust(WIDTH) for name in columns
        )
        for label, part in (("  to above", "mean"), ("    from", "low"), ("    to", "high")):
            if row.differences:
                values = [
                    getattr(row.differences[name], part) if name in row.differences else None
                    for name in columns
                ]
                cells = "".join(_signed(value).rjust(WIDTH) for value in values)
                yield (label.ljust(NAME_WIDTH) + cells).rstrip()


def held_out(choosing: Mapping[str, Measured], reporting: Mapping[str, Measured]) -> Iterator[str]:
    """What would have been chosen without a set, and what that gives on it.

    Args:
        choosing: Outcomes of each set, by which a configuration is chosen for the others: the best
            mean of `CHOSEN_BY` over them.
        reporting: Outcomes of each set that the choice is reported on; the same names.
    """
    scores = {name: _scores(measured) for name, measured in choosing.items()}
    yield (
        "held out".ljust(NAME_WIDTH)
        + "chosen on the others".ljust(24)
        + "".join(text.rjust(WIDTH) for text in (CHOSEN_BY, "best", "loss"))
        + "  best of its own"
    )
    for name, measured in reporting.items():
        others = [of for other, of in scores.items() if other != name]
        if not others:
            continue
        chosen = max(others[0], key=lambda one: sum(of[one] for of in others))
        own = _scores(measured)
        best = max(own, key=lambda one: own[one])
        cells = (own[chosen], own[best], own[best] - own[chosen])
        yield (
            name.ljust(NAME_WIDTH)
            + chosen.ljust(24)
            + "".join(_number(cell).rjust(WIDTH) for cell in cells)
            + f"  {best}"
        )


def _scores(measured: Measured) -> dict[str, float]:
    return {name: means(outcomes)[CHOSEN_BY] for name, outcomes in measured.items()}


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"

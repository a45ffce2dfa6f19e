"""How many questions a verdict would take, and what the questions at hand could have shown. Pure.

Both start from the estimate's own interval, which carries the clusters' correlation: with more
clusters of the same sizes its half width shrinks with the square root of their number.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from eval.statistics import Estimate, t_quantile

POWER = 0.8
"""How often a set of questions of that size would settle it, were the true difference the seen."""

MOST_QUESTIONS = 100_000
"""Beyond this many questions nobody is sent to write them: the difference is at the margin."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Needed:
    """A set of questions that would settle it, in two ways; None: no set of `MOST_QUESTIONS` does.

    `questions` in `clusters`: more clusters of the same sizes. `same_clusters`: so many questions
    in the clusters that are there; often none is enough, because the clusters are the sample.
    All are totals: the questions that are there count among them.
    """

    questions: int | None
    clusters: int | None
    same_clusters: int | None


def needed(
    estimate: Estimate, margin: float, *, minimum_clusters: int = 0, power: float = POWER
) -> Needed:
    """The questions that it takes to tell the seen difference from the margin.

    The bound that faces the margin has to clear it in a share of `power` of such sets; at 0.5 it
    is only the half width that fits. The design effect of the clusters is in the seen interval.
    """
    gap = abs(estimate.mean - margin)
    if estimate.standard_error is None or gap < _ROUNDING:
        return Needed(None, None, None)
    facing = (
        estimate.mean - estimate.low if estimate.mean > margin else estimate.high - estimate.mean
    )
    error = facing / t_quantile(estimate.level, estimate.degrees)
    per_cluster = estimate.questions / estimate.clusters
    most = int(MOST_QUESTIONS / per_cluster)

    def enough(clusters: int) -> bool:
        shrunk = error * math.sqrt(estimate.clusters / clusters)
        return _reach(estimate.level, clusters - 1, power) * shrunk <= gap

    clusters = _first(enough, max(minimum_clusters, 2), most)
    return Needed(
        questions=None if clusters is None else math.ceil(clusters * per_cluster - _ROUNDING),
        clusters=clusters,
        same_clusters=_same_clusters(estimate, error, gap, power),
    )


def minimum_detectable(estimate: Estimate, power: float = POWER) -> float | None:
    """How far from the margin a true difference must lie to be told from it in `power` of runs.

    Bloom (1995): quantile of the interval plus quantile of the power, times the standard error.
    None with one cluster.
    """
    if estimate.standard_error is None:
        return None
    half = max(estimate.high - estimate.mean, estimate.mean - estimate.low)
    error = half / t_quantile(estimate.level, estimate.degrees)
    return _reach(estimate.level, estimate.degrees, power) * error


def _same_clusters(estimate: Estimate, error: float, gap: float, power: float) -> int | None:
    """Questions in the same clusters, by the design effect 1 + (m - 1) icc of Kish (1965)."""
    icc, per_cluster = estimate.icc or 0.0, estimate.questions / estimate.clusters
    wanted = (gap / _reach(estimate.level, estimate.degrees, power)) ** 2
    alone = error**2 * per_cluster / (1 + (per_cluster - 1) * icc)
    room = wanted - alone * icc
    if room <= 0:
        return None
    questions = math.ceil(alone * (1 - icc) / room * estimate.clusters - _ROUNDING)
    return max(questions, estimate.clusters) if questions <= MOST_QUESTIONS else None


def _first(enough: Any, low: int, high: int) -> int | None:
    """The smallest number from `low` to `high` that is enough; more is never less than enough."""
    if high < low or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


@lru_cache(maxsize=4096)
def _reach(level: float, degrees: int, power: float) -> float:
    """So many standard errors lie between the margin and a difference that is found."""
    from scipy.stats import t

    return t_quantile(level, degrees) + float(cast("Any", t).ppf(power, degrees))

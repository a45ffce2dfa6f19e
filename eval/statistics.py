"""Estimates and tests of a paired comparison whose questions come in clusters. Pure.

A difference is one number a question, seeds averaged: the adapter's score minus the comparator's,
in [-1, 1]. Questions of one cluster (a source document, a construct family) share what they ask
about, so that the cluster, not the question, is what was sampled.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Where differences are rare, a cluster that differs is supposed to do so in such a share of its
# questions; and the rare direction is one with fewer than so many clusters. See `intervals`.
SUPPOSED_SHARE = 0.2
SCARCE_BELOW = 10

_ROUNDING = 1e-12


class NothingToEstimate(ValueError):
    """There are no differences, or what stands there is no difference of two scores."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference with its interval at `level`.

    `low` and `high` decide. `t_low` and `t_high` are the plain t interval: the two differ only
    where `scarce` holds, that is where few clusters show a difference (see `intervals`).
    One cluster has no standard error; its interval is all that a difference can be, [-1, 1].
    `icc`: correlation of two questions of one cluster; None where it cannot be estimated.
    """

    mean: float
    low: float
    high: float
    standard_error: float | None
    degrees: int
    clusters: int
    questions: int
    level: float
    t_low: float
    t_high: float
    scarce: bool
    icc: float | None


@dataclass(frozen=True, slots=True)
class Intervals:
    """Means and intervals of several runs at once; every array has the shape (runs,)."""

    mean: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    t_low: Floats
    t_high: Floats


def clustered(
    differences: Sequence[float], clusters: Sequence[Hashable], level: float = 0.975
) -> Estimate:
    """The mean of `differences`, one a question, with a cluster-robust interval.

    Raises `NothingToEstimate` for no differences, for one that is not a number in [-1, 1], and for
    a list of clusters of another length.
    """
    values, members = _checked(differences, clusters)
    sizes, gains, losses = _sums(values, members)
    mean = float(values.mean())
    if len(sizes) == 1:
        return Estimate(
            mean, -1.0, 1.0, None, 0, 1, len(values), level, -1.0, 1.0, scarce=False, icc=None
        )
    found = intervals(gains[None], losses[None], sizes, level)
    low, high = float(found.low[0]), float(found.high[0])
    t_low, t_high = float(found.t_low[0]), float(found.t_high[0])
    return Estimate(
        mean=mean,
        low=low,
        high=high,
        standard_error=float(found.standard_error[0]),
        degrees=len(sizes) - 1,
        clusters=len(sizes),
        questions=len(values),
        level=level,
        t_low=t_low,
        t_high=t_high,
        scarce=low < t_low or high > t_high,
        icc=intraclass_correlation(values.tolist(), members.tolist()),
    )


def intervals(gains: Floats, losses: Floats, sizes: NDArray[np.int64], level: float) -> Intervals:
    """Means and intervals from cluster sums, for several runs over the same clusters.

    Args:
        gains: sum of the positive differences of each cluster; shape (runs, clusters).
        losses: sum of the negative differences of each cluster, as positive numbers.
        sizes: questions in each cluster, two clusters or more; shape (clusters,).
        level: of the two-sided interval, 0.975 for two contrasts at 0.95 together.

    The interval is the t interval with clusters - 1 degrees of freedom on the CR2 variance (Bell &
    McCaffrey 2002; Pustejovsky & Tipton 2018). For a mean the CR2 adjustment of a cluster of n
    among N questions is 1 / sqrt(1 - n / N), so that no matrix is needed.

    A t interval takes what it has seen for all there is. Where only a few clusters differ, the
    mean and its standard error are small together and the interval ends too early; with no
    difference at all it has no width. So the side that faces such scarcity ends no earlier than
    Wilson's score bound (1927) for the share of clusters that differ, on effective numbers as for
    clustered shares (Korn & Graubard 1998). As Fay & Feuer (1997) suppose one event more than was
    seen, one more cluster that differs is supposed, in a share of `SUPPOSED_SHARE` of its
    questions, and weighed by the share of clusters that show no difference. In a direction in
    which `SCARCE_BELOW` effective clusters or more differ, the t interval stands.
    """
    quantile, groups, total = t_quantile(level, len(sizes) - 1), len(sizes), int(sizes.sum())
    sums = gains - losses
    mean = sums.sum(axis=1) / total
    residuals = sums - mean[:, None] * sizes
    error = np.sqrt((residuals**2 / (1 - sizes / total)).sum(axis=1)) / total
    t_low, t_high = mean - quantile * error, mean + quantile * error

    unseen = max(1.0, float((sizes**2).sum()) / total * SUPPOSED_SHARE)
    silent = ((gains == 0) & (losses == 0)).mean(axis=1)
    more_gain = _unseen(gains, silent, unseen, quantile) / total
    more_loss = _unseen(losses, silent, unseen, quantile) / total
    alike = error < _ROUNDING
    constant = unseen * groups * quantile**2 / (groups + quantile**2) / total
    more_gain, more_loss = (np.where(alike, constant, more) for more in (more_gain, more_loss))
    return Intervals(
        mean=mean,
        low=np.maximum(np.minimum(t_low, mean - more_loss), -1.0),
        high=np.minimum(np.maximum(t_high, mean + more_gain), 1.0),
        standard_error=np.where(alike, 0.0, error),
        t_low=np.maximum(t_low, -1.0),
        t_high=np.minimum(t_high, 1.0),
    )


def _unseen(part: Floats, silent: Floats, unseen: float, quantile: float) -> Floats:
    """How much more of one direction there may be than was seen: as sums over all questions.

    A cluster that differs brings `size` at once (the size-weighted mean of what was seen and of
    the supposed cluster); the seen sum is then that of seen / size effective clusters of all.
    """
    groups = part.shape[1]
    seen, supposed = part.sum(axis=1), silent * unseen
    size = ((part**2).sum(axis=1) + supposed * unseen) / np.maximum(seen + supposed, _ROUNDING)
    size = np.maximum(size, _ROUNDING)
    share = np.minimum(seen / (size * groups), 1.0)
    spread = np.sqrt(share * (1 - share) / groups + (quantile / (2 * groups)) ** 2)
    bound = (share + quantile**2 / (2 * groups) + quantile * spread) / (1 + quantile**2 / groups)
    more = np.maximum(size * groups * bound - seen, 0.0)
    return np.where(seen / size < SCARCE_BELOW, more, 0.0)


@lru_cache(maxsize=256)
def t_quantile(level: float, degrees: int) -> float:
    """The two-sided t quantile: a share of `level` lies within plus and minus it."""
    from scipy.stats import t

    return float(cast("Any", t).ppf((1 + level) / 2, degrees))


def sign_flip_p(
    differences: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    seed: int,
    flips: int = 10_000,
) -> float:
    """Two-sided p of "the arms are alike": the signs of whole clusters flipped.

    All 2^clusters flips where they are no more than `flips`; otherwise so many random ones, the
    seen one counted among them (Phipson & Smyth 2010), so that p is never 0.
    Raises `NothingToEstimate` as `clustered` does.
    """
    _, gains, losses = cluster_sums(differences, clusters)
    sums = gains - losses
    seen = abs(float(sums.sum())) - _ROUNDING * max(1.0, float(np.abs(sums).sum()))
    if 2 ** len(sums) <= flips:
        # The flip of all clusters changes no absolute sum: half of the flips stand for all.
        codes = np.arange(2 ** (len(sums) - 1), dtype=np.int64)[:, None]
        bits: NDArray[np.int64] = (codes >> np.arange(len(sums), dtype=np.int64)) & 1
        signs = 1.0 - 2.0 * bits
        return float((np.abs(signs @ sums) >= seen).mean())
    random, extreme = np.random.default_rng(seed), 0
    for start in range(0, flips, 1000):
        many = min(1000, flips - start)
        signs = 1.0 - 2.0 * random.integers(0, 2, size=(many, len(sums)))
        extreme += int((np.abs(signs @ sums) >= seen).sum())
    return (extreme + 1) / (flips + 1)


def cluster_sums(
    differences: Sequence[float], clusters: Sequence[Hashable]
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Of each cluster, by name: its questions, the sum of its gains, the sum of its losses.

    Raises `NothingToEstimate` as `clustered` does.
    """
    return _sums(*_checked(differences, clusters))


def intraclass_correlation(
    differences: Sequence[float], clusters: Sequence[Hashable]
) -> float | None:
    """Correlation of two questions of one cluster, by one-way analysis of variance.

    Donner & Koval (1980), for clusters of unequal size; never below 0. None where every cluster
    has one question, where there is one cluster, or where all differences are equal.
    """
    values, members = _checked(differences, clusters)
    sizes, gains, losses = _sums(values, members)
    groups, total = len(sizes), len(values)
    if groups < 2 or total == groups:
        return None
    means = (gains - losses) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - means[members]) ** 2).sum()) / (total - groups)
    size = (total - float((sizes**2).sum()) / total) / (groups - 1)
    spread = between + (size - 1) * within
    if spread < _ROUNDING:
        return None
    return min(max((between - within) / spread, 0.0), 1.0)


def wilson(right: float, total: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (1927); `right` may be a mean over seeds.

    Raises `NothingToEstimate` where `right` of `total` is no share.
    """
    from statsmodels.stats.proportion import proportion_confint  # pyright: ignore

    if total < 1 or not 0 <= right <= total:
        raise NothingToEstimate(f"{right} right of {total} is no share")
    found = cast("Any", proportion_confint)(right, total, alpha=1 - level, method="wilson")
    return max(float(found[0]), 0.0), min(float(found[1]), 1.0)


def mcnemar_p(gained: int, lost: int) -> float:
    """Exact two-sided p of McNemar's test (1947); it knows no clusters, so it only describes.

    `gained` and `lost`: questions that only the one, only the other arm has right; ties drop out.
    """
    from statsmodels.stats.contingency_tables import mcnemar  # pyright: ignore

    if gained < 0 or lost < 0:
        raise NothingToEstimate(f"{gained} gained and {lost} lost are no counts")
    if gained + lost == 0:
        return 1.0
    table = cast("Any", mcnemar)([[0, gained], [lost, 0]], exact=True)
    return min(float(table.pvalue), 1.0)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p by name, adjusted for their number (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests  # pyright: ignore

    for name, p in p_values.items():
        if not 0 <= p <= 1:
            raise NothingToEstimate(f"the p of {name} is {p}; it must be between 0 and 1")
    if not p_values:
        return {}
    adjusted = cast("Any", multipletests)(list(p_values.values()), method="holm")[1]
    return {name: float(p) for name, p in zip(p_values, adjusted, strict=True)}


def _checked(
    differences: Iterable[float], clusters: Sequence[Hashable]
) -> tuple[Floats, NDArray[np.int64]]:
    """The differences, and the number of each one's cluster."""
    values = np.asarray(list(differences), dtype=np.float64)
    if not len(values):
        raise NothingToEstimate("there is no difference to estimate from")
    if len(values) != len(clusters):
        raise NothingToEstimate(f"{len(values)} differences, but {len(clusters)} clusters for them")
    wrong = np.flatnonzero(~(np.abs(values) <= 1 + _ROUNDING))
    if len(wrong):
        raise NothingToEstimate(
            f"difference {wrong[0] + 1} is {values[wrong[0]]}; scores are between 0 and 1"
        )
    # Numbered by name, not by first appearance, so that the order of questions changes nothing.
    numbers = {name: number for number, name in enumerate(sorted(set(clusters), key=str))}
    return values, np.array([numbers[name] for name in clusters], dtype=np.int64)


def _sums(values: Floats, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats, Floats]:
    sizes = np.bincount(members).astype(np.int64)
    gains = np.bincount(members, weights=np.maximum(values, 0.0)).astype(np.float64)
    losses = np.bincount(members, weights=np.maximum(-values, 0.0)).astype(np.float64)
    return sizes, gains, losses

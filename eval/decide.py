"""The rule of the verdict, fixed before any run. Pure.

Warranted: the whole interval lies above the margin. Not warranted: it lies below. Anything else is
inconclusive, and so is every comparison that a verdict may not rest on.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.planning import needed
from eval.statistics import Estimate

LEVEL = 0.975
"""Of each interval: two contrasts are declared, and 95 % is meant for both together."""

MINIMUM_CLUSTERS = 10
MINIMUM_SEEDS = 3
MOST_UNSCORED = 0.01

Verdict = Literal["warranted", "not warranted", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one contrast, why in a sentence, and the questions that it takes.

    `questions_needed`: the size of a set of questions, in all, that would settle it at the seen
    difference. None where no number would: the difference is at the margin, or questions are not
    what is missing. `clusters_needed` goes with it; `same_clusters` as in `eval.planning.Needed`.
    """

    decision: Verdict
    reason: str
    questions_needed: int | None
    clusters_needed: int | None
    same_clusters: int | None


def decide(
    estimate: Estimate,
    margin: float,
    *,
    seeds: int,
    unscored_share: float,
    minimum_clusters: int = MINIMUM_CLUSTERS,
    minimum_seeds: int = MINIMUM_SEEDS,
    most_unscored: float = MOST_UNSCORED,
) -> Decision:
    """The verdict on a difference.

    Args:
        estimate: the difference with its interval.
        margin: what the difference must exceed, as a share (0.05).
        seeds: how many times the adapter was trained.
        unscored_share: of the questions, those that the infrastructure lost.
        minimum_clusters: with fewer the interval is not to be trusted.
        minimum_seeds: with fewer the difference may be one lucky training.
        most_unscored: above this share the lost questions could decide.
    """
    above, below = sides(np.array([estimate.low]), np.array([estimate.high]), margin)
    settled = bool(above[0] or below[0])
    plan = needed(estimate, margin, minimum_clusters=minimum_clusters)
    questions, clusters = plan.questions, plan.clusters
    if settled and questions is not None and clusters is not None:
        questions, clusters = min(questions, estimate.questions), min(clusters, estimate.clusters)
    held = obstacle(
        clusters=estimate.clusters,
        seeds=seeds,
        unscored_share=unscored_share,
        minimum_clusters=minimum_clusters,
        minimum_seeds=minimum_seeds,
        most_unscored=most_unscored,
    )
    if held is not None:
        if estimate.clusters < minimum_clusters:
            questions, clusters = plan.questions, plan.clusters
        elif settled:
            questions, clusters = None, None
        return Decision("inconclusive", held, questions, clusters, plan.same_clusters)
    span = f"{_points(estimate.low)} to {_points(estimate.high)} points"
    edge = f"the margin of {_points(margin, sign=False)} points"
    if above[0]:
        reason = f"the whole interval, {span}, is above {edge}"
        return Decision("warranted", reason, questions, clusters, plan.same_clusters)
    if below[0]:
        reason = f"the whole interval, {span}, is below {edge}"
        return Decision("not warranted", reason, questions, clusters, plan.same_clusters)
    reason = f"the interval, {span}, holds {edge}"
    return Decision("inconclusive", reason, questions, clusters, plan.same_clusters)


def sides(
    low: NDArray[np.float64], high: NDArray[np.float64], margin: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each interval lies wholly above, and wholly below the margin."""
    return low > margin, high < margin


def obstacle(
    *,
    clusters: int,
    seeds: int,
    unscored_share: float,
    minimum_clusters: int = MINIMUM_CLUSTERS,
    minimum_seeds: int = MINIMUM_SEEDS,
    most_unscored: float = MOST_UNSCORED,
) -> str | None:
    """Why no verdict may rest on such a comparison, whatever its interval; None where one may."""
    if seeds < minimum_seeds:
        return (
            "one seed is no verdict"
            if seeds == 1
            else f"{seeds} seeds are no verdict: it takes {minimum_seeds} trainings"
        )
    if unscored_share > most_unscored:
        return (
            f"{unscored_share * 100:.1f} % of the questions are unscored, "
            f"and above {most_unscored * 100:g} % the lost ones could decide"
        )
    if clusters < minimum_clusters:
        there = "is 1 cluster" if clusters == 1 else f"are {clusters} clusters"
        return f"there {there} of questions, and an interval needs {minimum_clusters} to be trusted"
    return None


def _points(share: float, *, sign: bool = True) -> str:
    """A share as points of a hundred, with a true minus."""
    text = f"{share * 100:+.1f}" if sign else f"{share * 100:.1f}"
    return text.replace("-", "−")

"""From the scores of two arms to a contrast: the difference, its interval and the verdict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np

from eval.decide import LEVEL, MINIMUM_SEEDS, Decision, decide, obstacle, sides
from eval.planning import minimum_detectable
from eval.statistics import Estimate, cluster_sums, clustered, intervals, mcnemar_p, sign_flip_p

Scores = Mapping[str, Mapping[int, Mapping[str, float | None]]]
"""By arm, seed and question: the score in [0, 1], None where it is unscored."""


class NotComparable(ValueError):
    """Two arms share nothing that could be compared; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences of two arms, one a question, seeds averaged; in order of question ids.

    `unscored`: questions left out because a row of either arm has no score or is not there.
    """

    ids: tuple[str, ...]
    differences: tuple[float, ...]
    clusters: tuple[str, ...]
    unscored: int

    @property
    def unscored_share(self) -> float:
        """Of all questions, those left out."""
        return self.unscored / (self.unscored + len(self.ids))


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One seed alone, as description: it knows no clusters. `gained`: only the arm has it right."""

    seed: int
    baseline_seed: int
    difference: float
    gained: int
    lost: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """All that a report says of one comparison.

    `minimum_detectable`: how far from the margin a true difference must lie to be found.
    """

    arm: str
    baseline: str
    margin: float
    estimate: Estimate
    decision: Decision
    p_value: float
    seeds: int
    unscored: int
    per_seed: tuple[SeedResult, ...]
    minimum_detectable: float | None

    def as_dict(self) -> dict[str, Any]:
        """An item of `contrasts` in report.json; shares, never points."""
        found, made = self.estimate, self.decision
        gap = self.minimum_detectable
        seen = [one.difference for one in self.per_seed]
        return {
            "decision": made.decision,
            "difference": found.mean,
            "interval": [found.low, found.high],
            "margin": self.margin,
            "p_value": self.p_value,
            "questions": found.questions,
            "clusters": found.clusters,
            "seeds": self.seeds,
            "questions_needed": made.questions_needed,
            "arm": self.arm,
            "baseline": self.baseline,
            "reason": made.reason,
            "clusters_needed": made.clusters_needed,
            "questions_needed_same_clusters": made.same_clusters,
            "level": found.level,
            "standard_error": found.standard_error,
            "degrees": found.degrees,
            "t_interval": [found.t_low, found.t_high],
            "scarce": found.scarce,
            "icc": found.icc,
            "unscored": self.unscored,
            "minimum_detectable": gap,
            "detectable": None if gap is None else self.margin + gap,
            "mcnemar": [
                {
                    "seed": one.seed,
                    "baseline_seed": one.baseline_seed,
                    "difference": one.difference,
                    "gained": one.gained,
                    "lost": one.lost,
                    "p_value": one.p_value,
                }
                for one in self.per_seed
            ],
            "seed_spread": {
                "lowest": min(seen),
                "highest": max(seen),
                "deviation": stdev(seen) if len(seen) > 1 else None,
            },
        }


@dataclass(frozen=True, slots=True)
class Swaps:
    """How often the rule gave a verdict where by construction neither arm is the better one."""

    swaps: int
    warranted: int
    not_warranted: int


def contrast(
    scores: Scores,
    clusters: Mapping[str, str],
    arm: str,
    baseline: str,
    *,
    margin: float,
    seed: int,
    level: float = LEVEL,
) -> Contrast:
    """Compare `arm` with `baseline` on every question of `clusters`.

    Args:
        scores: of both arms at least.
        clusters: of each test question the document or family it comes from.
        arm: what has to be better; its seeds count.
        baseline: what it is compared with; one seed is enough where it does not vary.
        margin: what the difference must exceed.
        seed: of the random sign flips.
        level: of the interval.

    Raises `NotComparable`.
    """
    pairs = paired(scores, clusters, arm, baseline)
    found = clustered(pairs.differences, pairs.clusters, level)
    return Contrast(
        arm=arm,
        baseline=baseline,
        margin=margin,
        estimate=found,
        decision=decide(found, margin, seeds=len(scores[arm]), unscored_share=pairs.unscored_share),
        p_value=sign_flip_p(pairs.differences, pairs.clusters, seed=seed),
        seeds=len(scores[arm]),
        unscored=pairs.unscored,
        per_seed=_per_seed(scores[arm], scores[baseline], pairs.ids),
        minimum_detectable=minimum_detectable(found),
    )


def paired(scores: Scores, clusters: Mapping[str, str], arm: str, baseline: str) -> Paired:
    """The difference of each question of `clusters` that every seed of both arms has scored.

    Raises `NotComparable` for an arm without scores, for scores of a question that `clusters` does
    not know, and where no question is scored by both arms.
    """
    for name in (arm, baseline):
        if not scores.get(name):
            raise NotComparable(f"the arm {name!r} has no scores; there are: {sorted(scores)}")
        unknown = sorted({id for rows in scores[name].values() for id in rows} - set(clusters))
        if unknown:
            raise NotComparable(
                f"the arm {name!r} has a score for {unknown[0]!r}, which is no test question"
            )
    ids: list[str] = []
    differences: list[float] = []
    for id in sorted(clusters):
        ours, theirs = _mean(scores[arm], id), _mean(scores[baseline], id)
        if ours is not None and theirs is not None:
            ids.append(id)
            differences.append(ours - theirs)
    if not ids:
        raise NotComparable(f"no question is scored by both {arm!r} and {baseline!r}")
    return Paired(
        tuple(ids),
        tuple(differences),
        tuple(clusters[id] for id in ids),
        unscored=len(clusters) - len(ids),
    )


def label_swaps(
    pairs: Paired, *, margin: float, seed: int, swaps: int = 1000, level: float = LEVEL
) -> Swaps:
    """Swap the two arms' names on whole clusters at random, and let the rule decide each time.

    A control on real rows: after the swap neither name stands for the better arm, so "warranted"
    is an error of the rule. Trained seeds and unscored questions are as the rule wants them.
    """
    sizes, gains, losses = cluster_sums(pairs.differences, pairs.clusters)
    held = obstacle(clusters=len(sizes), seeds=MINIMUM_SEEDS, unscored_share=0.0)
    if held is not None:
        return Swaps(swaps, 0, 0)
    swapped = np.random.default_rng(seed).random((swaps, len(sizes))) < 0.5
    found = intervals(
        np.where(swapped, losses, gains), np.where(swapped, gains, losses), sizes, level
    )
    above, below = sides(found.low, found.high, margin)
    return Swaps(swaps, int(above.sum()), int(below.sum()))


def _mean(seeds: Mapping[int, Mapping[str, float | None]], id: str) -> float | None:
    """Over the seeds, None where one of them has no score."""
    values = [rows.get(id) for rows in seeds.values()]
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def _per_seed(
    ours: Mapping[int, Mapping[str, float | None]],
    theirs: Mapping[int, Mapping[str, float | None]],
    ids: Sequence[str],
) -> tuple[SeedResult, ...]:
    """Each seed against the baseline's seed of its place; a single one stands against all."""
    others = sorted(theirs)
    results: list[SeedResult] = []
    for place, seed in enumerate(sorted(ours)):
        other = others[place % len(others)]
        gaps = [(ours[seed][id] or 0.0) - (theirs[other][id] or 0.0) for id in ids]
        gained, lost = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
        p = mcnemar_p(gained, lost)
        results.append(SeedResult(seed, other, fmean(gaps), gained, lost, p))
    return tuple(results)

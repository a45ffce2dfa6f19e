"""The contrasts of a run, and every arm against the baseline. Pure."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from eval.contrast import Contrast, NotComparable, contrast, label_swaps, paired
from eval.decide import LEVEL
from eval.report.folder import Json, Run
from eval.report.words import CONTRASTS, INCONCLUSIVE
from eval.statistics import clustered, holm, sign_flip_p

SEED = 0
"""Of all random signs and swaps: the same rows give the same report."""

SWAPS = 1000
"""Label swaps by cluster, a control of the rule on the run's own rows."""

Scores = dict[str, dict[int, dict[str, float | None]]]


def contrasts(run: Run) -> dict[str, Json]:
    """C1 and C2 by name, where the run has the arm and a baseline.

    A control that compares one recipe with itself has C1 alone: the adapter against its double.
    A contrast without a single question that both arms have answered is inconclusive, and says so.
    """
    scores, clusters = scores_of(run), clusters_of(run)
    found: dict[str, Json] = {}
    for name, (arm, _) in CONTRASTS.items():
        baseline = run.baseline
        if run.twice and name != "C1":
            continue
        if arm not in run.arms or baseline is None or baseline == arm:
            continue
        margin = float(run.task["margin"])
        try:
            made = contrast(scores, clusters, arm, baseline, margin=margin, seed=SEED)
        except NotComparable as error:
            found[name] = _nothing(arm, baseline, margin, len(scores[arm]), len(clusters), error)
        else:
            found[name] = made.as_dict() | {"label_swaps": _swaps(made, scores, clusters)}
    return found


def against_baseline(run: Run) -> list[Json]:
    """Each other arm with its difference to the baseline, its p, and the p adjusted for all.

    Interval and p as for a contrast; Holm (1979) over all arms of the run. As description only:
    the verdict rests on the contrasts.
    """
    if run.baseline is None or run.baseline not in run.arms:
        return []
    scores, clusters = scores_of(run), clusters_of(run)
    found: dict[str, Json] = {}
    for arm in run.arms:
        if arm == run.baseline:
            continue
        try:
            pairs = paired(scores, clusters, arm, run.baseline)
        except NotComparable:
            continue
        estimate = clustered(pairs.differences, pairs.clusters, LEVEL)
        found[arm] = {
            "arm": arm,
            "difference": estimate.mean,
            "interval": [estimate.low, estimate.high],
            "p_value": sign_flip_p(pairs.differences, pairs.clusters, seed=SEED),
        }
    adjusted = holm({arm: one["p_value"] for arm, one in found.items()})
    return [one | {"p_adjusted": adjusted[arm]} for arm, one in found.items()]


def scores_of(run: Run) -> Scores:
    """Right or not by arm, seed and question; None where unscored."""
    scores: Scores = defaultdict(lambda: defaultdict(dict))
    for row in run.rows:
        scores[row.arm][row.seed][row.id] = None if row.right is None else float(row.right)
    return {arm: dict(seeds) for arm, seeds in scores.items()}


def clusters_of(run: Run) -> dict[str, str]:
    """The cluster of each question; one without a source is a cluster of its own."""
    return {question.id: question.source or question.id for question in run.questions}


def _swaps(made: Contrast, scores: Scores, clusters: dict[str, str]) -> Json:
    pairs = paired(scores, clusters, made.arm, made.baseline)
    return asdict(label_swaps(pairs, margin=made.margin, seed=SEED, swaps=SWAPS))


def _nothing(
    arm: str, baseline: str, margin: float, seeds: int, questions: int, error: NotComparable
) -> Json:
    """The entry of a contrast that has nothing to compare."""
    missing: dict[str, Any] = dict.fromkeys(
        ("difference", "interval", "p_value", "questions_needed", "level", "detectable")
    )
    return {
        "decision": INCONCLUSIVE,
        **missing,
        "margin": margin,
        "questions": 0,
        "clusters": 0,
        "seeds": seeds,
        "arm": arm,
        "baseline": baseline,
        "reason": str(error),
        "unscored": questions,
        "label_swaps": None,
        "mcnemar": [],
    }

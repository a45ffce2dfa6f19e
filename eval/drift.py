"""Whether an arm has got better or worse between two runs of one task: another model, index, time.

The same questions in both runs are paired; those that only one run has are counted, not compared.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from eval.decide import LEVEL
from eval.report.folder import Json, Run, read_run
from eval.rows import Row
from eval.statistics import clustered, holm, sign_flip_p

FLIPS_SEED = 0

Verdict = Literal["better", "worse", "no change shown"]


class Incomparable(ValueError):
    """Two runs that are not of one task, or share nothing that could be compared."""


@dataclass(frozen=True, slots=True)
class Drift:
    """An arm's accuracy in both runs, on the questions that both have.

    `difference` is later minus earlier, `interval` that of `eval.decide.LEVEL`, `p_adjusted` by
    Holm over the arms. The verdict wants both: an interval without 0 and an adjusted p below
    1 - LEVEL.
    """

    arm: str
    questions: int
    clusters: int
    earlier: float
    later: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    p_adjusted: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """All arms, and what else differs between the two runs, in words."""

    arms: tuple[Drift, ...]
    changed: tuple[str, ...]
    left_out: int

    @property
    def worse(self) -> bool:
        """Whether an arm got worse."""
        return any(arm.verdict == "worse" for arm in self.arms)

    def as_dict(self) -> dict[str, Any]:
        """What `eval drift --json` prints."""
        return asdict(self)


def drift(earlier: Path, later: Path) -> Report:
    """Compare two run folders. Raises `Incomparable`, and what reading a run raises."""
    old, new = read_run(earlier), read_run(later)
    if old.name != new.name:
        raise Incomparable(
            f"{earlier} is of the task {old.name!r}, {later} of {new.name!r}; compare runs of one"
        )
    sources = {question.id: question.source or question.id for question in new.questions}
    same = {question.id: question for question in old.questions}
    shared = {one.id for one in new.questions if same.get(one.id) == one}
    found = {
        arm: pairs
        for arm in new.arms
        if arm in old.arms and (pairs := _pairs(old.rows, new.rows, arm, shared))
    }
    if not found:
        raise Incomparable(f"{earlier} and {later} have no arm and question in common")
    left_out = len({one.id for one in (*old.questions, *new.questions)} - shared)
    return Report(tuple(_drifts(found, sources)), tuple(_changes(old, new)), left_out)


def told(report: Report) -> list[str]:
    """The report in lines."""
    lines = [
        f"{one.arm:18} {100 * one.earlier:5.1f} % → {100 * one.later:5.1f} %  "
        f"{100 * one.difference:+.1f} points "
        f"[{100 * one.interval[0]:+.1f}, {100 * one.interval[1]:+.1f}]  {one.verdict}"
        for one in report.arms
    ]
    if report.left_out:
        lines.append(f"{report.left_out} questions are not the same in both runs and left out")
    return [*lines, *(f"changed: {change}" for change in report.changed)]


def _pairs(
    old: Sequence[Row], new: Sequence[Row], arm: str, shared: set[str]
) -> dict[str, tuple[float, float]]:
    before, after = _means(old, arm), _means(new, arm)
    return {name: (before[name], after[name]) for name in sorted(shared & set(before) & set(after))}


def _means(rows: Sequence[Row], arm: str) -> dict[str, float]:
    """The share of seeds that are right, by question."""
    right: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.arm == arm and row.right is not None:
            right[row.id].append(row.right)
    return {name: fmean(values) for name, values in right.items()}


def _drifts(
    found: Mapping[str, Mapping[str, tuple[float, float]]], sources: Mapping[str, str]
) -> list[Drift]:
    differences = {
        arm: [after - before for before, after in pairs.values()] for arm, pairs in found.items()
    }
    clusters = {arm: [sources[name] for name in pairs] for arm, pairs in found.items()}
    p_values = {arm: sign_flip_p(differences[arm], clusters[arm], seed=FLIPS_SEED) for arm in found}
    adjusted = holm(p_values)
    drifts: list[Drift] = []
    for arm, pairs in found.items():
        estimate = clustered(differences[arm], clusters[arm], LEVEL)
        sure = adjusted[arm] < 1 - LEVEL and not estimate.low <= 0 <= estimate.high
        verdict = "no change shown" if not sure else "better" if estimate.mean > 0 else "worse"
        drifts.append(
            Drift(
                arm=arm,
                questions=len(pairs),
                clusters=estimate.clusters,
                earlier=fmean(before for before, _ in pairs.values()),
                later=fmean(after for _, after in pairs.values()),
                difference=estimate.mean,
                interval=(estimate.low, estimate.high),
                p_value=p_values[arm],
                p_adjusted=adjusted[arm],
                verdict=verdict,
            )
        )
    return drifts


def _changes(old: Run, new: Run) -> list[str]:
    before: Json = old.manifest or {}
    after: Json = new.manifest or {}
    changes = [
        f"{name}: {before.get(name)} → {after.get(name)}"
        for name in ("base", "commit")
        if before.get(name) != after.get(name)
    ]
    for name in _differing(before, after, "data_hashes"):
        changes.append(f"the {name} questions")
    for name in _differing(before, after, "versions"):
        changes.append(f"{name}: {before['versions'].get(name)} → {after['versions'].get(name)}")
    return changes


def _differing(before: Json, after: Json, field: str) -> list[str]:
    """The names in a field of both manifests whose values are not the same."""
    one: Json = before.get(field) or {}
    other: Json = after.get(field) or {}
    return [name for name in sorted(one) if name in other and one[name] != other[name]]

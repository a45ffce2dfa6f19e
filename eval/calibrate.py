"""How often the rule of the verdict errs: thousands of comparisons whose truth is known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.decide import LEVEL, obstacle, sides
from eval.simulate import Scenario, cluster_sizes, impossible, simulate
from eval.statistics import intervals

Progress = Callable[[int, int], None]
"""Called with the scenarios that are done and those there are."""

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Grid:
    """The worlds to try: every combination that is possible.

    `offsets`: true differences, measured from the margin; a difference of 0 is always among them.
    """

    questions: tuple[int, ...] = (100, 300, 600)
    clusters: tuple[int, ...] = (10, 15, 30, 60)
    iccs: tuple[float, ...] = (0.0, 0.1, 0.3)
    discordances: tuple[float, ...] = (0.1, 0.2, 0.3)
    margin: float = 0.05
    offsets: tuple[float, ...] = (-0.05, 0.0, 0.05, 0.15)
    seeds: int = 3

    @property
    def differences(self) -> tuple[float, ...]:
        """True differences in ascending order, each once (at a margin of 0.05, 0 comes twice)."""
        return tuple(sorted({0.0, *(round(self.margin + offset, 9) for offset in self.offsets)}))

    def combinations(self) -> Iterator[Scenario]:
        """All, the impossible ones too."""
        for values in product(
            self.questions, self.clusters, self.iccs, self.discordances, self.differences
        ):
            yield Scenario(*values, margin=self.margin, seeds=self.seeds)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What the rule did in one world, as shares of the runs; None where it cannot happen.

    `false_warranted`: warranted though the true difference is at or below the margin.
    `false_not_warranted`: not warranted though it is at or above. `coverage`: the interval holds
    the true difference; its nominal value is `eval.decide.LEVEL`. `power`: warranted, where the
    true difference is above the margin.
    """

    scenario: Scenario
    runs: int
    false_warranted: float | None
    false_not_warranted: float | None
    coverage: float
    power: float | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A combination that no world has, and why."""

    scenario: Scenario
    reason: str


def skipped(grid: Grid) -> list[Skipped]:
    """The combinations that `run` leaves out."""
    return [
        Skipped(scenario, why)
        for scenario in grid.combinations()
        if (why := impossible(scenario)) is not None
    ]


def run(grid: Grid, runs: int, seed: int, progress: Progress | None = None) -> list[ScenarioResult]:
    """Let the rule decide `runs` made-up comparisons of every possible scenario.

    A scenario's figures depend on the seed and on itself alone, not on the rest of the grid.
    Raises `ValueError` for fewer than one run.
    """
    if runs < 1:
        raise ValueError(f"{runs} runs calibrate nothing; give 1 or more")
    scenarios = possible(grid)
    results: list[ScenarioResult] = []
    for scenario in scenarios:
        results.append(calibrate(scenario, runs, seed))
        if progress is not None:
            progress(len(results), len(scenarios))
    return results


def possible(grid: Grid) -> list[Scenario]:
    """The combinations that there can be."""
    return [scenario for scenario in grid.combinations() if impossible(scenario) is None]


def calibrate(scenario: Scenario, runs: int, seed: int) -> ScenarioResult:
    """Let the rule decide `runs` comparisons of one scenario."""
    random = np.random.default_rng([seed, *_name(scenario)])
    warranted = not_warranted = covered = 0
    for start in range(0, runs, _BATCH):
        differences = simulate(scenario, min(_BATCH, runs - start), random)
        found = verdicts(differences, scenario)
        warranted += int(found.warranted.sum())
        not_warranted += int(found.not_warranted.sum())
        covered += int(found.covered.sum())
    truth, margin = scenario.difference, scenario.margin
    return ScenarioResult(
        scenario=scenario,
        runs=runs,
        false_warranted=warranted / runs if truth <= margin else None,
        false_not_warranted=not_warranted / runs if truth >= margin else None,
        coverage=covered / runs,
        power=warranted / runs if truth > margin else None,
    )


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the rule says of each run; every array has the shape (runs,)."""

    warranted: NDArray[np.bool_]
    not_warranted: NDArray[np.bool_]
    covered: NDArray[np.bool_]


def verdicts(differences: NDArray[np.float64], scenario: Scenario) -> Verdicts:
    """The rule on many runs at once: the same functions that one real comparison goes through.

    `differences`: shape (runs, questions), in the order of clusters.
    """
    sizes = cluster_sizes(scenario.questions, scenario.clusters)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    gains = np.add.reduceat(np.maximum(differences, 0.0), starts, axis=1)
    losses = np.add.reduceat(np.maximum(-differences, 0.0), starts, axis=1)
    found = intervals(gains, losses, sizes, LEVEL)
    above, below = sides(found.low, found.high, scenario.margin)
    held = obstacle(clusters=scenario.clusters, seeds=scenario.seeds, unscored_share=0.0)
    free = np.full(len(differences), held is None)
    covered = (found.low <= scenario.difference) & (scenario.difference <= found.high)
    return Verdicts(above & free, below & free, covered)


def as_json(results: Sequence[ScenarioResult], grid: Grid) -> dict[str, Any]:
    """What `eval calibrate --json` prints."""
    return {
        "runs": max((result.runs for result in results), default=0),
        "level": LEVEL,
        "scenarios": [
            {
                **_fields(result.scenario),
                "false_warranted": result.false_warranted,
                "false_not_warranted": result.false_not_warranted,
                "coverage": result.coverage,
                "power": result.power,
            }
            for result in results
        ],
        "skipped": [{**_fields(one.scenario), "reason": one.reason} for one in skipped(grid)],
    }


def _fields(scenario: Scenario) -> dict[str, Any]:
    return {
        "questions": scenario.questions,
        "clusters": scenario.clusters,
        "icc": scenario.icc,
        "discordance": scenario.discordance,
        "difference": scenario.difference,
        "margin": scenario.margin,
        "seeds": scenario.seeds,
    }


def _name(scenario: Scenario) -> list[int]:
    """The scenario as whole numbers, to seed its generator with."""
    return [abs(round(value * 1_000_000)) for value in _fields(scenario).values()]

"""Made-up comparisons whose true difference is known: right and wrong answers of every arm. Pure.

Each question is of one of three kinds: an adapter tends to be right and the other arms wrong, the
other way round, or all arms do the same. An arm follows the tendency of a question with a fixed
steadiness, so that arms, and seeds of one adapter, differ in what they get right. The shares of the
kinds in a cluster are Dirichlet distributed (the beta-binomial model with three outcomes): all
means stay exact, and two questions of a cluster are correlated as the scenario says.

All arms without training are equally good in truth, and so are all adapters: then the true
difference is the same whichever is chosen, and the choice is as much luck as it can be.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CANDIDATES = 4
"""So many arms without training, and configurations of the adapter, are scored on dev."""

DEV_QUESTIONS, DEV_CLUSTERS = 100, 10

STEADY = 0.9
"""How often an arm without training follows the tendency of a question."""

SEED_STEADY = 0.85
"""How often one trained adapter does: seeds disagree about a quarter of such questions."""

SEED_EFFECT, SEED_EFFECT_SHARE = 0.01, 0.05
"""Standard deviation of a training's own accuracy around its recipe's, and its largest share of
the discordance: what trainings differ in are questions on which arms can differ. The interval
knows of questions, not of trainings: at 0.02 it covers 0.93 with 600 questions in 60 clusters, and
false warranted comes to 0.047; at 0.03 to 0.067. The spread of the seeds is reported for that."""

_MEAN = STEADY + SEED_STEADY - 1
"""What a question's tendency is worth in mean difference."""

_DISCORDANT = STEADY * SEED_STEADY + (1 - STEADY) * (1 - SEED_STEADY)
"""How often two arms differ on a question with a tendency."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One made-up world.

    `questions` in `clusters` of unequal size, up to three times as large as the smallest. `icc`:
    correlation of two questions of a cluster, on the scale of the seed-averaged difference.
    `discordance`: how often one trained adapter and the comparator differ. `difference`: true
    accuracy of the adapter's recipe minus that of the comparator.
    """

    questions: int
    clusters: int
    icc: float
    discordance: float
    difference: float
    margin: float
    seeds: int = 3


def impossible(scenario: Scenario) -> str | None:
    """Why there is no such world; None where there is one."""
    if scenario.clusters > scenario.questions:
        return (
            f"{scenario.clusters} clusters of {scenario.questions} questions would leave some empty"
        )
    kinds = scenario.discordance / _DISCORDANT
    if kinds > 1:
        return f"a discordance of {scenario.discordance:g} leaves no question that arms agree on"
    if abs(scenario.difference) > _MEAN * kinds:
        least = abs(scenario.difference) / _MEAN * _DISCORDANT
        return f"a difference of {scenario.difference:g} takes a discordance of {least:.3f}"
    if not 0 <= _correlation(scenario) < 1:
        return f"a correlation of {scenario.icc:g} is more than such questions can have"
    return None


def cluster_sizes(questions: int, clusters: int) -> NDArray[np.int64]:
    """At least one question each; beyond that in steps from half to one and a half of the mean."""
    weights = np.linspace(0.5, 1.5, clusters)
    ends = np.floor(np.cumsum(weights) / weights.sum() * (questions - clusters) + 1e-9)
    return 1 + np.diff(ends, prepend=0.0).astype(np.int64)


def simulate(
    scenario: Scenario,
    runs: int,
    random: np.random.Generator,
    *,
    choose_on: Literal["dev", "test"] = "dev",
) -> Floats:
    """Differences of `runs` comparisons; shape (runs, questions), in the order of clusters.

    The comparator is the best of `CANDIDATES` arms on dev, the adapter the best of as many
    configurations by its first seed there; the chosen ones meet the test questions, and the
    adapter's trainings keep the luck they had. `choose_on="test"` is the mistake of choosing by
    the test questions themselves; it is there to show that the simulation would tell.
    """
    if (why := impossible(scenario)) is not None:
        raise ValueError(f"no such scenario: {why}")
    effects = _seed_effects(scenario, runs, random)
    test = _answers(scenario, scenario.questions, scenario.clusters, effects, random)
    chooser = test
    if choose_on == "dev":
        chooser = _answers(scenario, DEV_QUESTIONS, DEV_CLUSTERS, effects, random)
    comparator = chooser.scores(chooser.others).argmax(axis=0)
    adapter = chooser.scores(chooser.adapters[:, 0]).argmax(axis=0)

    at = np.arange(len(test.run))
    ours = test.adapters[adapter[test.run], :, at].mean(axis=1)
    theirs = test.others[comparator[test.run], at]
    differences = np.zeros((runs, scenario.questions))
    differences[test.run, test.question] = ours - theirs
    return differences


@dataclass(frozen=True, slots=True)
class _Answers:
    """Whether arms are right, on the questions with a tendency alone: the rest adds nothing.

    `run`, `question`: where each stands. `others`: shape (candidates, found), `adapters`:
    (candidates, seeds, found).
    """

    runs: int
    run: NDArray[np.intp]
    question: NDArray[np.intp]
    others: NDArray[np.bool_]
    adapters: NDArray[np.bool_]

    def scores(self, right: NDArray[np.bool_]) -> Floats:
        """How many each candidate has right in each run; shape (candidates, runs)."""
        return np.stack(
            [np.bincount(self.run, weights=one, minlength=self.runs) for one in right]
        ).astype(np.float64)


def _answers(
    scenario: Scenario,
    questions: int,
    clusters: int,
    effects: Floats,
    random: np.random.Generator,
) -> _Answers:
    runs = effects.shape[1]
    kinds = _kinds(scenario, questions, clusters, runs, random)
    run, question = np.nonzero(kinds)
    for_adapter = kinds[run, question] > 0
    draws = random.random((CANDIDATES, len(run)), dtype=np.float32)
    others = draws < np.where(for_adapter, 1 - STEADY, STEADY)
    chance = np.where(for_adapter, SEED_STEADY, 1 - SEED_STEADY)
    draws = random.random((CANDIDATES, scenario.seeds, len(run)), dtype=np.float32)
    adapters = draws < chance + effects[:, run].transpose(0, 2, 1)
    return _Answers(runs, run, question, others, adapters)


def _kinds(
    scenario: Scenario, questions: int, clusters: int, runs: int, random: np.random.Generator
) -> NDArray[np.int8]:
    """+1 where the adapter tends to be right alone, -1 where the others do; (runs, questions)."""
    tendency = scenario.discordance / _DISCORDANT
    for_adapter = (tendency + scenario.difference / _MEAN) / 2
    shares = np.array([for_adapter, tendency - for_adapter, 1 - tendency])
    correlation = _correlation(scenario)
    draws = random.random((runs, questions), dtype=np.float32)
    if correlation > 0:
        concentration = shares * (1 / correlation - 1)
        weights = random.standard_gamma(
            np.maximum(concentration, 1e-12), size=(runs, clusters, len(shares))
        )
        drawn = weights / weights.sum(axis=2, keepdims=True)
        member = np.repeat(np.arange(clusters), cluster_sizes(questions, clusters))
        first, second = drawn[:, member, 0], drawn[:, member, 1]
    else:
        first, second = shares[0], shares[1]
    return np.where(draws < first, 1, np.where(draws < first + second, -1, 0)).astype(np.int8)


def _correlation(scenario: Scenario) -> float:
    """Of the kinds of two questions of a cluster, so that their differences have the `icc`.

    The steadiness of arms blurs the differences of single questions and leaves the clusters'
    means, so the kinds have to be a little more alike. Seeds' own accuracies are left out.
    """
    tendency, square = scenario.discordance / _DISCORDANT, scenario.difference**2
    kept = STEADY * SEED_STEADY**2 + (1 - STEADY) * (1 - SEED_STEADY) ** 2
    blur = SEED_STEADY * (1 - SEED_STEADY) / scenario.seeds
    room = _MEAN**2 * tendency - square
    if room <= 0:
        return 0.0 if scenario.icc == 0 else 1.0
    return scenario.icc * ((kept + blur) * tendency - square) / room


def _seed_effects(scenario: Scenario, runs: int, random: np.random.Generator) -> Floats:
    """What each training adds to being right on a question with a tendency, 0 in the mean.

    Uniform, so that no chance leaves [0, 1]; shape (candidates, runs, seeds).
    """
    tendency = scenario.discordance / _DISCORDANT
    deviation = min(SEED_EFFECT, SEED_EFFECT_SHARE * scenario.discordance)
    most = min(deviation / tendency * np.sqrt(3), 1 - SEED_STEADY) if tendency else 0.0
    return random.uniform(-most, most, size=(CANDIDATES, runs, scenario.seeds))

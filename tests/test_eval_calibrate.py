import json
from dataclasses import replace

import numpy as np
import pytest

from eval.calibrate import Grid, as_json, calibrate, run, skipped, verdicts
from eval.decide import LEVEL, decide
from eval.simulate import Scenario, cluster_sizes, impossible, simulate
from eval.statistics import clustered, intraclass_correlation

USUAL = Scenario(300, 30, icc=0.1, discordance=0.3, difference=0.05, margin=0.05)


def names(scenario: Scenario) -> list[int]:
    sizes = cluster_sizes(scenario.questions, scenario.clusters)
    return np.repeat(np.arange(scenario.clusters), sizes).tolist()


@pytest.mark.parametrize(
    "scenario",
    [
        USUAL,
        replace(USUAL, questions=100, clusters=10, icc=0.3, discordance=0.1),
        replace(USUAL, questions=100, clusters=60, icc=0.0, discordance=0.1, difference=0.0),
        replace(USUAL, clusters=9, difference=0.2),
        replace(USUAL, seeds=1, difference=0.2),
    ],
)
def test_many_runs_at_once_are_decided_like_one_real_comparison(scenario: Scenario) -> None:
    differences = simulate(scenario, 60, np.random.default_rng(1))

    found = verdicts(differences, scenario)

    for at, row in enumerate(differences):
        one = clustered(row.tolist(), names(scenario), LEVEL)
        made = decide(one, scenario.margin, seeds=scenario.seeds, unscored_share=0.0).decision
        assert found.warranted[at] == (made == "warranted")
        assert found.not_warranted[at] == (made == "not warranted")
        assert found.covered[at] == (one.low <= scenario.difference <= one.high)


@pytest.mark.parametrize("difference", [0.0, 0.05, 0.2])
def test_the_true_difference_is_the_stated_one(difference: float) -> None:
    scenario = replace(USUAL, icc=0.0, difference=difference)

    means = simulate(scenario, 3000, np.random.default_rng(2)).mean(axis=1)

    # Choosing the luckier trainings on dev leaves a trace of a tenth of a point at most.
    assert means.mean() == pytest.approx(difference, abs=3 * means.std() / 3000**0.5 + 0.001)


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3])
def test_questions_of_a_cluster_are_correlated_as_stated(icc: float) -> None:
    scenario = replace(USUAL, icc=icc)
    runs = simulate(scenario, 400, np.random.default_rng(3))
    members = names(scenario)
    # Over runs as over clusters: a run's own mean must not be taken out of few clusters.
    clusters = [(at, member) for at in range(len(runs)) for member in members]

    found = intraclass_correlation(runs.ravel().tolist(), clusters)

    assert found == pytest.approx(icc, abs=0.012)


def test_one_training_differs_from_the_comparator_as_often_as_stated() -> None:
    scenario = replace(USUAL, seeds=1, discordance=0.2)

    differences = simulate(scenario, 2000, np.random.default_rng(4))

    assert np.abs(differences).mean() == pytest.approx(0.2, abs=0.004)


def test_trainings_of_one_recipe_disagree() -> None:
    differences = simulate(USUAL, 50, np.random.default_rng(5))

    thirds = np.isclose(np.abs(differences), 1 / 3) | np.isclose(np.abs(differences), 2 / 3)
    assert 0.05 < thirds.mean() < 0.25


def test_choosing_on_the_test_questions_would_show() -> None:
    scenario = replace(USUAL, icc=0.0, discordance=0.3)

    on_dev = simulate(scenario, 2000, np.random.default_rng(6))
    on_test = simulate(scenario, 2000, np.random.default_rng(6), choose_on="test")

    # The luckiest of four equal arms looks better than it is, and so the adapter worse.
    assert on_dev.mean() - on_test.mean() > 0.004


@pytest.mark.parametrize("clusters", [10, 15, 30, 60])
@pytest.mark.parametrize("questions", [100, 300, 600])
def test_every_cluster_has_a_question_and_none_is_lost(questions: int, clusters: int) -> None:
    sizes = cluster_sizes(questions, clusters)

    assert (len(sizes), sizes.sum()) == (clusters, questions)
    assert 1 <= sizes.min() < sizes.max()


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        (replace(USUAL, questions=20), "30 clusters of 20 questions"),
        (replace(USUAL, discordance=0.1, difference=0.1), "takes a discordance of 0.104"),
        (replace(USUAL, discordance=0.9), "leaves no question that arms agree on"),
        (replace(USUAL, icc=0.95), "a correlation of 0.95"),
    ],
)
def test_an_impossible_world_says_why(scenario: Scenario, why: str) -> None:
    assert why in (impossible(scenario) or "")
    with pytest.raises(ValueError, match="no such scenario"):
        simulate(scenario, 1, np.random.default_rng(0))


def test_the_rule_seldom_errs_at_the_margin_even_where_little_differs() -> None:
    hard = Scenario(600, 15, icc=0.3, discordance=0.1, difference=0.05, margin=0.05)

    found = calibrate(hard, 2000, seed=1)

    # The t interval alone calls 6 of 100 such runs not warranted, and covers 0.945.
    assert found.false_warranted is not None and found.false_warranted <= 0.05
    assert found.false_not_warranted is not None and found.false_not_warranted <= 0.05
    assert 0.955 <= found.coverage <= 0.995
    assert found.power is None


def test_the_rule_finds_what_it_must_and_silence_would_not_pass() -> None:
    scenario = replace(USUAL, difference=0.2)

    found, silent = calibrate(scenario, 1000, 1), calibrate(replace(scenario, seeds=1), 1000, 1)

    assert found.power is not None and found.power >= 0.8
    assert silent.power == 0.0, "one seed is always inconclusive"


def test_what_cannot_happen_is_none() -> None:
    below, above = (
        calibrate(replace(USUAL, difference=difference), 50, 1) for difference in (0.0, 0.1)
    )

    assert below.false_warranted is not None
    assert (below.false_not_warranted, below.power) == (None, None)
    assert above.false_warranted is None
    assert above.false_not_warranted is not None and above.power is not None


def test_the_whole_grid_is_run_or_named_as_skipped() -> None:
    grid = Grid(questions=(20, 100), clusters=(10, 30), iccs=(0.1,), discordances=(0.1, 0.3))
    seen: list[tuple[int, int]] = []

    results = run(grid, 5, seed=1, progress=lambda done, of: seen.append((done, of)))
    shown = as_json(results, grid)

    assert grid.differences == (0.0, 0.05, 0.1, 0.2)
    assert len(shown["scenarios"]) + len(shown["skipped"]) == 2 * 2 * 2 * 4
    assert seen[-1] == (len(results), len(results))
    assert shown["runs"] == 5
    assert {one["reason"] for one in shown["skipped"]} >= {
        "30 clusters of 20 questions would leave some empty"
    }
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert list(shown["scenarios"][0]) == [
        *("questions", "clusters", "icc", "discordance", "difference", "margin", "seeds"),
        *("false_warranted", "false_not_warranted", "coverage", "power"),
    ]


def test_a_scenario_comes_out_alike_in_any_grid() -> None:
    small = Grid(questions=(100,), clusters=(10,), iccs=(0.1,), discordances=(0.2,), offsets=(0.0,))
    large = replace(small, questions=(100, 300), offsets=(0.0, 0.05))

    ours = run(small, 40, seed=9)

    assert [one for one in run(large, 40, seed=9) if one in ours] == ours
    assert {one.scenario for one in skipped(large)} == set()


def test_no_run_calibrates_nothing() -> None:
    with pytest.raises(ValueError, match="0 runs"):
        run(Grid(), 0, seed=1)

from dataclasses import replace

import numpy as np
import pytest

from eval.decide import LEVEL, Decision, decide
from eval.planning import MOST_QUESTIONS, minimum_detectable, needed
from eval.statistics import Estimate, clustered, t_quantile

MARGIN = 0.05


def estimate(mean: float, error: float, clusters: int = 30, questions: int = 300) -> Estimate:
    """As `clustered` finds it where differences are not rare."""
    half = t_quantile(LEVEL, clusters - 1) * error
    return Estimate(
        mean=mean,
        low=mean - half,
        high=mean + half,
        standard_error=error,
        degrees=clusters - 1,
        clusters=clusters,
        questions=questions,
        level=LEVEL,
        t_low=mean - half,
        t_high=mean + half,
        scarce=False,
        icc=0.1,
    )


def ruled(found: Estimate, *, seeds: int = 3, unscored_share: float = 0.0) -> Decision:
    return decide(found, MARGIN, seeds=seeds, unscored_share=unscored_share)


def test_an_interval_above_the_margin_is_warranted() -> None:
    found = ruled(estimate(0.2, 0.03))

    assert found.decision == "warranted"
    assert found.reason == (
        "the whole interval, +12.9 to +27.1 points, is above the margin of 5.0 points"
    )


def test_an_interval_below_the_margin_is_not_warranted() -> None:
    found = ruled(estimate(-0.1, 0.03))

    assert found.decision == "not warranted"
    assert found.reason.startswith("the whole interval, −17.1 to −2.9 points, is below")


def test_an_interval_that_holds_the_margin_is_inconclusive() -> None:
    found = ruled(estimate(0.1, 0.03))

    assert found.decision == "inconclusive"
    assert "holds the margin" in found.reason


@pytest.mark.parametrize("above", [True, False])
def test_an_interval_that_only_touches_the_margin_is_inconclusive(above: bool) -> None:
    touching = estimate(0.2, 0.03) if above else estimate(-0.1, 0.03)
    ends = {"low": MARGIN} if above else {"high": MARGIN}

    assert ruled(replace(touching, **ends)).decision == "inconclusive"


def test_one_seed_is_no_verdict() -> None:
    found = ruled(estimate(0.3, 0.02), seeds=1)

    assert (found.decision, found.reason) == ("inconclusive", "one seed is no verdict")
    assert found.questions_needed is None, "more questions are no second seed"


def test_two_seeds_are_not_three() -> None:
    assert ruled(estimate(0.3, 0.02), seeds=2).reason.startswith("2 seeds are no verdict")


def test_more_than_one_percent_unscored_is_no_verdict() -> None:
    assert ruled(estimate(0.3, 0.02), unscored_share=0.01).decision == "warranted"

    found = ruled(estimate(0.3, 0.02), unscored_share=0.011)

    assert found.decision == "inconclusive"
    assert "1.1 % of the questions are unscored" in found.reason


def test_fewer_than_ten_clusters_are_no_verdict_and_ten_are_what_is_needed() -> None:
    assert ruled(estimate(0.4, 0.02, clusters=10)).decision == "warranted"

    found = ruled(estimate(0.4, 0.02, clusters=9, questions=270))

    assert found.decision == "inconclusive"
    assert "9 clusters" in found.reason
    assert (found.clusters_needed, found.questions_needed) == (10, 300)


def test_one_cluster_is_inconclusive_without_a_number() -> None:
    found = ruled(clustered([0.0, 1.0, 1.0], ["only"] * 3))

    assert found.decision == "inconclusive"
    assert found.questions_needed is None


def test_with_the_questions_needed_the_seen_difference_is_settled() -> None:
    found = ruled(estimate(0.1, 0.03))

    assert found.questions_needed is not None and found.clusters_needed is not None
    assert found.questions_needed == found.clusters_needed * 10 > 300
    grown = estimate(0.1, 0.03 * (30 / found.clusters_needed) ** 0.5, found.clusters_needed)
    assert ruled(grown).decision == "warranted"


def test_questions_needed_settle_it_in_four_of_five_runs() -> None:
    plan = needed(estimate(0.1, 0.03), MARGIN)
    assert plan.clusters is not None
    error = 0.03 * (30 / plan.clusters) ** 0.5
    random, runs = np.random.default_rng(1), 4000
    seen = random.normal(0.1, error, runs)
    spread = error * (random.chisquare(plan.clusters - 1, runs) / (plan.clusters - 1)) ** 0.5
    low = seen - t_quantile(LEVEL, plan.clusters - 1) * spread

    assert (low > MARGIN).mean() == pytest.approx(0.8, abs=0.02)


def test_at_half_power_the_half_width_is_the_gap() -> None:
    plan = needed(estimate(0.1, 0.03), MARGIN, power=0.5)
    assert plan.clusters is not None

    def half(clusters: int) -> float:
        return t_quantile(LEVEL, clusters - 1) * 0.03 * (30 / clusters) ** 0.5

    assert half(plan.clusters) <= 0.05 < half(plan.clusters - 1)


def test_more_questions_in_the_same_clusters_help_only_so_far() -> None:
    far, near = estimate(0.13, 0.03), estimate(0.09, 0.03)

    enough = needed(far, MARGIN).same_clusters

    assert enough is not None and enough > 300
    assert needed(near, MARGIN).same_clusters is None
    assert needed(near, MARGIN).questions is not None


@pytest.mark.parametrize("mean", [0.05, 0.0501])
def test_a_difference_at_the_margin_has_no_number(mean: float) -> None:
    assert ruled(estimate(mean, 0.03)).questions_needed is None


def test_the_number_never_passes_the_cap() -> None:
    for mean in np.linspace(0.0, 0.1, 201):
        number = ruled(estimate(float(mean), 0.03)).questions_needed
        assert number is None or (isinstance(number, int) and 0 < number <= MOST_QUESTIONS)


def test_a_settled_difference_needed_no_more_than_there_were() -> None:
    assert ruled(estimate(0.4, 0.03)).questions_needed == 100
    assert ruled(estimate(0.125, 0.03)).questions_needed == 300


def test_the_smallest_difference_found_is_found_in_four_of_five_runs() -> None:
    found = estimate(0.1, 0.03)
    gap = minimum_detectable(found)
    assert gap is not None
    random, runs = np.random.default_rng(2), 4000
    seen = random.normal(MARGIN + gap, 0.03, runs)
    spread = 0.03 * (random.chisquare(29, runs) / 29) ** 0.5

    warranted = seen - t_quantile(LEVEL, 29) * spread > MARGIN

    assert warranted.mean() == pytest.approx(0.8, abs=0.02)


def test_no_difference_in_few_questions_is_not_yet_not_warranted() -> None:
    few = clustered([0.0] * 100, [at // 10 for at in range(100)])
    many = clustered([0.0] * 600, [at // 10 for at in range(600)])

    assert ruled(few).decision == "inconclusive"
    assert ruled(many).decision == "not warranted"
    assert ruled(few).questions_needed is not None

from collections.abc import Sequence
from itertools import product
from typing import Any, cast

import numpy as np
import pytest
from scipy import stats

from eval.statistics import (
    Estimate,
    NothingToEstimate,
    clustered,
    holm,
    intraclass_correlation,
    mcnemar_p,
    sign_flip_p,
    wilson,
)

scipy_stats = cast(Any, stats)

UNEVEN = ["a"] * 2 + ["b"] * 5 + ["c"] * 3 + ["d"] * 9 + ["e"] * 4 + ["f"] * 7


def uneven_differences(seed: int = 3) -> list[float]:
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1 / 3, 1.0], len(UNEVEN)).tolist()


def test_a_mean_and_its_interval_are_those_worked_out_by_hand() -> None:
    # Cluster sums 2, 0, 1 around a mean of 1/2: residual sums 1, -1, 0. CR2 variance
    # (1 + 1) / (1 - 2/6) / 36 = 1/12, and t with 2 degrees of freedom is 1.8856 at 0.8.
    found = clustered([1, 1, 0, 0, 1, 0], ["a", "a", "b", "b", "c", "c"], 0.8)

    assert (found.mean, found.degrees, found.clusters, found.questions) == (0.5, 2, 3, 6)
    assert found.standard_error == pytest.approx(12**-0.5)
    assert found.t_low == pytest.approx(0.5 - 1.8856181 * 12**-0.5)
    assert found.t_high == 1.0, "a mean difference is never above 1"


def test_on_clusters_of_one_size_the_error_is_that_of_statsmodels_cr1() -> None:
    values = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 120)
    names = np.repeat(np.arange(12), 10)

    # CR1 multiplies by G / (G - 1), which is what CR2 does where all clusters are alike.
    assert clustered(values.tolist(), names.tolist()).standard_error == pytest.approx(
        cr1_error(values.tolist(), names.tolist())
    )


def test_on_uneven_clusters_the_error_is_that_of_the_cr2_matrices() -> None:
    values = uneven_differences()

    found = clustered(values, UNEVEN)

    assert found.standard_error == pytest.approx(cr2_error(values, UNEVEN))
    assert found.standard_error != pytest.approx(cr1_error(values, UNEVEN), rel=1e-3)


@pytest.mark.parametrize("groups", [8, 15])
def test_few_clusters_are_covered_as_often_as_promised(groups: int) -> None:
    random, runs, size, truth = np.random.default_rng(groups), 1500, 12, 0.1
    names = np.repeat(np.arange(groups), size).tolist()
    covered = 0
    for _ in range(runs):
        shares = 0.2 + 0.4 * random.beta(3, 3, groups)[:, None]
        ours = random.random((groups, size)) < 0.1 + shares
        values = ours.astype(float) - (random.random((groups, size)) < 0.4)
        found = clustered(values.ravel().tolist(), names, 0.95)
        covered += found.t_low <= truth <= found.t_high

    # Two standard errors of the simulation are 0.011; a percentile bootstrap covers 0.87 at 8.
    assert 0.93 <= covered / runs <= 0.975


def test_swapping_the_arms_turns_the_interval_around() -> None:
    values = uneven_differences()

    found, turned = clustered(values, UNEVEN), clustered([-value for value in values], UNEVEN)

    assert turned.mean == pytest.approx(-found.mean)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_the_order_of_questions_changes_nothing() -> None:
    values = uneven_differences()
    order: list[int] = np.random.default_rng(0).permutation(len(UNEVEN)).tolist()
    mixed = [values[at] for at in order], [UNEVEN[at] for at in order]

    assert as_tuple(clustered(*mixed)) == pytest.approx(as_tuple(clustered(values, UNEVEN)))
    assert sign_flip_p(*mixed, seed=1) == sign_flip_p(values, UNEVEN, seed=1)


def test_one_cluster_has_no_error_and_an_interval_that_excludes_nothing() -> None:
    found = clustered([0.0, 1.0, 1.0], ["only"] * 3)

    assert (found.standard_error, found.degrees, found.icc) == (None, 0, None)
    assert (found.low, found.high) == (-1.0, 1.0)


def test_no_difference_at_all_still_leaves_room_for_one() -> None:
    found = clustered([0.0] * 100, list(range(100)))
    exact = 1 - 0.0125 ** (1 / 100)  # Clopper and Pearson: none seen among 100

    assert (found.mean, found.t_low, found.t_high) == (0.0, 0.0, 0.0)
    assert found.scarce
    assert exact <= found.high == -found.low < 1.5 * exact


def test_the_room_shrinks_with_questions_and_grows_with_their_clustering() -> None:
    def room(questions: int, clusters: int) -> float:
        return clustered([0.0] * questions, [at % clusters for at in range(questions)]).high

    assert room(600, 60) < room(300, 30) < room(300, 10)


def test_an_arm_that_wins_every_question_may_still_lose_one() -> None:
    found = clustered([1.0] * 60, [at % 12 for at in range(60)])

    assert found.t_low == found.high == 1.0
    assert 0.7 < found.low < 0.95


def test_a_single_gain_leaves_room_for_more_gains_and_for_losses() -> None:
    found = clustered([1.0] + [0.0] * 149, [at // 10 for at in range(150)])

    assert found.high > 2 * found.t_high
    assert found.low < 2 * found.t_low < 0


@pytest.mark.parametrize(("differing", "scarce"), [(6, True), (9, True), (12, False)])
def test_rare_gains_widen_their_side_alone_until_enough_clusters_have_them(
    differing: int, scarce: bool
) -> None:
    # One gain each in so many of 60 clusters of three questions.
    values = [float(at % 3 == 0 and at < 3 * differing) for at in range(180)]

    found = clustered(values, [at // 3 for at in range(180)])

    assert (found.high > found.t_high) == found.scarce == scarce
    assert found.low == found.t_low


@pytest.mark.parametrize(
    ("differences", "clusters", "message"),
    [
        ([], [], "no difference"),
        ([0.5, float("nan")], ["a", "b"], "difference 2 is nan"),
        ([0.5, 1.5], ["a", "b"], "difference 2 is 1.5"),
        ([0.5, 0.1], ["a"], "2 differences, but 1 clusters"),
    ],
)
def test_what_is_no_difference_is_refused(
    differences: list[float], clusters: list[str], message: str
) -> None:
    with pytest.raises(NothingToEstimate, match=message):
        clustered(differences, clusters)


def test_sign_flips_of_few_clusters_are_counted_out() -> None:
    # 3 + 1 + 1: of the 8 flips only all plus and all minus reach a sum of 5.
    assert sign_flip_p([1, 1, 1, 1, 1], ["a", "a", "a", "b", "c"], seed=0) == 2 / 8


def test_sign_flips_are_those_of_scipy_on_cluster_sums() -> None:
    values = uneven_differences(8)
    sums = [
        sum(v for v, name in zip(values, UNEVEN, strict=True) if name == one) for one in "abcdef"
    ]
    oracle = scipy_stats.permutation_test(
        (np.array(sums),), np.sum, permutation_type="samples", n_resamples=np.inf
    )

    assert sign_flip_p(values, UNEVEN, seed=0) == pytest.approx(oracle.pvalue)


def test_random_sign_flips_come_close_to_all_of_them_and_never_to_zero() -> None:
    random = np.random.default_rng(2)
    values = random.choice([-1.0, 0.0, 1.0], 130, p=[0.2, 0.45, 0.35]).tolist()
    names = [at // 10 for at in range(130)]

    exact = sign_flip_p(values, names, seed=0)

    assert 0.01 < exact < 0.5
    assert sign_flip_p(values, names, seed=0, flips=8000) == pytest.approx(exact, abs=0.02)
    assert sign_flip_p([1.0] * 40, list(range(40)), seed=0, flips=999) == 1 / 1000


def test_arms_that_never_differ_have_a_p_of_one() -> None:
    assert sign_flip_p([0.0] * 40, list(range(40)), seed=0) == 1.0


def test_correlation_within_clusters_is_found_again() -> None:
    random, true = np.random.default_rng(4), 0.2
    shares = random.beta(*(0.5 * (1 / true - 1),) * 2, size=400)
    values = (random.random((400, 10)) < shares[:, None]).astype(float).ravel().tolist()
    names = [at // 10 for at in range(4000)]

    assert intraclass_correlation(values, names) == pytest.approx(true, abs=0.03)


@pytest.mark.parametrize(
    ("differences", "clusters", "expected"),
    [
        ([1, 1, 0, 0], "aabb", 1.0),
        ([1, 0, 1, 0], "aabb", 0.0),
        ([0, 0, 0, 0], "aabb", None),
        ([1, 0, 1], "abc", None),
        ([1, 0, 1], "aaa", None),
    ],
)
def test_correlation_at_its_ends(
    differences: list[float], clusters: str, expected: float | None
) -> None:
    assert intraclass_correlation(differences, list(clusters)) == expected


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_the_published_ones(
    right: int, total: int, low: float, high: float
) -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


def test_a_share_above_one_has_no_interval() -> None:
    with pytest.raises(NothingToEstimate, match="21 right of 20"):
        wilson(21, 20)


def test_mcnemar_on_the_published_example() -> None:
    # 154 pairs: 62 for the one, 51 for the other, 41 ties.
    assert mcnemar_p(62, 51) == pytest.approx(0.347, abs=5e-4)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 3), (1, 5), (0, 6), (12, 2)])
def test_mcnemar_is_the_sign_test_on_the_discordant(gained: int, lost: int) -> None:
    expected = 1.0
    if gained + lost:
        outcomes = [sum(flip) for flip in product((0, 1), repeat=gained + lost)]
        extreme = max(gained, lost)
        expected = min(1.0, 2 * sum(one >= extreme for one in outcomes) / len(outcomes))

    assert mcnemar_p(gained, lost) == pytest.approx(expected)


def test_holm_as_worked_out_by_hand() -> None:
    assert holm({"rag": 0.01, "prompt": 0.04, "few-shot": 0.03}) == pytest.approx(
        {"rag": 0.03, "prompt": 0.06, "few-shot": 0.06}
    )
    assert holm({}) == {}
    with pytest.raises(NothingToEstimate, match="the p of rag is 1.2"):
        holm({"rag": 1.2})


def cr1_error(values: Sequence[float], names: Sequence[Any]) -> float:
    from statsmodels.regression.linear_model import OLS  # pyright: ignore

    groups = np.unique(np.array(names), return_inverse=True)[1]
    model = cast(Any, OLS)(np.array(values), np.ones((len(values), 1)))
    return float(model.fit(cov_type="cluster", cov_kwds={"groups": groups}).bse[0])


def cr2_error(values: Sequence[float], names: Sequence[str]) -> float:
    """Bell and McCaffrey's estimator as it is written down, with the matrices."""
    design = np.ones((len(values), 1))
    bread = np.linalg.inv(design.T @ design)
    residuals = np.array(values) - np.mean(values)
    meat = 0.0
    for name in sorted(set(names)):
        rows = np.array([one == name for one in names])
        inner = np.eye(rows.sum()) - design[rows] @ bread @ design[rows].T
        eigen, vectors = np.linalg.eigh(inner)
        adjust = vectors @ np.diag(eigen**-0.5) @ vectors.T
        meat += float((design[rows].T @ adjust @ residuals[rows])[0] ** 2)
    return float(np.sqrt(bread[0, 0] * meat * bread[0, 0]))


def as_tuple(found: Estimate) -> tuple[float, ...]:
    return (found.mean, found.low, found.high, found.standard_error or 0.0, found.icc or 0.0)

import json
from collections.abc import Mapping

import numpy as np
import pytest

from eval.contrast import NotComparable, contrast, label_swaps, paired
from eval.statistics import clustered

SEEDS = (1, 2, 3)
CLUSTERS = {f"q{number:03}": f"doc{number % 20:02}" for number in range(300)}

Made = dict[str, dict[int, dict[str, float | None]]]


def scores(rates: Mapping[str, float], clusters: Mapping[str, str] = CLUSTERS) -> Made:
    """Right with such a rate; adapters with three seeds, the others with one."""
    random = np.random.default_rng(11)
    return {
        arm: {
            seed: {id: float(random.random() < rate) for id in clusters}
            for seed in (SEEDS if arm.startswith("adapter") else (0,))
        }
        for arm, rate in rates.items()
    }


def test_seeds_are_averaged_for_each_question() -> None:
    made: Made = {
        "adapter": {1: {"a": 1.0, "b": 0.0}, 2: {"a": 1.0, "b": 1.0}, 3: {"a": 0.0, "b": 0.0}},
        "rag": {0: {"a": 0.0, "b": 1.0}},
    }

    pairs = paired(made, {"a": "one", "b": "two"}, "adapter", "rag")

    assert pairs.ids == ("a", "b")
    assert pairs.differences == pytest.approx((2 / 3, -2 / 3))


def test_a_question_without_a_score_in_one_seed_is_left_out_and_counted() -> None:
    made = scores({"adapter": 0.5, "rag": 0.5})
    made["adapter"][2]["q000"] = None
    del made["rag"][0]["q001"]

    pairs = paired(made, CLUSTERS, "adapter", "rag")

    assert pairs.unscored == 2
    assert pairs.unscored_share == 2 / 300
    assert not {"q000", "q001"} & set(pairs.ids)


def test_an_adapter_that_is_better_is_warranted() -> None:
    found = contrast(
        scores({"adapter": 0.7, "few-shot": 0.3}),
        CLUSTERS,
        "adapter",
        "few-shot",
        margin=0.05,
        seed=1,
    )

    assert found.decision.decision == "warranted"
    assert found.estimate.mean == pytest.approx(0.4, abs=0.1)
    assert found.p_value < 0.001


def test_swapping_the_arms_turns_the_difference_around() -> None:
    made = scores({"adapter": 0.5, "adapter-rag": 0.6})

    one = contrast(made, CLUSTERS, "adapter", "adapter-rag", margin=0.05, seed=1)
    other = contrast(made, CLUSTERS, "adapter-rag", "adapter", margin=0.05, seed=1)

    assert other.estimate.mean == pytest.approx(-one.estimate.mean)
    assert other.estimate.low == pytest.approx(-one.estimate.high)
    assert other.p_value == one.p_value


def test_unscored_questions_above_one_percent_hold_the_verdict() -> None:
    made = scores({"adapter": 0.9, "rag": 0.1})
    for number in range(4):
        made["rag"][0][f"q{number:03}"] = None

    found = contrast(made, CLUSTERS, "adapter", "rag", margin=0.05, seed=1)

    assert found.decision.decision == "inconclusive"
    assert "1.3 % of the questions are unscored" in found.decision.reason
    assert found.unscored == 4


def test_one_trained_seed_is_no_verdict() -> None:
    made = scores({"adapter": 0.9, "rag": 0.1})
    made["adapter"] = {1: made["adapter"][1]}

    found = contrast(made, CLUSTERS, "adapter", "rag", margin=0.05, seed=1)

    assert found.decision.reason == "one seed is no verdict"


def test_each_seed_is_described_alone() -> None:
    made: Made = {
        "adapter": {7: {"a": 1.0, "b": 1.0, "c": 0.0}, 8: {"a": 0.0, "b": 0.0, "c": 0.0}},
        "rag": {0: {"a": 0.0, "b": 0.0, "c": 1.0}},
    }
    clusters = {"a": "one", "b": "two", "c": "three"}

    found = contrast(made, clusters, "adapter", "rag", margin=0.05, seed=1)

    assert [(one.seed, one.baseline_seed, one.gained, one.lost) for one in found.per_seed] == [
        (7, 0, 2, 1),
        (8, 0, 0, 1),
    ]
    assert found.as_dict()["seed_spread"] == pytest.approx(
        {"lowest": -1 / 3, "highest": 1 / 3, "deviation": 2 / 3 / 2**0.5}
    )


def test_the_same_arm_twice_pairs_the_seeds_in_order() -> None:
    made = scores({"adapter": 0.5})
    made["again"] = {seed + 3: rows for seed, rows in scores({"adapter": 0.5})["adapter"].items()}

    found = contrast(made, CLUSTERS, "adapter", "again", margin=0.05, seed=1)

    assert [(one.seed, one.baseline_seed) for one in found.per_seed] == [(1, 4), (2, 5), (3, 6)]
    assert found.decision.decision != "warranted"


def test_the_report_gets_plain_numbers_under_the_agreed_names() -> None:
    made = scores({"adapter": 0.5, "rag": 0.5})

    shown = contrast(made, CLUSTERS, "adapter", "rag", margin=0.05, seed=1).as_dict()

    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    agreed = "decision difference interval margin p_value questions clusters seeds questions_needed"
    assert list(shown)[:9] == agreed.split()
    assert (shown["questions"], shown["clusters"], shown["seeds"]) == (300, 20, 3)
    pairs = paired(made, CLUSTERS, "adapter", "rag")
    expected = clustered(pairs.differences, pairs.clusters, 0.975)
    assert shown["interval"] == [expected.low, expected.high]
    assert shown["detectable"] == pytest.approx(0.05 + shown["minimum_detectable"])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"rag": {0: {"a": 1.0}}}, "the arm 'adapter' has no scores"),
        ({"adapter": {}, "rag": {0: {"a": 1.0}}}, "the arm 'adapter' has no scores"),
        ({"adapter": {1: {"x": 1.0}}, "rag": {0: {"a": 1.0}}}, "'x', which is no test question"),
        ({"adapter": {1: {"a": None}}, "rag": {0: {"a": 1.0}}}, "no question is scored by both"),
    ],
)
def test_arms_that_cannot_be_compared_say_why(made: Made, message: str) -> None:
    with pytest.raises(NotComparable, match=message):
        contrast(made, {"a": "one"}, "adapter", "rag", margin=0.05, seed=1)


@pytest.mark.parametrize("margin", [0.0, 0.05])
@pytest.mark.parametrize("rate", [0.3, 0.6, 0.9])
def test_swapped_labels_are_seldom_told_apart(rate: float, margin: float) -> None:
    pairs = paired(scores({"adapter": rate, "rag": 0.5}), CLUSTERS, "adapter", "rag")

    found = label_swaps(pairs, margin=margin, seed=1)

    assert found.swaps == 1000
    assert found.warranted <= 50


def test_a_swap_is_what_the_rule_says_of_the_swapped_rows() -> None:
    # With the margin below every possible difference all swaps are warranted, above it none.
    pairs = paired(scores({"adapter": 0.6, "rag": 0.5}), CLUSTERS, "adapter", "rag")

    assert label_swaps(pairs, margin=-0.99, seed=1, swaps=20).warranted == 20
    assert label_swaps(pairs, margin=0.99, seed=1, swaps=20).not_warranted == 20


def test_swaps_over_few_clusters_give_no_verdict_as_the_rule_gives_none() -> None:
    clusters = {id: name for id, name in CLUSTERS.items() if name < "doc09"}
    pairs = paired(scores({"adapter": 0.9, "rag": 0.1}, clusters), clusters, "adapter", "rag")

    found = label_swaps(pairs, margin=-0.99, seed=1, swaps=20)

    assert (found.warranted, found.not_warranted) == (0, 0)

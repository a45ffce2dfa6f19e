import math

import pytest

from service.sources import (
    ENOUGH,
    LATEST,
    asks_for_latest,
    names_of,
    period,
    preferring_latest,
    shares,
)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What was Amazon's gross margin in Q2 2023?", {"amazon", "q2", "2023"}),
        ("What did NVIDIA report in the first fiscal quarter?", {"nvidia", "q1"}),
        ("who runs orlo?", {"runs", "orlo"}),
        ("Is it?", set[str]()),
        ("Is it R&D?", set[str]()),
        ("", set[str]()),
    ],
)
def test_names_are_capitalised_or_have_a_digit(question: str, names: set[str]):
    assert names_of(question) == names


def test_a_name_that_few_documents_have_weighs_more():
    texts = {1: "Acme Q1 report", 2: "Acme Q2 report", 3: "Borealis Q2 Report", 4: "Borealis Q3"}
    found = shares({"borealis", "q3", "report"}, texts)
    assert found[4] > found[3] > found[1] == found[2] > 0
    assert found[4] < 1


def test_names_that_are_rare_enough_give_the_whole_share():
    texts = {1: "Acme Q1"} | {number: "other" for number in range(2, 30)}
    found = shares({"acme", "q1"}, texts)
    assert found[1] == pytest.approx(1)
    assert found[2] == 0


def test_a_name_that_half_of_the_documents_have_is_a_hint():
    found = shares({"acme"}, {1: "Acme", 2: "Acme", 3: "Borealis", 4: "Borealis"})
    assert found[1] == pytest.approx(math.log(5 / 2.5) / ENOUGH)


def test_names_that_all_documents_have_or_none_weigh_nothing():
    assert shares({"acme", "zebra"}, {1: "Acme one", 2: "ACME two"}) == {1: 0.0, 2: 0.0}


def test_a_name_is_a_whole_word_whatever_its_signs():
    texts = {1: "Intelligence", 2: "INTEL", 3: "a.b"}
    assert {one for one, share in shares({"intel"}, texts).items() if share} == {2}


def test_the_order_of_names_changes_no_digit():
    names = [f"n{number}" for number in range(30)]
    texts = {one: " ".join(names[one:]) for one in range(25)}
    assert shares(names, texts) == shares(names[::-1], texts)


def test_no_documents_have_no_shares():
    assert shares({"acme"}, {}) == {}


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("2023 Q1 AMZN", (2023, 3)),
        ("Report Q4/2021", (2021, 12)),
        ("Form 10-Q filed 10/24/2022 \u00b7 2022 Q3 MSFT", (2022, 9)),
        ("Minutes 2024-05-03", (2024, 5)),
        ("Minutes of May 2024", (2024, 5)),
        ("Minutes, Sept. 3, 2024", (2024, 9)),
        ("Budget 2021 and 2022", (2022, 0)),
        ("Decision 2024", (2024, 0)),
        ("Marketing 2024", (2024, 0)),
        ("Report, December 2024", (2024, 12)),
        ("Pump 2035X", None),
        ("Handbook", None),
    ],
)
def test_the_last_period_of_a_title(title: str, found: tuple[int, int] | None):
    assert period(title) == found


def test_the_latest_of_the_best_documents_is_preferred():
    titles = {1: "2023 Q1 A", 2: "2023 Q3 A", 3: "2023 Q4 B", 4: "A"}
    found = preferring_latest({1: 0.5, 2: 0.5, 3: 0.2, 4: 0.5}, titles)
    assert found == {1: 0.5, 2: 0.5 + LATEST, 3: 0.2, 4: 0.5}


@pytest.mark.parametrize("titles", [{1: "A", 2: "B"}, {1: "2023 Q1 A", 2: "2023 Q1 B"}])
def test_without_different_periods_none_is_latest(titles: dict[int, str]):
    assert preferring_latest({1: 0.5, 2: 0.5}, titles) == {1: 0.5, 2: 0.5}
    assert preferring_latest({}, {}) == {}


@pytest.mark.parametrize(
    ("question", "asks"),
    [("the most recent 10-Q", True), ("Latest minutes?", True), ("the last page", False)],
)
def test_the_latest_is_asked_for(question: str, asks: bool):
    assert asks_for_latest(question) is asks

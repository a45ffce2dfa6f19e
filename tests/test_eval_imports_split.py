from collections import Counter
from collections.abc import Iterable

import pytest

from eval.imports.split import Split, split_by_source
from eval.questions import Question

ASKED = [Question(f"q{n}", "Who?", ("Vance",), source=f"s{n % 20}") for n in range(200)]


def sources(questions: Iterable[Question]) -> set[str]:
    return {question.source for question in questions}


def ids(split: Split) -> list[list[str]]:
    return [[one.id for one in side] for side in (split.train, split.dev, split.test)]


def test_a_source_stands_on_one_side():
    split = split_by_source(ASKED)
    sides = [sources(side) for side in (split.train, split.dev, split.test)]
    assert sum(map(len, sides)) == len(set[str]().union(*sides)) == 20


def test_no_question_is_lost_and_order_stays():
    split = split_by_source(ASKED)
    together = [*split.train, *split.dev, *split.test]
    assert Counter(one.id for one in together) == Counter(one.id for one in ASKED)
    assert split.train == [one for one in ASKED if one in split.train]


def test_sizes_are_the_shares_where_sources_are_small():
    assert [len(side) for side in ids(split_by_source(ASKED, (0.5, 0.2, 0.3)))] == [100, 40, 60]


def test_the_seed_alone_decides():
    assert ids(split_by_source(ASKED, seed=1)) == ids(split_by_source(ASKED, seed=1))
    assert ids(split_by_source(ASKED, seed=1)) != ids(split_by_source(ASKED, seed=2))


def test_the_order_of_the_questions_does_not_decide():
    one, other = split_by_source(ASKED), split_by_source(reversed(ASKED))
    assert sources(one.test) == sources(other.test)


def test_every_side_with_a_share_gets_a_source():
    asked = [Question(f"q{n}", "Who?", ("V",), source="big") for n in range(100)]
    asked += [Question("a", "Who?", ("V",), source="a"), Question("b", "Who?", ("V",), source="b")]
    for seed in range(10):
        split = split_by_source(asked, (0.8, 0.1, 0.1), seed)
        assert split.train and split.dev and split.test


def test_a_share_of_nothing_is_an_empty_side():
    assert split_by_source(ASKED, (0.5, 0, 0.5)).dev == []


def test_questions_without_a_source_stand_alone():
    asked = [Question(f"q{n}", "Who?", ("V",)) for n in range(10)]
    assert [len(side) for side in ids(split_by_source(asked, (0.5, 0.2, 0.3)))] == [5, 2, 3]


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.5, -0.5, 0), (0, 0, 0)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]):
    with pytest.raises(ValueError, match="add up to 1"):
        split_by_source(ASKED, shares)


def test_fewer_sources_than_sides_are_refused():
    with pytest.raises(ValueError, match="2 sources cannot be split to 3 sides"):
        split_by_source([one for one in ASKED if one.source in ("s1", "s2")])

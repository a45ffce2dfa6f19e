"""The fit of when to abstain, on signals made by hand."""

import pytest

from bench.fit_abstention import FALSE_ANSWERS, Group, fit
from service.abstain import Signals


def group(name: str, base: float, *, answerable: bool) -> Group:
    """A hundred questions whose signals rise evenly by 0.3 from a base."""
    signals = [Signals(base + at / 330, base + at / 330, base + at / 330) for at in range(100)]
    return Group(name, frozenset({name}), answerable, signals)


GOOD, BAD, WORSE = (
    group("good", 0.5, answerable=True),
    group("bad", 0.1, answerable=False),
    group("worse", 0.3, answerable=False),
)


def test_nearer_questions_are_more_likely_to_have_an_answer():
    found = fit([GOOD, BAD, WORSE])
    assert min(found.weights) > 0
    assert found.scores(GOOD).mean() > found.scores(WORSE).mean() > found.scores(BAD).mean()


def test_the_threshold_is_set_by_the_unanswerable_group_that_is_answered_most():
    found = fit([GOOD, BAD, WORSE])
    answered = [(found.scores(one) >= found.threshold).mean() for one in (BAD, WORSE)]
    assert answered[1] == pytest.approx(FALSE_ANSWERS, abs=0.01)
    assert answered[0] < FALSE_ANSWERS

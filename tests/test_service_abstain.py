import math
from dataclasses import replace

import pytest

from service.abstain import BIAS, THRESHOLD, WEIGHTS, Signals, confidence, signals
from tests.hits import hit, ranked


def test_the_signals_are_those_of_the_best_hit_and_the_best_sentence():
    text = "How often is the pump oiled now?\nIt rusts on."
    hits = [hit(text, (0.4, 0.45), cosine=0.3), hit("It leaks on.", (0.1,), cosine=0.6)]
    found = ranked("How often is the pump oiled?", *hits)
    assert found[0].cosine == 0.4
    assert signals(hits, found) == Signals(0.6, 0.45, 0.5)


def test_a_hit_without_sentences_has_its_own_signal():
    assert signals([hit("Pump", cosine=0.6)], []) == Signals(0.6, 0.0, 0.5)


def test_what_names_add_to_a_score_is_no_signal():
    lifted = [replace(one, source=0.15) for one in [hit("It rusts on.", score=0.6)]]
    assert signals(lifted, []).score == pytest.approx(0.45)


def test_nothing_found_has_no_signals():
    assert signals([], []) == Signals(0.0, 0.0, 0.0)


def test_nothing_found_is_below_the_threshold():
    assert confidence(signals([], [])) < THRESHOLD


def test_what_fits_perfectly_is_above_the_threshold():
    assert confidence(Signals(1.0, 1.0, 1.0)) > THRESHOLD


def test_confidence_is_the_probability_of_the_fitted_log_odds():
    sure = confidence(Signals(0.5, 0.4, 0.3))
    total = WEIGHTS[0] * 0.5 + WEIGHTS[1] * 0.4 + WEIGHTS[2] * 0.3 + BIAS
    assert math.log(sure / (1 - sure)) == pytest.approx(total)


NEARER = [Signals(0.6, 0.4, 0.3), Signals(0.5, 0.5, 0.3), Signals(0.5, 0.4, 0.4)]


@pytest.mark.parametrize("nearer", NEARER)
def test_confidence_rises_with_each_signal(nearer: Signals):
    assert confidence(nearer) > confidence(Signals(0.5, 0.4, 0.3))


@pytest.mark.parametrize("of", [Signals(-1, -1), Signals(0, 0), Signals(1, 1, 1)])
def test_confidence_is_a_probability(of: Signals):
    assert 0.0 <= confidence(of) <= 1.0

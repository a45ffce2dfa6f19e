import pytest

from ingest.sentences import Span
from ingest.stored import Closeness
from service.fuse import BM25_MOST, Weights, fuse, overlap

WEIGHTS = Weights(dense=0.6, sentence=0.5, title=0.2)
TITLES = {"Pumps": 0.0, "Valves": 1.0}


def near(cosine: float, *sentences: float, title: str = "Pumps") -> Closeness:
    return Closeness(title, cosine, tuple(Span(0, 1) for _ in sentences), sentences)


def test_a_score_is_the_weighted_sum_of_its_parts():
    close = {1: near(0.4, 0.2, 0.8, title="Valves")}
    lexical = {1: BM25_MOST * 1.5}  # half of what the terms could give
    [(_, score)] = fuse(close, lexical, {"valve": 2.0, "leak": 1.0}, TITLES, WEIGHTS)
    assert score == pytest.approx(0.6 * (0.5 * 0.4 + 0.5 * 0.8) + 0.4 * 0.5 + 0.2 * 1.0)


def test_a_score_does_not_depend_on_the_other_candidates():
    one = {1: near(0.4, 0.6)}
    others = {2: near(0.9, 0.9), 3: near(-0.2, 0.0)}
    alone = dict(fuse(one, {1: 3.0}, {"valve": 2.0}, TITLES, WEIGHTS))
    among = dict(fuse(one | others, {1: 3.0, 2: 4.0}, {"valve": 2.0}, TITLES, WEIGHTS))
    assert among[1] == alone[1]


def test_a_lexical_list_in_which_nothing_fits_does_not_win():
    close = {1: near(0.7, 0.7), 2: near(0.5, 0.5)}
    lexical = {2: 0.4, 3: 0.1}  # the best of its list, though the terms could have given 22
    assert fuse(close, lexical, {"valve": 10.0}, TITLES, WEIGHTS)[0][0] == 1


def test_a_lexical_match_that_fits_well_wins_over_a_slightly_nearer_chunk():
    close = {1: near(0.6, 0.6), 2: near(0.5, 0.5)}
    assert fuse(close, {2: 20.0}, {"valve": 10.0}, TITLES, WEIGHTS)[0][0] == 2


def test_the_best_sentence_lifts_its_chunk():
    close = {1: near(0.5, 0.1, 0.2), 2: near(0.4, 0.1, 0.9)}
    assert fuse(close, {}, {}, TITLES, WEIGHTS)[0][0] == 2


def test_a_chunk_without_sentences_counts_by_its_own_cosine():
    [(_, score)] = fuse({1: near(0.4)}, {}, {}, TITLES, WEIGHTS)
    assert score == pytest.approx(0.6 * 0.4)


def test_scores_fall():
    close = {chunk: near(cosine) for chunk, cosine in enumerate((0.1, 0.9, -0.3, 0.5))}
    assert [chunk for chunk, _ in fuse(close, {}, {}, TITLES, WEIGHTS)] == [1, 3, 0, 2]


def test_ties_are_in_the_order_of_ids():
    close = {chunk: near(0.5) for chunk in (7, 3, 9, 1)}
    assert [chunk for chunk, _ in fuse(close, {}, {}, TITLES, WEIGHTS)] == [1, 3, 7, 9]


def test_a_question_without_terms_is_sorted_by_meaning():
    fused = fuse({1: near(0.2), 2: near(0.6)}, {}, {}, TITLES, WEIGHTS)
    assert fused == [(2, pytest.approx(0.36)), (1, pytest.approx(0.12))]


def test_no_candidates_are_no_hits():
    assert fuse({}, {}, {"valve": 1.0}, {}, WEIGHTS) == []


@pytest.mark.parametrize(
    ("held", "share"),
    [
        (set[str](), 0.0),
        ({"pump"}, 0.0),
        ({"valve"}, 0.75),
        ({"leak", "pump"}, 0.25),
        ({"valve", "leak"}, 1.0),
    ],
)
def test_overlap_is_the_share_of_the_terms_by_weight(held: set[str], share: float):
    assert overlap(held, {"valve": 3.0, "leak": 1.0}) == share


def test_the_overlap_with_a_question_without_terms_is_none():
    assert overlap({"valve"}, {}) == 0.0


def test_an_opening_is_raised_by_its_weight():
    close = {1: near(0.4), 2: near(0.5)}
    weights = Weights(opening=0.2)
    assert fuse(close, {}, {}, TITLES, weights)[0][0] == 2
    assert fuse(close, {}, {}, TITLES, weights, {1})[0][0] == 1

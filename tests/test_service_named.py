import pytest

from ingest.sentences import Span
from ingest.stored import Closeness
from service.named import asks_of_origin, beyond, levelled, named

TITLES = {
    "Acme Supply Agreement": {"acm", "suppli", "agreement"},
    "Oxygen": {"oxygen"},
}


def near(cosine: float, *sentences: float) -> Closeness:
    return Closeness("", cosine, tuple(Span(0, 1) for _ in sentences), sentences)


def test_a_title_is_named_where_all_its_terms_are_in_the_question():
    assert named({"who", "acm", "suppli", "agreement"}, TITLES) == {"Acme Supply Agreement"}


def test_a_part_of_a_title_names_nothing():
    assert named({"who", "suppli", "agreement"}, TITLES) == frozenset()


def test_a_short_title_is_a_topic_and_no_name():
    assert named({"oxygen"}, TITLES) == frozenset()


@pytest.mark.parametrize("asked", [{"acm", "suppli", "agreement"}, {"2022", "q3", "msft"}])
def test_a_title_with_a_file_name_is_named_by_either(asked: set[str]):
    title = "Acme Supply Agreement · 2022 Q3 MSFT"
    own = {"acm", "suppli", "agreement", "2022", "q3", "msft"}
    assert named(asked, {title: own}) == {title}


def test_what_is_left_of_a_question_are_the_words_besides_the_title():
    question = "Who are the parties to the Acme Supply-Agreement?"
    assert beyond(question, {"acm", "suppli", "agreement"}) == "Who are the parties to the"


def test_words_are_left_out_in_any_form():
    assert beyond("What do the agreements say?", {"agreement"}) == "What do the say"


def test_nothing_may_be_left():
    assert beyond("Acme supply agreement", {"acm", "suppli", "agreement"}) == ""


def test_levelled_cosines_have_the_best_of_before_and_their_own_order():
    former = {1: near(0.5, 0.9), 2: near(0.6)}
    found = levelled(former, {1: near(0.2, 0.3), 2: near(0.1)})
    assert found[1].best == pytest.approx(0.9)
    assert found[1].cosine == pytest.approx(0.8)
    assert found[2].best == pytest.approx(0.7)


@pytest.mark.parametrize("question", ["When was it signed?", "WHO wrote it", "the date of it"])
def test_who_and_when_are_asked_of_an_origin(question: str):
    assert asks_of_origin(question)


@pytest.mark.parametrize("question", ["What does it say?", "Whole days", "How are updates made?"])
def test_other_questions_are_not(question: str):
    assert not asks_of_origin(question)

from eval.examples import Examples, gold, turns
from eval.questions import Question
from service.llm import Message
from service.prompt import UNKNOWN
from tests.fakes import FakeEmbedder

TANK = Question("q-1", "How long is the tank?", ("62 metres", "62 m"))
BOAT = Question("q-2", "How long is the boat?", ("9 metres",))
FERRY = Question("q-3", "When does the ferry sail?", answerable=False)
SAME = Question("q-4", "How long is the tank?", ("sixty-two metres",))


def examples(*questions: Question) -> Examples:
    return Examples(questions, FakeEmbedder(dimension=512))


def test_the_nearest_example_comes_last():
    found = examples(FERRY, TANK, BOAT).nearest("How long is the tank?", 3)
    assert found == [FERRY, BOAT, TANK]


def test_no_more_than_asked_for_are_shown():
    assert examples(FERRY, TANK, BOAT).nearest("How long is the tank?", 2) == [BOAT, TANK]


def test_as_many_as_there_are_where_more_are_asked_for():
    assert len(examples(FERRY, TANK).nearest("How long is the tank?", 9)) == 2


def test_of_equally_near_examples_the_first_of_the_file_is_the_nearest():
    assert examples(TANK, SAME).nearest("How long is the tank?", 2) == [SAME, TANK]
    assert examples(TANK, SAME).nearest("How long is the tank?", 1) == [TANK]
    assert examples(SAME, TANK).nearest("How long is the tank?", 1) == [SAME]


def test_none_are_shown_where_there_are_none_or_none_are_wanted():
    assert examples().nearest("How long is the tank?", 3) == []
    assert examples(TANK).nearest("How long is the tank?", 0) == []


def test_the_training_questions_are_embedded_once():
    embedder = FakeEmbedder()
    made = Examples([TANK, BOAT], embedder)
    made.nearest("How long?", 1)
    made.nearest("How short?", 1)
    assert embedder.embedded == [TANK.question, BOAT.question]


def test_an_example_is_a_turn_with_its_first_gold_answer():
    assert turns([TANK, FERRY]) == [
        Message("user", "How long is the tank?"),
        Message("assistant", "62 metres"),
        Message("user", "When does the ferry sail?"),
        Message("assistant", UNKNOWN),
    ]


def test_a_model_should_say_that_it_does_not_know_what_cannot_be_answered():
    assert (gold(TANK), gold(FERRY)) == ("62 metres", UNKNOWN)

"""The last question of a conversation stands alone."""

import pytest

from service.llm import Message, Role
from service.turns import LONGEST, standalone


def conversation(*texts: str) -> list[Message]:
    """User and assistant in turns."""
    roles: tuple[Role, Role] = ("user", "assistant")
    return [Message(roles[i % 2], text) for i, text in enumerate(texts)]


def test_a_first_question_stays_as_it_is() -> None:
    assert standalone(conversation("Who leads it?")) == "Who leads it?"


def test_no_question_is_empty() -> None:
    assert standalone([]) == standalone([Message("assistant", "Hello.")]) == ""


@pytest.mark.parametrize(
    "question",
    [
        "Where is the crane?",
        "What does the LH-480 cost and where is it sold?",
        "Is it true that the LH-480 hangs outdoors?",
        "Is there a crane at Tullaweir?",
        "Which documents say that the tank leaks?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    earlier = "What does an LH-210R cost in 2026?"
    assert standalone(conversation(earlier, "2,410 [1]", question)) == question


@pytest.mark.parametrize(
    ("earlier", "follow_up", "expected"),
    [
        (
            "What does an LH-210R cost in 2026?",
            "And for the LH-480?",
            "What does an LH-480 cost in 2026?",
        ),
        (
            "What does an LH-210R cost in 2026?",
            "what about 2025?",
            "What does an LH-210R cost in 2025?",
        ),
        ("Who leads Tullaweir?", "And Lockhouse?", "Who leads Lockhouse?"),
        ("Who leads Tullaweir?", "Since when?", "Who leads Tullaweir? Since when?"),
        ("Who leads Tullaweir?", "And the deputy?", "Who leads Tullaweir? And the deputy?"),
    ],
)
def test_a_question_that_goes_on_is_the_earlier_one_asked_of_another(
    earlier: str, follow_up: str, expected: str
) -> None:
    assert standalone(conversation(earlier, "x", follow_up)) == expected


@pytest.mark.parametrize(
    ("earlier", "follow_up", "expected"),
    [
        ("Where is Tullaweir?", "Who leads it?", "Who leads it (Tullaweir)?"),
        ("Where is Tullaweir?", "And who leads it?", "And who leads it (Tullaweir)?"),
        ("What does an LH-210R cost?", "What is its weight?", "What is its (LH-210R) weight?"),
        (
            "How long is the tow tank at Tullaweir?",
            "Who built it?",
            "Who built it (the tow tank at Tullaweir)?",
        ),
    ],
)
def test_a_pronoun_gets_what_it_stands_for(earlier: str, follow_up: str, expected: str) -> None:
    assert standalone(conversation(earlier, "x", follow_up)) == expected


def test_a_person_is_looked_for_in_the_answer() -> None:
    turns = conversation("Who leads Tullaweir?", "Mara Venn leads it. [1]", "When did she join?")
    assert standalone(turns) == "When did she (Mara Venn) join?"


def test_a_pronoun_leads_back_over_several_turns() -> None:
    turns = conversation("Where is Tullaweir?", "x", "Who leads it?", "y", "How big is it?")
    assert standalone(turns) == "How big is it (Tullaweir)?"


def test_system_messages_are_no_part_of_it() -> None:
    turns = [Message("system", "You are Bob."), *conversation("Where is Tullaweir?")]
    assert standalone(turns) == "Where is Tullaweir?"


def test_a_question_that_would_become_too_long_stays_as_it_is() -> None:
    assert standalone(conversation("word " * (LONGEST // 5), "x", "Since when?")) == "Since when?"

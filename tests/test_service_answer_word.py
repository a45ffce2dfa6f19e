"""Whose words the answer is: the model's where the quotes bear it, else the quotes, else none."""

import re

import pytest

from ingest.encode import QUOTE_CHARACTERS
from service.answer import ABSTENTION, word
from service.ground import QUOTES
from tests.hits import quotes

ASKED = "How much does the pump move?"
CAPACITY, BUILDER, YARD = (
    "The pump moves 430 litres.",
    "Vance built it in 1987.",
    "The yard is wet.",
)
FOUND = quotes(YARD, CAPACITY, BUILDER)


def texts(reply: str) -> list[str]:
    return [quote.text for quote in word(reply, ASKED, FOUND).quotes]


def test_a_reply_that_a_quote_bears_is_the_models():
    worded = word("The pump moves 430 litres.", ASKED, FOUND)
    assert (worded.text, worded.grounding) == ("The pump moves 430 litres. [1]", "model")


def test_the_mark_is_that_of_the_quote_that_bears_it_and_the_others_follow():
    assert texts("The pump moves 430 litres.") == [CAPACITY, YARD, BUILDER]


def test_each_quote_that_bears_a_reply_has_its_mark():
    worded = word("It moves 430 litres. Vance built it.", ASKED, FOUND)
    assert worded.text == "It moves 430 litres. Vance built it. [1] [2]"
    assert [quote.text for quote in worded.quotes] == [CAPACITY, BUILDER, YARD]


@pytest.mark.parametrize("reply", ["430 litres [7].", "[3] 430 litres.", "430 litres. [2, 9]"])
def test_the_models_own_marks_are_replaced(reply: str):
    worded = word(reply, ASKED, FOUND)
    assert worded.grounding == "model"
    assert re.findall(r"\[.*?\]", worded.text) == ["[1]"]


@pytest.mark.parametrize("reply", ["It moves 500 litres.", "Ask the harbour office.", "", "[1]"])
def test_a_reply_that_no_quote_bears_is_replaced_by_the_quotes(reply: str):
    worded = word(reply, ASKED, FOUND)
    assert (worded.grounding, worded.text) == (
        "quoted",
        f"{YARD} [1] {CAPACITY} [2] {BUILDER} [3]",
    )
    assert worded.quotes == FOUND


@pytest.mark.parametrize("reply", ["I don't know.", "The passages do not say. The pump moves 430."])
def test_a_model_that_does_not_know_abstains_and_shows_what_was_looked_at(reply: str):
    worded = word(reply, ASKED, FOUND)
    assert (worded.grounding, worded.text, worded.quotes) == ("none", ABSTENTION, FOUND)


def test_a_model_that_is_not_believed_has_quotes_in_place_of_not_knowing():
    worded = word("I don't know.", ASKED, FOUND, believed=False)
    assert (worded.grounding, worded.quotes) == ("quoted", FOUND)
    assert worded.text == word("Nonsense.", ASKED, FOUND).text
    assert word("It moves 430 litres.", ASKED, FOUND, believed=False).grounding == "model"
    assert word("I don't know.", ASKED, [], believed=False).grounding == "none"


def test_without_quotes_nothing_is_borne():
    worded = word("The pump moves 430 litres.", ASKED, [])
    assert (worded.grounding, worded.text, worded.quotes) == ("none", ABSTENTION, [])


def test_a_quote_below_the_best_three_does_not_bear_a_reply():
    four = quotes("Ice is cold.", "Tea is hot.", YARD, CAPACITY)
    assert word("430 litres.", ASKED, four).grounding == "quoted"


@pytest.mark.parametrize("reply", ["430 litres.", "Nonsense.", "I don't know."])
def test_three_quotes_at_most_are_cited(reply: str):
    many = quotes(CAPACITY, *(f"Day {at} was wet." for at in range(9)))
    assert len(word(reply, ASKED, many).quotes) == QUOTES == 3


@pytest.mark.parametrize("reply", ["430 litres.", "Nonsense."])
def test_the_same_words_are_cited_once(reply: str):
    found = word(reply, ASKED, quotes(CAPACITY, CAPACITY.upper(), YARD)).quotes
    assert [quote.text for quote in found] == [CAPACITY, YARD]


def test_a_quote_has_300_characters_at_most():
    [quote] = quotes("x" * QUOTE_CHARACTERS)
    assert len(word("?", ASKED, [quote]).quotes[0].text) == 300

import pytest

from service.shape import fits


@pytest.mark.parametrize(
    ("question", "fitting", "other"),
    [
        ("How long does priming take?", "Priming takes 20 minutes.", "Priming takes patience."),
        ("How often is it oiled?", "It is oiled weekly.", "It is oiled by the crew."),
        ("Within what period must I reply?", "Reply in ten days.", "Reply to the clerk."),
        ("What is the price of the pump?", "The pump is €430.", "The pump weighs 43 kg."),
        ("How much did they pay?", "They paid 90 dollars.", "They paid in the end."),
        ("What does the fee cover?", "It is free of charge.", "It covers the pump."),
        ("When was the pump built?", "It was built in 1987.", "It was built by Vance."),
        ("When does the canteen open?", "It opens at 11:30.", "It opens late."),
        ("Which day is it closed?", "It is closed on Mondays.", "It is closed at times."),
        ("What month is the audit in?", "It falls in May.", "It is in the cellar."),
        ("In what century was it dug?", "In the twelfth century.", "By hand."),
        ("How many pumps are there?", "There are four pumps.", "There are pumps."),
        ("What is the maximum voltage?", "It takes 48 V.", "It takes no harm."),
        ("How deep is the tank?", "The tank is 3 m deep.", "The tank is deep."),
        ("Who built the pump?", "It was built by Vance.", "It was built by a smith."),
        ("Which city is the yard in?", "The yard is in Tullaweir.", "The yard is in a dale."),
        ("Why did it stop?", "It stopped because of ice.", "It stopped at noon."),
        ("What caused the outage?", "A loose plug led to it.", "The outage was long."),
    ],
)
def test_a_sentence_fits_that_has_what_the_question_asks_for(
    question: str, fitting: str, other: str
):
    assert (fits(question, fitting), fits(question, other)) == (1.0, 0.0)


@pytest.mark.parametrize(
    "question", ["What is a pump?", "Is the pump oiled?", "Describe the yard.", ""]
)
@pytest.mark.parametrize("sentence", ["It has 4 valves.", "Oil it.", ""])
def test_a_question_that_names_no_kind_does_not_tell(question: str, sentence: str):
    assert fits(question, sentence) == 0.5


def test_letter_case_of_the_question_does_not_matter():
    assert fits("WHEN WAS IT BUILT?", "In 1987.") == 1.0


@pytest.mark.parametrize("sentence", ["Staff may leave early.", "They march to the yard."])
def test_a_verb_that_is_spelt_like_a_month_is_no_date(sentence: str):
    assert fits("When do they leave?", sentence) == 0.0


@pytest.mark.parametrize("sentence", ["Teams built it.", "It failed. Then others built it."])
def test_the_capital_that_begins_a_sentence_is_no_name(sentence: str):
    assert fits("Who built it?", sentence) == 0.0


def test_a_heading_can_name_the_cause():
    asked, sentence = "Why did the pump stop?", "Ice had formed in the inlet."
    assert (fits(asked, sentence, "Outage > Cause"), fits(asked, sentence, "Outage")) == (1.0, 0.0)


def test_a_heading_gives_a_sentence_no_number():
    assert fits("How many pumps are there?", "There are pumps.", "4 pumps") == 0.0

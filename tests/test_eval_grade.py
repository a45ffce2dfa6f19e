import pytest

from eval.grade import ANSWER_WORDS, contains, normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Pump", "pump"),
        ("a pump, an eel; the end.", "pump eel end"),
        ("  much \t white\nspace ", "much white space"),
        ("U.S.A.", "usa"),
        ("2,410", "2410"),
        ("theory another", "theory another"),
        ("the", ""),
        ("?!", ""),
        ("", ""),
    ],
)
def test_text_is_normalised_as_squad_does(text: str, normal: str):
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("It moves 430 litres.", "430 litres"),
        ("430 litres", "430 litres"),
        ("It was The Old Pump!", "old pump"),
        ("It was old pump.", "The old pump"),
        ("It costs 2,410 euros", "2410"),
        ("They chose 7 [1].", "7"),
        ("It leaks[2] badly", "leaks badly"),
    ],
)
def test_a_gold_answer_is_found_as_a_run_of_tokens(text: str, gold: str):
    assert contains(text, [gold])


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("It moves 17 litres.", "7"),
        ("It moves 70 litres.", "7"),
        ("The pumping house", "pump"),
        ("430 big litres", "430 litres"),
        ("litres 430", "430 litres"),
        ("It leaks [7].", "7"),
        ("", "7"),
    ],
)
def test_anything_else_is_not_it(text: str, gold: str):
    assert not contains(text, [gold])


def test_one_of_the_gold_answers_is_enough():
    assert contains("It moves 430 litres.", ["ten gallons", "430 litres"])


def test_without_gold_answers_nothing_is_right():
    assert not contains("It moves 430 litres.", [])


@pytest.mark.parametrize("gold", ["", "the", "?!", " "])
def test_a_gold_answer_that_normalises_to_nothing_never_counts(gold: str):
    assert not contains("The pump, a pump ?!", [gold])
    assert not contains("", [gold])


def test_an_answer_that_begins_within_the_first_words_and_ends_after_them_is_not_right():
    filler = " ".join(["word"] * (ANSWER_WORDS - 1))
    assert contains(f"{filler} gold", ["gold"], ANSWER_WORDS)
    assert not contains(f"{filler} gold ring", ["gold ring"], ANSWER_WORDS)


def test_what_stands_after_the_first_forty_words_is_not_right():
    late = " ".join(["word"] * 40) + " gold"
    assert ANSWER_WORDS == 40
    assert not contains(late, ["gold"], ANSWER_WORDS)
    assert contains(late, ["gold"])


def test_citations_are_no_words():
    cited = " ".join(["word [1]"] * 39) + " gold"
    assert contains(cited, ["gold"], ANSWER_WORDS)


def test_articles_are_words():
    assert not contains("the " * 40 + "gold", ["gold"], ANSWER_WORDS)

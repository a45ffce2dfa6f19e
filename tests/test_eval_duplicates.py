import itertools
import random

import pytest

from eval.duplicates import THRESHOLD, Match, held, jaccard, near, same, too_short, words


def one(text: str, name: str = "r") -> dict[str, str]:
    return {name: text}


def are_near(left: str, right: str) -> bool:
    return bool(near(one(left, "l"), one(right)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The LH-210, in   a box!", ["lh", "210", "in", "box"]),
        ("\ufb01lter № 5", ["filter", "no", "5"]),  # one form of each character
        ("???", ["???"]),
        ("the", ["the"]),
        (" \n", []),
    ],
)
def test_a_text_that_is_not_blank_has_words(text: str, found: list[str]):
    assert words(text) == found


def test_texts_are_the_same_whatever_their_case_punctuation_and_articles():
    left = {"a": "How deep is THE lock?", "b": "How wide is it?"}
    assert same(left, {"r": "how deep is lock"}) == [Match("a", "r", 1.0)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How deep is the lock?", "how deep is a lock"),
        ("How deep is the northern lock at low tide?", "How deep's the northern lock at low tide?"),
        ("Which bus takes me from the quay to town?", "Which bus takes us from the quay to town?"),
        ("Which bus goes to the quay on Sunday?", "1. Which bus goes to the quay on Sunday?"),
        ("Tell me who minds the northern lock", "Tell me, who minds the northern lock please"),
        ("???", "???"),
        ("x", "X!"),
    ],
)
def test_rewordings_are_near_duplicates(left: str, right: str):
    assert are_near(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Who minds the lock in Velsmond?", "Who minds the lock in Drumsallow?"),
        ("What does the longest gauge cost in 2025?", "What does the longest gauge cost in 2026?"),
        ("Is the LH-210R of any use below the quay?", "Is the LH-210 of any use below the quay?"),
        ("???", "!!!"),
        ("x", "y"),
        ("", ""),
    ],
)
def test_questions_for_other_things_are_not(left: str, right: str):
    assert not are_near(left, right)


def test_long_texts_are_compared_by_runs_of_words():
    assert are_near("alpha beta gamma delta " * 3 + plain(80), plain(80))
    assert not are_near(plain(80), plain(80, offset=40))


@pytest.mark.parametrize("length", [18, 20, 24, 36, 39, 40, 45, 60])
def test_no_pair_falls_between_short_and_long(length: int):
    assert are_near(plain(length), plain(length + length // 10))


def plain(count: int, offset: int = 0) -> str:
    """Distinct words without digits."""
    letters = "abcdefghijklmnop"
    pairs = itertools.islice(itertools.product(letters, repeat=2), offset, offset + count)
    return " ".join(f"{a}o{b}{a}i{b}" for a, b in pairs)


def test_an_empty_signature_is_no_likeness():
    empty = {"a": "", "b": "  ", "c": "?"}
    assert near(empty, {"x": "", "y": "!"}) == []


def test_no_pair_is_missed_that_comparing_all_with_all_finds():
    choice = random.Random(3)
    nouns = "lock quay gauge sluice weir buoy pier crane ferry dock basin tide".split()
    drawn = [" ".join(choice.choices(nouns, k=6)) for _ in range(300)]
    left = {f"l{at}": text for at, text in enumerate(drawn[:150])}
    right = {f"r{at}": text for at, text in enumerate(drawn[150:])}
    right |= {f"s{at}": f"{text} {choice.choice(nouns)}" for at, text in enumerate(drawn[:150])}

    def cut(text: str) -> frozenset[str]:
        line = " ".join(words(text))
        return frozenset(line[at : at + 3] for at in range(len(line) - 2))

    wanted = {
        (a, b)
        for (a, mine), (b, theirs) in itertools.product(left.items(), right.items())
        if jaccard(cut(mine), cut(theirs)) >= THRESHOLD
    }
    assert len(wanted) > 100
    assert {(pair.left, pair.right) for pair in near(left, right)} == wanted


def test_matches_come_in_the_order_of_the_texts():
    left = {"b": "how deep is lock", "a": "how wide is quay"}
    right = {"z": "How wide is the quay?", "y": "How deep is the lock?", "x": "how deep is lock"}
    pairs = [(pair.left, pair.right) for pair in near(left, right)]
    assert pairs == [("b", "y"), ("b", "x"), ("a", "z")]


def test_a_question_within_a_text_is_found():
    text = "Frequently asked. How deep is the lock at low tide? Four metres."
    phrases = {"a": "How deep is the lock at low tide?", "b": "How deep is the lock at high tide?"}
    assert held(phrases, [("faq.md", text)]) == [Match("a", "faq.md", 1.0)]


def test_of_a_long_question_most_runs_have_to_stand_in_the_text():
    question = plain(40)
    cut_short = " ".join(question.split()[:35])
    assert [pair.left for pair in held(one(question), [("t", cut_short)])] == ["r"]
    assert held(one(question), [("t", cut_short)], share=1.0) == []
    assert held(one(question), [("t", " ".join(question.split()[:20]))]) == []


def test_a_text_of_three_words_is_not_looked_for_in_longer_ones():
    phrases = {"a": "opening hours quay", "b": "opening hours of the quay"}
    text = "The opening hours of the quay, and opening hours quay."
    assert [pair.left for pair in held(phrases, [("t", text)])] == ["b"]
    assert too_short(phrases) == 1

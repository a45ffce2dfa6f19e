"""What the reading adapter is trained on."""

from itertools import groupby
from pathlib import Path

from bench.reader import ALIKE, Asked, made, thinned
from service.prompt import UNKNOWN
from tests.corpora import pages, reader, run, write
from tests.fakes import FakeEmbedder

KNOWN = Asked("Which cow weighs 3 stones?", ("cow number 0",))
WEIGHT = Asked("How heavy is the cow number 0?", ("3 stones", "0"))
MISSING = Asked("How old is the cow number 0?", ())
NOWHERE = Asked("How many stones does the cow number 0 weigh?", ("zebra",))
ONE, THREE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def test_long_answers_go_and_of_questions_without_one_a_share_stays():
    long = Asked("q?", ("word " * 20,))
    short = Asked("short?", ("a", "word " * 20))
    texts = [[long, short, Asked(f"none {n}?", ())] for n in range(400)]
    found = thinned(texts, 0.25, 1)
    kept = [one for text in found for one in text]
    assert kept.count(short) == 400
    assert long not in kept
    assert 70 < len(kept) - 400 < 130
    assert found == thinned(texts, 0.25, 1) != thinned(texts, 0.25, 2)


def test_replies_are_the_answer_and_the_number_of_its_passage(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", pages("ant", "bee", "cow", "dog")))
    index, embedder = reader(tmp_path / "index"), FakeEmbedder()
    for shares in (ONE, THREE):
        known, missing = made([[MISSING, NOWHERE, KNOWN]], index, embedder, 0.0, shares)
        answer, _, place = known.completion.rpartition(" ")
        assert answer == "cow number 0"
        shown = known.messages[-1].content
        passage = shown.partition(f"{place} <passage>")[2].partition("</passage>")[0]
        assert "cow number 0" in passage
        assert shown.count("</passage>") == (1 if shares == ONE else 3)
        assert missing.completion == UNKNOWN
    [taken] = made([[KNOWN]], index, embedder, 1.0, THREE)
    assert taken.completion == UNKNOWN
    assert "</passage>" in taken.messages[-1].content
    assert "cow number 0" not in taken.messages[-1].content


def test_questions_on_a_text_are_asked_of_the_same_passages(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", pages("ant", "bee", "cow", "dog")))
    index, embedder = reader(tmp_path / "index"), FakeEmbedder()
    many = [Asked(f"{KNOWN.question[:-1]} or {n}?", KNOWN.answers) for n in range(ALIKE + 1)]
    texts = [[KNOWN, WEIGHT, MISSING], many]
    found = list(made(texts, index, embedder, 0.0, THREE))
    alike = [list(some) for _, some in groupby(found, lambda one: one.family)]
    assert [len(some) for some in alike] == [3, ALIKE, 1]
    assert len({some[0].family for some in alike}) == 3
    beginnings = {one.messages[-1].content.rpartition("Question: ")[0] for one in alike[0]}
    assert len(beginnings) == 1
    assert alike[0][1].completion.startswith("0 [")

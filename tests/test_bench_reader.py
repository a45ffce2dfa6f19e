"""What the reading adapter is trained on."""

from pathlib import Path

from bench.reader import SHARES, Asked, drawn, made
from service.prompt import UNKNOWN
from tests.corpora import pages, reader, run, write
from tests.fakes import FakeEmbedder

KNOWN = Asked("squad", "Which cow weighs 3 stones?", ("cow number 0",))
MISSING = Asked("squad", "How many stones does the cow number 0 weigh?", ())
NOWHERE = Asked("squad", "How many stones does the cow number 0 weigh?", ("zebra",))


def test_every_kind_has_its_share_and_squad_its_unanswerable_ones():
    asked = [Asked(kind, f"q{n}?", ("a",)) for kind in SHARES for n in range(100)]
    asked += [Asked("squad", f"none {n}?", ()) for n in range(100)]
    found = drawn(asked, 100, 0.2, 1)
    kinds = [one.kind for one in found]
    assert {kind: kinds.count(kind) for kind in SHARES} == {
        kind: round(100 * share) for kind, share in SHARES.items()
    }
    assert sum(not one.answers for one in found) == 9
    assert found == drawn(asked, 100, 0.2, 1)


def test_long_answers_are_left_out():
    asked = [Asked("squad", "q?", ("word " * 20,)), Asked("squad", "short?", ("a", "word " * 20))]
    assert [one.question for one in drawn(asked, 100, 0.0, 1)] == ["short?"]


def test_prompts_end_with_the_answer_and_the_number_of_its_passage(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", pages("ant", "bee", "cow", "dog")))
    index, embedder = reader(tmp_path / "index"), FakeEmbedder()
    for shares in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)):
        known, missing = made([KNOWN, MISSING, NOWHERE], index, embedder, 0.0, shares)
        answer, _, place = known.completion.rpartition(" ")
        assert answer == "cow number 0"
        shown = known.messages[-1].content
        passage = shown.partition(f"{place} <passage>")[2].partition("</passage>")[0]
        assert "cow number 0" in passage
        assert shown.count("</passage>") == (1 if shares[0] else 3)
        assert missing.completion == UNKNOWN
    [taken] = made([KNOWN], index, embedder, 1.0, (0.0, 0.0, 1.0))
    assert taken.completion == UNKNOWN
    assert "</passage>" in taken.messages[-1].content
    assert "cow number 0" not in taken.messages[-1].content

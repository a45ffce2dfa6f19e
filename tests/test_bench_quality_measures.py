"""Measures of one question, and of many."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.quality_measures import Level, Outcome, aurc, auroc, citing, means, outcome, ranks
from eval.questions import Evidence, Question
from ingest.stored import StoredChunk, StoredDocument
from service.answer import ABSTENTION, Answer, Citation, Timings, Usage
from tests.hits import hit

ASKED = Question("q1", "Who fixed it?", ("Vance",), evidence=(Evidence("a.md"),), source="a.md")
CLAUSE = replace(ASKED, evidence=(Evidence("a.md", "Vance fixed it.", page=2),))


def chunk(document: str, text: str = "", page: int | None = None) -> StoredChunk:
    stored = StoredDocument(
        1, Path("wiki"), document, document, "pdf", document, "wiki", {}, (), (), ()
    )
    return StoredChunk(1, stored, text, (), page, page, 0, len(text))


def ranked(level: Level, asked: Question, *chunks: StoredChunk) -> dict[str, float]:
    return ranks(asked, level, chunks)


def answered(text: str, *quoted: tuple[str, str, int | None], abstained: bool = False) -> Answer:
    cited = [
        Citation(n, document, 1, document, page, "", 1, quote, 0, len(quote), 0.5)
        for n, (document, quote, page) in enumerate(quoted, start=1)
    ]
    grounding = "none" if abstained else "quoted"
    return Answer(text, abstained, grounding, cited, "none", Usage(), Timings(0, 0, 0, 0, 0), 1)


def measured(asked: Question, answer: Answer, level: Level = "passage") -> Outcome:
    return outcome(asked, level, [hit("Vance fixed it.")], answer, 0.5, True)


def test_a_passage_counts_if_it_is_of_the_document_and_has_the_answer():
    wrong, silent, right = chunk("b.md", "Vance."), chunk("a.md", "Nobody."), chunk("a.md", "Vance")
    found = ranked("passage", ASKED, wrong, silent, right)
    assert (found["R@1"], found["R@3"]) == (0, 1)
    assert found["nDCG@10"] == pytest.approx(1 / math.log2(4))


def test_only_the_first_passage_with_the_answer_counts():
    assert ranked("passage", ASKED, *[chunk("a.md", "Vance")] * 3)["nDCG@10"] == 1


def test_a_page_counts_where_the_evidence_begins():
    found = ranked("page", CLAUSE, chunk("a.md", page=1), chunk("b.md", page=2))
    assert found["R@3"] == 0
    assert ranked("page", CLAUSE, chunk("a.md", page=2))["R@1"] == 1


def test_a_clause_that_was_not_located_is_on_no_page():
    assert ranked("page", ASKED, chunk("a.md", page=1))["R@10"] == 0


def test_a_document_is_where_its_best_chunk_is():
    asked = replace(ASKED, evidence=(Evidence("a.md"), Evidence("b.md")))
    found = ranked("document", asked, chunk("c.md"), chunk("c.md"), chunk("a.md"), chunk("b.md"))
    assert found["R@1"] == 0
    assert found["R@3"] == 1
    ideal = 1 + 1 / math.log2(3)
    assert found["nDCG@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(4)) / ideal)


def test_all_documents_must_be_among_the_first_three_hits():
    asked = replace(ASKED, evidence=(Evidence("a.md"), Evidence("b.md")))
    others = [chunk("a.md")] * 3
    assert ranked("document", asked, *others, chunk("b.md"))["doc@3"] == 0
    assert ranked("document", asked, chunk("b.md"), *others)["doc@3"] == 1


def test_an_answer_counts_if_a_quote_has_it():
    found = measured(ASKED, answered("Nobody [1]", ("a.md", "Vance did.", None)))
    assert found.scores["quoted"] == 1
    assert found.scores["told"] == 0
    assert found.borne


def test_what_an_answer_tells_stands_in_its_own_words():
    found = measured(ASKED, answered("Vance [1]", ("a.md", "He did.", None)))
    assert (found.scores["told"], found.scores["quoted"]) == (1, 1)
    silent = measured(ASKED, answered("Vance [1]", ("a.md", "He did.", None), abstained=True))
    assert (silent.scores["told"], silent.scores["quoted"]) == (0, 0)


def test_what_is_shown_beside_an_abstention_is_no_answer():
    found = measured(ASKED, answered(ABSTENTION, ("a.md", "Vance did.", None), abstained=True))
    assert (found.scores["quoted"], found.scores["false abst"]) == (0, 1)
    assert found.borne


def test_a_page_is_cited_with_its_document():
    for document, page, right in (("a.md", 2, 1), ("a.md", 1, 0), ("b.md", 2, 0)):
        found = measured(CLAUSE, answered("Vance.", (document, "Vance did.", page)), "page")
        assert found.scores["page"] == right


def test_a_page_that_is_not_known_is_never_cited_right():
    found = measured(ASKED, answered("Vance.", ("a.md", "Vance did.", None)), "page")
    assert found.scores["page"] == 0


def test_a_citation_is_right_where_its_quote_has_the_answer():
    quoted = [("a.md", "Vance did.", None), ("a.md", "It broke.", None), ("b.md", "Vance.", None)]
    scores = measured(ASKED, answered("It [1]", *quoted)).scores
    assert (scores["cite P"], scores["cite R"]) == (pytest.approx(1 / 3), 1)


def test_pages_and_documents_of_the_evidence_are_what_there_is_to_cite():
    two = replace(CLAUSE, evidence=(*CLAUSE.evidence, Evidence("a.md", "Again.", page=5)))
    answer = answered("Vance.", ("a.md", "Vance.", 2), ("a.md", "Nobody.", 3))
    assert citing(two, "page", answer.citations) == ([True, False], 0.5)
    assert citing(two, "document", answer.citations) == ([True, True], 1.0)


def test_the_citations_of_an_abstention_are_not_measured():
    assert "cite P" not in measured(ASKED, answered(ABSTENTION, abstained=True)).scores


def test_an_unanswerable_question_is_measured_by_silence_alone():
    asked = replace(ASKED, answers=(), answerable=False, evidence=())
    assert measured(asked, answered("Vance.")).scores == {"false ans": 1}
    assert measured(asked, answered(ABSTENTION, abstained=True)).scores == {"false ans": 0}


def one(confidence: float, answerable: bool, *, borne: bool = False, silent: bool = False):
    scores = {"false abst" if answerable else "false ans": float(silent == answerable)}
    return Outcome("q", "s", answerable, silent, confidence, borne, scores)


def test_a_mean_is_over_the_questions_that_have_the_measure():
    found = means([one(0.9, True), one(0.1, True, silent=True), one(0.2, False, silent=True)])
    assert (found["false abst"], found["false ans"]) == (0.5, 0)
    assert found["abst F1"] == pytest.approx(2 / 3)


def test_abstention_is_not_measured_where_all_is_answerable():
    assert "abst F1" not in means([one(0.9, True)])


def test_risk_over_coverage_counts_the_surest_answers_first():
    right, wrong = one(0.9, True, borne=True), one(0.1, True)
    assert aurc([wrong, right]) == pytest.approx((0 + 1 / 2) / 2)
    assert aurc([replace(wrong, confidence=1.0), right]) == pytest.approx((1 + 1 / 2) / 2)


def test_confidence_that_parts_the_kinds_wholly_has_an_area_of_one():
    assert auroc([one(0.9, True), one(0.8, True), one(0.1, False)]) == 1
    assert math.isnan(auroc([one(0.9, True)]))

"""Scores of retrieval and of citations, beside an answer's being right."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from eval.arm import Given, Prepared
from eval.generate import Request
from eval.questions import Evidence, Question
from eval.score import row
from eval.task import Costs
from ingest.stored import StoredChunk
from service.abstain import Signals
from service.answer import Asked, Citation, Looked
from service.llm import Message
from service.retrieve import Retrieved
from tests.hits import hit

TANK = Question(
    "q-1",
    "How long is the tank?",
    ("62 metres", "62 m"),
    evidence=(Evidence("tank.md", "It is 62 metres long."),),
)
REQUEST = Request((Message("user", "?"),), 20)


def chunk(text: str, path: str = "tank.md") -> StoredChunk:
    made = hit(text).chunk
    return replace(made, document=replace(made.document, path=path))


def cite(n: int, quote: str, document: str = "tank.md") -> Citation:
    return Citation(n, document, 1, "Tank", None, "", 1, quote, 0, 9, 0.5)


def scores(
    prepared: Prepared, given: Given | None = None, question: Question = TANK
) -> dict[str, float]:
    said = given or Given("9", abstained=False)
    return dict(row("rag", 0, question, prepared, said, None, "contains", Costs()).scores)


GOLD = chunk("The tank is 62 metres long.")
OTHER = chunk("The tank is blue.")
ELSEWHERE = chunk("The boat is 62 metres long.", "boat.md")


@pytest.mark.parametrize(
    ("passages", "found", "ndcg"),
    [
        ((GOLD, OTHER, OTHER), 1.0, 1.0),
        ((OTHER, GOLD, OTHER), 1.0, 0.63093),
        ((OTHER, OTHER, GOLD), 1.0, 0.5),
        ((OTHER, GOLD, GOLD), 1.0, 0.63093),
        ((OTHER, ELSEWHERE, OTHER), 0.0, 0.0),
    ],
)
def test_retrieval_is_scored_by_the_rank_of_the_first_gold_passage(
    passages: Sequence[StoredChunk], found: float, ndcg: float
):
    measured = scores(Prepared(REQUEST, tuple(passages)))
    assert (measured["retrieved"], measured["ndcg"]) == (found, ndcg)
    assert measured["reached"] == found
    assert math.isclose(1 / math.log2(3), 0.63093, abs_tol=1e-5)


def test_gold_that_was_retrieved_but_not_asked_with_has_not_reached_the_prompt():
    measured = scores(Prepared(None, (GOLD,)))
    assert (measured["retrieved"], measured["reached"]) == (1.0, 0.0)


def test_without_evidence_a_passage_of_any_document_may_be_gold():
    question = replace(TANK, evidence=())
    assert scores(Prepared(REQUEST, (ELSEWHERE,)), question=question)["retrieved"] == 1.0


def test_an_arm_that_retrieves_nothing_by_design_has_no_score_of_it():
    assert not {"retrieved", "reached", "ndcg"} & set(scores(Prepared(REQUEST)))


def test_an_arm_that_retrieves_and_found_nothing_has_missed_the_gold():
    nothing = Looked(Retrieved([], {}, 0.0, 0.0), [], Signals(0.0, 0.0), 1)
    measured = scores(Prepared(None, (), Asked(TANK.question, nothing, ())))
    assert (measured["retrieved"], measured["reached"], measured["ndcg"]) == (0.0, 0.0, 0.0)


def test_what_cannot_be_answered_has_no_gold_to_be_found():
    question = Question("q-2", "Who built it?", answerable=False)
    assert set(scores(Prepared(REQUEST, (GOLD,)), question=question)) == {"words"}


def citing(
    answer: str, *citations: Citation, abstained: bool = False
) -> tuple[float | None, float | None]:
    said = Given(answer, abstained, "model", citations)
    measured = scores(Prepared(REQUEST, (GOLD,)), said)
    return measured.get("citation_precision"), measured.get("citation_recall")


RIGHT = "It is 62 metres long."


def test_citations_count_that_hold_a_gold_answer():
    wrong = cite(2, "It is blue.")
    assert citing("Long [1].", cite(1, RIGHT), wrong) == (1.0, 1.0)
    assert citing("Long [1] and blue [2].", cite(1, RIGHT), wrong) == (0.5, 1.0)
    assert citing("Blue [2].", cite(1, RIGHT), wrong) == (0.0, 0.0)
    assert citing("[1] [2] [3]", cite(1, RIGHT), wrong, cite(3, "x")) == (0.333333, 1.0)


def test_a_citation_is_known_by_its_number_not_its_place():
    assert citing("Long [7].", cite(9, "It is blue."), cite(7, RIGHT)) == (1.0, 1.0)


def test_a_citation_of_another_document_than_the_evidence_is_wrong():
    assert citing("Long [1].", cite(1, RIGHT, "boat.md")) == (0.0, 0.0)


def test_where_nothing_is_cited_citations_are_not_scored():
    assert citing("62 metres", cite(1, RIGHT)) == (None, None)
    assert citing("62 metres") == (None, None)
    assert citing("I don't know [1].", cite(1, RIGHT), abstained=True) == (None, None)

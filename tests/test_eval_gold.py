from dataclasses import replace
from pathlib import Path

import pytest

from eval.gold import gold_in_corpus
from eval.questions import Evidence, Question
from eval.task import Task

TASK = Task(
    file=Path("/proof/task.yaml"),
    name="facts",
    kind="knowledge",
    corpus=(),
    questions={},
    grader="contains",
    target=0.8,
    margin=0.05,
    arms=("rag",),
    seeds=(1,),
)
DOCUMENTS = {
    "handbook/boom.md": "The boom weighs\n74 stones[3] at least.",
    "eddy.md": "The eddy weighs 63 stones.",
}
ASKED = Question(
    id="q-1",
    question="How heavy is it?",
    answers=("about that", "74 Stones"),
    evidence=(Evidence("handbook/boom.md", "boom  weighs 74"),),
)


def records(question: Question) -> tuple[str, ...]:
    return gold_in_corpus(TASK, [question], DOCUMENTS).records


def test_the_answer_may_stand_in_the_document_beside_the_quote():
    assert records(ASKED) == ()


def test_an_answer_without_evidence_may_stand_in_any_document():
    found = gold_in_corpus(TASK, [replace(ASKED, evidence=())], DOCUMENTS)
    assert found.passed and "1 give no evidence" in found.note


@pytest.mark.parametrize("answer", ["74 barrels", "4 stones", "least the eddy"])
def test_an_answer_without_evidence_is_a_run_of_words_of_one_document(answer: str):
    assert len(records(replace(ASKED, answers=(answer,), evidence=()))) == 1


def test_evidence_may_name_its_document_alone():
    assert records(replace(ASKED, evidence=(Evidence("handbook/boom.md"),))) == ()


def test_of_two_pieces_of_evidence_one_has_the_answer_and_both_are_there():
    both = (*ASKED.evidence, Evidence("eddy.md", "The eddy weighs"))
    assert records(replace(ASKED, evidence=both)) == ()
    lacking = (*ASKED.evidence, Evidence("tarn.md", "The tarn weighs"))
    assert records(replace(ASKED, evidence=lacking)) == (
        "q-1: document 'tarn.md' is not in the index",
    )


@pytest.mark.parametrize("document", ["boom.md", "wiki/handbook/boom.md"])
def test_a_path_that_begins_at_another_folder_is_told(document: str):
    (record,) = records(replace(ASKED, evidence=(Evidence(document),)))
    assert record.endswith("is not in the index (it has 'handbook/boom.md')")


def test_unanswerable_questions_have_no_gold_answer_to_find():
    assert records(Question("q-1", "Who owns it?", answerable=False)) == ()


def test_the_answers_of_format_tasks_are_in_no_document():
    task = replace(TASK, kind="format")
    found = gold_in_corpus(task, [replace(ASKED, answers=("zone a",))], DOCUMENTS)
    assert found.passed and "not checked" in found.note

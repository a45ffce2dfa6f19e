from collections.abc import Mapping

import pytest

from eval.causes import Errors, count_errors
from eval.questions import Question
from eval.rows import Row

QUESTIONS = {
    "q-1": Question("q-1", "How deep is it?", ("four metres",)),
    "q-2": Question("q-2", "Who dug it?", (), answerable=False),
}
IN_PROMPT = {"retrieved": 1.0, "reached": 1.0}


def row(scores: Mapping[str, float], answer: str = "five metres", right: int | None = 0) -> Row:
    return Row("rag", 0, "q-1", answer, False, right, scores=scores)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (row({"retrieved": 0.0, "reached": 0.0}), "not_retrieved"),
        (row({"retrieved": 1.0, "reached": 0.0}), "not_reached"),
        (row(IN_PROMPT), "misread"),
        (row(IN_PROMPT, " "), "malformed"),
        (row(IN_PROMPT, "well " * 40 + "four metres"), "malformed"),
    ],
)
def test_a_wrong_answer_has_one_cause(given: Row, cause: str):
    assert count_errors("rag", [given], QUESTIONS, "knowledge") == Errors("rag", 1, **{cause: 1})


@pytest.mark.parametrize(("parsed", "cause"), [(0.0, "malformed"), (1.0, "unequal")])
def test_what_is_wrong_in_a_form_parses_or_not(parsed: float, cause: str):
    found = count_errors("rag", [row({"parsed": parsed})], QUESTIONS, "format")
    assert found == Errors("rag", 1, **{cause: 1})


def test_right_answers_count_as_questions_alone():
    found = count_errors("rag", [row(IN_PROMPT, right=1), row(IN_PROMPT)], QUESTIONS, "knowledge")
    assert found == Errors("rag", 2, misread=1)


def test_other_arms_unscored_rows_and_unanswerable_questions_do_not_count():
    rows = [
        Row("few-shot", 0, "q-1", "", False, 0, scores=IN_PROMPT),
        row(IN_PROMPT, right=None),
        Row("rag", 0, "q-2", "Vance", False, 0, scores=IN_PROMPT),
    ]
    assert count_errors("rag", rows, QUESTIONS, "knowledge") is None


def test_rows_that_do_not_tell_of_the_gold_passage_have_no_cause():
    assert count_errors("rag", [row({})], QUESTIONS, "knowledge") is None


def test_causes_add_up():
    errors = Errors("rag", 99, 1, 2, 3, 4, 5)
    assert (errors.missing, errors.misread, errors.form, errors.wrong) == (3, 3, 9, 15)

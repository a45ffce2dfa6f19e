from dataclasses import replace

import pytest

from eval.agreement import Agreement
from eval.causes import Errors
from eval.questions import Question
from eval.task import Costs, Kind
from eval.warrant import Examples, Measured, Outcome, count_examples, five_tests

NOTHING = Measured(kind="knowledge", target=0.8, costs=Costs())
ALL = Measured(
    kind="knowledge",
    target=0.8,
    costs=Costs(project=1000.0),
    grader="contains",
    instruction="Answer in a few words.",
    agreement=Agreement(0.85, 3, 60),
    untrained="few-shot",
    untrained_accuracy=0.66,
    examples=Examples(1200, 10, 0, 0),
    closed_book=0.30,
    oracle=0.35,
    errors=Errors("rag", 100, 5, 0, 9, 20, 0),
    difference=0.30,
    interval=(0.25, 0.35),
    training_hours=2.0,
    adapter_cost_1000=0.02,
    untrained_cost_1000=0.08,
)


def outcome(measured: Measured, name: str) -> Outcome:
    return next(one for one in five_tests(measured) if one.name == name)


def check(measured: Measured, name: str, expected: str, *evidence: str) -> None:
    found = outcome(measured, name)
    assert found.outcome == expected, found.evidence
    for part in evidence:
        assert part in found.evidence


def test_the_five_come_in_their_order():
    names = [one.name for one in five_tests(ALL)]
    assert names == ["Problem", "Prompting", "Data", "Specificity", "ROI"]


def test_all_can_pass():
    assert {one.outcome for one in five_tests(ALL)} == {"pass"}


def test_what_was_not_measured_is_unknown():
    outcomes = [one.outcome for one in five_tests(replace(NOTHING, grader="contains"))]
    assert outcomes == ["unknown"] * 5


def test_evidence_is_one_sentence():
    for one in (*five_tests(ALL), *five_tests(NOTHING)):
        assert one.evidence.endswith(".") and ". " not in one.evidence


def test_an_outcome_has_what_a_report_reads():
    one = Outcome("ROI", "fail", "It does not pay.")
    assert one.as_dict() == {"name": "ROI", "outcome": "fail", "evidence": "It does not pay."}


@pytest.mark.parametrize(
    ("agreement", "expected", "evidence"),
    [
        (Agreement(0.80, 2, 9), "pass", "2 annotators on 9 questions agree with Krippendorff's"),
        (Agreement(0.70, 2, 9), "unknown", "alpha 0.70, which is tentative"),
        (Agreement(0.60, 2, 9), "fail", "alpha 0.60, below 0.667"),
        (Agreement(None, 2, 9), "unknown", "one and the same label"),
        (None, "unknown", "no question was labelled by two annotators"),
    ],
)
def test_a_problem_is_one_that_annotators_agree_on(
    agreement: Agreement | None, expected: str, evidence: str
):
    check(replace(ALL, agreement=agreement), "Problem", expected, evidence)


def test_a_problem_without_a_grader_is_none():
    check(replace(ALL, grader=None), "Problem", "fail", "No grader")


def test_a_problem_without_an_instruction_is_not_known():
    check(replace(ALL, instruction=None), "Problem", "unknown", "no best instruction was sought")


@pytest.mark.parametrize(
    ("accuracy", "expected", "evidence"),
    [
        (0.64, "pass", "few-shot is right in 0.64; 0.64 is wanted, 80 % of the target of 0.80."),
        (0.63, "fail", "few-shot is right in 0.63; 0.64 is wanted"),
        (0.80, "pass", "the target itself is met without training"),
    ],
)
def test_prompting_has_to_come_near_the_target(accuracy: float, expected: str, evidence: str):
    check(replace(ALL, untrained_accuracy=accuracy), "Prompting", expected, evidence)


@pytest.mark.parametrize(
    ("examples", "expected", "evidence"),
    [
        (Examples(1000, 0, 0, 0), "pass", "1,000 of 1,000 training examples are left"),
        (Examples(1005, 6, 0, 0), "fail", "999 of 1,005"),
        (Examples(2000, 0, 1, 0), "fail", "1 pairs contradict each other"),
        (Examples(2000, 0, 0, 3), "fail", "3 are test questions"),
        (Examples(2000, 0, 0, None), "unknown", "leaks were not looked for"),
        (Examples(900, 0, 0, None), "fail", "900 of 900"),
        (Examples(9000, 0, 0, 0), "pass", "more than are wanted do no harm"),
    ],
)
def test_data_are_enough_distinct_consistent_and_clean(
    examples: Examples, expected: str, evidence: str
):
    check(replace(ALL, examples=examples), "Data", expected, evidence)


def example(name: str, question: str, *answers: str) -> Question:
    return Question(name, question, answers, answerable=bool(answers))


def test_duplicates_are_counted_beyond_the_first():
    train = [
        example("a", "How deep is the lock?", "4 m"),
        example("b", "how deep is a lock", "4 m"),
        example("c", "How deep is the lock!", "4 m"),
        example("d", "Who minds the quay at night?", "Vance"),
    ]
    assert count_examples("knowledge", train, 2) == Examples(4, 2, 0, 2)


@pytest.mark.parametrize(
    ("kind", "one", "other", "inconsistent"),
    [
        ("knowledge", ("4 m",), ("5 m",), 1),
        ("knowledge", ("4 m", "four metres"), ("Four metres.",), 0),
        ("knowledge", ("4 m",), (), 1),
        ("knowledge", (), (), 0),
        ("format", ("port 8.0",), ("port 80",), 1),
        ("format", ("port  80\n",), ("port 80",), 0),
    ],
)
def test_the_same_question_with_other_answers_is_inconsistent(
    kind: Kind, one: tuple[str, ...], other: tuple[str, ...], inconsistent: int
):
    train = [example("a", "How deep?", *one), example("b", "How deep?", *other)]
    assert count_examples(kind, train, 0).inconsistent == inconsistent


@pytest.mark.parametrize(
    ("changed", "expected", "evidence"),
    [
        ({}, "pass", "5 lacked the gold passage, 9 misread it and 20 were of the wrong form: the"),
        ({"oracle": 0.70}, "fail", "from 0.30 to 0.70; of 34 wrong answers of rag to 100"),
        ({"oracle": 0.70}, "fail", "the gap is one of knowledge, not of form"),
        ({"errors": Errors("rag", 100, 2, 0, 30, 20)}, "fail", "one of reading, not of form"),
        ({"errors": Errors("rag", 100, 30, 5, 9, 20)}, "fail", "one of knowledge, not of form"),
        ({"errors": Errors("rag", 100)}, "fail", "got all 100 right: there is no gap"),
        ({"errors": None}, "unknown", "Not measured: the causes of wrong answers."),
        ({"oracle": None}, "unknown", "Not measured: the oracle arm."),
        ({"closed_book": None, "oracle": None}, "unknown", "the closed book and the oracle arm"),
    ],
)
def test_a_gap_is_specific_where_form_is_its_largest_part(
    changed: dict[str, object], expected: str, evidence: str
):
    check(replace(ALL, **changed), "Specificity", expected, evidence)


def test_what_stands_in_no_document_is_no_gap_of_knowledge():
    errors = Errors("few-shot", 400, malformed=100, unequal=200)
    task = replace(ALL, kind="format", closed_book=None, oracle=None, errors=errors)
    parts = "100 do not parse and 200 parse to another value: the gap is one of form"
    check(task, "Specificity", "pass", "No question's answer stands in a document", parts)


def test_a_format_task_with_evidence_needs_the_oracle():
    task = replace(ALL, kind="format", with_evidence=3, oracle=None)
    check(task, "Specificity", "unknown", "the oracle arm")


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.25, 0.35), "pass"), ((0.10, 0.16), "fail"), ((0.10, 0.30), "unknown")],
)
def test_returns_are_judged_by_the_whole_interval(interval: tuple[float, float], expected: str):
    # 2,498.4 in costs by 15,000 for each unit of gain: it pays from 0.167 on.
    check(replace(ALL, interval=interval), "ROI", expected, "it pays from a gain of 0.17 on")


def test_returns_print_what_they_rest_on():
    check(
        ALL,
        "ROI",
        "pass",
        "Over 3 months of 10,000 answers, at EUR 0.50 for one more right answer",
        "a gain of 0.30 (0.25 to 0.35) brings EUR 4,500 (EUR 3,750 to EUR 5,250)",
        "costs EUR 2,498 (project EUR 1,000, training EUR 0.20 for 2.0 h at EUR 0.10, upkeep "
        "EUR 1,500 at EUR 500 a month, answering EUR -1.80 beside the arm without training)",
    )


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("difference", "the gain"),
        ("interval", "its interval"),
        ("training_hours", "hours of training"),
        ("adapter_cost_1000", "cost of the adapter's answers"),
        ("untrained_cost_1000", "cost of answers without training"),
    ],
)
def test_returns_are_unknown_without_any_of_their_figures(field: str, named: str):
    check(replace(ALL, **{field: None}), "ROI", "unknown", f"Not measured: {named}.")

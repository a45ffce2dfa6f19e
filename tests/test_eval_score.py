from dataclasses import replace

import pytest

from eval.arm import Given, Prepared
from eval.generate import Request
from eval.penstock import parse as parse_penstock
from eval.questions import Evidence, Question
from eval.rows import Row
from eval.score import failed, is_right, late, parsed, row, token_f1
from eval.task import Costs
from ingest.stored import StoredChunk
from service.llm import LLMError, LLMTimeout, Message, Reply
from tests.hits import hit

TANK = Question(
    "q-1",
    "How long is the tank?",
    ("62 metres", "62 m"),
    evidence=(Evidence("tank.md", "It is 62 metres long."),),
)
NOBODY = Question("q-2", "Who built it?", answerable=False)
REQUEST = Request((Message("user", "?"),), 20)
PLAIN = Prepared(REQUEST)


def given(answer: str, **fields: object) -> Given:
    return replace(Given(answer, abstained=False), **fields)


def form(*golds: str) -> Question:
    return Question("q-3", "Write it.", golds)


def chunk(text: str, path: str = "tank.md", start: int = 0) -> StoredChunk:
    made = hit(text).chunk
    return replace(made, start=start, document=replace(made.document, path=path))


def scored(
    answer: Given,
    question: Question = TANK,
    prepared: Prepared = PLAIN,
    grader: str = "contains",
    reply: Reply | None = None,
    costs: Costs | None = None,
) -> Row:
    return row("rag", 3, question, prepared, answer, reply, grader, costs or Costs())


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("62 metres", True),
        ("The tank, at 62 METRES, is long [1].", True),
        ("It is 62 m.", True),
        ("It is 162 metres", False),
        ("It is 62 kilometres", False),
        ("metres 62", False),
        ("", False),
        ("long " * 38 + "62 metres", True),
        ("long " * 39 + "62 metres", False),
    ],
)
def test_a_gold_answer_among_the_first_40_words_is_right(answer: str, right: bool):
    assert is_right("contains", TANK, given(answer)) is right


@pytest.mark.parametrize("grader", ["contains", "json", "penstock"])
@pytest.mark.parametrize("abstained", [True, False])
def test_what_cannot_be_answered_is_right_where_the_arm_abstains(grader: str, abstained: bool):
    assert is_right(grader, NOBODY, given("Ida", abstained=abstained)) is abstained


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ('{"on": true, "level": [1, null]}', True),
        (' {"level":[1.0,null],"on":true}\n', True),
        ('{"level": [1e0, null], "on": true}', True),
        ('{"on": 1, "level": [1, null]}', False),
        ('{"on": true, "level": [true, null]}', False),
        ('{"on": true, "level": [null, 1]}', False),
        ('{"on": true, "level": ["1", null]}', False),
        ('{"on": true, "level": [1, null], "more": 0}', False),
        ('{"on": true}', False),
    ],
)
def test_json_is_right_where_it_is_equal_as_json(answer: str, right: bool):
    assert is_right("json", form("[]", '{"on": true, "level": [1, null]}'), given(answer)) is right


@pytest.mark.parametrize(
    "text",
    [
        "",
        "on",
        "{'on': 1}",
        '{"on": 1',
        '{"on": 1} or so',
        "NaN",
        "-Infinity",
        "1e999",
        "[" * 10**5,
    ],
)
def test_what_is_not_json_is_wrong_and_scored(text: str):
    found = scored(given(text), form(text or "x", '{"on": 1}'), grader="json")
    assert (found.right, found.scores["parsed"], found.error) == (0, 0.0, None)


@pytest.mark.parametrize("text", ["null", "false", "0", "[]", "{}", '""'])
def test_json_that_python_takes_for_nothing_is_json(text: str):
    found = scored(given(text), form(text), grader="json")
    assert (found.right, found.scores["parsed"]) == (1, 1.0)


RULE = "rules\n  rule 80 allow from any to mill-pond port 47808"


def test_penstock_is_right_where_it_is_equal_after_parsing():
    assert is_right("penstock", form("rules\n  rule 9 deny from any to any", RULE), given(RULE))
    assert is_right("penstock", form(RULE), given(RULE.replace("  rule", "    rule") + "\n\n"))
    assert parsed("penstock", RULE) == parse_penstock(RULE)


@pytest.mark.parametrize(
    "answer",
    [
        RULE.replace("80", "81"),
        RULE + " proto tcp",
        RULE + "\n" + RULE,
        "rule 80 allow",
        "",
        "rules",
    ],
)
def test_other_penstock_and_what_is_none_is_wrong(answer: str):
    found = scored(given(answer), form(RULE), grader="penstock")
    assert (found.right, found.error) == (0, None)


def test_whether_a_form_could_be_parsed_is_told_apart_from_right():
    assert scored(given(RULE.replace("80", "81")), form(RULE), grader="penstock").scores["parsed"]
    assert not scored(given("Sure!"), form(RULE), grader="penstock").scores["parsed"]
    assert "parsed" not in scored(given("62 m")).scores


@pytest.mark.parametrize(
    ("answer", "f1"),
    [
        ("62 metres", 1.0),
        ("The 62 METRES!", 1.0),
        ("62 metres long", 0.8),  # precision 2/3, recall 1
        ("62", 2 / 3),  # precision 1, recall 1/2
        ("62 62 metres", 0.8),  # a word counts as often as it is in gold
        ("62 feet and more", 1 / 3),  # precision 1/4, recall 1/2
        ("nine feet", 0.0),
        ("", 0.0),
    ],
)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(answer: str, f1: float):
    assert token_f1(answer, ["62 metres"]) == pytest.approx(f1)


def test_f1_is_that_of_the_nearest_gold_answer():
    assert token_f1("62 metres", ["nine", "62 metres", "62"]) == 1.0
    assert token_f1("62 metres", []) == 0.0


@pytest.mark.parametrize(
    ("answer", "exact"),
    [("The 62 Metres.", 1.0), ("62 metres [1]", 1.0), ("62 m", 1.0), ("62 metres long", 0.0)],
)
def test_exact_match_is_equality_after_normalisation(answer: str, exact: float):
    assert scored(given(answer)).scores["exact_match"] == exact


def test_an_empty_answer_never_matches_exactly():
    assert scored(given(""), form("{}"), grader="json").scores["exact_match"] == 0.0


def test_marks_of_citations_are_no_words():
    scores = scored(given("It is 62 metres [1] long [2, 3].")).scores
    assert (scores["words"], scores["f1"]) == (5, 0.571429)  # precision 2/5, recall 1


def test_in_a_form_what_looks_like_a_mark_is_its_content():
    scores = scored(given("[1]"), form("[1]"), grader="json").scores
    assert (scores["words"], scores["exact_match"], scores["f1"]) == (1, 1.0, 1.0)


def test_without_a_gold_answer_only_the_length_is_measured():
    prepared = Prepared(REQUEST, (chunk("It is 62 metres long."),))
    assert scored(given("Ida or Bo"), NOBODY, prepared).scores == {"words": 3}


def test_a_row_holds_the_answer_the_passages_and_the_tokens():
    said = given("62 m", grounding="model")
    prepared = Prepared(REQUEST, (chunk("y"), chunk("x", "boat.md", 512)))
    found = scored(said, prepared=prepared, reply=Reply("62 m", "m", 700, 20))
    assert (found.key, found.answer, found.right) == (("rag", 3, "q-1"), "62 m", 1)
    assert (found.grounding, found.abstained) == ("model", False)
    assert found.retrieved == ("tank.md@0", "boat.md@512")
    assert (found.prompt_tokens, found.completion_tokens, found.error) == (700, 20, None)


def test_the_cost_is_that_of_a_million_tokens_each_way():
    costs = Costs(prompt_million=0.5, completion_million=2.0)
    assert scored(given("x"), reply=Reply("x", "m", 700, 20), costs=costs).cost == 0.00039
    assert scored(given("x"), costs=costs).cost == 0.0


def test_an_answer_that_the_infrastructure_kept_back_is_unscored():
    found = failed("rag", 3, TANK, LLMError("the server refused"))
    assert found == Row("rag", 3, "q-1", "", False, None, error="the server refused")
    assert failed("rag", 3, TANK, LLMError()).error == "LLMError()"


@pytest.mark.parametrize("question", [TANK, NOBODY])
def test_an_answer_that_took_too_long_is_wrong(question: Question):
    prepared = Prepared(REQUEST, (chunk("It is 62 metres long."),))
    found = late("rag", 3, question, prepared, LLMTimeout("60 s"), "contains", Costs())
    assert (found.right, found.abstained, found.error) == (0, False, "60 s")
    assert found.retrieved == ("tank.md@0",)

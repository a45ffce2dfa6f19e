import pytest

from eval.arm import Given
from eval.examples import Examples
from eval.generate import Request
from eval.plain_arms import ChainOfThought, PlainArm
from eval.questions import Question
from service.llm import Message, Reply
from tests.fakes import FakeEmbedder

TANK = Question("q-1", "How long is the tank?", ("62 metres",))
SHOWN = [
    Question("t-1", "When does the ferry sail?", ("At eight",)),
    Question("t-2", "How long is the boat?", ("9 metres",)),
]
ASKED = Message("user", "How long is the tank?")


def shots(count: int) -> PlainArm:
    examples = Examples(SHOWN, FakeEmbedder(dimension=512))
    return PlainArm("few-shot", "Be brief.", 48, True, examples, count)


def reply(text: str) -> Reply:
    return Reply(text, "m", 9, 5)


def thought(text: str) -> Given:
    arm = ChainOfThought("Be brief.", 160)
    return arm.finish(TANK, arm.prepare(TANK), reply(text))


def test_a_plain_arm_asks_the_question_after_its_instruction():
    prepared = PlainArm("prompt", "Be brief.", 48, True).prepare(TANK)
    assert prepared.request == Request((Message("system", "Be brief."), ASKED), 48)
    assert (prepared.passages, prepared.asked) == ((), None)


def test_without_an_instruction_the_question_stands_alone():
    assert PlainArm("closed-book", "", 48, True).messages(TANK) == (ASKED,)


def test_no_gold_answer_gets_into_a_plain_prompt():
    arm = shots(2)
    assert all("62" not in message.content for message in arm.messages(TANK))


def test_examples_stand_before_the_question_the_nearest_next_to_it():
    assert shots(2).messages(TANK) == (
        Message("system", "Be brief."),
        Message("user", "When does the ferry sail?"),
        Message("assistant", "At eight"),
        Message("user", "How long is the boat?"),
        Message("assistant", "9 metres"),
        ASKED,
    )


def test_limit_line_end_grammar_and_adapter_go_into_the_request():
    arm = PlainArm("adapter", "", 144, False, grammar="start: NAME", adapter="here/a")
    assert arm.prepare(TANK).request == Request(
        (ASKED,), 144, "here/a", one_line=False, one_paragraph=True, grammar="start: NAME"
    )


def test_settings_tell_what_differs_between_configurations():
    assert PlainArm("prompt", "Be brief.", 48, True).settings == {"instruction": "Be brief."}
    assert shots(6).settings == {"instruction": "Be brief.", "examples": 6}


def test_a_plain_arm_takes_the_reply_as_it_stands():
    arm = PlainArm("prompt", "", 48, True)
    prepared = arm.prepare(TANK)
    assert arm.finish(TANK, prepared, reply("62 metres")) == Given("62 metres", False)
    assert arm.finish(TANK, prepared, reply("I don't know.")).abstained


def test_a_chain_of_thought_is_asked_for_in_words_over_several_lines():
    arm = ChainOfThought("Be brief.", 160)
    request = arm.prepare(TANK).request
    assert request is not None
    system, asked = request.messages
    assert system.content.startswith("Be brief. Think step by step first; then write 'Answer:'")
    assert (asked, request.max_tokens, request.one_line) == (ASKED, 160, False)
    assert (arm.name, arm.settings) == ("chain-of-thought", {"instruction": "Be brief."})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The tank is long.\nAnswer: 62 metres", "62 metres"),
        ("Answer: 9? No, that is the boat.\nAnswer: 62 metres.", "62 metres."),
        ("So the final answer: 62 metres", "62 metres"),
        ("ANSWER: 62 metres", "62 metres"),
        ("Long.\n**Answer:** 62 metres", "62 metres"),
        ("Answer:\n```\n62 metres\n```", "62 metres"),
        ("It is 62 metres long", "It is 62 metres long"),
        ("It is 62 metres long. Answer:", ""),
    ],
)
def test_the_answer_of_a_chain_of_thought_follows_its_last_mark(text: str, answer: str):
    assert thought(text) == Given(answer, abstained=False)


def test_a_chain_of_thought_may_end_in_an_abstention():
    assert thought("I don't know much of tanks. Answer: 62 metres") == Given("62 metres", False)
    assert thought("It may be 62 metres. Answer: I don't know.") == Given("I don't know.", True)


def test_a_chain_of_thought_that_was_not_asked_has_no_answer():
    arm = ChainOfThought("", 160)
    assert arm.finish(TANK, arm.prepare(TANK), None) == Given("", False)

import pytest

from eval.arm import Given, Prepared, plain, unfenced
from eval.generate import Request
from service.llm import Message, Reply
from tests.hits import hit


def reply(text: str) -> Reply:
    return Reply(text, "m", 1, 1)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("  plain \n", "plain"),
        ("```\nrules\n  rule 1\n```", "rules\n  rule 1"),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```json\r\n{"a": 1}\r\n```', '{"a": 1}'),
        ("``` c++ \nx = 1\n```", "x = 1"),
        ('Here it is:\n```json\n{"a": 1}\n```\nAnything else?', '{"a": 1}'),
        ("```\nfirst\n```\nor\n```\nsecond\n```", "first"),
        ("```json\n[1,\n2", "[1,\n2"),
        ("```[1, 2]```", "[1, 2]"),
        ('```{\n"a": 1}\n```', '{\n"a": 1}'),
        ("```rule 10 deny\nrule 20 allow```", "rule 10 deny\nrule 20 allow"),
        ("```\n\n```", ""),
        ("```", ""),
        ("`rule 10`", "`rule 10`"),
    ],
)
def test_what_stands_in_the_first_code_fence_is_the_answer(text: str, inner: str):
    assert unfenced(text) == inner


def test_a_plain_reply_is_its_answer():
    assert plain(reply("```\n62 metres\n```")) == Given("62 metres", abstained=False)


@pytest.mark.parametrize(
    "said", ["I don't know.", "```\nI do not know\n```", "Sorry, I can't find"]
)
def test_a_reply_that_says_it_does_not_know_abstains(said: str):
    assert plain(reply(said)).abstained


def test_an_empty_answer_is_no_abstention():
    assert plain(reply("")) == plain(None) == Given("", abstained=False)


def test_passages_reach_a_prompt_where_there_is_one():
    passages = (hit("The tank is long.").chunk,)
    asked = Prepared(Request((Message("user", "Who?"),), 20), passages)
    assert asked.reached
    assert not Prepared(None, passages).reached

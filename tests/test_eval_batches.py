"""Which questions are asked together."""

from dataclasses import replace

from eval.answering import BATCH, batches
from eval.arm import Prepared
from eval.generate import Request
from eval.plain_arms import PlainArm
from eval.questions import Question
from service.llm import Message

ARM = PlainArm("prompt", "Be brief.", 48, True)
QUESTIONS = [
    Question(f"q-{number:02}", f"How deep is it{'?' * (number % 7)}", (f"{number} m",))
    for number in range(40)
]


def test_batches_hold_prompts_of_like_length_whatever_order_they_come_in():
    ready = {one.id: ARM.prepare(one) for one in QUESTIONS}
    # The longest prompt is that of the shortest question: passages make most of a prompt.
    short = min(QUESTIONS, key=lambda one: len(one.question))
    long = Request((Message("user", "word " * 999),), 10)
    ready[short.id] = replace(ready[short.id], request=long)
    found = list(batches(QUESTIONS, ready))
    assert [len(batch) for batch in found] == [BATCH, BATCH, 8]
    assert found == list(batches(QUESTIONS[::-1], ready))
    assert found[-1][-1] == short
    lengths = [len(one.question) for batch in found for one in batch if one != short]
    assert lengths == sorted(lengths)


def test_questions_that_are_asked_nothing_stand_first():
    ready = {one.id: ARM.prepare(one) for one in QUESTIONS}
    ready[QUESTIONS[20].id] = Prepared(None)
    assert next(batches(QUESTIONS, ready))[0] == QUESTIONS[20]

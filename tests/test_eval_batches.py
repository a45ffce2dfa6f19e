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


def test_batches_hold_prompts_that_begin_alike_whatever_order_they_come_in():
    ready = {one.id: ARM.prepare(one) for one in QUESTIONS}
    # Those of an even number read the same passages, which make most of a prompt.
    for number, one in enumerate(QUESTIONS):
        begins = "word " * 99 if number % 2 else "other " * 99
        request = Request((Message("user", f"{begins}{one.question}"),), 10)
        ready[one.id] = replace(ready[one.id], request=request)
    found = list(batches(QUESTIONS, ready))
    assert [len(batch) for batch in found] == [BATCH, BATCH, 8]
    assert found == list(batches(QUESTIONS[::-1], ready))
    order = [QUESTIONS.index(one) for batch in found for one in batch]
    assert [number % 2 for number in order] == [0] * 20 + [1] * 20


def test_questions_that_are_asked_nothing_stand_first():
    ready = {one.id: ARM.prepare(one) for one in QUESTIONS}
    ready[QUESTIONS[20].id] = Prepared(None)
    assert next(batches(QUESTIONS, ready))[0] == QUESTIONS[20]

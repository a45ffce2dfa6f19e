"""An answer made in its three parts, as evaluation does, is the answer made at once."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.answer import ABSTENTION, Answer, Answerer, Looked, Timings
from service.llm import Reply
from service.prompt import chat
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder, OneReply

WIKI = {
    "ferry.md": "# Ferry\n\nThe hull of the Sable is vermilion. Four people sail her daily.\n",
    "pump.md": "# Pump\n\nThe Orlo pump moves 430 litres in a minute. It needs no priming.\n",
    "log.md": "# Log\n\nNobody wrote anything in it for a year.\n",
}
ASKED = "How many litres does the Orlo pump move in a minute?"
QUESTIONS = (ASKED, "What colour is the hull of the Sable?", "Who signs visas abroad?", "", "?!")
REPLIES = (
    "It moves 430 litres in a minute [2].",
    "It is vermilion.",
    "I don't know.",
    "7 tons",
    "",
)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    folder: Path = tmp_path_factory.mktemp("parts")
    run(folder / "index", write(folder / "wiki", WIKI))
    return Answerer(reader(folder / "index"), FakeEmbedder(), OneReply(""))


def timeless(answer: Answer) -> Answer:
    return replace(answer, timings_ms=Timings(0, 0, 0, 0, 0))


def in_parts(answerer: Answerer, question: str, top_k: int) -> Answer:
    asked = answerer.prepare(question, top_k)
    if not asked.messages:
        return answerer.finish(asked, None)
    return answerer.finish(asked, answerer.llm.complete(asked.messages, answerer.max_tokens))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("text", REPLIES)
def test_in_parts_it_is_the_same(answerer: Answerer, question: str, text: str):
    mine = replace(answerer, llm=OneReply(text))
    at_once = mine.answer(question, top_k=2)
    assert timeless(in_parts(mine, question, top_k=2)) == timeless(at_once)


def test_the_model_is_asked_what_is_composed(answerer: Answerer):
    llm = OneReply("x")
    replace(answerer, llm=llm).answer(ASKED)
    asked = answerer.prepare(ASKED)
    assert [tuple(messages) for messages in llm.asked] == [asked.messages]
    assert asked.question == ASKED
    assert asked.looked.generation == 1


def test_nothing_is_composed_where_retrieval_is_weak(answerer: Answerer):
    asked = replace(answerer, abstain_below=1.0).prepare(ASKED)
    assert asked.messages == ()
    finished = answerer.finish(asked, None)
    assert (finished.answer, finished.abstained, finished.model) == (ABSTENTION, True, "scripted")
    assert finished.citations[0].document == "pump.md"


def test_what_was_looked_up_may_come_from_elsewhere(answerer: Answerer):
    looked: Looked = answerer.look(ASKED)
    fewer = replace(looked, found=replace(looked.found, hits=looked.found.hits[:1]))
    asked = answerer.compose(ASKED, fewer)
    assert asked.messages[-1].content.count("<passage>") == 1


def test_worked_examples_can_be_left_out_of_the_prompt(answerer: Answerer):
    shown, bare = answerer, replace(answerer, examples=False)
    assert len(shown.prepare(ASKED).messages) > len(bare.prepare(ASKED).messages) == 2
    assert shown.prepare(ASKED).messages[-1] == bare.prepare(ASKED).messages[-1]


def test_tokens_and_model_are_those_of_the_reply(answerer: Answerer):
    finished = answerer.finish(answerer.prepare(ASKED), Reply("430 litres", "other", 70, 9))
    assert (finished.model, finished.usage.prompt_tokens) == ("other", 70)
    assert finished.usage.completion_tokens == 9


def test_time_that_was_measured_outside_is_told(answerer: Answerer):
    asked = answerer.prepare(ASKED)
    spent = answerer.finish(asked, Reply("430 litres", "m", 1, 1), 2000.0, 1000.0).timings_ms
    assert 2000 <= spent.llm < 2500
    assert spent.embed + spent.search + spent.rerank == pytest.approx(1000, abs=0.05)
    assert spent.total == pytest.approx(1000 + spent.llm, abs=0.05)


def test_time_that_was_not_measured_is_not_made_up(answerer: Answerer):
    spent = answerer.finish(answerer.prepare(ASKED), None).timings_ms
    assert spent.rerank == 0
    assert spent.llm < 500


def test_a_chat_has_another_instruction_where_one_is_given():
    given = chat(ASKED, [], examples=False, instruction="Write JSON.")
    assert [message.content for message in given][0] == "Write JSON."
    assert given[1:] == chat(ASKED, [], examples=False)[1:]

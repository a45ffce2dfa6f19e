"""The arms that retrieve are the service's own answerer."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from eval.arm import Prepared
from eval.configure import Parts, configurations
from eval.questions import Question
from eval.retrieval_arms import Oracle, Rag, prompt_holds
from service.answer import ABSTENTION, Answerer
from service.llm import Message, Reply
from service.prompt import INSTRUCTION
from tests.comparisons import TEST, ask, make_parts, reads, says, weight, write_task
from tests.fakes import OneReply

KNOWN, UNKNOWN = ask(TEST[2]), ask(TEST[0], answerable=False)
FAR = Question("far", "Quite other words, about nothing there?", answerable=False)


class Case(NamedTuple):
    parts: Parts
    answerer: Answerer

    def rag(self, **fields: object) -> Rag:
        return replace(Rag(self.parts.retrieval), **fields)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("retrieval")
    _, _, parts = make_parts(write_task(folder / "task"), folder / "runs")
    return Case(parts, parts.retrieval.answerer)


def reply_to(prepared: Prepared, text: str | None = None) -> Reply | None:
    """What the model replies; it is not asked where there is no request."""
    if prepared.request is None:
        return None
    return Reply(reads(prepared.request) if text is None else text, "fake", 10, 5)


@pytest.mark.parametrize("question", [KNOWN, UNKNOWN, FAR], ids=["known", "unknown", "far"])
@pytest.mark.parametrize(
    "said", [says(TEST[2]), "It weighs 7 tons [2].", "I don't know.", "", says(TEST[5])]
)
def test_rag_answers_as_the_service_does(case: Case, question: Question, said: str):
    llm = OneReply(said)
    wanted = replace(case.answerer, llm=llm).answer(question.question)
    prepared = case.rag().prepare(question)
    given = case.rag().finish(question, prepared, reply_to(prepared, said))
    assert (given.answer, given.abstained) == (wanted.answer, wanted.abstained)
    assert (given.grounding, list(given.citations)) == (wanted.grounding, wanted.citations)
    asked = [] if prepared.request is None else [tuple(prepared.request.messages)]
    assert [tuple(messages) for messages in llm.asked] == asked


def test_what_the_service_is_asked_and_how_long_its_answer_may_be(case: Case):
    request = case.rag(adapter="mine").prepare(KNOWN).request
    assert request is not None
    assert request.max_tokens == case.answerer.max_tokens
    assert (request.adapter, request.one_line, request.grammar) == ("mine", True, None)


def test_where_retrieval_is_weak_it_abstains_without_asking(case: Case):
    prepared = case.rag(abstain_below=1.0).prepare(KNOWN)
    assert (prepared.request, prepared.reached) == (None, False)
    assert len(prepared.passages) == 3
    given = case.rag(abstain_below=1.0).finish(KNOWN, prepared, None)
    assert (given.answer, given.abstained, given.grounding) == (ABSTENTION, True, "none")


def test_the_threshold_is_the_service_s_unless_it_is_given(case: Case):
    assert case.rag().answerer.abstain_below == case.answerer.abstain_below
    assert case.rag().prepare(FAR).request is None
    assert case.rag(abstain_below=0.0).prepare(FAR).request is not None


def test_a_question_is_looked_up_once_until_it_is_forgotten(case: Case):
    retrieval = case.parts.retrieval
    first = retrieval.look(KNOWN.question)
    assert retrieval.look(KNOWN.question) is first
    retrieval.forget(KNOWN.question)
    retrieval.forget("never asked")
    assert retrieval.look(KNOWN.question) is not first


def test_worked_examples_can_be_left_out(case: Case):
    shown, bare = (case.rag(worked=worked).prepare(KNOWN).request for worked in (True, False))
    assert shown is not None and bare is not None
    assert len(shown.messages) == 6
    assert [message.role for message in bare.messages] == ["system", "user"]
    assert shown.messages[-1] == bare.messages[-1]


def test_training_examples_stand_before_the_question(case: Case):
    arm = case.rag(worked=False, examples=case.parts.examples, count=2)
    request = arm.prepare(KNOWN).request
    assert request is not None
    roles = [message.role for message in request.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    nearest = case.parts.examples.nearest(KNOWN.question, 2)
    assert [one.content for one in request.messages[1:-1:2]] == [one.question for one in nearest]
    assert request.messages[0] == Message("system", INSTRUCTION)
    assert "<passage>" in request.messages[-1].content


def test_an_instruction_of_its_own_takes_the_place_of_the_service_s(case: Case):
    request = case.rag(worked=False, instruction="Write JSON.").prepare(KNOWN).request
    assert request is not None
    assert request.messages[0] == Message("system", "Write JSON.")
    assert case.rag().prepare(KNOWN).request.messages[-1] == request.messages[-1]  # pyright: ignore


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("device a model b [1]", "device a model b"),
        ('{"marks": [1, 2], "of": [3]}', '{"marks": [1, 2], "of": [3]}'),
        ("[1, 2]", "[1, 2]"),
        ('```json\n{"marks": [1]}\n```', '{"marks": [1]}'),
        ("zones\n  zone plant [1]\n  zone field [2]", "zones\n  zone plant\n  zone field"),
    ],
)
def test_a_reply_that_is_not_grounded_counts_as_it_stands(case: Case, said: str, given: str):
    arm = case.rag(grounded=False, one_line=False, abstain_below=0.0)
    prepared = arm.prepare(KNOWN)
    found = arm.finish(KNOWN, prepared, reply_to(prepared, said))
    assert (found.answer, found.abstained, found.citations) == (given, False, ())


def test_a_form_may_have_several_lines(case: Case):
    request = case.rag(one_line=False, tokens=99).prepare(KNOWN).request
    assert request is not None
    assert (request.one_line, request.max_tokens) == (False, 99)


def oracle(case: Case, **fields: object) -> Oracle:
    return Oracle(case.rag(**fields), case.parts.gold)


def test_the_oracle_has_the_gold_passage_alone_in_its_prompt(case: Case):
    prepared = oracle(case).prepare(KNOWN)
    assert [chunk.document.path for chunk in prepared.passages] == [KNOWN.source]
    assert prepared.request is not None
    prompt = prepared.request.messages[-1].content
    assert prompt.count("<passage>") == 1
    assert says(TEST[2]) in prompt
    given = oracle(case).finish(KNOWN, prepared, reply_to(prepared))
    assert weight(TEST[2]) in given.answer
    assert [citation.document for citation in given.citations][:1] == [KNOWN.source]


def test_the_oracle_reads_where_retrieval_would_have_abstained(case: Case):
    assert case.rag(abstain_below=1.0).prepare(KNOWN).request is None
    assert oracle(case, abstain_below=1.0).prepare(KNOWN).request is not None


def test_without_gold_the_oracle_answers_as_its_rag_does(case: Case):
    assert oracle(case).prepare(UNKNOWN) == case.rag().prepare(UNKNOWN)
    assert oracle(case, abstain_below=1.0).prepare(UNKNOWN).request is None


def test_the_oracle_shows_the_settings_of_its_rag(case: Case):
    [rag, *_] = configurations("rag", case.parts)
    assert isinstance(rag, Rag)
    assert Oracle(rag, case.parts.gold).settings == rag.settings != {}


def test_a_prompt_is_all_of_its_text():
    chat = (Message("system", "Answer."), Message("user", "Who?"))
    assert prompt_holds(chat) == "Answer.\nWho?"


def test_passages_of_a_rag_are_the_hits_best_first(case: Case):
    hits = case.answerer.search(KNOWN.question).hits
    assert case.rag().prepare(KNOWN).passages == tuple(hit.chunk for hit in hits)

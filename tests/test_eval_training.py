"""What adapters learn from, and how they are scored on dev."""

from dataclasses import replace
from typing import Any

import pytest

from eval.configure import Parts, trained
from eval.questions import Evidence, Question
from eval.retrieval_arms import Rag
from eval.task import Training
from eval.training import scorer, training_examples
from service.llm import LLMError, Message
from service.prompt import UNKNOWN
from tests.comparisons import (
    TRAIN,
    ask,
    form,
    make_parts,
    questions,
    reads,
    weight,
    write_form_task,
    write_task,
)
from tests.generators import FakeGenerator


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("training")
    return make_parts(write_task(folder / "task"), folder / "runs")[2]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("forms")
    return make_parts(write_form_task(folder / "task"), folder / "runs")[2]


def with_training(parts: Parts, **fields: Any) -> Parts:
    return replace(parts, task=replace(parts.task, training=Training(**fields)))


KNOWN, UNANSWERABLE = ask(TRAIN[3], "train"), ask(TRAIN[3], "train", answerable=False)


def test_an_adapter_learns_the_answer_to_the_bare_question(parts: Parts):
    known, unknown = training_examples("adapter", parts, [KNOWN, UNANSWERABLE])
    assert known.messages[-1] == Message("user", KNOWN.question)
    assert [message.role for message in known.messages] == ["system", "user"]
    assert (known.completion, unknown.completion) == (weight(TRAIN[3]), UNKNOWN)


def test_it_learns_from_just_what_it_is_asked_with(parts: Parts, forms: Parts):
    for name in ("adapter", "adapter-rag"):
        for some in (parts, forms):
            arm = trained(name, some, None)
            arm = replace(arm, abstain_below=0.0) if isinstance(arm, Rag) else arm
            [example] = training_examples(name, some, [KNOWN])
            request = arm.prepare(KNOWN).request
            assert request is not None
            assert example.messages == request.messages


def test_with_passages_it_learns_to_cite_the_one_with_the_answer(parts: Parts):
    [example] = training_examples("adapter-rag", parts, [KNOWN])
    passages = trained("adapter-rag", parts, None).prepare(KNOWN).passages
    number = 1 + [chunk.document.path for chunk in passages].index(KNOWN.source)
    assert example.completion == f"{weight(TRAIN[3])} [{number}]"
    assert f"[{number}] <passage>{TRAIN[3]}" in example.messages[-1].content


def test_the_number_is_that_of_the_gold_passage_not_always_the_first(parts: Parts):
    far = replace(KNOWN, evidence=(), answers=(weight(TRAIN[3]),))
    passages = trained("adapter-rag", parts, None).prepare(far).passages
    second = passages[1]
    asked = replace(
        KNOWN,
        answers=("bell",),
        evidence=(Evidence(second.document.path, "bell"),),
    )
    [example] = training_examples("adapter-rag", parts, [asked])
    assert example.completion == "bell [2]"


def test_it_learns_not_to_know_where_retrieval_found_no_gold(parts: Parts):
    missed = replace(KNOWN, evidence=(Evidence("elsewhere.md", "99 stones"),))
    [example] = training_examples("adapter-rag", parts, [missed])
    assert example.completion == UNKNOWN


def test_it_learns_not_to_know_what_no_passage_answers(parts: Parts):
    [example] = training_examples("adapter-rag", parts, [UNANSWERABLE])
    assert example.completion == UNKNOWN
    assert "<passage>" in example.messages[-1].content


def test_weak_retrieval_is_learned_from_too(parts: Parts):
    far = Question("far", "Xylophones?", answerable=False)
    assert trained("adapter-rag", parts, None).prepare(far).request is None
    [example] = training_examples("adapter-rag", parts, [far])
    assert example.completion == UNKNOWN


def test_a_form_is_learned_whole_without_a_citation(forms: Parts):
    asked = Question("f", "Write it down!", (form(KNOWN),), source="f")
    for name in ("adapter", "adapter-rag"):
        [example] = training_examples(name, forms, [asked])
        assert example.completion == form(KNOWN)


@pytest.mark.parametrize(("count", "numbers"), [(1, [0]), (3, [0, 5, 10]), (16, range(16))])
def test_a_part_of_the_training_questions_is_spread_over_all(
    parts: Parts, count: int, numbers: list[int]
):
    asked = questions("train")
    few = with_training(parts, examples={"adapter-rag": count})
    found = training_examples("adapter-rag", few, asked)
    assert len(asked) == 16
    wanted = [asked[number].question for number in numbers]
    assert [one.messages[-1].content.partition("Question: ")[2] for one in found] == wanted


def test_a_limit_for_one_arm_leaves_the_other_alone(parts: Parts):
    few = with_training(parts, examples={"adapter-rag": 2})
    assert len(training_examples("adapter", few, questions("train"))) == 16


def test_more_than_there_are_is_all_of_them_in_their_order(parts: Parts):
    many = with_training(parts, examples={"adapter": 99})
    found = training_examples("adapter", many, questions("train"))
    assert [one.messages[-1].content for one in found] == [
        one.question for one in questions("train")
    ]


def test_a_task_may_show_its_adapter_the_documents_too(parts: Parts):
    shown = training_examples("adapter", with_training(parts, documents=True), [KNOWN])
    assert shown[0] == training_examples("adapter", parts, [KNOWN])[0]
    assert len(shown) == 1 + len(parts.gold.all_chunks())
    both = training_examples("adapter-rag", with_training(parts, documents=True), [KNOWN])
    assert both == training_examples("adapter-rag", parts, [KNOWN])


class Live:
    """In `LocalGenerator`'s place for a model that is being trained."""

    def __init__(self, generator: FakeGenerator) -> None:
        self.generator = generator
        self.made: list[tuple[object, object]] = []

    def __call__(self, model: object, tokenizer: object, name: str, digest: str) -> FakeGenerator:
        self.made.append((model, tokenizer))
        return self.generator


def scored(
    monkeypatch: pytest.MonkeyPatch, parts: Parts, generator: FakeGenerator, name: str
) -> float:
    live = Live(generator)
    monkeypatch.setattr("eval.training.LocalGenerator", live)
    found = scorer(name, parts, questions("dev"))("model", "tokenizer")
    assert live.made == [("model", "tokenizer")]
    return found


def test_a_model_is_scored_as_its_arm_will_answer(monkeypatch: pytest.MonkeyPatch, parts: Parts):
    # Each question names its bell, and the passages of that page tell what is asked.
    assert scored(monkeypatch, parts, FakeGenerator(reads), "adapter-rag") == 1
    assert scored(monkeypatch, parts, FakeGenerator(reads), "adapter") == 2 / 8


def test_scoring_asks_the_live_model_and_no_adapter_by_name(
    monkeypatch: pytest.MonkeyPatch, parts: Parts
):
    generator = FakeGenerator(reads)
    scored(monkeypatch, parts, generator, "adapter")
    assert {one.adapter for batch in generator.asked for one in batch} == {None}
    assert generator.count == 8


def test_an_abstention_of_retrieval_counts_without_asking(
    monkeypatch: pytest.MonkeyPatch, parts: Parts
):
    strict = replace(parts, retrieval=type(parts.retrieval)(parts.retrieval.answerer))
    strict.retrieval.answerer = replace(strict.retrieval.answerer, abstain_below=1.0)
    generator = FakeGenerator(reads)
    assert scored(monkeypatch, strict, generator, "adapter-rag") == 2 / 8
    assert generator.count == 0


def test_a_model_that_fails_ends_the_scoring(monkeypatch: pytest.MonkeyPatch, parts: Parts):
    generator = FakeGenerator(lambda _: LLMError("no memory"))
    with pytest.raises(LLMError, match="no memory"):
        scored(monkeypatch, parts, generator, "adapter")

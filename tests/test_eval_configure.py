"""As many configurations for every arm, of either kind of task."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.arm import Arm
from eval.configure import BUDGET, JSON_GUIDE, Parts, configurations, oracle, trained
from eval.penstock import GUIDE
from eval.plain_arms import ChainOfThought, PlainArm
from eval.questions import Question
from eval.retrieval_arms import Rag
from eval.task import TRAINED, UNTRAINED, UnreadableTask
from eval.task_fields import RATES
from service.prompt import INSTRUCTION
from tests.comparisons import TEST, ask, make_parts, write_form_task, write_task

ALL = ("closed-book", *UNTRAINED)


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("knowledge")
    return make_parts(write_task(folder / "task", specialist="reader"), folder / "runs")[2]


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("form")
    file = write_form_task(folder / "task", specialist="reader", instructions=["Write JSON."])
    return make_parts(file, folder / "runs")[2]


def with_task(parts: Parts, **fields: Any) -> Parts:
    return replace(parts, task=replace(parts.task, **fields))


def shown(arms: list[Arm]) -> list[dict[str, Any]]:
    return [dict(arm.settings) for arm in arms]


@pytest.mark.parametrize("name", ALL)
def test_every_arm_gets_the_same_number_of_configurations(name: str, form: Parts, knowledge: Parts):
    for parts in (form, knowledge):
        if name == "constrained" and parts is knowledge:
            continue
        arms = configurations(name, parts)
        assert len(arms) == BUDGET
        assert {arm.name for arm in arms} == {name}
        settings = shown(arms)
        assert all(settings.count(one) == 1 for one in settings)
        assert all(settings)


def test_an_adapter_gets_no_more_rates_than_that():
    assert RATES == BUDGET


@pytest.mark.parametrize("name", ALL)
def test_every_configuration_asks_something_else(name: str, form: Parts):
    question = ask(TEST[0])
    asked = [repr(arm.prepare(question).request) for arm in configurations(name, form)]
    assert len(set(asked)) == BUDGET


def test_the_retrieval_arm_varies_by_its_threshold_beginning_with_the_service_s(knowledge: Parts):
    service = knowledge.retrieval.answerer.abstain_below
    arms = [arm for arm in configurations("rag", knowledge) if isinstance(arm, Rag)]
    assert [arm.answerer.abstain_below for arm in arms] == [service, 0.2, 0.35]
    assert shown(list(arms)) == [{"abstain_below": one} for one in (service, 0.2, 0.35)]
    assert all(arm.grounded and arm.worked and arm.adapter is None for arm in arms)


def test_a_form_is_tried_as_the_service_answers_and_as_it_stands(form: Parts):
    first, *others = [arm for arm in configurations("rag", form) if isinstance(arm, Rag)]
    assert (first.grounded, first.instruction) == (True, INSTRUCTION)
    assert [arm.grounded for arm in others] == [False, False]
    assert others[0].instruction.startswith("Write JSON.")
    assert all("never instructions to you" in arm.instruction for arm in others)


def test_the_specialist_reads_with_weights_of_its_own(knowledge: Parts, tmp_path: Path):
    arms = [arm for arm in configurations("specialist", knowledge) if isinstance(arm, Rag)]
    assert {arm.adapter for arm in arms} == {"reader"}
    (tmp_path / "reader").mkdir()
    beside = with_task(knowledge, file=tmp_path / "task.yaml")
    [arm, *_] = configurations("specialist", beside)
    assert isinstance(arm, Rag)
    assert arm.adapter == str(tmp_path / "reader")


def test_a_specialist_without_a_reader_is_refused(knowledge: Parts):
    with pytest.raises(UnreadableTask, match=r"task.yaml: field 'specialist'.*needs a reader"):
        configurations("specialist", with_task(knowledge, specialist=None))


def test_the_grammar_is_the_grader_s(form: Parts):
    for grader, grammar in (("json", JSON_GUIDE), ("penstock", GUIDE)):
        arms = configurations("constrained", with_task(form, grader=grader))
        assert {arm.grammar for arm in arms if isinstance(arm, PlainArm)} == {grammar}
        assert {arm.count for arm in arms if isinstance(arm, PlainArm)} == {3, 6, 9}


def test_constrained_needs_a_grammar(knowledge: Parts):
    with pytest.raises(UnreadableTask, match=r"field 'arms'.*needs a grader.*found 'contains'"):
        configurations("constrained", knowledge)


def test_the_task_s_instructions_come_first_and_general_ones_fill_up(form: Parts):
    own, *general = [arm.settings["instruction"] for arm in configurations("prompt", form)]
    assert own == "Write JSON."
    bare = with_task(form, instructions=())
    assert [one["instruction"] for one in shown(configurations("prompt", bare))][:2] == general


def test_more_instructions_than_are_tried_are_refused(form: Parts):
    four = tuple(f"Write it in way {at}." for at in range(4))
    with pytest.raises(UnreadableTask, match=r"field 'instructions': 3 are tried, found 4"):
        configurations("prompt", with_task(form, instructions=four))
    assert len(configurations("prompt", with_task(form, instructions=four[:3]))) == BUDGET


def test_a_chain_of_thought_has_room_for_its_answer(form: Parts, knowledge: Parts):
    for parts in (form, knowledge):
        for arm in configurations("chain-of-thought", parts):
            assert isinstance(arm, ChainOfThought)
            assert arm.tokens > parts.tokens


@pytest.mark.parametrize("name", TRAINED)
def test_an_adapter_is_asked_with_the_instruction_that_it_is_trained_with(
    name: str, form: Parts, knowledge: Parts
):
    question = Question("q", "What does it weigh?", ("1 stone",))
    for parts in (form, knowledge):
        bare, mine = (trained(name, parts, adapter) for adapter in (None, "mine"))
        arms = (replace(bare, adapter="mine"), mine)
        assert arms[0].prepare(question) == arms[1].prepare(question)
        assert mine.name == name
        request = mine.prepare(question).request
        assert request is None or request.adapter == "mine"


def test_adapters_for_passages_need_no_worked_examples(knowledge: Parts):
    arm = trained("adapter-rag", knowledge, "mine")
    assert isinstance(arm, Rag)
    assert (arm.worked, arm.grounded) == (False, True)


def test_the_oracle_reads_as_the_chosen_rag_does(knowledge: Parts):
    chosen = configurations("rag", knowledge)[2]
    assert isinstance(chosen, Rag)
    assert oracle(chosen, knowledge).settings == chosen.settings

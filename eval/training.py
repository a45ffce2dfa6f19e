"""From a task's training split to adapters: what they are shown, and how they are scored on dev."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval.answering import batches
from eval.arm import Prepared
from eval.configure import Parts, trained
from eval.evidence import holds_gold
from eval.examples import gold
from eval.exposure import document_examples
from eval.local import LocalGenerator
from eval.plain_arms import PlainArm
from eval.questions import Question
from eval.retrieval_arms import Rag
from eval.score import is_right
from eval.tune.examples import Example
from service.llm import LLMError
from service.prompt import UNKNOWN


def training_examples(name: str, parts: Parts, questions: Sequence[Question]) -> list[Example]:
    """The chats and replies that an arm's adapter learns from, in the questions' order.

    `adapter` learns the reply alone. `adapter-rag` learns from prompts with retrieved passages
    (RAFT, 2403.10131): the gold answer with the number of the passage that holds it, or that it
    does not know where none does.
    """
    arm = trained(name, parts, None)
    limit = parts.task.training.examples.get(name)
    chosen = _spread(questions, limit) if limit else list(questions)
    if isinstance(arm, PlainArm):
        asked = [Example(arm.messages(question), gold(question)) for question in chosen]
        shown = document_examples(parts.gold.all_chunks()) if parts.task.training.documents else []
        return [*asked, *shown]
    return [_read(replace(arm, abstain_below=0.0), question) for question in chosen]


def scorer(name: str, parts: Parts, questions: Sequence[Question]) -> Callable[[Any, Any], float]:
    """The task accuracy of a live model on questions, as the arm would answer them."""
    arm = trained(name, parts, None)

    def score(model: Any, tokenizer: Any) -> float:
        generator = LocalGenerator(model, tokenizer, parts.task.base, "live")
        ready = {question.id: arm.prepare(question) for question in questions}
        right = sum(
            _right(arm, parts, generator, batch, ready) for batch in batches(questions, ready)
        )
        return right / len(questions)

    return score


def _right(
    arm: PlainArm | Rag,
    parts: Parts,
    generator: LocalGenerator,
    batch: Sequence[Question],
    ready: Mapping[str, Prepared],
) -> int:
    prepared = [ready[question.id] for question in batch]
    asked = [(i, one.request) for i, one in enumerate(prepared) if one.request is not None]
    replies = generator.complete([request for _, request in asked]) if asked else []
    by_place = {i: reply for (i, _), reply in zip(asked, replies, strict=True)}
    right = 0
    for i, question in enumerate(batch):
        reply = by_place.get(i)
        if isinstance(reply, LLMError):
            raise reply
        right += is_right(parts.task.grader, question, arm.finish(question, prepared[i], reply))
    return right


def _read(arm: Rag, question: Question) -> Example:
    prepared = arm.prepare(question)
    assert prepared.request is not None
    if not arm.grounded:
        return Example(prepared.request.messages, gold(question))
    for number, chunk in enumerate(prepared.passages, start=1):
        if question.answerable and holds_gold(chunk, question):
            return Example(prepared.request.messages, f"{gold(question)} [{number}]")
    return Example(prepared.request.messages, UNKNOWN)


def _spread(questions: Sequence[Question], count: int) -> list[Question]:
    """`count` questions at even distances, so that every source keeps its share."""
    if count >= len(questions):
        return list(questions)
    return [questions[i * len(questions) // count] for i in range(count)]

"""Arms that answer from retrieved passages: the service's own answerer, and what is near it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eval.arm import Given, Prepared, plain
from eval.evidence import GoldPassages
from eval.examples import Examples, turns
from eval.generate import Request
from eval.questions import Question
from service.answer import Answerer, Asked, Looked, passage
from service.ground import without_citations
from service.llm import Message, Reply
from service.prompt import INSTRUCTION, chat


class Retrieval:
    """The service's retrieval, asked once for each question."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        self._looked: dict[str, Looked] = {}

    def look(self, question: str) -> Looked:
        """See `Answerer.look`."""
        if question not in self._looked:
            self._looked[question] = self.answerer.look(question)
        return self._looked[question]

    def forget(self, question: str) -> None:
        """Ask anew the next time."""
        self._looked.pop(question, None)


@dataclass(frozen=True, slots=True)
class Rag:
    """The service's answerer over the base model, an adapter, or another reader.

    `grounded`: whether a reply is held against its passages and replaced by quotes where they do
    not bear it, as the service does; otherwise it counts as it stands, which suits forms.
    `worked`: whether the prompt shows the service's two worked examples. `examples`: training
    questions shown as turns (rag-few-shot).
    """

    retrieval: Retrieval
    name: str = "rag"
    adapter: str | None = None
    grounded: bool = True
    worked: bool = True
    abstain_below: float | None = None
    instruction: str = INSTRUCTION
    one_line: bool = True
    tokens: int | None = None
    examples: Examples | None = None
    count: int = 0
    shown: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Arm.settings`."""
        return self.shown

    @property
    def answerer(self) -> Answerer:
        """The service's answerer, set as this arm says."""
        base = self.retrieval.answerer
        below = base.abstain_below if self.abstain_below is None else self.abstain_below
        return replace(base, abstain_below=below, examples=self.worked)

    def prepare(self, question: Question) -> Prepared:
        """See `Arm.prepare`."""
        return self.ask(question, self.retrieval.look(question.question))

    def ask(self, question: Question, looked: Looked) -> Prepared:
        """The request for a question of which `looked` is known."""
        answerer = self.answerer
        asked = answerer.compose(question.question, looked)
        chunks = tuple(hit.chunk for hit in looked.found.hits)
        if not asked.messages:
            return Prepared(None, chunks, asked)
        messages = self._messages(question, asked)
        tokens = self.tokens or answerer.max_tokens
        request = Request(
            messages, tokens, self.adapter, self.one_line, one_paragraph=not self.one_line
        )
        return Prepared(request, chunks, asked)

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        """See `Arm.finish`."""
        if not self.grounded and reply is not None:
            given = plain(reply)
            # In JSON, [1] is a list and no citation.
            is_json = given.answer.startswith(("{", "["))
            return given if is_json else replace(given, answer=without_citations(given.answer))
        assert prepared.asked is not None
        answer = self.answerer.finish(prepared.asked, reply)
        return Given(answer.answer, answer.abstained, answer.grounding, tuple(answer.citations))

    def _messages(self, question: Question, asked: Asked) -> tuple[Message, ...]:
        if self.instruction == INSTRUCTION and not self.count:
            return asked.messages
        passages = [passage(hit) for hit in asked.looked.found.hits]
        messages = chat(question.question, passages, self.worked, self.instruction)
        shown = self.examples.nearest(question.question, self.count) if self.examples else []
        return (*messages[:-1], *turns(shown), messages[-1])


@dataclass(frozen=True, slots=True)
class Oracle:
    """The `rag` arm with the gold evidence in place of what retrieval found.

    The ceiling of reading. A question that has no gold passage is answered from the retrieved
    ones.
    """

    rag: Rag
    gold: GoldPassages
    name: str = "oracle"

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Arm.settings`."""
        return self.rag.settings

    def prepare(self, question: Question) -> Prepared:
        """See `Arm.prepare`."""
        looked = self.gold.look(question)
        if looked is None:
            return self.rag.prepare(question)
        return replace(self.rag, abstain_below=0.0).ask(question, looked)

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        """See `Arm.finish`."""
        return self.rag.finish(question, prepared, reply)


def prompt_holds(messages: Sequence[Message]) -> str:
    """All text of a chat, for guards."""
    return "\n".join(message.content for message in messages)

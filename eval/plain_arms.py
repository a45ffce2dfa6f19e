"""Arms that answer from the model alone, with no passages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eval.arm import Given, Prepared, plain
from eval.examples import Examples, turns
from eval.generate import Request
from eval.questions import Question
from service.llm import Message, Reply

KNOWLEDGE_TOKENS = 48
FORMAT_TOKENS = 144
THOUGHT_TOKENS = 160
"""Longest replies, in tokens."""

ANSWER = "Answer:"
"""What a chain of thought puts before its answer."""

_ANSWER = re.compile(r".*\banswer:(?:\*\*)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlainArm:
    """The question, an instruction before it, and examples where `count` is not 0.

    Covers closed-book (the barest instruction), prompt (the best one found), few-shot (with
    examples near to the question), constrained (the same with a grammar) and adapter.
    """

    name: str
    instruction: str
    tokens: int
    one_line: bool
    examples: Examples | None = None
    count: int = 0
    grammar: str | None = None
    adapter: str | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Arm.settings`."""
        shown: dict[str, Any] = {"instruction": self.instruction}
        return shown | ({"examples": self.count} if self.examples else {})

    def messages(self, question: Question) -> tuple[Message, ...]:
        """The chat."""
        system = [Message("system", self.instruction)] if self.instruction else []
        shown = self.examples.nearest(question.question, self.count) if self.examples else []
        return (*system, *turns(shown), Message("user", question.question))

    def prepare(self, question: Question) -> Prepared:
        """See `Arm.prepare`."""
        return Prepared(
            Request(
                self.messages(question),
                self.tokens,
                self.adapter,
                self.one_line,
                one_paragraph=not self.one_line,
                grammar=self.grammar,
            )
        )

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        """See `Arm.finish`."""
        return plain(reply)


@dataclass(frozen=True, slots=True)
class ChainOfThought:
    """The model thinks first; its answer is what follows the last "Answer:" (2201.11903).

    A reply without it counts whole.
    """

    instruction: str
    tokens: int
    name: str = "chain-of-thought"

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Arm.settings`."""
        return {"instruction": self.instruction}

    def prepare(self, question: Question) -> Prepared:
        """See `Arm.prepare`."""
        system = (
            f"{self.instruction} Think step by step first; then write '{ANSWER}' and nothing but "
            "the answer."
        )
        messages = (Message("system", system), Message("user", question.question))
        return Prepared(Request(messages, self.tokens, one_line=False))

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        """See `Arm.finish`."""
        if reply is None:
            return plain(reply)
        return plain(replace(reply, text=_ANSWER.sub("", reply.text, count=1)))

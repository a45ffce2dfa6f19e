"""A stand-in for a comparison's model that answers by a rule and keeps what it was asked."""

import zlib
from collections.abc import Callable, Mapping, Sequence

from eval.generate import Request
from service.llm import LLMError, Reply
from tests.fakes import PowerCut

Rule = Callable[[Request], str | LLMError]
"""What is said to a request, or why nothing is."""


class FakeGenerator:
    """A `Generator` without a model.

    `rule`: the reply to a request; one text for all where it is a text. `together`: then a reply
    ends in a mark of its batch, as low-precision arithmetic leaves one. `weights`: the digest of
    each adapter, None is the base; its name where it is not given. `asked` lists the batches;
    at the batch of the number `dies_at`, from 1, it raises `PowerCut`, which nothing catches.
    """

    def __init__(
        self,
        rule: Rule | str = "I don't know.",
        *,
        name: str = "fake-model",
        together: bool = False,
        weights: Mapping[str | None, str] | None = None,
        dies_at: int | None = None,
    ) -> None:
        self.name = name
        self.together = together
        self.weights = dict(weights or {})
        self.asked: list[list[Request]] = []
        self._rule: Rule = (lambda _: rule) if isinstance(rule, str) else rule
        self._dies_at = dies_at

    @property
    def count(self) -> int:
        """How many requests it was asked in all."""
        return sum(map(len, self.asked))

    def fingerprint(self, adapter: str | None) -> str:
        return self.weights.get(adapter, f"{self.name}+{adapter}")

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        self.asked.append(list(requests))
        if len(self.asked) == self._dies_at:
            raise PowerCut
        return [self._reply(one, batch_mark(requests)) for one in requests]

    def _reply(self, request: Request, mark: str) -> Reply | LLMError:
        said = self._rule(request)
        if isinstance(said, LLMError):
            return said
        text = f"{said} {mark}" if self.together else said
        return Reply(text, self.name, words(request), len(text.split()))


def by_question(answers: Mapping[str, str | LLMError], otherwise: str = "I don't know.") -> Rule:
    """The rule that answers a request by the first known question in its last message."""

    def rule(request: Request) -> str | LLMError:
        asked = request.messages[-1].content
        return next((answers[known] for known in answers if known in asked), otherwise)

    return rule


def batch_mark(requests: Sequence[Request]) -> str:
    """A word that depends on all requests of a batch, in their order."""
    return f"b{zlib.crc32(repr([one.messages for one in requests]).encode()):08x}"


def words(request: Request) -> int:
    """The prompt's length in words, which stand for tokens."""
    return sum(len(message.content.split()) for message in request.messages)

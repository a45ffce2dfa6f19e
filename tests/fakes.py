"""Hand-written stand-ins for what is slow or far away."""

import threading
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from ingest.embed import Vectors
from service.answer import Answerer
from service.llm import LLMError, Message, Reply, Say, Stopped
from service.loading import Loading
from service.problems import NotReady
from service.settings import ServiceSettings


class PowerCut(Exception):
    """What a `FakeEmbedder` dies of; nothing in the house catches it."""


class FakeEmbedder:
    """An `Embedder` without a model: hashed bags of words. A token is a word.

    `embedded` lists every text in the order it was embedded; the call after `dies_after` calls
    raises `dies_of`.
    """

    def __init__(
        self,
        name: str = "fake-words",
        revision: str = "1",
        *,
        dimension: int = 64,
        dies_after: int | None = None,
        dies_of: type[BaseException] = PowerCut,
    ) -> None:
        self.name = name
        self.revision = revision
        self.dimension = dimension
        self.token_limit = 64
        self.embedded: list[str] = []
        self._left = dies_after
        self._dies_of = dies_of

    @property
    def chunks(self) -> list[str]:
        """The texts of chunks among those embedded: a header line, then the slice."""
        return [text for text in self.embedded if "\n" in text]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise self._dies_of
        self.embedded += texts
        return self._rows(texts)

    def embed_query(self, text: str) -> Vectors:
        return self._rows([text])

    def _rows(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split():
                row[zlib.crc32(word.strip(".,?!").encode()) % self.dimension] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


class OneReply:
    """An `LLM` that gives one reply, or raises one error, and keeps what it was asked."""

    def __init__(self, outcome: str | Exception, name: str = "scripted") -> None:
        self.name = name
        self.asked: list[Sequence[Message]] = []
        self._outcome = outcome

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        self.asked.append(messages)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return Reply(self._outcome, self.name, 10, min(5, max_tokens))


class LLMByQuestion:
    """An `LLM` whose reply, a text or an `LLMError`, depends on the question.

    The reply to a question of `held` waits: `entered` is set as it begins to, `release` ends it.
    """

    name = "scripted-model"

    def __init__(self, replies: Mapping[str, str | LLMError], held: Sequence[str] = ()) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()
        self._replies = replies
        self._held = held

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        prompt = messages[-1].content
        question = next(known for known in self._replies if known in prompt)
        if question in self._held:
            self.entered.set()
            assert self.release.wait(60), "nobody released the reply"
        reply = self._replies[question]
        if isinstance(reply, LLMError):
            raise reply
        return Reply(reply, self.name, len(prompt.split()), len(reply.split()))


class Writer:
    """A `StreamingLLM` that says its pieces and then, if `goes_on`, writes on until it is stopped.

    `stopped` is set where it noticed.
    """

    name = "writer"

    def __init__(self, *pieces: str, goes_on: bool = False, error: LLMError | None = None) -> None:
        self.stopped = threading.Event()
        self._pieces = pieces
        self._goes_on = goes_on
        self._error = error

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        return self.stream(messages, max_tokens, lambda _: None, threading.Event())

    def stream(
        self, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
    ) -> Reply:
        for piece in self._pieces:
            say(piece)
        if self._error:
            raise self._error
        if self._goes_on:
            assert stop.wait(60), "nobody stopped the model"
            self.stopped.set()
            raise Stopped
        return Reply("".join(self._pieces), self.name, 10, len(self._pieces))


class LateLoading(Loading):
    """A `Loading` whose answerer arrives when the test says so."""

    def __init__(self) -> None:
        super().__init__(ServiceSettings())
        self.arrived: Answerer | None = None

    def waiting_for(self) -> list[str]:
        return [] if self.arrived else ["model: loading", "index: loading"]

    def answerer(self) -> Answerer:
        if self.arrived is None:
            raise NotReady("not ready; waiting for model: loading")
        return self.arrived

"""What the service asks of a language model, whoever runs it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote, the name it goes by, and the tokens read and written."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int


class LLM(Protocol):
    """A chat model."""

    name: str

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """The most likely reply (temperature 0). Raises `LLMError`; never waits without end."""
        ...


Say = Callable[[str], None]
"""Takes a piece of a reply as soon as it is written. Must not wait; may be called by any thread."""


@runtime_checkable
class StreamingLLM(Protocol):
    """A chat model that can be heard while it writes, and stopped."""

    def stream(
        self, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
    ) -> Reply:
        """See `LLM.complete`. The pieces said make up the reply, blanks at its ends apart.

        Raises `Stopped` soon after `stop` is set, and does no more work then.
        """
        ...


def stream(
    llm: LLM, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
) -> Reply:
    """The reply, piece by piece where the model can; else in one piece. Raises `Stopped`."""
    if stop.is_set():
        raise Stopped
    if isinstance(llm, StreamingLLM):
        return llm.stream(messages, max_tokens, say, stop)
    reply = llm.complete(messages, max_tokens)
    say(reply.text)
    return reply


class Stopped(Exception):
    """Nobody waits for the reply any more."""


class LLMError(RuntimeError):
    """The model gave no reply. The message says why and what to do."""


class UnknownModel(ValueError):
    """A model is asked for by a name that none here goes by; the message names those there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """`known`: the names of the models that answer."""
        super().__init__(f"no model {name!r} answers here: there is {list(known)}; or name none")


class LLMTimeout(LLMError):
    """The model did not answer within the time it is given."""


class LLMBusy(LLMError):
    """The model's server asks to come back later (429, or 503 with Retry-After)."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds, where the server named them."""
        super().__init__(message)
        self.retry_after = retry_after

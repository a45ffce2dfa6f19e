"""What the service asks of a language model, whoever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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


class LLMError(RuntimeError):
    """The model gave no reply. The message says why and what to do."""


class LLMTimeout(LLMError):
    """The model did not answer within the time it is given."""


class LLMBusy(LLMError):
    """The model's server asks to come back later (429, or 503 with Retry-After)."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds, where the server named them."""
        super().__init__(message)
        self.retry_after = retry_after

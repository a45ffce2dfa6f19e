"""Bodies of the OpenAI-compatible routes. Unknown members are ignored, as clients expect."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.answer import Answer, Citation
from service.llm import Message
from service.schemas import TopK
from service.turns import LONGEST, standalone


class TextPart(BaseModel):
    """A part of a message. Pictures, sound and files are refused: the model reads text."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """A turn. System and tool messages are taken and not used: the service has its own."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The content, its parts on lines of their own."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """`include_usage`: a chunk with the tokens, and no choice, goes before the end."""

    model_config = ConfigDict(strict=True)

    include_usage: bool | None = None


Limit = Annotated[int, Field(ge=1)]


class ChatRequest(BaseModel):
    """A conversation; its last user message is answered from the documents.

    `max_tokens` may shorten the model's reply, never lengthen it. `temperature` and the like are
    ignored: answers are deterministic. `top_k` and `collection` are as for /v1/answer.
    """

    model_config = ConfigDict(strict=True)

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    n: Literal[1] | None = None
    top_k: TopK | None = None
    collection: str | None = None

    @field_validator("messages")
    @classmethod
    def _asks(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        users = [one.text for one in messages if one.role == "user"]
        if not users or not users[-1].strip():
            raise ValueError("the last message of role 'user' has to hold a question")
        if len(users[-1].strip()) > LONGEST:
            raise ValueError(f"the last question has more than {LONGEST} characters: shorten it")
        return messages

    @property
    def question(self) -> str:
        """The last question, standing alone."""
        roles: dict[str, Literal["user", "assistant"]] = {"user": "user", "assistant": "assistant"}
        return standalone(
            [Message(roles[one.role], one.text) for one in self.messages if one.role in roles]
        )

    def limit(self, longest: int) -> int:
        """Tokens that the reply may have."""
        return min(self.max_completion_tokens or self.max_tokens or longest, longest)


class ReplyMessage(BaseModel):
    """The answer, its citations marked like [1]."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    citations: list[Citation]


class ChatChoice(BaseModel):
    """The one choice. `length`: the model's reply was cut at its limit."""

    index: Literal[0] = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatUsage(BaseModel):
    """Tokens that the model read and wrote; 0 where it was not asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An OpenAI chat completion, and what an answer has beside it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
    citations: list[Citation]
    question: str = Field(description="The last question as it was searched for.")
    abstained: bool
    grounding: Literal["model", "quoted", "none"]
    generation: int


class ModelBody(BaseModel):
    """A model that answers here."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "ragfirst"


class ModelsBody(BaseModel):
    """The models that answer here."""

    object: Literal["list"] = "list"
    data: list[ModelBody]


def usage_of(answer: Answer) -> ChatUsage:
    """An answer's tokens."""
    read, written = answer.usage.prompt_tokens, answer.usage.completion_tokens
    return ChatUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def finish_reason(answer: Answer, limit: int) -> Literal["stop", "length"]:
    """Quotes and abstentions are whole, however the model's own reply ended."""
    cut = answer.grounding == "model" and answer.usage.completion_tokens >= limit
    return "length" if cut else "stop"


def beside(answer: Answer, question: str) -> dict[str, Any]:
    """What OpenAI's form has no place for."""
    return {
        "citations": [as_values(one) for one in answer.citations],
        "question": question,
        "abstained": answer.abstained,
        "grounding": answer.grounding,
        "generation": answer.generation,
    }


def as_values(citation: Citation) -> dict[str, Any]:
    """A citation's members."""
    return {name: getattr(citation, name) for name in Citation.__slots__}

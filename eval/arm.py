"""What an arm is: it makes a question into a request, and the model's reply into an answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval.generate import Request
from eval.questions import Question
from ingest.stored import StoredChunk
from service.answer import Asked, Citation
from service.llm import Reply
from service.prompt import says_unknown


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question made ready.

    `request` is None where the arm abstains without asking the model. `passages`: what was
    retrieved, best first. `reached`: whether the passages stand in the prompt.
    """

    request: Request | None
    passages: tuple[StoredChunk, ...] = ()
    asked: Asked | None = None

    @property
    def reached(self) -> bool:
        """Whether the passages got into a prompt."""
        return self.request is not None


@dataclass(frozen=True, slots=True)
class Given:
    """An arm's answer; `grounding` as the service says it, empty for arms without passages."""

    answer: str
    abstained: bool
    grounding: str = ""
    citations: tuple[Citation, ...] = field(default=())


_LANGUAGE = re.compile(r"[\w+#.-]*")


class Arm(Protocol):
    """One way to answer, in one configuration."""

    @property
    def name(self) -> str:
        """The arm's name in `eval.task.ARMS`."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The configuration, as selection.json shows it."""
        ...

    def prepare(self, question: Question) -> Prepared:
        """All that comes before the model is asked."""
        ...

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        """The model's reply (None: it was not asked) as an answer. Pure."""
        ...


def plain(reply: Reply | None) -> Given:
    """A reply as it stands: without a code fence around it; an abstention where it says so."""
    text = unfenced(reply.text) if reply else ""
    return Given(text, says_unknown(text))


def unfenced(text: str) -> str:
    """What stands in the first code fence, or the whole text where there is none."""
    _, opening, rest = text.partition("```")
    if not opening:
        return text.strip()
    inner = rest.partition("```")[0]
    first, break_, others = inner.partition("\n")
    # What follows the opening fence on its line is the name of a language.
    return (others if break_ and _LANGUAGE.fullmatch(first.strip()) else inner).strip()

"""The embedded reader in the benchmark of quality: asked once for each prompt, then remembered."""

from pathlib import Path

from eval.generate import Cached, Request
from eval.local import LocalGenerator
from eval.questions import Question
from eval.score import token_f1
from service.answer import Answer, Answerer, Asked
from service.ground import without_citations
from service.llm import LLMError
from service.local_chat import DEFAULT
from service.settings import LOCAL_TOKENS, ServiceSettings


class Reading:
    """The model of the settings, in this process."""

    def __init__(self, settings: ServiceSettings, work: Path) -> None:
        """Load it; replies are kept in `work`. Raises `LLMError`."""
        name = settings.model or DEFAULT
        inner = LocalGenerator.load(name, Path(settings.cache), settings.threads)
        self._tokens = settings.max_tokens or LOCAL_TOKENS
        self._generator = Cached(inner, work / "calls.db")

    def read(
        self, answerer: Answerer, asked: Asked, question: Question
    ) -> tuple[Answer, dict[str, float]]:
        """The grounded answer, and the token F1 of the reply as it came; 0 where none was asked.

        Raises `LLMError`.
        """
        if not asked.messages:
            scores = {"reader F1": 0.0} if question.answerable else {}
            return answerer.finish(asked, None), scores
        # One by one, so that a reply does not depend on others and each is kept.
        (reply,) = self._generator.complete([Request(asked.messages, self._tokens)])
        if isinstance(reply, LLMError):
            raise reply
        said = without_citations(reply.text)
        scores = {"reader F1": token_f1(said, question.answers)} if question.answerable else {}
        return answerer.finish(asked, reply), scores

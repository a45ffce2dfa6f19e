"""The embedded reader in the benchmark of quality: asked once for each prompt, then remembered."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from eval.evidence import GoldPassages
from eval.generate import Cached, Request
from eval.local import LocalGenerator
from eval.questions import Question
from eval.score import token_f1
from service.answer import Answer, Answerer, Asked
from service.ground import without_citations
from service.llm import LLMError, Message, Reply
from service.local_chat import DEFAULT
from service.settings import LOCAL_TOKENS, ServiceSettings


class Reading:
    """The model of the settings in this process, or with an adapter beside its layers."""

    def __init__(self, settings: ServiceSettings, work: Path, adapter: Path | None = None) -> None:
        """Load it; replies are kept in `work`. Raises `LLMError`."""
        name = settings.model or DEFAULT
        inner = LocalGenerator.load(name, Path(settings.cache), settings.threads)
        self._tokens = settings.max_tokens or LOCAL_TOKENS
        self._generator = Cached(inner, work / "calls.db")
        self._adapter = str(adapter) if adapter else None
        self._gold: Mapping[int, GoldPassages] = {}

    def read(
        self, answerer: Answerer, asked: Asked, question: Question, gold: bool
    ) -> tuple[Answer, dict[str, float]]:
        """The grounded answer, and how the replies as they came stand to gold.

        The model is asked even where the service abstains; an adapter's "I don't know" has the
        quotes in its place, as in the service. "reader F1" is of its reply from the
        hits, "gold F1", where `gold`, from the gold passage alone; both token F1, and of
        answerable questions alone.

        Raises `LLMError`.
        """
        # Worked examples are for models that have not learnt to answer from passages.
        always = replace(answerer, abstain_below=0.0, examples=not self._adapter)
        reply = self._reply(always.compose(question.question, asked.looked).messages)
        heard = replace(answerer, believed=not self._adapter)
        answer = heard.finish(asked, reply if asked.messages else None)
        if not (question.answerable and gold):
            return answer, {}
        scores = {"reader F1": _f1(reply, question)}
        passages = self._gold_of(answerer).look(question)
        if passages:
            messages = always.compose(question.question, passages).messages
            scores["gold F1"] = _f1(self._reply(messages), question)
        return answer, scores

    def _reply(self, messages: tuple[Message, ...]) -> Reply:
        # One by one, so that a reply does not depend on others and each is kept.
        (reply,) = self._generator.complete([Request(messages, self._tokens, self._adapter)])
        if isinstance(reply, LLMError):
            raise reply
        return reply

    def _gold_of(self, answerer: Answerer) -> GoldPassages:
        """The index's gold passages, found once."""
        key = id(answerer.reader)
        if key not in self._gold:
            self._gold = {key: GoldPassages(answerer)}
        return self._gold[key]


def _f1(reply: Reply, question: Question) -> float:
    return token_f1(without_citations(reply.text), question.answers)

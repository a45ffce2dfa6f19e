"""`/v1/chat/completions` and `/v1/models`: what any client of OpenAI can talk to."""

import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from service import problems
from service.answer import Answer, Answerer, Asked
from service.chat_schemas import (
    ChatChoice,
    ChatCompletion,
    ChatRequest,
    ModelBody,
    ModelsBody,
    ReplyMessage,
    beside,
    finish_reason,
    usage_of,
)
from service.events import MEDIA_TYPE, Emit, event, streamed
from service.llm import UnknownModel

_WORDS = re.compile(r"\s*\S+\s*")


def add_completions(app: FastAPI, answerer: Callable[[], Answerer]) -> None:
    """Add the routes."""
    started = int(time.time())

    def chosen(model: str | None) -> Answerer:
        found = answerer()
        if model is not None and model != found.llm.name:
            raise UnknownModel(model, [found.llm.name])
        return found

    @app.post(
        "/v1/chat/completions",
        tags=["OpenAI"],
        response_model=ChatCompletion,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
            **problems.responses(404, 422, 502, 503, 504),
        },
    )
    def completions(body: ChatRequest) -> ChatCompletion | StreamingResponse:
        """Answer the last question of a conversation, citations in the message and beside it.

        With `stream`, chunks as server-sent events. The first has the role and goes out before
        the model is asked. A chunk cannot be taken back, so the content is that of the grounded
        answer, as without `stream`; /v1/answer streams the model's own tokens. The last chunk with
        a choice has the finish reason and the citations, the empty list included. An error after
        the first chunk is `data: {"error": …}`, the problem's members beside it.
        """
        answering, question = chosen(body.model), body.question
        answering = replace(answering, max_tokens=body.limit(answering.max_tokens))
        begun = time.perf_counter()
        asked = answering.prepare(question, body.top_k, body.collection)
        before_ms = (time.perf_counter() - begun) * 1000
        turn = _Turn(answering, asked, before_ms, f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))
        if not body.stream:
            return turn.whole()
        usage = bool(body.stream_options and body.stream_options.include_usage)
        return streamed(lambda emit, stop: turn.chunks(emit, stop, usage), _failed)

    @app.get("/v1/models", tags=["OpenAI"], responses=problems.responses(503))
    def models() -> ModelsBody:
        """The model that answers."""
        return ModelsBody(data=[ModelBody(id=answerer().llm.name, created=started)])

    @app.get(
        "/v1/models/{model:path}", tags=["OpenAI"], responses=problems.responses(404, 422, 503)
    )
    def model(model: str) -> ModelBody:
        """A model by its name."""
        return ModelBody(id=chosen(model).llm.name, created=started)


class _Turn:
    """One answer of a conversation, whole or in chunks."""

    def __init__(
        self, answerer: Answerer, asked: Asked, before_ms: float, name: str, created: int
    ) -> None:
        self._answerer = answerer
        self._asked = asked
        self._before_ms = before_ms
        self._name = name
        self._created = created

    def whole(self) -> ChatCompletion:
        answer = self._answer(threading.Event())
        message = ReplyMessage(content=answer.answer, citations=answer.citations)
        reason = finish_reason(answer, self._answerer.max_tokens)
        return ChatCompletion(
            id=self._name,
            created=self._created,
            model=answer.model,
            choices=[ChatChoice(message=message, finish_reason=reason)],
            usage=usage_of(answer),
            **beside(answer, self._asked.question),
        )

    def chunks(self, emit: Emit, stop: threading.Event, usage: bool) -> None:
        emit(self._chunk({"role": "assistant", "content": ""}))
        answer = self._answer(stop)
        for words in _WORDS.findall(answer.answer):
            emit(self._chunk({"content": words}, model=answer.model))
        reason = finish_reason(answer, self._answerer.max_tokens)
        members = beside(answer, self._asked.question)
        delta = {"citations": members["citations"]}
        emit(self._chunk(delta, reason, model=answer.model, **members))
        if usage:
            tokens = usage_of(answer).model_dump()
            emit(event({**self._head(), "model": answer.model, "choices": [], "usage": tokens}))
        emit(event("[DONE]"))

    def _answer(self, stop: threading.Event) -> Answer:
        return self._answerer.stream(self._asked, lambda _: None, stop, self._before_ms)

    def _head(self) -> dict[str, Any]:
        return {
            "id": self._name,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._answerer.llm.name,
        }

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, **members: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event({**self._head(), "choices": [choice], **members})


def _failed(found: problems.Problem) -> str:
    return event({**found.body(), "error": problems.openai_error(found)})

"""`/v1/chat/completions` and `/v1/models`: what any client of OpenAI can talk to."""

import re
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request, Response

from service import problems, records
from service.access import Asking
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
from service.events import MEDIA_TYPE, SCHEMA, Emit, event, streamed, whole
from service.llm import UnknownModel

_WORDS = re.compile(r"\s*\S+\s*")


Others = Callable[[], Mapping[str, Answerer]]
"""Gives the answerers with the models beside the first, by name."""


def add_completions(
    app: FastAPI,
    answerer: Callable[[], Answerer],
    ready: Callable[[], Awaitable[Answerer]],
    others: Others,
) -> None:
    """Add the routes.

    `answerer`: with the model that answers where none is named; the event loop waits for `ready`.
    """
    started = int(time.time())

    def known() -> dict[str, Answerer]:
        first = answerer()
        return {first.llm.name: first, **others()}

    def chosen(model: str | None) -> Answerer:
        found = known()
        if model is None:
            return answerer()
        if model not in found:
            raise UnknownModel(model, list(found))
        return found[model]

    @app.post(
        "/v1/chat/completions",
        tags=["OpenAI"],
        response_model=ChatCompletion,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": SCHEMA}}},
            **problems.responses(404, 422, 429, 502, 503, 504),
        },
    )
    async def completions(
        body: ChatRequest, request: Request, caller: Asking
    ) -> ChatCompletion | Response:
        """Answer the last question of a conversation, citations in the message and beside it.

        With `stream`, chunks as server-sent events. The first has the role and goes out before
        the model is asked. A chunk cannot be taken back, so the content is that of the grounded
        answer, as without `stream`; /v1/answer streams the model's own tokens. The last chunk with
        a choice has the finish reason and the citations, the empty list included. An error after
        the first chunk is `data: {"error": …}`, the problem's members beside it.
        """
        await ready()
        found = chosen(body.model)
        answering = replace(found, max_tokens=body.limit(found.max_tokens))

        def prepare() -> _Turn:
            question, begun = body.question, time.perf_counter()
            asked = answering.prepare(question, body.top_k, body.collection, caller.collections)
            before_ms = (time.perf_counter() - begun) * 1000
            name, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
            return _Turn(answering, asked, before_ms, name, created)

        with answering.queue.enter() as place:
            turn = await place.prepare(prepare)
            waits = place if turn.asks else None
            if not body.stream:
                return await whole(request, turn.whole, waits)
            usage = bool(body.stream_options and body.stream_options.include_usage)
            return streamed(
                turn.opening(), lambda emit, stop: turn.chunks(emit, stop, usage), _failed, waits
            )

    @app.get("/v1/models", tags=["OpenAI"], responses=problems.responses(503))
    def models() -> ModelsBody:
        """The models that answer; the first does where none is named."""
        return ModelsBody(data=[ModelBody(id=name, created=started) for name in known()])

    @app.get(
        "/v1/models/{model:path}", tags=["OpenAI"], responses=problems.responses(404, 422, 503)
    )
    def model(model: str) -> ModelBody:
        """A model by its name."""
        chosen(model)
        return ModelBody(id=model, created=started)


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

    @property
    def asks(self) -> bool:
        """Whether the model is asked at all."""
        return bool(self._asked.messages)

    def whole(self, stop: threading.Event) -> ChatCompletion:
        answer = self._answer(stop)
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

    def opening(self) -> str:
        return self._chunk({"role": "assistant", "content": ""})

    def chunks(self, emit: Emit, stop: threading.Event, usage: bool) -> None:
        answer = self._answer(stop)
        records.first_token()
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

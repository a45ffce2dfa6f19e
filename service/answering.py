"""`/v1/answer` and `/v1/search`."""

import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request, Response

from service import ground, problems, records
from service.access import Asking
from service.answer import Answer, Answerer, Asked, citations
from service.events import MEDIA_TYPE, SCHEMA, Emit, event, streamed, whole
from service.schemas import AnswerRequest, SearchBody, SearchRequest, search_values


def add_answering(
    app: FastAPI, answerer: Callable[[], Answerer], ready: Callable[[], Awaitable[Answerer]]
) -> None:
    """Add the routes. Both give the answerer; the event loop waits for `ready`."""

    @app.post(
        "/v1/answer",
        tags=["answers"],
        response_model=Answer,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": SCHEMA}}},
            **problems.responses(404, 422, 429, 502, 503, 504),
        },
    )
    async def answer(body: AnswerRequest, request: Request, caller: Asking) -> Answer | Response:
        """Answer a question with citations, or abstain.

        With `stream`, server-sent events: `retrieval` {hits, citations, timings_ms, generation},
        the citations being candidates; `token` {text} for each piece that the model writes;
        `grounding`, the answer as without `stream`, and `replaces_tokens`; `done` {}. Tokens are
        the model's own: where the passages do not bear them the answer has other words, and
        `replaces_tokens` is true. `error`, a problem, ends a stream that fails.
        """
        answering = await ready()

        def prepare() -> tuple[Asked, float]:
            begun = time.perf_counter()
            wanted = (body.question, body.top_k, body.collection, caller.collections)
            return answering.prepare(*wanted), (time.perf_counter() - begun) * 1000

        with answering.queue.enter() as place:
            asked, before_ms = await place.prepare(prepare)
            turn = place if asked.messages else None
            if not body.stream:
                return await whole(
                    request, lambda stop: answering.stream(asked, _unheard, stop, before_ms), turn
                )
            return streamed(
                event(_looked(asked), "retrieval"),
                lambda emit, stop: _stages(answering, asked, before_ms, emit, stop),
                _failed,
                turn,
            )

    @app.post("/v1/search", tags=["answers"], responses=problems.responses(404, 422, 503))
    def search(body: SearchRequest, caller: Asking) -> SearchBody:
        """The passages nearest to a query, best first."""
        found = answerer().search(body.query, body.top_k, body.collection, caller.collections)
        return SearchBody.model_validate(search_values(found))


def _stages(
    answerer: Answerer, asked: Asked, before_ms: float, emit: Emit, stop: threading.Event
) -> None:
    said: list[str] = []

    def say(piece: str) -> None:
        said.append(piece)
        records.first_token()
        emit(event({"text": piece}, "token"))

    answer = answerer.stream(asked, say, stop, before_ms)
    tokens = "".join(said).strip()
    # Marks are set anew by grounding: [2] may have become [1] with the words unchanged.
    replaces = ground.without_citations(tokens) != ground.without_citations(answer.answer)
    emit(event({**answer.as_dict(), "replaces_tokens": bool(tokens) and replaces}, "grounding"))
    emit(event({}, "done"))


def _unheard(_: str) -> None:
    """Takes the pieces of a reply that is handed out whole."""


def _looked(asked: Asked) -> dict[str, Any]:
    looked = asked.looked
    candidates = citations(ground.best_quotes(looked.quotes))
    return {
        **search_values(looked.found),
        "citations": [asdict(one) for one in candidates],
        "generation": looked.generation,
    }


def _failed(found: problems.Problem) -> str:
    return event(found.body(), "error")

"""`/v1/answer` and `/v1/search`."""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from service import ground, problems
from service.answer import Answer, Answerer, Asked, citations
from service.events import MEDIA_TYPE, Emit, event, streamed
from service.schemas import AnswerRequest, SearchBody, SearchRequest, search_values


def add_answering(app: FastAPI, answerer: Callable[[], Answerer]) -> None:
    """Add the routes."""

    @app.post(
        "/v1/answer",
        tags=["answers"],
        response_model=Answer,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
            **problems.responses(404, 422, 502, 503, 504),
        },
    )
    def answer(body: AnswerRequest) -> Answer | StreamingResponse:
        """Answer a question with citations, or abstain.

        With `stream`, server-sent events: `retrieval` {hits, citations, timings_ms, generation},
        the citations being candidates; `token` {text} for each piece that the model writes;
        `grounding`, the answer as without `stream`, and `replaces_tokens`; `done` {}. Tokens are
        the model's own: where the passages do not bear them the answer has other words, and
        `replaces_tokens` is true. `error`, a problem, ends a stream that fails.
        """
        if not body.stream:
            return answerer().answer(body.question, body.top_k, body.collection)
        answering, begun = answerer(), time.perf_counter()
        asked = answering.prepare(body.question, body.top_k, body.collection)
        before_ms = (time.perf_counter() - begun) * 1000
        return streamed(
            lambda emit, stop: _stages(answering, asked, before_ms, emit, stop), _failed
        )

    @app.post("/v1/search", tags=["answers"], responses=problems.responses(404, 422, 503))
    def search(body: SearchRequest) -> SearchBody:
        """The passages nearest to a query, best first."""
        found = answerer().search(body.query, body.top_k, body.collection)
        return SearchBody.model_validate(search_values(found))


def _stages(
    answerer: Answerer, asked: Asked, before_ms: float, emit: Emit, stop: threading.Event
) -> None:
    said: list[str] = []

    def say(piece: str) -> None:
        said.append(piece)
        emit(event({"text": piece}, "token"))

    emit(event(_looked(asked), "retrieval"))
    answer = answerer.stream(asked, say, stop, before_ms)
    tokens = "".join(said).strip()
    # Marks are set anew by grounding: [2] may have become [1] with the words unchanged.
    replaces = ground.without_citations(tokens) != ground.without_citations(answer.answer)
    emit(event({**answer.as_dict(), "replaces_tokens": bool(tokens) and replaces}, "grounding"))
    emit(event({}, "done"))


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

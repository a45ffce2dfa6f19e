"""A model's server that takes a known time, and the least app that asks it: both to measure by.

    python -m bench.stub stub --delay 0.2
    python -m bench.stub floor --model http://127.0.0.1:1234/v1

Each prints its address once it listens. `stub` speaks as OpenAI's server, streamed and whole; what
it says is its `--reply`. `floor` is a FastAPI app whose one route asks it by the same client as the
service does, and does nothing else.
"""

import argparse
import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel

NAME = "stub"
REPLY = "I don't know."


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("app", choices=("stub", "floor"))
    parser.add_argument("--delay", type=float, default=0.2, help="seconds before it answers")
    parser.add_argument("--reply", default=REPLY)
    parser.add_argument("--model", help="the stub's address, for the floor")
    options = parser.parse_args()
    app = stub(options.delay, options.reply) if options.app == "stub" else floor(options.model)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as place:
        place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the service does
        print(f"http://127.0.0.1:{place.getsockname()[1]}/v1", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[place])


def stub(delay: float, reply: str) -> FastAPI:
    """An OpenAI-compatible server with one model."""
    app = FastAPI(openapi_url=None)
    head = {"id": "stub-1", "created": 0, "model": NAME}
    usage = {"prompt_tokens": 400, "completion_tokens": 5, "total_tokens": 405}

    def chunk(delta: dict[str, str], reason: str | None, **members: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {**head, "object": "chat.completion.chunk", "choices": [choice], **members}
        return f"data: {json.dumps(body)}\n\n"

    async def chunks() -> AsyncGenerator[str]:
        yield chunk({"role": "assistant", "content": reply}, None)
        yield chunk({}, "stop", usage=usage) + "data: [DONE]\n\n"

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": NAME, "object": "model"}]}

    @app.post("/v1/chat/completions", response_model=None)
    async def completions(body: dict[str, Any]) -> Response:
        await asyncio.sleep(delay)
        if body.get("stream"):
            return StreamingResponse(chunks(), media_type="text/event-stream")
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return JSONResponse(whole)

    return app


class Asked(BaseModel):
    """As much of a question as the floor looks at."""

    question: str


def floor(model: str) -> FastAPI:
    """An app that hands questions on, and does nothing else."""
    client = openai.AsyncOpenAI(base_url=model, api_key="none", max_retries=0)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with client:
            yield

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.post("/v1/answer")
    async def answer(body: Asked) -> dict[str, str]:
        said = ""
        stream = await client.chat.completions.create(
            model=NAME, messages=[{"role": "user", "content": body.question}], stream=True
        )
        async for one in stream:
            said += (one.choices[0].delta.content or "") if one.choices else ""
        return {"answer": said}

    return app


if __name__ == "__main__":
    main()

"""`OpenAIChat` heard while it writes, against a server that behaves by a script."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from service.llm import LLMError, LLMTimeout, Reply, Stopped
from service.openai_chat import OpenAIChat
from tests.chats import ASK, KEY, first_then
from tests.servers import Exchange, Script, ScriptedServer, failure, within


def chunk(text: str | None = None, **members: Any) -> bytes:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    body = {"id": "1", "object": "chat.completion.chunk", "choices": choices, **members}
    return f"data: {json.dumps(body)}\n\n".encode()


USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}


def sends(*parts: bytes, then: Callable[[Exchange], None] = lambda _: None) -> Script:
    def script(exchange: Exchange) -> None:
        exchange.begin(200, Content_Type="text/event-stream", Connection="close")
        for part in parts:
            exchange.send(part)
        then(exchange)

    return script


def streamed(script: Script, timeout: float = 5.0) -> tuple[Reply | Exception, list[str], int]:
    """The reply or error, the pieces said, and how often the server was asked."""
    pieces: list[str] = []
    with ScriptedServer(script) as server:
        chat = OpenAIChat(base_url=server.url, api_key=KEY, model="tiny", timeout=timeout)
        try:
            return (
                within(lambda: chat.stream(ASK, 20, pieces.append, threading.Event())),
                pieces,
                len(server.exchanges),
            )
        except LLMError as error:
            assert KEY not in str(error)
            return error, pieces, len(server.exchanges)
        finally:
            chat.close()


def test_pieces_are_said_and_make_up_the_reply() -> None:
    parts = (chunk(" In"), chunk(" the shed. "), chunk(usage=USAGE, model="big"))
    reply, pieces, _ = streamed(sends(*parts, b"data: [DONE]\n\n"))
    assert reply == Reply("In the shed.", "big", 7, 9)
    assert pieces == [" In", " the shed. "]


def test_a_server_that_counts_nothing_has_its_pieces_counted() -> None:
    reply, _, _ = streamed(sends(chunk("In"), chunk(" it"), b"data: [DONE]\n\n"))
    assert reply == Reply("In it", "tiny", 0, 2)


def test_a_refusal_before_the_first_piece_is_asked_again() -> None:
    busy: Script = lambda exchange: exchange.reply(503, failure("busy"), Retry_After="0")  # noqa: E731
    reply, pieces, asked = streamed(first_then(busy, sends(chunk("Here"))))
    assert isinstance(reply, Reply)
    assert (reply.text, pieces, asked) == ("Here", ["Here"], 2)


def test_a_server_that_knows_no_stream_options_is_asked_without() -> None:
    def script(exchange: Exchange) -> None:
        if "stream_options" in exchange.body:
            exchange.reply(400, failure("unknown parameter 'stream_options'"))
        else:
            sends(chunk("Here"))(exchange)

    reply, _, asked = streamed(script)
    assert isinstance(reply, Reply) and asked == 2


def test_an_error_within_the_stream_is_not_asked_again() -> None:
    broken = b'data: {"error": {"message": "out of memory"}}\n\n'
    error, pieces, asked = streamed(sends(chunk("Here"), broken))
    assert isinstance(error, LLMError) and "out of memory" in str(error)
    assert (pieces, asked) == (["Here"], 1)


@pytest.mark.parametrize("body", [b"", b"data: [DONE]\n\n", b"<html>hello</html>", b"data: {\n\n"])
def test_what_is_no_stream_is_named(body: bytes) -> None:
    error, _, _ = streamed(sends(body))
    assert isinstance(error, LLMError) and "OPENAI_BASE_URL" in str(error)


def test_a_stream_that_falls_silent_ends_in_time() -> None:
    error, pieces, _ = streamed(sends(chunk("Here"), then=lambda one: one.hold()), timeout=0.5)
    assert isinstance(error, LLMTimeout)
    assert pieces == ["Here"]


def test_stopping_closes_the_connection_though_the_server_is_silent() -> None:
    gone, stop = threading.Event(), threading.Event()

    def drips(exchange: Exchange) -> None:
        try:
            exchange.drip(b": still there\n\n")
        except OSError:
            gone.set()

    with ScriptedServer(sends(chunk("Here"), then=drips)) as server:
        chat = OpenAIChat(base_url=server.url, model="tiny", timeout=60)
        try:
            with pytest.raises(Stopped):
                within(lambda: chat.stream(ASK, 20, lambda _: stop.set(), stop))
            assert gone.wait(20)
        finally:
            chat.close()

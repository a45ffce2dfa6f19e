"""`OpenAIChat` against real servers on loopback that answer badly, never, or side by side."""

import threading
from collections.abc import Generator
from typing import Any

import pytest

from service.llm import LLMError, LLMTimeout, Message, Reply
from service.openai_chat import ATTEMPTS, OpenAIChat
from tests.chats import ASK, KEY, always, answers, asked, first_then, outcome_at
from tests.servers import (
    Exchange,
    Script,
    ScriptedServer,
    completion,
    failure,
    refused,
    within,
)


def test_a_reply_comes_with_the_model_and_the_tokens_that_the_server_names() -> None:
    outcome, count = asked(answers)
    assert (outcome, count) == (Reply("In the shed.", "tiny", 7, 3), 1)


def test_the_question_is_sent_with_key_model_limit_and_temperature_zero() -> None:
    with ScriptedServer(answers) as server:
        outcome_at(server.url)
        (exchange,) = server.exchanges
    assert exchange.path == "/v1/chat/completions"
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Where is the tank?"}],
        "max_tokens": 20,
        "temperature": 0,
    }


def test_without_a_name_the_first_listed_model_answers() -> None:
    def script(exchange: Exchange) -> None:
        if exchange.path == "/v1/models":
            exchange.reply(200, {"object": "list", "data": [{"id": "first"}, {"id": "second"}]})
        else:
            exchange.reply(200, completion(exchange.body["model"]))

    outcome, _ = asked(script, model=None)
    assert outcome.text == "first"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (always(200, {"object": "list", "data": []}), "lists no model: set RAGFIRST_MODEL"),
        (always(200, {"models": []}), "sent no list of models"),
        (always(404, failure("File Not Found")), "has no list of models (404, File Not Found)"),
        (always(401, failure("no")), "set OPENAI_API_KEY"),
    ],
)
def test_without_a_name_and_a_usable_list_the_error_says_so(script: Script, words: str) -> None:
    outcome, _ = asked(script, model=None)
    assert words in str(outcome)


def test_openai_itself_wants_a_model_by_name() -> None:
    with pytest.raises(LLMError, match="set RAGFIRST_MODEL"):
        OpenAIChat(api_key=KEY)


@pytest.mark.parametrize("url", ["localhost:8080/v1", "ftp://host/v1", "http://", "http://a:b/v1"])
def test_an_address_that_is_none_is_refused_by_name(url: str) -> None:
    outcome = outcome_at(url)
    assert "OPENAI_BASE_URL is" in str(outcome)
    assert repr(url) in str(outcome)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(LLMError, match="OPENAI_API_KEY holds characters") as caught:
        OpenAIChat(base_url="http://localhost/v1", api_key="sk-\nqüx", model="tiny")
    assert "qüx" not in str(caught.value)


def test_white_space_around_a_key_is_not_sent() -> None:
    with ScriptedServer(answers) as server:
        chat = OpenAIChat(base_url=server.url, api_key=f" {KEY}\n", model="tiny", timeout=5)
        within(lambda: chat.complete(ASK, 20))
        chat.close()
        assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_password_in_the_address_is_not_shown() -> None:
    with refused() as url:
        outcome = outcome_at(url.replace("//", "//anna:hunter2@"), timeout=0.3)
        assert url in str(outcome)
    assert "hunter2" not in str(outcome)


# Nobody there, or nobody who speaks


def test_a_refused_connection_names_the_address_and_the_setting() -> None:
    with refused() as url:
        outcome = outcome_at(url, timeout=1.0)
        assert f"cannot reach the model server at {url}" in str(outcome)
    assert "OPENAI_BASE_URL" in str(outcome)
    assert not isinstance(outcome, LLMTimeout)


def _silent(exchange: Exchange) -> None:
    exchange.hold()


def _drips_json(exchange: Exchange) -> None:
    exchange.begin(200, Content_Type="application/json", Content_Length="1000000")
    exchange.drip(b" ")


def _drips_comments(exchange: Exchange) -> None:
    exchange.begin(200, Content_Type="text/event-stream", Connection="close")
    exchange.drip(b": ping\n\n")


def _drips_after_failing(exchange: Exchange) -> None:
    if exchange.count == 1:
        exchange.reply(503, failure("loading"), Retry_After="0.05")
    else:
        _drips_json(exchange)


@pytest.mark.parametrize("script", [_silent, _drips_json, _drips_comments, _drips_after_failing])
@pytest.mark.parametrize("model", ["tiny", None])
def test_a_server_that_never_ends_its_answer_is_given_up(script: Script, model: str | None) -> None:
    outcome, _ = asked(script, timeout=0.4, model=model)
    assert isinstance(outcome, LLMTimeout)
    assert "no answer within 0.4 s" in str(outcome)
    assert "RAGFIRST_LLM_TIMEOUT" in str(outcome)


def _resets_midway(exchange: Exchange) -> None:
    exchange.begin(200, Content_Type="application/json", Content_Length="1000")
    exchange.send(b'{"choices": [')
    exchange.reset()


def test_a_connection_reset_midway_is_tried_again() -> None:
    outcome, count = asked(first_then(_resets_midway, answers))
    assert (outcome.text, count) == ("In the shed.", 2)


def test_a_connection_reset_at_every_try_ends_with_the_last() -> None:
    outcome, count = asked(_resets_midway)
    assert "cannot reach" in str(outcome)
    assert count == ATTEMPTS


# Answers that are none


@pytest.mark.parametrize("body", [completion(""), completion(" \n"), completion(None)])
def test_an_empty_answer_says_what_to_check(body: Any) -> None:
    outcome, count = asked(always(200, body))
    assert "'tiny'" in str(outcome)
    assert "returned an empty answer: check that RAGFIRST_MODEL is a chat model" in str(outcome)
    assert count == 1


def test_no_choices_is_an_empty_answer() -> None:
    outcome, _ = asked(always(200, {**completion("x"), "choices": []}))
    assert "returned an empty answer" in str(outcome)


def test_a_model_that_thought_until_its_limit_is_told_from_one_that_cannot_chat() -> None:
    outcome, _ = asked(always(200, completion(None, finish_reason="length")))
    assert "its 20 tokens were spent before it began. Raise RAGFIRST_MAX_TOKENS" in str(outcome)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html><title>Welcome to nginx</title></html>", "text/html"),
        ("<html><title>Welcome to nginx</title></html>", "application/json"),
        ({"message": "Welcome to nginx"}, "application/json"),
        (["Welcome to nginx"], "application/json"),
        ({"choices": "Welcome to nginx"}, "application/json"),
        ({"choices": [{"text": "Welcome to nginx"}]}, "application/json"),
        ('{"choices": [{"message": {"content": "Welcome to nginx', "application/json"),
    ],
)
@pytest.mark.parametrize("model", ["tiny", None])
def test_what_is_no_answer_is_shown_in_part(body: Any, kind: str, model: str | None) -> None:
    outcome, count = asked(always(200, body, Content_Type=kind), model=model)
    assert f"sent no {'chat completion' if model else 'list of models'}" in str(outcome)
    assert "Welcome to nginx" in str(outcome)
    assert "OPENAI_BASE_URL" in str(outcome)
    assert count == 1


def test_usage_that_the_server_leaves_out_counts_as_none() -> None:
    outcome, _ = asked(always(200, {"choices": [{"message": {"content": "Yes."}}]}))
    assert outcome == Reply("Yes.", "tiny", 0, 0)


# Many threads, and the end


@pytest.fixture
def silent() -> Generator[tuple[OpenAIChat, threading.Event]]:
    """A client of a server that never answers; the event says that a request has arrived."""
    arrived = threading.Event()

    def script(exchange: Exchange) -> None:
        arrived.set()
        exchange.hold()

    with ScriptedServer(script) as server:
        chat = OpenAIChat(base_url=server.url, api_key=KEY, model="tiny", timeout=60)
        yield chat, arrived
        chat.close()


def test_closing_ends_a_request_that_is_under_way(
    silent: tuple[OpenAIChat, threading.Event],
) -> None:
    chat, arrived = silent
    errors: list[LLMError] = []

    def ask() -> None:
        with pytest.raises(LLMError, match="was closed") as caught:
            chat.complete(ASK, 20)
        errors.append(caught.value)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    within(arrived.wait)
    within(chat.close)
    within(thread.join)
    assert len(errors) == 1


def test_a_closed_client_refuses_at_once(silent: tuple[OpenAIChat, threading.Event]) -> None:
    chat, _ = silent
    within(chat.close)
    with pytest.raises(LLMError, match="is closed"):
        within(lambda: chat.complete(ASK, 20))


def test_a_client_whose_first_request_fails_leaves_no_thread() -> None:
    before = {thread.ident for thread in threading.enumerate()}
    with refused() as url:
        assert isinstance(outcome_at(url, model=None, timeout=0.3), LLMError)
    left = [one for one in threading.enumerate() if one.ident not in before]
    assert [one.name for one in left if one.name == "openai"] == []


def test_questions_are_answered_side_by_side() -> None:
    together = threading.Barrier(4)

    def script(exchange: Exchange) -> None:
        together.wait(30)
        exchange.reply(200, completion(exchange.body["messages"][0]["content"]))

    with ScriptedServer(script) as server:
        chat = OpenAIChat(base_url=server.url, api_key=KEY, model="tiny", timeout=30)
        replies: dict[str, str] = {}

        def ask(text: str) -> None:
            replies[text] = chat.complete([Message("user", text)], 20).text

        threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            within(thread.join)
        chat.close()
    assert replies == {name: name for name in "abcd"}

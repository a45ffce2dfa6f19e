"""What `OpenAIChat` makes of the statuses that servers answer with."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from service.llm import LLMBusy, LLMError
from service.openai_chat import ATTEMPTS, OpenAIChat
from tests.chats import ASK, KEY, always, answers, asked, first_then
from tests.servers import Exchange, Script, ScriptedServer, completion, failure, within


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refused the key (401): set OPENAI_API_KEY"),
        (403, "refused the key (403): set OPENAI_API_KEY"),
        (404, "has no model 'tiny', or no chat completions (404, no such thing)"),
        (400, "refused the request (400, no such thing)"),
    ],
)
def test_a_refusal_is_named_and_not_repeated(status: int, words: str) -> None:
    outcome, count = asked(always(status, failure("no such thing")))
    assert words in str(outcome)
    assert count == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_key_that_the_server_echoes_is_not_shown(status: int) -> None:
    outcome, _ = asked(always(status, failure(f"bad key {KEY}")))
    assert isinstance(outcome, LLMError)


@pytest.mark.parametrize(
    "first",
    [
        always(429, failure("slow down"), Retry_After="0.01"),
        always(429, failure("slow down")),
        always(500, failure("oops")),
        always(502, "<html>Bad Gateway</html>", Content_Type="text/html"),
        always(503, failure("Loading model")),
    ],
)
def test_a_passing_failure_is_tried_again(first: Script) -> None:
    outcome, count = asked(first_then(first, answers))
    assert (outcome.text, count) == ("In the shed.", 2)


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_not_waited_for_but_passed_on(status: int) -> None:
    outcome, count = asked(always(status, failure("later"), Retry_After="3600"))
    assert isinstance(outcome, LLMBusy)
    assert (outcome.retry_after, count) == (3600, 1)


def test_a_wait_until_a_date_is_passed_on_in_seconds() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    outcome, _ = asked(always(429, failure("later"), Retry_After=date))
    assert 3000 < outcome.retry_after <= 3600


@pytest.mark.parametrize("value", ["soon", "nan", "inf", ""])
def test_a_wait_that_is_no_time_is_as_none(value: str) -> None:
    outcome, count = asked(first_then(always(429, failure("x"), Retry_After=value), answers))
    assert (outcome.text, count) == ("In the shed.", 2)


def test_too_many_requests_at_every_try_is_busy() -> None:
    outcome, count = asked(always(429, failure("later")))
    assert isinstance(outcome, LLMBusy)
    assert (outcome.retry_after, count) == (None, ATTEMPTS)


def test_a_quota_that_is_used_up_is_not_asked_again() -> None:
    outcome, count = asked(always(429, failure("pay", code="insufficient_quota")))
    assert "no quota left" in str(outcome)
    assert not isinstance(outcome, LLMBusy)
    assert count == 1


def test_a_failure_at_every_try_is_told_in_the_server_s_words() -> None:
    outcome, count = asked(always(500, failure("out of memory")))
    assert "failed (500, out of memory)" in str(outcome)
    assert count == ATTEMPTS


# Parameters that newer models refuse


def _newer(*refused_names: str) -> Script:
    """A server that refuses parameters one at a time, in OpenAI's words."""
    says = {
        "max_tokens": failure(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        "temperature": failure(
            "Unsupported value: 'temperature' does not support 0 with this model. "
            "Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
    }

    def script(exchange: Exchange) -> None:
        for name in refused_names:
            if name in exchange.body:
                exchange.reply(400, says[name])
                return
        exchange.reply(200, completion("Yes."))

    return script


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["max_tokens"], {"max_completion_tokens": 20, "temperature": 0}),
        (["temperature"], {"max_tokens": 20}),
        (["max_tokens", "temperature"], {"max_completion_tokens": 20}),
        (["temperature", "max_tokens"], {"max_completion_tokens": 20}),
    ],
)
def test_a_refused_parameter_is_left_out_now_and_ever_after(
    names: list[str], left: dict[str, Any]
) -> None:
    with ScriptedServer(_newer(*names)) as server:
        chat = OpenAIChat(base_url=server.url, api_key=KEY, model="tiny", timeout=5)
        replies = [within(lambda: chat.complete(ASK, 20)).text for _ in range(2)]
        chat.close()
    assert replies == ["Yes.", "Yes."]
    sent = [
        {name: one for name, one in exchange.body.items() if name not in ("model", "messages")}
        for exchange in server.exchanges
    ]
    assert len(sent) == len(names) + 2
    assert sent[-2:] == [left, left]


def test_a_limit_that_is_only_too_large_is_not_mistaken_for_a_refused_parameter() -> None:
    said = failure("max_tokens is too large: 9000", param="max_tokens", code="invalid_value")
    outcome, count = asked(always(400, said))
    assert "max_tokens is too large: 9000" in str(outcome)
    assert count == 1


def test_a_server_that_refuses_every_form_is_not_asked_for_ever() -> None:
    said = failure("'max_tokens' and 'temperature' are not supported")
    outcome, count = asked(always(400, said))
    assert "are not supported" in str(outcome)
    assert count == 3

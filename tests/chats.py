"""Asking a server by `OpenAIChat`, once, in a way that cannot hang."""

from typing import Any

from service.llm import LLMError, Message, Reply
from service.openai_chat import OpenAIChat
from tests.servers import Script, ScriptedServer, completion, within

KEY = "sk-very-secret-4711"
ASK = [Message("user", "Where is the tank?")]


def asked(script: Script, *, timeout: float = 5.0, model: str | None = "tiny") -> tuple[Any, int]:
    """The reply or the error that a server's script leads to, and how often it was asked."""
    with ScriptedServer(script) as server:
        outcome = outcome_at(server.url, timeout=timeout, model=model)
        if isinstance(outcome, LLMError):
            assert server.url in str(outcome)
        return outcome, len(server.exchanges)


def outcome_at(url: str, *, timeout: float = 5.0, model: str | None = "tiny") -> Reply | LLMError:
    def ask() -> Reply | LLMError:
        try:
            chat = OpenAIChat(base_url=url, api_key=KEY, model=model, timeout=timeout)
        except LLMError as error:
            return error
        try:
            return chat.complete(ASK, 20)
        except LLMError as error:
            return error
        finally:
            chat.close()

    outcome = within(ask)
    assert KEY not in str(outcome)
    return outcome


def always(status: int, body: Any, **headers: str) -> Script:
    return lambda exchange: exchange.reply(status, body, **headers)


def first_then(first: Script, then: Script) -> Script:
    return lambda exchange: first(exchange) if exchange.count == 1 else then(exchange)


answers = always(200, completion(" In the shed. "))

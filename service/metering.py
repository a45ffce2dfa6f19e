"""Letting the key that a request came with pay for the model's tokens."""

import threading
from collections.abc import Sequence
from contextvars import ContextVar

from service import llm
from service.limits import Budget
from service.llm import LLM, Message, Reply, Say, Stopped

PAYER: ContextVar[Budget | None] = ContextVar("payer", default=None)
"""Who pays for what this code asks of the model; threads are given it with the context."""

CHARACTERS = 4
"""In a token, about, where the model's own count is not to be had."""


def stream(
    model: LLM, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
) -> Reply:
    """As `service.llm.stream`, paid for; outside a request, or without a limit, it is free.

    A reply that is broken off costs what was read and written of it, by estimate: else who leaves
    before the end would never pay.
    """
    payer = PAYER.get()
    if payer is None:
        return llm.stream(model, messages, max_tokens, say, stop)
    if stop.is_set():
        raise Stopped
    read = sum(len(message.content) for message in messages) // CHARACTERS
    pieces = 0

    def heard(piece: str) -> None:
        nonlocal pieces
        pieces += 1
        say(piece)

    try:
        reply = llm.stream(model, messages, max_tokens, heard, stop)
    except Stopped:
        payer.spend(read + pieces)
        raise
    payer.spend(reply.prompt_tokens + reply.completion_tokens or read + pieces)
    return reply

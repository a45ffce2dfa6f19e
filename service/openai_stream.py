"""The chunks of a streamed chat completion, put together."""

from collections.abc import AsyncIterable
from typing import Any

from service.llm import Reply, Say


async def gather(chunks: Any, say: Say, name: str) -> Reply:
    """Say each piece as it comes; the whole at the end, under `name` where no chunk names another.

    Tokens are counted as the server counts them, and as pieces where it does not. Raises
    `ValueError` for what is no stream of chunks, and what the openai client raises.
    """
    text, model, pieces, usage = "", name, 0, None
    async with chunks:
        async for chunk in _checked(chunks):
            model, usage = getattr(chunk, "model", None) or model, _usage(chunk) or usage
            piece = _piece(chunk)
            if piece:
                text, pieces = text + piece, pieces + 1
                say(piece)
    read, written = usage or (0, pieces)
    return Reply(text.strip(), model, read, written)


async def _checked(chunks: AsyncIterable[Any]) -> AsyncIterable[Any]:
    """The chunks; some there must be."""
    count = 0
    async for chunk in chunks:
        count += 1
        yield chunk
    if not count:
        raise ValueError("it holds no chunk")


def _piece(chunk: Any) -> str:
    """What the client takes from a server is not checked: any part may be missing."""
    choices: Any = getattr(chunk, "choices", None) or []
    delta = getattr(choices[0], "delta", None) if choices else None
    piece = getattr(delta, "content", None) or getattr(delta, "refusal", None)
    return piece if isinstance(piece, str) else ""


def _usage(chunk: Any) -> tuple[int, int] | None:
    usage = getattr(chunk, "usage", None)
    if usage is None:
        return None
    counts = (getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0))
    return counts if all(isinstance(one, int) for one in counts) else None

"""A chat model behind any OpenAI-compatible server: OpenAI, vLLM, Ollama, llama.cpp, ….

Every reply is bounded in time by one deadline over all attempts: a server that accepts and stays
silent, or drips bytes for ever, ends in `LLMTimeout`.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import openai
from openai.types.chat import ChatCompletion

from service.llm import LLMBusy, LLMError, LLMTimeout, Message, Reply

ATTEMPTS = 3
FIRST_PAUSE = 0.5
"""Seconds before the second attempt where the server names none; doubled for each further one."""


class OpenAIChat:
    """An `LLM` by the openai package. Safe to call from many threads at once."""

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        model: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        """`timeout`: seconds for a reply, retries included.

        Without a `model` the first one that the server lists is taken. Raises `LLMError`.
        """
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="openai", daemon=True).start()
        # Servers of one's own want no key, the client insists on one.
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key or "none", max_retries=0, timeout=timeout
        )
        self.name = model or self._first_model()

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """See `LLM.complete`. Retries 429, 5xx and lost connections within the time."""
        turns: Any = [{"role": one.role, "content": one.content} for one in messages]

        async def ask() -> ChatCompletion:
            return await self._client.chat.completions.create(
                model=self.name, messages=turns, max_tokens=max_tokens, temperature=0
            )

        completion = cast(ChatCompletion, self._run(ask))
        text = (completion.choices[0].message.content or "") if completion.choices else ""
        if not text.strip():
            raise LLMError(
                f"the model {self.name!r} returned an empty answer: check that it is a chat model "
                "and that its server leaves room for an answer"
            )
        usage = completion.usage
        return Reply(
            text.strip(),
            completion.model or self.name,
            usage.prompt_tokens if usage else 0,
            usage.completion_tokens if usage else 0,
        )

    def close(self) -> None:
        """End the client's thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _first_model(self) -> str:
        async def ask() -> str | None:
            async for model in self._client.models.list():
                return model.id
            return None

        found = cast("str | None", self._run(ask))
        if not found:
            raise LLMError(f"{self._server()} lists no model: set RAGFIRST_MODEL")
        return found

    def _run(self, ask: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(self._bounded(ask), self._loop)
        return future.result()

    async def _bounded(self, ask: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._attempts(ask)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise LLMTimeout(
                f"{self._server()} gave no answer within {self._timeout:g} s (RAGFIRST_LLM_TIMEOUT)"
            ) from error

    async def _attempts(self, ask: Any) -> Any:
        deadline = time.monotonic() + self._timeout
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await ask()
            except openai.APITimeoutError:
                raise
            except openai.APIError as error:
                pause = _retry_after(error) or FIRST_PAUSE * 2 ** (attempt - 1)
                worth_it = _passing(error) and time.monotonic() + pause < deadline
                if attempt == ATTEMPTS or not worth_it:
                    raise self._named(error) from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _named(self, error: openai.APIError) -> LLMError:
        """The error in words that name the server and the remedy."""
        server = self._server()
        if isinstance(error, openai.APIConnectionError):
            return LLMError(f"cannot reach {server}: is it running, is OPENAI_BASE_URL right?")
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return LLMError(f"{server} refused the key ({error.status_code}): set OPENAI_API_KEY")
        if isinstance(error, openai.NotFoundError):
            return LLMError(f"{server} knows no model {self.name!r} (404): set RAGFIRST_MODEL")
        if isinstance(error, openai.RateLimitError):
            return LLMBusy(f"{server} is over its limit (429)", _retry_after(error))
        if isinstance(error, openai.APIStatusError):
            return LLMError(f"{server} failed ({error.status_code}): {error.message[:200]}")
        return LLMError(f"{server} sent what is no chat completion: {error.message[:200]}")

    def _server(self) -> str:
        return f"the model server at {self._client.base_url}"


def _passing(error: openai.APIError) -> bool:
    """Whether trying again may help."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def _retry_after(error: openai.APIError) -> float | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        return max(float(error.response.headers.get("retry-after", "")), 0.0)
    except ValueError:
        return None

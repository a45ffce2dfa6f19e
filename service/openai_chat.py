"""A chat model behind any OpenAI-compatible server: OpenAI, vLLM, Ollama, llama.cpp, ….

Every reply is bounded in time by one deadline over all attempts: a server that accepts and stays
silent, or drips bytes for ever, ends in `LLMTimeout`. No error text ever holds the key.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any, Protocol, TypeVar, cast

import openai
from pydantic import BaseModel, ValidationError

from service.llm import LLMError, LLMTimeout, Message, Reply, Say, Stopped
from service.openai_errors import Explained, passing, refused, retry_after
from service.openai_stream import gather

ATTEMPTS = 3
FIRST_PAUSE = 0.5
"""Seconds before the second attempt where the server names none; doubled for each further one."""

LOOK = 0.05
"""Seconds between two looks whether a reply is still wanted."""

OPENAI = "https://api.openai.com/v1"


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(BaseModel):
    """What is needed of a completion: servers differ in the rest, and the client checks nothing."""

    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class _Raw(Protocol):
    """The client's response before it is parsed."""

    @property
    def text(self) -> str: ...


_Result = TypeVar("_Result")
_Shape = TypeVar("_Shape", bound=BaseModel)


def _turns(messages: Sequence[Message]) -> dict[str, Any]:
    """The messages as arguments of the client.

    Beside its own argument, whose every member it would look up the type of: that takes longer
    than all else it does.
    """
    turns = [{"role": one.role, "content": one.content} for one in messages]
    return {"messages": [], "extra_body": {"messages": turns}}


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

        Without a `model` the first one that the server lists is taken, except from OpenAI itself,
        which lists models of every kind. Raises `LLMError`.
        """
        key = (api_key or "").strip()
        self._explained = Explained(base_url or OPENAI, key)
        self._explained.check()
        if not base_url and not model:
            raise LLMError("OpenAI has many models: set RAGFIRST_MODEL to the one that answers")
        self._timeout = timeout
        self._limit = "max_tokens"
        self._sampling: dict[str, Any] = {"temperature": 0}
        self._streaming: dict[str, Any] = {"stream_options": {"include_usage": True}}
        self._lock = threading.Lock()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
        self._thread.start()
        # Servers of one's own want no key, the client insists on one.
        self._client = openai.AsyncOpenAI(
            base_url=base_url or OPENAI, api_key=key or "none", max_retries=0, timeout=timeout
        )
        try:
            self.name = model or self._first_model()
        except BaseException:
            self.close()
            raise

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """See `LLM.complete`. Retries 429, 5xx and lost connections within the time."""
        turns = _turns(messages)

        async def ask() -> _Raw:
            create: Any = self._client.chat.completions.with_raw_response.create
            options = {self._limit: max_tokens, **self._sampling}
            return cast(_Raw, await create(model=self.name, **turns, **options))

        completion = self._read(self._run(ask, self.name), _Completion, "chat completion")
        choice = completion.choices[0] if completion.choices else None
        text = (choice.message.content or choice.message.refusal or "").strip() if choice else ""
        if not text:
            raise LLMError(self._empty(choice, max_tokens))
        usage = completion.usage or _Usage()
        return Reply(
            text, completion.model or self.name, usage.prompt_tokens, usage.completion_tokens
        )

    def stream(
        self, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
    ) -> Reply:
        """See `StreamingLLM.stream`. Closes the connection where it is stopped.

        Retries as `complete` does, until the first piece has come.
        """
        turns = _turns(messages)

        async def ask() -> Reply:
            create: Any = self._client.chat.completions.create
            options = {self._limit: max_tokens, **self._sampling, **self._streaming}
            chunks = await create(model=self.name, **turns, stream=True, **options)
            try:
                return await gather(chunks, say, self.name)
            except openai.APITimeoutError:
                raise
            except openai.APIError as error:  # too late to ask again: pieces may have been said
                raise self._explained.error(error, self.name) from error
            except ValueError as error:
                raise LLMError(
                    f"{self._explained.server} sent no stream of chat completions "
                    f"({self._explained.excerpt(str(error))}): is OPENAI_BASE_URL right?"
                ) from error

        reply = self._run(ask, self.name, stop)
        if not reply.text:
            raise LLMError(self._empty(None, max_tokens))
        return reply

    def close(self) -> None:
        """Give up what is under way and end the client's thread. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()

    def _first_model(self) -> str:
        async def ask() -> _Raw:
            return await self._client.models.with_raw_response.list()

        found = self._read(self._run(ask, None), _Models, "list of models").data
        if not found:
            raise LLMError(f"{self._explained.server} lists no model: set RAGFIRST_MODEL")
        return found[0].id

    def _run(
        self,
        ask: Callable[[], Awaitable[_Result]],
        model: str | None,
        stop: threading.Event | None = None,
    ) -> _Result:
        with self._lock:
            if self._closed:
                raise LLMError(f"the connection to {self._explained.server} is closed")
            future = asyncio.run_coroutine_threadsafe(self._bounded(ask, model), self._loop)
        try:
            while True:
                try:
                    return future.result(LOOK if stop else None)
                except TimeoutError:
                    if stop and stop.is_set() and future.cancel():
                        raise Stopped from None
        except CancelledError as error:
            raise LLMError(f"the connection to {self._explained.server} was closed") from error

    async def _bounded(self, ask: Callable[[], Awaitable[_Result]], model: str | None) -> _Result:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._attempts(ask, model)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise LLMTimeout(
                f"{self._explained.server} gave no answer within {self._timeout:g} s: is it "
                "overloaded? RAGFIRST_LLM_TIMEOUT gives it longer"
            ) from error

    async def _attempts(self, ask: Callable[[], Awaitable[_Result]], model: str | None) -> _Result:
        deadline = time.monotonic() + self._timeout
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._adapting(ask)
            except openai.APITimeoutError:
                raise
            except openai.APIError as error:
                pause = retry_after(error) or FIRST_PAUSE * 2 ** (attempt - 1)
                worth_it = passing(error) and time.monotonic() + pause < deadline
                if attempt == ATTEMPTS or not worth_it:
                    raise self._explained.error(error, model) from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _adapting(self, ask: Callable[[], Awaitable[_Result]]) -> _Result:
        """Ask; where the server refuses a parameter, ask without it, now and from now on.

        OpenAI's newer models want max_completion_tokens and no temperature.
        """
        while True:
            # As sent: another question may change them while this one is under way.
            limit, sampling, streaming = self._limit, self._sampling, self._streaming
            try:
                return await ask()
            except openai.BadRequestError as error:
                if limit == "max_tokens" and refused(error, "max_tokens"):
                    self._limit = "max_completion_tokens"
                elif sampling and refused(error, "temperature"):
                    self._sampling = {}
                elif streaming and refused(error, "stream_options"):
                    self._streaming = {}
                else:
                    raise

    def _read(self, raw: _Raw, shape: type[_Shape], what: str) -> _Shape:
        try:
            return shape.model_validate_json(raw.text)
        except ValidationError as error:
            raise LLMError(
                f"{self._explained.server} sent no {what}: {self._explained.excerpt(raw.text)!r}. "
                "Is OPENAI_BASE_URL right? It mostly ends in /v1"
            ) from error

    def _empty(self, choice: _Choice | None, max_tokens: int) -> str:
        start = f"the model {self.name!r} at {self._explained.address} returned an empty answer"
        if choice and choice.finish_reason == "length":
            return (
                f"{start}: its {max_tokens} tokens were spent before it began. Raise "
                "RAGFIRST_MAX_TOKENS, or name a model that does not think first"
            )
        return f"{start}: check that RAGFIRST_MODEL is a chat model"

"""The base model and its adapters behind an OpenAI-compatible server, asked concurrently."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from eval.generate import Request
from service.llm import LLMError, Reply
from service.openai_chat import OpenAIChat

CONCURRENT = 8
"""Calls under way at once."""

_EMPTY = "returned an empty answer"
"""What `OpenAIChat` says of it; a service has nothing to show then, here it is a wrong answer."""


class RemoteGenerator:
    """An `eval.generate.Generator` by HTTP; base and adapters go by model name, as in vLLM.

    The server decides on grammars and line ends: a grammar is refused here, a line end is applied
    to the reply. A model that writes nothing has given an empty reply, as it would in this process.
    """

    together = False

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        timeout: float = 120.0,
        concurrent: int = CONCURRENT,
    ) -> None:
        """`model`: the base's name at the server. `timeout`: seconds a reply, retries included."""
        self.name = model
        self._url, self._key, self._timeout = base_url, api_key, timeout
        self._pool = ThreadPoolExecutor(concurrent, thread_name_prefix="arm")
        self._chats: dict[str, OpenAIChat] = {}

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`; a server tells no more than the name."""
        return f"{self._url} {adapter or self.name}"

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        """See `Generator.complete`."""
        for name in {one.adapter or self.name for one in requests}:
            self._chat(name)
        return list(self._pool.map(self._one, requests))

    def close(self) -> None:
        """Close all connections."""
        self._pool.shutdown(cancel_futures=True)
        for chat in self._chats.values():
            chat.close()

    def _one(self, request: Request) -> Reply | LLMError:
        if request.grammar:
            return LLMError(
                "the arm 'constrained' decodes by a grammar, which needs the model in this "
                "process: leave the arm out, or run without a server"
            )
        try:
            reply = self._chats[request.adapter or self.name].complete(
                request.messages, request.max_tokens
            )
        except LLMError as error:
            if _EMPTY in str(error):
                return Reply("", request.adapter or self.name, 0, 0)
            return error
        text = reply.text.strip()
        if request.one_line:
            text = text.partition("\n")[0].strip()
        elif request.one_paragraph:
            text = text.partition("\n\n")[0].strip()
        return replace(reply, text=text)

    def _chat(self, name: str) -> OpenAIChat:
        if name not in self._chats:
            self._chats[name] = OpenAIChat(
                base_url=self._url, api_key=self._key, model=name, timeout=self._timeout
            )
        return self._chats[name]

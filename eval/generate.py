"""What the arms ask of a model, in batches; and the cache that answers equal batches again."""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from service.llm import LLMError, Message, Reply


@dataclass(frozen=True, slots=True)
class Request:
    """One chat for the model.

    `adapter`: which adapter answers, a folder's path or a server's name for it; None is the base.
    `one_line`, `one_paragraph`: the reply ends at its first line break, or first empty line.
    `grammar`: in llguidance's Lark dialect; decoding keeps to it.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    adapter: str | None = None
    one_line: bool = True
    one_paragraph: bool = False
    grammar: str | None = None


class Generator(Protocol):
    """Answers chats, most likely reply first (temperature 0).

    `together`: whether the replies of a batch depend on each other's presence (as low-precision
    arithmetic does), so that only whole batches can be cached.
    """

    name: str
    together: bool

    def fingerprint(self, adapter: str | None) -> str:
        """What the replies depend on beside the requests: the weights, by their digest."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        """A reply for each request, or why there is none."""
        ...


class Cached:
    """A generator that remembers, in a SQLite file, what it was asked and replied.

    Errors are never remembered.
    """

    def __init__(self, inner: Generator, file: Path) -> None:
        self._inner = inner
        self.name = inner.name
        self.together = inner.together
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, replies TEXT NOT NULL) STRICT"
        )

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`."""
        return self._inner.fingerprint(adapter)

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        """See `Generator.complete`."""
        if self.together:
            return self._whole(requests)
        keys = [self._key([one]) for one in requests]
        found = {key: self._get(key) for key in keys}
        # Equal requests are asked once: later runs give both the reply that is remembered.
        asked = {key: one for key, one in zip(keys, requests, strict=True) if found[key] is None}
        fresh = self._inner.complete(list(asked.values())) if asked else []
        for key, reply in zip(asked, fresh, strict=True):
            found[key] = [reply]
            self._keep(key, [reply])
        return [(found[key] or [])[0] for key in keys]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _whole(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        key = self._key(requests)
        replies = self._get(key)
        if replies is None:
            replies = self._inner.complete(requests)
            self._keep(key, replies)
        return replies

    def _key(self, requests: Sequence[Request]) -> str:
        asked = [
            {**asdict(one), "adapter": None, "model": self._inner.fingerprint(one.adapter)}
            for one in requests
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def _get(self, key: str) -> list[Reply | LLMError] | None:
        row = self._db.execute("SELECT replies FROM calls WHERE key = ?", (key,)).fetchone()
        return [Reply(**reply) for reply in json.loads(row[0])] if row else None

    def _keep(self, key: str, replies: Sequence[Reply | LLMError]) -> None:
        whole = [asdict(reply) for reply in replies if isinstance(reply, Reply)]
        if len(whole) == len(replies):
            self._db.execute("INSERT OR REPLACE INTO calls VALUES (?, ?)", (key, json.dumps(whole)))

"""Where the processor time of an ingest goes, part by part, on one thread."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from ingest.embed import Embedder, Vectors


@dataclass(slots=True)
class Shares:
    """Seconds of processor time by part, and the tokens that were embedded by kind."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    tokens: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, part: str, seconds: float) -> None:
        """More of a part."""
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds

    def within(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, its time counted for a part, less what is counted for others within it."""

        @wraps(call)
        def timed(*arguments: Any, **named: Any) -> Any:
            begun, before = time.process_time(), sum(self.seconds.values())
            try:
                return call(*arguments, **named)
            finally:
                inner = sum(self.seconds.values()) - before
                self.add(part, time.process_time() - begun - inner)

        return timed


class _Apart:
    """An embedder that embeds chunks and sentences one after the other, and counts both."""

    def __init__(self, embedder: Embedder, shares: Shares) -> None:
        self._embedder, self._shares = embedder, shares
        self.name, self.revision = embedder.name, embedder.revision
        self.dimension, self.token_limit = embedder.dimension, embedder.token_limit
        self.count_tokens = shares.within("count tokens", embedder.count_tokens)
        self.embed_query = embedder.embed_query

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        # A chunk's header ends in a line break; a sentence holds none.
        vectors = np.empty((len(texts), self.dimension), np.float32)
        places: dict[str, list[int]] = {"chunks": [], "sentences": []}
        for at, text in enumerate(texts):
            places["chunks" if "\n" in text else "sentences"].append(at)
        for kind, chosen in places.items():
            some = [texts[at] for at in chosen]
            counted = self._embedder.count_tokens(some)
            tokens = sum(min(count + 2, self.token_limit) for count in counted)
            self._shares.tokens[kind] = self._shares.tokens.get(kind, 0) + tokens
            call = self._shares.within(f"embed {kind}", self._embedder.embed)
            vectors[chosen] = call(some)
        return vectors


def profile(folder: Path, index: Path, embedder: Embedder) -> Shares:
    """Sync a folder into a new index. The parsing process, which is another, counts as `parse`."""
    from ingest import derive
    from ingest import sync as module
    from ingest.chunk import ChunkSettings
    from ingest.store import Store

    shares = Shares()
    settings = module.SyncSettings(ChunkSettings(embedder.token_limit))
    with ExitStack() as patches:
        for part, owner, name in (
            ("chunk", module, "chunk"),
            ("split sentences", module, "encode"),
            ("write", Store, "put"),
            ("write", Store, "finish"),
            ("derive", derive, "build"),
        ):
            timed = shares.within(part, getattr(owner, name))
            patches.enter_context(mock.patch.object(owner, name, timed))
        begun, children = time.process_time(), _of_children()
        module.sync([(folder, "corpus")], index, _Apart(embedder, shares), settings)
        rest = time.process_time() - begun - sum(shares.seconds.values())
    shares.add("parse", _of_children() - children)
    shares.add("rest", rest)
    return shares


def _of_children() -> float:
    return sum(os.times()[2:4])


def show(name: str, folder: Path, index: Path) -> None:
    """Profile a folder and print it, the index made at `index`-name."""
    from ingest.embed import SentenceEmbedder

    embedder = SentenceEmbedder("all-MiniLM-L6-v2", threads=1)
    embedder.embed(["The first text that a process embeds takes longer."])
    shares = profile(folder, index.with_name(f"{index.name}-{name}"), embedder)
    total, tokens = sum(shares.seconds.values()), shares.tokens
    print(f"\n{name}: {total:.1f} s of processor time, one thread, loading left out")
    print("\n| part | seconds | share |\n|---|---|---|")
    for part, seconds in sorted(shares.seconds.items(), key=lambda one: -one[1]):
        print(f"| {part} | {seconds:.2f} | {seconds / total:.1%} |")
    ratio = sum(tokens.values()) / max(tokens.get("chunks", 0), 1)
    print(f"\ntokens: {tokens}; together {ratio:.2f} times those of the chunks", flush=True)

"""Greedy replies by `service.llama`, one at a time; what prompts begin with is kept read."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from service.llama import Llama
from service.llama_cache import Cache
from service.llama_weights import Adapter, adapter
from service.lora import another_base, read_pairs

KEPT = 96 * 2**20
"""Bytes of keys and values that are kept of the last prompts: with SmolLM2-135M in bfloat16 4,096
tokens. What instructions and examples come first is then read once."""


TOGETHER = 256
"""Tokens of a prompt that are read at once, and known or not known together.

Read in other pieces a text has other roundings in bfloat16, and so a reply would depend on what
was asked before it.
"""


class _Kept(NamedTuple):
    adapter: str | None
    read: Sequence[int]
    cache: Cache


class LlamaChat:
    """An `Engine` of `service.local_chat`. Not to be called from two threads at once."""

    def __init__(
        self, llama: Llama, place: str, kept: int = KEPT, together: int = TOGETHER
    ) -> None:
        """`place`: the base as errors name it; `kept`: bytes, see `KEPT`; `together`: tokens."""
        self._llama, self._place, self._most, self._together = llama, place, kept, together
        self._adapters: dict[str, Adapter] = {}
        self._kept: list[_Kept] = []
        self.window = llama.shape.window

    def add(self, name: str, folder: Path) -> None:
        """Load an adapter in peft's format. Raises `LLMError` where it is none for this model."""
        self._adapters[name] = load_adapter(self._llama, folder, self._place)
        self._kept = [one for one in self._kept if one.adapter != name]

    def write(
        self,
        prompt: Sequence[int],
        limit: int,
        ends: Sequence[int],
        stop: threading.Event,
        hear: Callable[[int], None],
        name: str | None,
    ) -> list[int]:
        """The tokens that follow a prompt, at most `limit`, the one that ends them among them."""
        llama, beside = self._llama, self._adapters[name] if name else None
        cache = llama.cache(1, len(prompt) + limit)
        known = self._recall(prompt, cache, name)
        logits: Any = None
        for begin in range(known, len(prompt), self._together):
            if stop.is_set():
                return []
            logits = llama.read(cache, {0: prompt[begin : begin + self._together]}, beside)
        written: list[int] = []
        while True:
            token = int(logits.argmax())
            written.append(token)
            hear(token)
            if token in ends or len(written) >= limit or stop.is_set():
                break
            logits = llama.step(cache, [token], beside)
        whole = len(prompt) // self._together * self._together
        self._keep(_Kept(name, prompt[:whole], cache))
        return written

    def _recall(self, prompt: Sequence[int], cache: Cache, name: str | None) -> int:
        """Copy what is known of a prompt into a cache: its number of tokens, the last left out."""
        best = max(
            ((common(prompt[:-1], one.read), one) for one in self._kept if one.adapter == name),
            key=lambda found: found[0],
            default=None,
        )
        known = best[0] // self._together * self._together if best else 0
        if best and known:
            cache.copy(0, best[1].cache, 0, known)
        return known

    def _keep(self, one: _Kept) -> None:
        if not one.read:
            return
        # What the new one begins with needs no cache of its own.
        self._kept = [
            old
            for old in self._kept
            if old.adapter != one.adapter or common(old.read, one.read) < len(old.read)
        ]
        self._kept.append(one)
        while self._kept and sum(old.cache.size for old in self._kept) > self._most:
            self._kept.pop(0)


def load_adapter(llama: Llama, folder: Path, place: str) -> Adapter:
    """A folder in peft's format as an adapter of a model. Raises `LLMError` where it is none."""
    try:
        return adapter(llama.shape, read_pairs(folder))
    except KeyError as error:
        raise another_base(folder, str(error.args[0]), place) from error


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    most = min(len(first), len(second))
    return next((at for at in range(most) if first[at] != second[at]), most)

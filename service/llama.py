"""Llama straight from its weights to the next token, as transformers computes it, only faster.

Queries, keys and values come from one product, so do gate and up; weights lie in the order in which
oneDNN multiplies; texts of a batch stand behind each other without padding; attention is computed
in blocks of queries that see no key behind them; the last block and the head are computed for the
last token alone. See docs/decisions/2026-11-29-local-chat.md.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from service.llama_cache import Cache, Steps, Stretch, Stretches, runs
from service.llama_weights import GROUPS, Adapter, Beside, LlamaShape, product, read_folder

STACK = "llama-2"
"""Goes up whenever replies may change in anything but speed: part of what caches are asked by."""


class Llama:
    """The forward pass. Holds no state of a text: safe to call from many threads."""

    def __init__(self, shape: LlamaShape, weights: Mapping[str, Any], dtype: Any) -> None:
        """Take the weights over, by the names that transformers gives them.

        `dtype`: torch.bfloat16 or torch.float32, in which it computes. Raises KeyError where a
        weight is missing.
        """
        import torch

        def weight(name: str) -> Any:
            return weights[f"{name}.weight"].detach().to(dtype)

        self.shape = shape
        self.dtype = dtype
        self._words = weight("model.embed_tokens")
        self._last = weight("model.norm")
        self._head = product([self._words if shape.tied else weight("lm_head")])
        self._layers: list[tuple[Any, Any, list[Callable[[Any], Any]]]] = []
        for number in range(shape.layers):
            block = f"model.layers.{number}"
            norms = [
                weight(f"{block}.{n}") for n in ("input_layernorm", "post_attention_layernorm")
            ]
            products = [product([weight(f"{block}.{name}") for name in group]) for group in GROUPS]
            self._layers.append((*norms, products))
        steps = torch.arange(0, shape.head, 2, dtype=torch.float32) / shape.head
        self._turns = 1.0 / shape.theta**steps

    @classmethod
    def load(cls, folder: Path, dtype: Any) -> Self | None:
        """The model of a folder in transformers' format; None where it is no plain Llama."""
        found = read_folder(folder)
        return None if found is None else cls(*found, dtype)

    def cache(self, rows: int, capacity: int) -> Cache:
        """An empty cache."""
        return Cache(self.shape, rows, capacity, self.dtype)

    def read(
        self, cache: Cache, texts: Mapping[int, Sequence[int]], adapter: Adapter | None = None
    ) -> Any:
        """Go on in some rows of the cache with tokens of each: one at least.

        Returns what comes next by the mapping's order: logits, shape (texts, vocabulary), float32.
        """
        import torch

        found: dict[int, Any] = {}
        with torch.inference_mode():
            for run in runs(texts, cache.lengths):
                ids = [
                    token
                    for one, offset in run
                    for token in texts[one.row][offset : offset + one.last - one.first]
                ]
                stretches = [one for one, _ in run]
                states = self._pass(ids, stretches, cache, adapter)
                for one, state in zip(stretches, states, strict=True):
                    cache.lengths[one.row] = one.end
                    found[one.row] = state
            return self._next(torch.stack([found[row] for row in texts]))

    def step(self, cache: Cache, tokens: Sequence[int], adapter: Adapter | None = None) -> Any:
        """Go on in every row of the cache with one token; logits as `read` gives them."""
        import torch

        with torch.inference_mode():
            rows = [Stretch(row, row, row + 1, at) for row, at in enumerate(cache.lengths)]
            states = self._pass(tokens, rows, cache, adapter)
            cache.lengths = [one.end for one in rows]
            return self._next(states)

    def _next(self, states: Any) -> Any:
        return self._head(self._normal(states, self._last)).float()

    def _pass(
        self,
        ids: Sequence[int],
        stretches: Sequence[Stretch],
        cache: Cache,
        adapter: Adapter | None,
    ) -> Any:
        """The states after each stretch's last token, shape (stretches, width)."""
        import torch
        from torch.nn import functional

        shape, inner = self.shape, self.shape.inner
        places = torch.tensor([at for one in stretches for at in range(one.start, one.end)])
        angles = places[:, None].float() * self._turns
        cos, sin = angles.cos(), angles.sin()
        cos = torch.cat([cos, cos], -1).to(self.dtype)[:, None]
        sin = torch.cat([-sin, sin], -1).to(self.dtype)[:, None]
        ends = torch.tensor([one.last - 1 for one in stretches])
        turned = shape.heads + shape.kv_heads
        single = len(ids) == len(stretches) == len(cache.lengths)
        attend = Steps(shape, cache) if single else Stretches(shape, cache, stretches)
        states: Any = functional.embedding(torch.tensor(ids), self._words)
        for number, (first, second, products) in enumerate(self._layers):
            ask, attended, widen, narrow = (
                _joined(one, beside)
                for one, beside in zip(
                    products, adapter[number] if adapter else [None] * 4, strict=True
                )
            )
            asked = ask(self._normal(states, first)).view(len(ids), -1, shape.head)
            both = asked[:, :turned]
            # As transformers rounds it: x · cos + (x, its halves exchanged) · sin.
            both = (both * cos).add_(both.roll(shape.head // 2, -1).mul_(sin))
            seen = attend(number, both[:, : shape.heads], both[:, shape.heads :], asked[:, turned:])
            if number == shape.layers - 1 and not single:
                states, seen = states[ends], seen[ends]
            states = attended(seen).add_(states)
            wide = widen(self._normal(states, second))
            gate: Any = functional.silu(wide[:, :inner])
            states = narrow(gate.mul_(wide[:, inner:])).add_(states)
        return states

    def _normal(self, states: Any, weight: Any) -> Any:
        """RMSNorm (Zhang and Sennrich 2019), rounded where transformers rounds it."""
        wide = states.float()
        wide = wide * (wide.square().mean(-1, keepdim=True) + self.shape.eps).rsqrt_()
        return wide.to(self.dtype).mul_(weight)


def _joined(multiply: Callable[[Any], Any], beside: Beside | None) -> Callable[[Any], Any]:
    """A group's product with what an adapter adds to it."""
    if beside is None:
        return multiply

    def both(states: Any) -> Any:
        output = multiply(states)
        beside.add_to(output, states)
        return output

    return both

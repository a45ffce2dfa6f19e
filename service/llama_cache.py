"""Keys and values of texts that `service.llama` reads, and the attention over them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from service.llama_weights import LlamaShape

TOGETHER = 1024
"""Tokens that pass the blocks at once: what lies between two blocks stays in the cache."""

BLOCK = 128
"""Queries whose attention is computed at once."""


class Cache:
    """Keys and values of texts, one a row; `lengths` tells how many tokens of each are there."""

    def __init__(self, shape: LlamaShape, rows: int, capacity: int, dtype: Any) -> None:
        """Room for `rows` texts of `capacity` tokens."""
        import torch

        # Zeros, since what lies behind a shorter row is multiplied by zero: it must be a number.
        size = (shape.layers, rows, shape.kv_heads, capacity, shape.head)
        self.keys = torch.zeros(size, dtype=dtype)
        self.values = torch.zeros(size, dtype=dtype)
        self.lengths = [0] * rows

    @property
    def capacity(self) -> int:
        """How many tokens a row may have."""
        return int(self.keys.shape[3])

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.keys.nbytes + self.values.nbytes)

    def copy(self, row: int, other: "Cache", other_row: int, length: int) -> None:
        """Make the first `length` tokens of a row of `other` all that a row has."""
        for mine, theirs in ((self.keys, other.keys), (self.values, other.values)):
            mine[:, row, :, :length] = theirs[:, other_row, :, :length]
        self.lengths[row] = length

    def drop(self, row: int) -> None:
        """Forget a row. The last one takes its place."""
        last = len(self.lengths) - 1
        if row < last:
            self.copy(row, self, last, self.lengths[last])
        self.lengths.pop()


class Stretch(NamedTuple):
    """Tokens of one row that pass the blocks: where they stand in the pass and in their row."""

    row: int
    first: int
    last: int
    start: int

    @property
    def end(self) -> int:
        """How many tokens the row has then."""
        return self.start + self.last - self.first


class Stretches:
    """Attention of stretches of text, each in its own row."""

    def __init__(self, shape: LlamaShape, cache: Cache, stretches: Sequence[Stretch]) -> None:
        import torch

        self._shape, self._cache, self._stretches = shape, cache, stretches
        later = torch.full((BLOCK, BLOCK), float("-inf"), dtype=cache.keys.dtype)
        self._later = later.triu_(1)

    def __call__(self, layer: int, queries: Any, keys: Any, values: Any) -> Any:
        """Shapes (tokens, heads, head); returns (tokens, heads · head)."""
        import torch

        shape, cache = self._shape, self._cache
        seen: Any = torch.empty_like(queries)
        # A head's group of queries reads the same keys: one product for all of them.
        grouped = queries.unflatten(1, (shape.kv_heads, -1)).permute(1, 2, 0, 3)
        grouped = grouped * shape.head**-0.5
        target: Any = seen.unflatten(1, (shape.kv_heads, -1)).permute(1, 2, 0, 3)
        for row, first, last, start in self._stretches:
            known, told = cache.keys[layer, row], cache.values[layer, row]
            end = start + last - first
            known[:, start:end] = keys[first:last].transpose(0, 1)
            told[:, start:end] = values[first:last].transpose(0, 1)
            for at in range(first, last, BLOCK):
                till = min(at + BLOCK, last)
                count, sees = till - at, start + till - first
                some = grouped[:, :, at:till].reshape(shape.kv_heads, -1, shape.head)
                scores = torch.matmul(some, known[:, :sees].transpose(1, 2))
                own = scores.view(shape.kv_heads, -1, count, sees)[..., sees - count :]
                own += self._later[:count, :count]
                mixed = torch.matmul(scores.softmax(-1), told[:, :sees])
                target[:, :, at:till] = mixed.view(shape.kv_heads, -1, count, shape.head)
        return seen.flatten(1)


class Steps:
    """Attention of one token in every row."""

    def __init__(self, shape: LlamaShape, cache: Cache) -> None:
        import torch

        self._shape, self._cache = shape, cache
        lengths = torch.tensor(cache.lengths)
        self._rows = torch.arange(len(cache.lengths))
        self._lengths, self._longest = lengths, max(cache.lengths) + 1
        there = torch.arange(self._longest) <= lengths[:, None]
        self._there = None if bool(there.all()) else there[:, None, None]

    def __call__(self, layer: int, queries: Any, keys: Any, values: Any) -> Any:
        """Shapes (rows, heads, head); returns (rows, heads · head)."""
        from torch.nn import functional

        shape, count, longest = self._shape, len(self._rows), self._longest
        known, told = self._cache.keys[layer], self._cache.values[layer]
        grouped = queries.reshape(count, shape.kv_heads, -1, shape.head)
        if count == 1:
            known[0, :, longest - 1] = keys[0]
            told[0, :, longest - 1] = values[0]
        else:
            known[self._rows, :, self._lengths] = keys
            told[self._rows, :, self._lengths] = values
        attention: Any = functional.scaled_dot_product_attention
        # The queries of a head's group stand where others have several tokens.
        before = (known[:count, :, :longest], told[:count, :, :longest])
        return attention(grouped, *before, attn_mask=self._there).reshape(count, -1)


def runs(
    texts: Mapping[int, Sequence[int]], lengths: Sequence[int]
) -> list[list[tuple[Stretch, int]]]:
    """The texts in runs of `TOGETHER` tokens, a longer one in several; each with where it begins.

    A run of its own for each piece of a text that does not end in it.
    """
    runs: list[list[tuple[Stretch, int]]] = []
    left = 0
    for row, ids in texts.items():
        for offset in range(0, len(ids), TOGETHER):
            count = min(TOGETHER, len(ids) - offset)
            if count > left or offset:
                runs.append([])
                left = TOGETHER
            first = TOGETHER - left
            stretch = Stretch(row, first, first + count, lengths[row] + offset)
            runs[-1].append((stretch, offset))
            left -= count
    return runs

"""Rows of tokens one behind the other, without padding, and causal attention among them.

What all rows begin with stands there once: no token sees what comes behind it, so that all rows
have the same there, and the gradients of their copies add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from eval.tune.examples import Tokens

TOGETHER = 128
"""Tokens of a row that look back at once; they look no further than the last of them may."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Examples one behind the other. All are int64 tensors.

    `ids`, `places`: (tokens); a place counts from its row's begin. `scored`: where in `ids` the
    next token belongs to a completion; `targets`: those tokens. `groups`: who looks at whom.
    """

    ids: Any
    places: Any
    scored: Any
    targets: Any
    groups: tuple["Group", ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that look at the `shared` first tokens and at their own ones up to themselves.

    `own`: their tokens, (rows, longest), padded with any; `there`: which of these, flattened, are
    no padding; `first`: where the first of them stands. All are neighbours, row by row.
    """

    own: Any
    there: Any
    first: int
    shared: int


def rows_of(examples: Sequence[Tokens]) -> Rows:
    """The examples' rows. What they all begin with is taken once, of prompts alone."""
    import torch

    shared = _shared(examples) if len(examples) > 1 else 0
    rests = [one.ids[shared:] for one in examples]
    lengths = [len(rest) for rest in rests]
    begins = list(accumulate(lengths[:-1], initial=shared))
    ids = [*examples[0].ids[:shared], *(token for rest in rests for token in rest)]
    places = [*range(shared), *(shared + at for n in lengths for at in range(n))]
    scored: list[int] = []
    targets: list[int] = []
    for begin, one in zip(begins, examples, strict=True):
        scored += range(begin + one.prompt - 1 - shared, begin + len(one.ids) - 1 - shared)
        targets += one.ids[one.prompt :]
    groups = [_group(begins, lengths, shared)]
    if shared:
        groups.insert(0, _group([0], [shared], 0))
    tensor: Any = torch.tensor
    return Rows(tensor(ids), tensor(places), tensor(scored), tensor(targets), tuple(groups))


def _shared(examples: Sequence[Tokens]) -> int:
    """How many tokens all begin with; each keeps one of its prompt at least."""
    rows = [one.ids for one in examples]
    first, last = min(rows), max(rows)
    most = min(one.prompt for one in examples) - 1
    return next((at for at in range(most) if first[at] != last[at]), most)


def _group(begins: Sequence[int], lengths: Sequence[int], shared: int) -> Group:
    import torch

    at = torch.arange(max(lengths))
    there = at < torch.tensor(lengths)[:, None]
    own = (torch.tensor(begins)[:, None] + at) * there
    return Group(own, there.flatten().nonzero().flatten(), begins[0], shared)


@dataclass(slots=True)
class Seen:
    """What the backward pass wants of a group: shape (rows × key heads, …, width of a head)."""

    queries: list[Any]
    keys: Any
    values: Any
    shares: list[Any]


class Attention:
    """Softmax(q·kᵀ)·v; query heads that share a key head are multiplied with it together."""

    def __init__(self, heads: int, key_heads: int, width: int) -> None:
        self._heads, self._key_heads, self._width = heads, key_heads, width
        self._each = heads // key_heads

    def forward(self, q: Any, k: Any, v: Any, rows: Rows) -> tuple[Any, list[Seen]]:
        """What is seen, (tokens, heads × width), of q (tokens, heads, width), scaled, and k, v."""
        found = q.new_empty(len(q), self._heads * self._width)
        kept: list[Seen] = []
        for group in rows.groups:
            count, longest = group.own.shape
            asked = self._by_head(q[group.own])
            keys, values = (self._looked_at(one, group) for one in (k, v))
            seen = asked.new_empty(asked.shape)
            part = Seen([], keys, values, [])
            for begin, end in _spans(longest):
                some = asked[:, :, begin:end].reshape(len(keys), -1, self._width)
                share = self._shares(some, keys[:, : group.shared + end], end - begin)
                result = share @ values[:, : group.shared + end]
                seen[:, :, begin:end] = result.view(len(keys), self._each, -1, self._width)
                part.queries.append(some)
                part.shares.append(share)
            kept.append(part)
            _own(found, group)[:] = self._by_token(seen, count)[group.there]
        return found, kept

    def backward(self, slope: Any, rows: Rows, kept: Sequence[Seen]) -> tuple[Any, Any, Any]:
        """The gradients of q, k and v from that of what was seen."""
        import torch

        back: Any = torch.ops.aten._softmax_backward_data
        slope = slope.view(len(slope), self._heads, self._width)
        of_q = torch.empty_like(slope)
        of_k, of_v = (slope.new_zeros(len(slope), self._key_heads, self._width) for _ in "kv")
        for group, seen in zip(rows.groups, kept, strict=True):
            count, longest = group.own.shape
            padded = slope.new_zeros(count * longest, self._heads, self._width)
            padded[group.there] = _own(slope, group)
            slopes = self._by_head(padded.view(count, longest, self._heads, self._width))
            keys, values = seen.keys, seen.values
            asked = torch.empty_like(slopes)
            spans = _spans(longest)
            # Sums of many parts lose too much in bfloat16.
            kind = slope.dtype if len(spans) == 1 else torch.float32
            looked, given = (torch.zeros_like(keys, dtype=kind) for _ in "kv")
            for (begin, end), some, share in zip(spans, seen.queries, seen.shares, strict=True):
                last = group.shared + end
                one = slopes[:, :, begin:end].reshape(len(keys), -1, self._width)
                given[:, :last] += share.transpose(1, 2) @ one
                score = back(one @ values[:, :last].transpose(1, 2), share, -1, share.dtype)
                result = score @ keys[:, :last]
                asked[:, :, begin:end] = result.view(len(keys), self._each, -1, self._width)
                looked[:, :last] += score.transpose(1, 2) @ some
            flat = self._by_token(asked, count)[group.there]
            _own(of_q, group)[:] = flat.view(-1, self._heads, self._width)
            for total, found in ((of_k, looked), (of_v, given)):
                self._spread(total, found.to(slope.dtype), group)
        return of_q, of_k, of_v

    def _by_head(self, x: Any) -> Any:
        """(rows, longest, heads, width) → (rows × key heads, heads for each, longest, width)."""
        count, longest = x.shape[:2]
        parts = x.view(count, longest, self._key_heads, self._each, self._width)
        return parts.permute(0, 2, 3, 1, 4).reshape(-1, self._each, longest, self._width)

    def _by_token(self, x: Any, count: int) -> Any:
        """The way back, to (rows × longest, heads × width)."""
        parts = x.view(count, self._key_heads, self._each, -1, self._width)
        return parts.permute(0, 3, 1, 2, 4).reshape(-1, self._heads * self._width)

    def _looked_at(self, x: Any, group: Group) -> Any:
        """Keys or values, (rows × key heads, shared + longest, width)."""
        import torch

        count, longest = group.own.shape
        shape = (count, self._key_heads, group.shared + longest, self._width)
        found = torch.empty(shape, dtype=x.dtype)
        found[:, :, : group.shared] = x[: group.shared].transpose(0, 1)
        found[:, :, group.shared :] = x[group.own].transpose(1, 2)
        return found.view(-1, group.shared + longest, self._width)

    def _spread(self, total: Any, found: Any, group: Group) -> None:
        """Add the gradients of what was looked at to those of the tokens."""
        count, longest = group.own.shape
        parts = found.view(count, self._key_heads, -1, self._width).transpose(1, 2)
        if group.shared:
            total[: group.shared] += parts[:, : group.shared].sum(0)
        flat = parts[:, group.shared :].reshape(count * longest, self._key_heads, self._width)
        _own(total, group).add_(flat[group.there])

    def _shares(self, asked: Any, keys: Any, span: int) -> Any:
        """How each query, the last `span` of those that see the keys, shares its look."""
        import torch

        scores = asked @ keys.transpose(1, 2)
        later = torch.full((span, span), float("-inf"), dtype=scores.dtype).triu_(1)
        scores.view(len(scores), self._each, span, -1)[..., -span:].add_(later)
        return scores.softmax(-1)


def _spans(longest: int) -> list[tuple[int, int]]:
    return [(at, min(at + TOGETHER, longest)) for at in range(0, longest, TOGETHER)]


def _own(x: Any, group: Group) -> Any:
    return x[group.first : group.first + len(group.there)]

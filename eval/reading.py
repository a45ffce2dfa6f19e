"""Prompts of a batch read, and gone on with token by token: by `service.llama` or transformers.

What prompts begin with is read once and shared: by transformers what all of them do, by
`service.llama` what some do too, the same passages say. Rows that have ended leave the batch.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from eval.live import Voice
from service.llama_cache import Cache


class Reader(Protocol):
    """Logits are of shape (rows, vocabulary), float32, in the order of the rows."""

    def read(self, prompts: Sequence[list[int]]) -> Any:
        """Begin with these rows: the logits of their first token."""
        ...

    def keep(self, places: Sequence[int]) -> None:
        """Let all rows go but these, by their places among those that are left."""
        ...

    def step(self, tokens: Sequence[int]) -> Any:
        """Go on with one token in each row: the logits of the next."""
        ...


LEAST = 32
"""Fewer tokens that some prompts share are read for each: a pass of their own takes as long."""


class Rows:
    """A `Reader` by `service.llama`."""

    def __init__(self, voice: Voice, limit: int) -> None:
        """`limit`: how many tokens a row may gain behind its prompt."""
        self._llama, self._adapter = voice
        self._limit = limit
        self._cache: Cache
        self._rows: list[int] = []
        """The cache's row at each place: one that leaves is replaced by the last."""

    def read(self, prompts: Sequence[list[int]]) -> Any:
        """See `Reader.read`."""
        count = len(prompts)
        self._rows = list(range(count))
        self._cache = cache = self._llama.cache(count, max(map(len, prompts)) + self._limit)
        for level in branches(prompts):
            beginnings = {one.rows[0]: prompts[one.rows[0]][one.start : one.end] for one in level}
            self._llama.read(cache, beginnings, self._adapter)
            for first, *others in (one.rows for one in level):
                for row in others:
                    cache.copy(row, cache, first, cache.lengths[first])
        rests = {row: ids[cache.lengths[row] :] for row, ids in enumerate(prompts)}
        return self._llama.read(cache, rests, self._adapter)

    def keep(self, places: Sequence[int]) -> None:
        """See `Reader.keep`."""
        for place in sorted(set(range(len(self._rows))) - set(places)):
            row, last = self._rows[place], len(self._cache.lengths) - 1
            self._cache.drop(row)
            self._rows = [row if one == last else one for one in self._rows]
        self._rows = [self._rows[place] for place in places]

    def step(self, tokens: Sequence[int]) -> Any:
        """See `Reader.step`."""
        by_row = dict(zip(self._rows, tokens, strict=True))
        logits = self._llama.step(
            self._cache, [by_row[row] for row in range(len(by_row))], self._adapter
        )
        return logits[self._rows]


class Framework:
    """A `Reader` by transformers' causal model, with or without PEFT's adapters."""

    def __init__(self, model: Any, filler: int) -> None:
        """`filler`: the token that stands where a shorter prompt has none."""
        self._model, self._filler = model, filler
        self._cache: Any = None
        self._mask: Any = None

    def read(self, prompts: Sequence[list[int]]) -> Any:
        """See `Reader.read`. A row: the shared beginning, padding, the rest of its prompt."""
        import torch
        from transformers import DynamicCache

        model, place = self._model, self._model.device
        common = shared(prompts)
        rests = [list(prompt[common:]) for prompt in prompts]
        longest = max(map(len, rests))
        self._cache = cache = DynamicCache(config=model.config)
        if common:
            model(
                input_ids=torch.tensor([prompts[0][:common]], device=place),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache.batch_repeat_interleave(len(prompts))
        padded = [[self._filler] * (longest - len(rest)) + rest for rest in rests]
        mask = torch.ones(len(prompts), common + longest, dtype=torch.long, device=place)
        for row, rest in enumerate(rests):
            mask[row, common : common + longest - len(rest)] = 0
        self._mask = mask
        output = model(
            input_ids=torch.tensor(padded, device=place),
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, common:],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    def keep(self, places: Sequence[int]) -> None:
        """See `Reader.keep`."""
        import torch

        kept = torch.tensor(list(places), device=self._mask.device)
        self._cache.batch_select_indices(kept)
        self._mask = self._mask[kept]

    def step(self, tokens: Sequence[int]) -> Any:
        """See `Reader.step`."""
        import torch

        mask = self._mask
        self._mask = mask = torch.cat([mask, mask.new_ones(len(tokens), 1)], dim=1)
        output = self._model(
            input_ids=torch.tensor(list(tokens), device=mask.device)[:, None],
            attention_mask=mask,
            position_ids=mask.sum(-1, keepdim=True) - 1,
            past_key_values=self._cache,
            use_cache=True,
        )
        return output.logits[:, -1].float()


def shared(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, one fewer than the shortest has at the most."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    return next((at for at in range(most) if first[at] != last[at]), most)


class Branch(NamedTuple):
    """Two or more prompts, by their places, that have the same tokens from `start` to `end`."""

    rows: tuple[int, ...]
    start: int
    end: int


def branches(prompts: Sequence[list[int]]) -> list[list[Branch]]:
    """What prompts have in common, level by level: first what all of them begin with, and so on.

    A branch begins where that of its rows ended one level before, is `LEAST` tokens long or
    longer, and leaves every prompt a token to be read alone.
    """
    levels: list[list[Branch]] = []
    order = sorted(range(len(prompts)), key=lambda row: prompts[row])
    found = _parted(prompts, order, 0)
    while found:
        levels.append(found)
        found = [part for one in found for part in _parted(prompts, one.rows, one.end)]
    return levels


def _parted(prompts: Sequence[list[int]], rows: Sequence[int], start: int) -> list[Branch]:
    """The branches that part at `start`, of rows in the order of their prompts."""
    parts = [[rows[0]]]
    for row, following in pairwise(rows):
        if shared([prompts[row], prompts[following]]) - start < LEAST:
            parts.append([])
        parts[-1].append(following)
    return [
        Branch(tuple(part), start, shared([prompts[row] for row in part]))
        for part in parts
        if len(part) > 1
    ]

"""Training examples → tokens → padded batches. Nothing here reads a file or loads a model."""

import hashlib
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from service.llm import Message

POOL = 16
"""Batches whose examples are sorted by length together; the pools themselves are shuffled."""


class BadExample(ValueError):
    """An example cannot be learned from; the message names it."""


class CompletionCut(BadExample):
    """Prompt and completion are longer than the limit: the end of the answer would be cut off."""


@dataclass(frozen=True, slots=True)
class Example:
    """A chat and the reply to learn. The last message is not the assistant's.

    Examples of one `family`, where it has a name, begin alike: questions on the same passages, say.
    They are learned at once, and what they begin with is read once for all of them.
    """

    messages: tuple[Message, ...]
    completion: str
    family: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example as token ids; the first `prompt` of them are read, the others learned."""

    ids: list[int]
    prompt: int
    family: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded on the right.

    `ids`: int64, examples × longest. `scored`: bool, same shape; true where the *next* token
    belongs to a completion, so that `ids` shifted by one are the targets.
    """

    ids: NDArray[np.int64]
    scored: NDArray[np.bool_]
    tokens: int


def encode(tokenizer: Any, examples: Sequence[Example], limit: int) -> list[Tokens]:
    """Chat template with generation prompt, then the completion and the token that ends a turn.

    `limit`: tokens the model reads. Nothing is ever cut: an example that is longer raises
    `CompletionCut`, an empty completion `BadExample`.
    """
    end = end_of_turn(tokenizer)
    encoded: list[Tokens] = []
    for number, example in enumerate(examples, start=1):
        if not example.completion.strip():
            raise BadExample(f"example {number} ({_excerpt(example)}) has an empty completion")
        prompt = _prompt(tokenizer, example)
        completion = tokenizer(example.completion, add_special_tokens=False)["input_ids"]
        ids = [*prompt, *completion, end]
        if len(ids) > limit:
            raise CompletionCut(
                f"example {number} ({_excerpt(example)}) has {len(prompt)} tokens of prompt and "
                f"{len(completion) + 1} of completion: {len(ids)}, the limit is {limit}. Shorten "
                "its prompt (fewer or shorter passages), or leave it out"
            )
        encoded.append(Tokens(ids, len(prompt), example.family))
    return encoded


def end_of_turn(tokenizer: Any) -> int:
    """The token that the chat template writes behind an assistant's turn, else the end of text.

    They differ for some models, and a model that never learned the one never stops.
    """
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "reply"}]
    text = cast(str, tokenizer.apply_chat_template(turns, tokenize=False))
    behind = tokenizer(text.rpartition("reply")[2].lstrip(), add_special_tokens=False)["input_ids"]
    if behind and behind[0] in tokenizer.all_special_ids:
        return int(behind[0])
    if tokenizer.eos_token_id is None:
        raise BadExample(
            "the tokenizer has no token that ends a turn: neither its chat template writes a "
            "special token behind a reply, nor does it name an eos_token"
        )
    return int(tokenizer.eos_token_id)


def families(tokens: Sequence[Tokens]) -> list[list[Tokens]]:
    """Examples of one family together, every other one alone, in their order."""
    found: dict[tuple[str, int], list[Tokens]] = {}
    for number, one in enumerate(tokens):
        found.setdefault((one.family, 0 if one.family else number), []).append(one)
    return list(found.values())


def batches(tokens: Sequence[Tokens], batch: int, seed: int, epoch: int) -> list[list[Tokens]]:
    """The epoch's batches, each of examples of like length; the same for the same seed and epoch.

    Examples are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and
    the batches shuffled: little padding, and still another order in every epoch. A family counts
    as one example.
    """
    chance = random.Random(f"{seed} {epoch}")
    order = families(tokens)
    chance.shuffle(order)
    cut: list[list[Tokens]] = []
    for start in range(0, len(order), batch * POOL):
        pool = sorted(order[start : start + batch * POOL], key=lambda one: len(one[0].ids))
        cut += [
            [one for family in pool[first : first + batch] for one in family]
            for first in range(0, len(pool), batch)
        ]
    chance.shuffle(cut)
    return cut


def padded(batch: Sequence[Tokens], pad: int) -> Batch:
    """The batch as arrays. What `pad` is does not matter: it is never scored, nor looked at."""
    longest = max(len(one.ids) for one in batch)
    ids = np.full((len(batch), longest), pad, np.int64)
    scored = np.zeros((len(batch), longest), np.bool_)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = one.ids
        scored[row, one.prompt - 1 : len(one.ids) - 1] = True
    return Batch(ids, scored, sum(len(one.ids) for one in batch))


def pieces(batch: Sequence[Tokens], limit: int) -> list[list[Tokens]]:
    """The batch in pieces of at most `limit` tokens with their padding, of one example or family.

    Examples of like length stand together. Every example is in one piece.
    """
    found: list[list[Tokens]] = []
    for family in sorted(families(batch), key=lambda one: len(one[0].ids)):
        last = found[-1] if found else []
        cut = not last or bool(last[0].family or family[0].family)
        if cut or (len(last) + 1) * len(family[0].ids) > limit:
            found.append([])
        found[-1] += family
    return found


def sampled(tokens: Sequence[Tokens], share: float, seed: int) -> list[Tokens]:
    """A `share` of the examples, at least one, in their order; the same for the same seed."""
    wanted = max(1, math.ceil(share * len(tokens) - 1e-9))
    chosen = random.Random(f"share {seed}").sample(range(len(tokens)), wanted)
    return [tokens[one] for one in sorted(chosen)]


def data_digest(examples: Sequence[Example]) -> str:
    """SHA-256 over all messages, completions and families, in order, as hex digits."""
    digest = hashlib.sha256()
    for example in examples:
        turns = [[message.role, message.content] for message in example.messages]
        family = [example.family] if example.family else []
        digest.update(json.dumps([turns, example.completion, *family]).encode() + b"\n")
    return digest.hexdigest()


def tokens_digest(tokens: Sequence[Tokens]) -> str:
    """SHA-256 over the token ids: another chat template or tokenizer gives another."""
    digest = hashlib.sha256()
    for one in tokens:
        digest.update(json.dumps([one.prompt, one.ids]).encode() + b"\n")
    return digest.hexdigest()


def _prompt(tokenizer: Any, example: Example) -> list[int]:
    turns = [{"role": turn.role, "content": turn.content} for turn in example.messages]
    encoded = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)
    return list(encoded["input_ids"])


def _excerpt(example: Example) -> str:
    text = " ".join(example.messages[-1].content.split()) if example.messages else ""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")

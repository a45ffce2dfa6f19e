"""Greedy decoding of a batch of chats by a model in this process.

What all prompts begin with is read once and shared; rows that have ended leave the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from service.llm import LLMError, Message, Reply


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a batch is decoded; see `eval.generate.Request`."""

    max_tokens: int
    one_line: bool = True
    grammar: str | None = None


def decode(
    model: Any, tokenizer: Any, chats: Sequence[Sequence[Message]], how: Decoding, name: str
) -> list[Reply | LLMError]:
    """The most likely reply to each chat; an `LLMError` for one that is too long to be read.

    `model`: transformers' causal model, with or without PEFT's adapters. Raises `LLMError` where
    the grammar is not one.
    """
    prompts = [encode(tokenizer, chat) for chat in chats]
    window = int(model.config.max_position_embeddings)
    fitting = [i for i, ids in enumerate(prompts) if len(ids) + how.max_tokens <= window]
    written = _decode(model, tokenizer, [prompts[i] for i in fitting], how) if fitting else []
    texts = dict(zip(fitting, written, strict=True))
    replies: list[Reply | LLMError] = []
    for i, ids in enumerate(prompts):
        if i in texts:
            text = cast(str, tokenizer.decode(texts[i], skip_special_tokens=True)).strip()
            replies.append(Reply(text, name, len(ids), len(texts[i])))
        else:
            replies.append(
                LLMError(
                    f"the prompt has {len(ids)} tokens and the answer may have {how.max_tokens}: "
                    f"more than the {window} that {name} reads"
                )
            )
    return replies


def encode(tokenizer: Any, chat: Sequence[Message]) -> list[int]:
    """A chat as the tokens after which the model's reply begins."""
    turns = [{"role": message.role, "content": message.content} for message in chat]
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])


def _decode(model: Any, tokenizer: Any, prompts: list[list[int]], how: Decoding) -> list[list[int]]:
    """The tokens written for each prompt, without the one that ends them."""
    import torch

    ends = {int(tokenizer.eos_token_id)}
    if how.one_line:
        ends |= line_ends(tokenizer)
    guide = _Guide(tokenizer, how.grammar, len(prompts)) if how.grammar else None
    written: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    with torch.inference_mode():
        cache, mask, logits = _read(model, prompts, int(tokenizer.eos_token_id))
        while True:
            if guide:
                guide.restrict(logits, rows)
            chosen: list[int] = logits.argmax(-1).tolist()
            going: list[int] = []
            for position, (row, token) in enumerate(zip(rows, chosen, strict=True)):
                if token not in ends:
                    written[row].append(token)
                    if len(written[row]) < how.max_tokens and not (
                        guide and guide.ended(row, token)
                    ):
                        going.append(position)
            if not going:
                return written
            if len(going) < len(rows):
                kept = torch.tensor(going)
                cache.batch_select_indices(kept)
                mask = mask[kept]
                rows = [rows[position] for position in going]
                chosen = [chosen[position] for position in going]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            output = model(
                input_ids=torch.tensor(chosen)[:, None],
                attention_mask=mask,
                position_ids=mask.sum(-1, keepdim=True) - 1,
                past_key_values=cache,
                use_cache=True,
            )
            logits = output.logits[:, -1].float()


def _read(model: Any, prompts: list[list[int]], filler: int) -> tuple[Any, Any, Any]:
    """Read all prompts: the cache, the mask of its positions, the logits of the first token.

    Layout of a row: the shared beginning, padding, the rest of its prompt.
    """
    import torch
    from transformers import DynamicCache

    shared = _shared(prompts)
    rests = [prompt[shared:] for prompt in prompts]
    longest = max(map(len, rests))
    cache: Any = DynamicCache(config=model.config)
    if shared:
        model(
            input_ids=torch.tensor([prompts[0][:shared]]),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache.batch_repeat_interleave(len(prompts))
    padded = torch.tensor([[filler] * (longest - len(rest)) + rest for rest in rests])
    mask = torch.ones(len(prompts), shared + longest, dtype=torch.long)
    for row, rest in enumerate(rests):
        mask[row, shared : shared + longest - len(rest)] = 0
    output = model(
        input_ids=padded,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, shared:],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return cache, mask, output.logits[:, -1].float()


def _shared(prompts: list[list[int]]) -> int:
    """How many tokens all prompts begin with, one fewer than the shortest has at the most."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    return next((i for i in range(most) if first[i] != last[i]), most)


_LINE_ENDS: dict[int, frozenset[int]] = {}


def line_ends(tokenizer: Any) -> frozenset[int]:
    """The tokens that hold a line break."""
    key = id(tokenizer)
    if key not in _LINE_ENDS:
        texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
        _LINE_ENDS[key] = frozenset(token for token, text in enumerate(texts) if "\n" in text)
    return _LINE_ENDS[key]


class _Guide:
    """Keeps each row of a batch to a grammar, by llguidance."""

    def __init__(self, tokenizer: Any, grammar: str, rows: int) -> None:
        import llguidance
        import llguidance.hf
        import llguidance.torch

        self._torch: Any = llguidance.torch
        lexicon: Any = cast(Any, llguidance.hf).from_tokenizer(tokenizer)
        matcher: Any = llguidance.LLMatcher
        compiled = matcher.grammar_from_lark(grammar)
        self._matchers = [matcher(lexicon, compiled) for _ in range(rows)]
        if self._matchers[0].is_error():
            raise LLMError(f"the grammar is not one: {self._matchers[0].get_error()}")
        self._mask: Any = self._torch.allocate_token_bitmask(1, lexicon.vocab_size)

    def restrict(self, logits: Any, rows: Sequence[int]) -> None:
        """Leave each row's logits only the tokens that its grammar allows next."""
        for position, row in enumerate(rows):
            self._torch.fill_next_token_bitmask(self._matchers[row], self._mask, 0)
            self._torch.apply_token_bitmask_inplace(logits[position : position + 1], self._mask)

    def ended(self, row: int, token: int) -> bool:
        """Take note of a token; whether the row can only end now."""
        self._matchers[row].consume_token(token)
        return bool(self._matchers[row].is_stopped())

"""Greedy decoding of a batch of chats by a model in this process.

What prompts begin with is read once and shared; rows that have ended leave the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from eval.live import Voice, voice_of
from eval.reading import Framework, Reader, Rows
from eval.tune.examples import end_of_turn
from service.llm import LLMError, Message, Reply


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a batch is decoded; see `eval.generate.Request`."""

    max_tokens: int
    one_line: bool = True
    one_paragraph: bool = False
    grammar: str | None = None

    @property
    def end(self) -> str:
        """What ends a reply beside its turn: a line break, an empty line, or nothing."""
        return "\n" if self.one_line else "\n\n" if self.one_paragraph else ""


def decode(
    model: Any, tokenizer: Any, chats: Sequence[Sequence[Message]], how: Decoding, name: str
) -> list[Reply | LLMError]:
    """The most likely reply to each chat; an `LLMError` for one that is too long to be read.

    `model`: a `Voice`, or transformers' causal model, with or without PEFT's adapters; what is a
    plain Llama on the processor is computed by `service.llama`. A reply ends where its turn or the
    text does, at `max_tokens`, and at `how.end`. Raises `LLMError` where the grammar is not one, or
    cannot be kept to.
    """
    voice: Voice | None = model if isinstance(model, Voice) else voice_of(model)
    other: Any = model
    prompts = [encode(tokenizer, chat) for chat in chats]
    window = voice.llama.shape.window if voice else int(other.config.max_position_embeddings)
    fitting = [i for i, ids in enumerate(prompts) if len(ids) + how.max_tokens <= window]
    asked = [prompts[i] for i in fitting]
    reader = Rows(voice, how.max_tokens) if voice else Framework(model, min(turn_ends(tokenizer)))
    written = _decode(reader, tokenizer, asked, how) if asked else []
    texts = dict(zip(fitting, written, strict=True))
    replies: list[Reply | LLMError] = []
    for i, ids in enumerate(prompts):
        if i in texts:
            text = cast(str, tokenizer.decode(texts[i], skip_special_tokens=True)).strip()
            text = text.partition(how.end)[0].rstrip() if how.end else text
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


def _decode(
    reader: Reader, tokenizer: Any, prompts: list[list[int]], how: Decoding
) -> list[list[int]]:
    """The tokens written for each prompt, without the one that ends them."""
    import torch

    ends = turn_ends(tokenizer)
    breaks = line_ends(tokenizer, how.end) if how.end else {}
    guide = _Guide(tokenizer, how.grammar, len(prompts)) if how.grammar else None
    written: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    with torch.inference_mode():
        logits = reader.read(prompts)
        while True:
            if guide:
                guide.restrict(logits, rows)
            chosen: list[int] = logits.argmax(-1).tolist()
            going: list[int] = []
            for position, (row, token) in enumerate(zip(rows, chosen, strict=True)):
                # A line's end may have the line's last characters in the same token.
                if token in ends or breaks.get(token) == "":
                    continue
                written[row].append(token)
                if token in breaks or len(written[row]) == how.max_tokens:
                    continue
                if not (guide and guide.ended(row, token)):
                    going.append(position)
            if not going:
                return written
            if len(going) < len(rows):
                reader.keep(going)
                rows = [rows[position] for position in going]
                chosen = [chosen[position] for position in going]
            logits = reader.step(chosen)


def turn_ends(tokenizer: Any) -> frozenset[int]:
    """The tokens that end a reply: the end of a text, and what training puts behind a reply.

    Raises `eval.tune.examples.BadExample` where there is neither.
    """
    end = tokenizer.eos_token_id
    return frozenset({end_of_turn(tokenizer)} | (set() if end is None else {int(end)}))


_LINE_ENDS: WeakKeyDictionary[Any, dict[str, dict[int, str]]] = WeakKeyDictionary()
_LEXICONS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def line_ends(tokenizer: Any, end: str = "\n") -> dict[int, str]:
    """The tokens that hold `end`, each with what it has before that, blanks left out."""
    known = _LINE_ENDS.setdefault(tokenizer, {})
    if end not in known:
        texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
        known[end] = {
            token: text.partition(end)[0].strip() for token, text in enumerate(texts) if end in text
        }
    return known[end]


class _Guide:
    """Keeps each row of a batch to a grammar, by llguidance.

    Its masks are applied here: llguidance's own way for torch compiles C++ on the spot.
    """

    def __init__(self, tokenizer: Any, grammar: str, rows: int) -> None:
        import llguidance.numpy

        lexicon = _lexicon(tokenizer)
        matcher: Any = llguidance.LLMatcher
        first: Any = matcher(lexicon, matcher.grammar_from_lark(grammar))
        if first.is_error():
            raise LLMError(f"the grammar is not one: {first.get_error()}")
        self._matchers = [first, *(first.deep_copy() for _ in range(rows - 1))]
        self._library: Any = llguidance.numpy
        self._mask: Any = self._library.allocate_token_bitmask(1, lexicon.vocab_size)

    def restrict(self, logits: Any, rows: Sequence[int]) -> None:
        """Leave each row's logits only the tokens that its grammar allows next."""
        import numpy as np
        import torch

        for position, row in enumerate(rows):
            self._library.fill_next_token_bitmask(self._matchers[row], self._mask, 0)
            self._refuse_error(row)
            bits = np.unpackbits(self._mask.view(np.uint8), bitorder="little")
            # A model may have more logits than its tokenizer has tokens.
            allowed = np.zeros(logits.shape[-1], np.bool_)
            allowed[: len(bits)] = bits[: len(allowed)]
            forbidden = torch.as_tensor(~allowed, device=logits.device)
            logits[position].masked_fill_(forbidden, float("-inf"))

    def ended(self, row: int, token: int) -> bool:
        """Take note of a token; whether the row can only end now."""
        self._matchers[row].consume_token(token)
        self._refuse_error(row)
        return bool(self._matchers[row].is_stopped())

    def _refuse_error(self, row: int) -> None:
        if self._matchers[row].is_error():
            raise LLMError(
                f"cannot keep to the grammar any further: {self._matchers[row].get_error()}"
            )


def _lexicon(tokenizer: Any) -> Any:
    """The tokenizer as llguidance needs it; making it takes up to a second."""
    import llguidance.hf

    if tokenizer not in _LEXICONS:
        make = cast(Any, llguidance.hf).from_tokenizer
        _LEXICONS[tokenizer] = make(tokenizer, eos_token=sorted(turn_ends(tokenizer)))
    return _LEXICONS[tokenizer]

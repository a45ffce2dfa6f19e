"""Reads by scoring spans: the answer is the run of words that the model finds likeliest.

    python -m bench.reader_spans --adapter runs/reader/adapter [--sample 100]

Asks SQuAD's ten `test` articles as `bench.quality` does, of three passages each: once the model
writes freely, once each run of up to twelve tokens in the three best quotes is scored as its reply,
with the mark that follows it. Prints the token F1 of both (Rajpurkar et al., 1606.05250) and how
often the quotes hold a gold answer at all, which bounds the second.
"""

import argparse
import copy
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

from bench import quality_sets
from bench.answers import Unasked
from bench.quality_index import open_index
from bench.squad_wiki import SEED
from eval.generate import Request
from eval.grade import contains
from eval.local import LocalGenerator
from eval.score import token_f1
from eval.tune import base as bases
from service.ground import without_citations
from service.llm import LLMError, Message
from service.loading import load_embedder, make_answerer
from service.local_chat import DEFAULT, load_framework, model_folder
from service.prompt import UNKNOWN
from service.settings import ServiceSettings

QUOTES = 3
LONGEST = 12
"""Tokens of a span."""

ROWS = 24
"""Spans' beginnings that are computed together."""

_START = re.compile(r"(?<![^\s(\"“'‘—–-])[\w$£€]")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words, and the log of its probability as the whole reply."""

    text: str
    score: float


class Spans:
    """Scores replies of a causal model of transformers."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._mark = int(tokenizer(" [", add_special_tokens=False)["input_ids"][0])

    @classmethod
    def load(cls, name: str, cache: Path, adapter: Path) -> Self:
        """A base by its name, with an adapter beside it."""
        import peft

        model = cast(Any, peft).PeftModel.from_pretrained(load_framework(name, cache), str(adapter))
        return cls(model.eval(), bases.tokenizer_of(bases.located(model_folder(name, cache))))

    def best(self, messages: Sequence[Message], texts: Sequence[str]) -> list[Span]:
        """All spans of the texts and "I don't know.", the likeliest first."""
        import torch

        turns = [{"role": one.role, "content": one.content} for one in messages]
        ids = self._tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )["input_ids"]
        rests = [text[found.start() :] for text in texts for found in _START.finditer(text)]
        rows = [*rests, UNKNOWN]
        found: dict[str, float] = {}
        with torch.inference_mode():
            read = self._model(input_ids=ids, use_cache=True, logits_to_keep=1)
            for start in range(0, len(rows), ROWS):
                for span in self._scored(read, rows[start : start + ROWS]):
                    found[span.text] = max(span.score, found.get(span.text, -math.inf))
        ranked = sorted(found.items(), key=lambda one: -one[1])
        return [Span(text, score) for text, score in ranked]

    def _scored(self, read: Any, rows: Sequence[str]) -> Iterator[Span]:
        """The spans that begin each row, behind the prompt that was `read`."""
        import torch

        encoded = [
            self._tokenizer(row, add_special_tokens=False, return_offsets_mapping=True)
            for row in rows
        ]
        cut = [
            one["input_ids"][: None if row == UNKNOWN else LONGEST]
            for row, one in zip(rows, encoded, strict=True)
        ]
        longest = max(len(one) for one in cut)
        ids = torch.tensor([[*one, *[0] * (longest - len(one))] for one in cut])
        first = read.logits[0, -1].log_softmax(-1)
        cache = copy.deepcopy(read.past_key_values)
        cache.batch_repeat_interleave(len(rows))
        chances = self._model(input_ids=ids, past_key_values=cache).logits.log_softmax(-1)
        end = self._tokenizer.eos_token_id
        for row, tokens, one, chance in zip(rows, cut, encoded, chances, strict=True):
            total = float(first[tokens[0]])
            for at, (_, stop) in enumerate(one["offset_mapping"][: len(tokens)]):
                if at:
                    total += float(chance[at - 1, tokens[at]])
                whole = row == UNKNOWN
                if stop == len(row) if whole else not row[stop : stop + 1].isalnum():
                    last = end if whole else self._mark
                    yield Span(row[:stop].rstrip(" ,;:"), total + float(chance[at, last]))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--work", type=Path, default=Path("runs/bench-quality"))
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    wiki = options.work / "sources" / "squad2-dev"
    asked = quality_sets.squad2_dev("test", wiki, options.sample, 0, SEED)
    reader, _ = open_index(asked, options.work / "index", embedder, settings)
    name, cache = settings.model or DEFAULT, Path(settings.cache)
    generator = LocalGenerator.load(name, cache, settings.threads)
    spans = Spans.load(name, cache, options.adapter)
    answerer = replace(make_answerer(settings, reader, embedder, Unasked()), examples=False)
    f1: dict[str, list[float]] = {"freely": [], "by spans": []}
    held = 0
    for number, question in enumerate(asked.questions, start=1):
        looked = answerer.look(question.question)
        messages = replace(answerer, abstain_below=0.0).compose(question.question, looked).messages
        quotes = [one.text for one in looked.quotes[:QUOTES]]
        held += contains(" ".join(quotes), question.answers)
        request = Request(messages, answerer.max_tokens, str(options.adapter))
        (reply,) = generator.complete([request])
        if isinstance(reply, LLMError):
            raise reply
        f1["freely"].append(token_f1(without_citations(reply.text), question.answers))
        f1["by spans"].append(token_f1(spans.best(messages, quotes)[0].text, question.answers))
        if number % 10 == 0:
            means = ", ".join(f"{how} {sum(some) / number:.3f}" for how, some in f1.items())
            print(f"{number}/{len(asked.questions)}: {means}; quotes hold {held / number:.3f}")


if __name__ == "__main__":
    main()

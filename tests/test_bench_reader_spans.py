"""A span's score is the probability of the whole reply that it is."""

from pathlib import Path
from typing import Any

import pytest

from bench.reader_spans import ROWS, Spans
from eval.decode import encode
from service.llm import Message
from service.prompt import UNKNOWN
from tests.letters import letters_model, one_thread

CHAT = (Message("user", "what is it?"),)
TEXTS = ["it is a cow", "zed (or not), no"]


def test_runs_of_whole_words_and_not_knowing_are_scored_as_replies(tmp_path: Path):
    import torch
    import transformers

    library: Any = transformers
    folder = letters_model(tmp_path / "letters", 512)
    model = library.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    with one_thread():
        found = Spans(model, tokenizer).best(CHAT, [*TEXTS, "it " * (ROWS + 3)])
    scores = {span.text: span.score for span in found}
    assert {"it", "it is", "is", "is a cow", "a", "a cow", "cow", "zed", "zed (or", "no"} < {
        *scores
    }
    assert UNKNOWN in scores
    assert not {"i", "co", "it is a co", "ed"} & {*scores}
    assert "it is a cow zed" not in scores  # no span goes from one text into the next
    assert [span.score for span in found] == sorted(scores.values(), reverse=True)
    prompt = encode(tokenizer, CHAT)
    for text, last in (("a cow", " ["), ("zed (or", " ["), (UNKNOWN, None)):
        reply = tokenizer(text, add_special_tokens=False)["input_ids"]
        end = tokenizer(last, add_special_tokens=False)["input_ids"][0] if last else None
        ids = [*prompt, *reply, tokenizer.eos_token_id if end is None else end]
        with torch.inference_mode():
            chances = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        total = sum(float(chances[at - 1, ids[at]]) for at in range(len(prompt), len(ids)))
        assert scores[text] == pytest.approx(total, abs=1e-3)

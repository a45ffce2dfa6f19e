"""Batched decoding, by a model of random weights in float32: a batch changes nothing."""

import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eval.configure import JSON_GUIDE
from eval.decode import Decoding, decode, encode, line_ends, turn_ends
from eval.penstock import GUIDE
from service.llm import LLMError, Message, Reply
from tests.letters import ENDINGS, letters_model, letters_tokenizer, one_thread
from tests.tiny_model import tiny_tokenizer

WINDOW = 512
TURNS = [(Message("user", f"{'ab' * at}, what is {at}?"),) for at in range(8)]
ROLES = [(Message("user" if at % 2 else "system", f"{'ab' * at}?"),) for at in range(8)]
"""Chats of unequal length, with a common beginning and with nearly none."""


class Loaded(NamedTuple):
    model: Any
    tokenizer: Any

    def replies(self, chats: Sequence[Sequence[Message]], how: Decoding) -> list[Reply | LLMError]:
        return decode(self.model, self.tokenizer, chats, how, "tiny")

    def texts(self, chats: Sequence[Sequence[Message]], how: Decoding) -> list[str]:
        found = self.replies(chats, how)
        assert all(isinstance(one, Reply) for one in found), found
        return [one.text for one in found if isinstance(one, Reply)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Loaded]:
    with one_thread():
        yield load(letters_model(tmp_path_factory.mktemp("letters"), WINDOW))


def load(folder: Path) -> Loaded:
    import torch
    import transformers

    library: Any = transformers
    model = library.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return Loaded(model.eval(), library.AutoTokenizer.from_pretrained(folder))


def alone(loaded: Loaded, chats: Sequence[Sequence[Message]], how: Decoding) -> list[Any]:
    return [loaded.replies([chat], how)[0] for chat in chats]


@pytest.mark.parametrize("chats", [TURNS, ROLES, TURNS[::-1]], ids=["shared", "apart", "reversed"])
@pytest.mark.parametrize("one_line", [True, False])
def test_a_batch_gives_each_chat_the_tokens_that_it_gets_alone(
    loaded: Loaded, chats: Sequence[Sequence[Message]], one_line: bool
):
    how = Decoding(40, one_line)
    together = loaded.replies(chats, how)
    assert together == alone(loaded, chats, how)
    lengths = {one.completion_tokens for one in together if isinstance(one, Reply)}
    assert len(lengths) > 3 or not one_line  # or no row ended before another


def test_a_batch_of_prompts_without_a_common_token_is_as_each_alone(loaded: Loaded):
    model, tokenizer, how = loaded.model, letters_tokenizer(), Decoding(20, one_line=False)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    chats = [(Message("user", text),) for text in ("apple?", "why", "Zed is it, really")]
    prompts = [encode(tokenizer, chat) for chat in chats]
    assert len({ids[0] for ids in prompts}) == 3
    together = decode(model, tokenizer, chats, how, "tiny")
    assert together == [decode(model, tokenizer, [chat], how, "tiny")[0] for chat in chats]


def test_the_same_chat_twice_gets_the_same_reply(loaded: Loaded):
    first, second = loaded.replies([TURNS[3], TURNS[3]], Decoding(30))
    assert first == second


def test_it_is_what_generating_greedily_gives(loaded: Loaded):
    import torch

    ids = torch.tensor([encode(loaded.tokenizer, TURNS[2])])
    ends = sorted(turn_ends(loaded.tokenizer))
    output = loaded.model.generate(ids, max_new_tokens=40, do_sample=False, eos_token_id=ends)
    text = loaded.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
    assert loaded.texts([TURNS[2]], Decoding(40, one_line=False)) == [text.strip()]


def test_a_reply_has_as_many_tokens_as_it_may(loaded: Loaded):
    [reply] = loaded.replies(TURNS[:1], Decoding(5, one_line=False))
    assert isinstance(reply, Reply)
    assert (reply.completion_tokens, reply.model) == (5, "tiny")
    assert reply.prompt_tokens == len(encode(loaded.tokenizer, TURNS[0]))


def forced(loaded: Loaded, token: Callable[[int], int]) -> Loaded:
    """A model that writes what it is told: the token of each step, counted from 0."""
    import torch

    class Forced(torch.nn.Module):
        config, device = loaded.model.config, loaded.model.device

        def __init__(self) -> None:
            super().__init__()
            self.step = 0

        def forward(self, **given: Any) -> Any:
            output = loaded.model(**given)
            if "attention_mask" in given:  # the beginning that all prompts share has none
                output.logits[:, -1] = 0.0
                output.logits[:, -1, token(self.step)] = 1.0
                self.step += 1
            return output

    return Loaded(Forced(), loaded.tokenizer)


def written(loaded: Loaded, text: str, how: Decoding) -> Reply:
    """What becomes of a text that the model would write, over and over."""
    ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    [reply] = forced(loaded, lambda step: ids[step % len(ids)]).replies(TURNS[:1], how)
    assert isinstance(reply, Reply)
    return reply


def test_a_reply_ends_with_its_line(loaded: Loaded):
    reply = written(loaded, "It is red\nor blue", Decoding(40))
    assert (reply.text, reply.completion_tokens) == ("It is red", 9)


def test_what_shares_its_token_with_the_line_break_stays(loaded: Loaded):
    assert loaded.tokenizer.convert_ids_to_tokens(loaded.tokenizer(".\n")["input_ids"]) == [".Ċ"]
    assert written(loaded, "It is red.\nOr blue", Decoding(40)).text == "It is red."


def test_a_paragraph_ends_with_an_empty_line(loaded: Loaded):
    how = Decoding(40, one_line=False, one_paragraph=True)
    assert written(loaded, "a: 1\nb: 2\n\nc: 3", how).text == "a: 1\nb: 2"


def test_lines_are_kept_where_they_are_wanted(loaded: Loaded):
    reply = written(loaded, "a: 1\nb: 2\n\nc: 3<end>", Decoding(40, one_line=False))
    assert reply.text == "a: 1\nb: 2\n\nc: 3"


@pytest.mark.parametrize("mark", ["<end>", "<e>"])
def test_a_reply_ends_where_the_text_or_its_turn_does(loaded: Loaded, mark: str):
    reply = written(loaded, f"It is red{mark}x", Decoding(40))
    assert (reply.text, reply.completion_tokens) == ("It is red", 9)


def test_adapters_end_their_turn_where_training_ends_it():
    tokenizer = tiny_tokenizer()
    names = {"<end>", "<e>"}
    assert turn_ends(tokenizer) == set(tokenizer.convert_tokens_to_ids(sorted(names)))


def test_line_ends_of_two_tokenizers_are_kept_apart():
    assert line_ends(tiny_tokenizer()) == {}
    assert set(line_ends(letters_tokenizer()).values()) == {"", *ENDINGS}


def test_a_chat_that_is_too_long_is_an_error_and_the_others_are_answered(loaded: Loaded):
    long = (Message("user", "x" * WINDOW),)
    first, error, last = loaded.replies([TURNS[0], long, TURNS[1]], Decoding(8))
    assert isinstance(error, LLMError)
    length = len(encode(loaded.tokenizer, long))
    assert f"{length} tokens" in str(error)
    assert f"the {WINDOW} that tiny reads" in str(error)
    assert [first, last] == loaded.replies(TURNS[:2], Decoding(8))


def test_where_all_are_too_long_nothing_is_decoded(loaded: Loaded):
    replies = loaded.replies(TURNS[:2], Decoding(WINDOW))
    assert all(isinstance(one, LLMError) for one in replies)


def test_a_grammar_is_kept_to(loaded: Loaded):
    import re

    how = Decoding(12, one_line=False, grammar='start: "ab" /[0-9]{2,4}/ ("\\nc" | "d")')
    texts = loaded.texts(TURNS, how)
    assert all(re.fullmatch(r"ab[0-9]{2,4}(\nc|d)", text) for text in texts)
    assert len(set(texts)) > 3


def test_a_grammar_changes_nothing_for_the_others_of_a_batch(loaded: Loaded):
    how = Decoding(30, one_line=False, grammar=JSON_GUIDE)
    assert loaded.replies(TURNS, how) == alone(loaded, TURNS, how)


def test_what_is_written_by_the_grammar_of_json_is_json(loaded: Loaded):
    how = Decoding(60, one_line=False, grammar=JSON_GUIDE)
    ended = [
        one.text
        for one in loaded.replies(TURNS, how)
        if isinstance(one, Reply) and one.completion_tokens < 60
    ]
    assert len(ended) > 3
    for text in ended:
        json.loads(text)


@pytest.mark.parametrize("text", ['{"a": [1, -2.5e3, "x"], "b": {}}', '"\\u00e9 \\" \\\\"', "null"])
def test_the_grammar_of_json_has_all_of_json(loaded: Loaded, text: str):
    assert allowed(loaded, JSON_GUIDE, text)


@pytest.mark.parametrize("text", ["01", '"a\tb"', '"\\x"', "{1: 2}", "[1,]"])
def test_the_grammar_of_json_has_nothing_else(loaded: Loaded, text: str):
    with pytest.raises(ValueError, match=r".+"):
        json.loads(text)
    assert not allowed(loaded, JSON_GUIDE, text)


def test_the_grammar_of_penstock_is_one(loaded: Loaded):
    how = Decoding(60, one_line=False, grammar=GUIDE)
    assert all(text[:1] in set("dzpstr") for text in loaded.texts(TURNS[:3], how))


def allowed(loaded: Loaded, grammar: str, text: str) -> bool:
    """Whether a model that wants to write the text may, to its end."""
    ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    ids.append(loaded.tokenizer.eos_token_id)
    model = forced(loaded, lambda step: ids[min(step, len(ids) - 1)])
    how = Decoding(len(ids) + 4, one_line=False, grammar=grammar)
    return model.texts(TURNS[:1], how) == [text]


def test_a_grammar_that_is_none_is_refused(loaded: Loaded):
    with pytest.raises(LLMError, match=r"(?s)the grammar is not one.*start: word\("):
        loaded.replies(TURNS[:1], Decoding(8, grammar="start: word("))

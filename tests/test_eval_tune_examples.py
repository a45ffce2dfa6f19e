"""Examples as tokens and batches."""

from dataclasses import replace
from typing import Any

import pytest

from eval.tune.examples import (
    POOL,
    BadExample,
    CompletionCut,
    Example,
    Tokens,
    batches,
    data_digest,
    encode,
    end_of_turn,
    families,
    padded,
    pieces,
    sampled,
    tokens_digest,
)
from service.llm import Message
from tests.tiny_model import example, tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def lengths(count: int) -> list[Tokens]:
    """Examples of 2 to 41 tokens, each recognised by its first id."""
    return [Tokens([i] + [7] * (1 + i * 13 % 40), 1) for i in range(count)]


def test_an_example_is_prompt_then_completion_then_end_of_turn(tokenizer: Any):
    [tokens] = encode(tokenizer, [example("what colour", "the pump is red")], 64)
    text = tokenizer.decode(tokens.ids).split()
    assert text == "<s> user what colour <e> <s> assistant the pump is red <e>".split()
    assert tokenizer.decode(tokens.ids[tokens.prompt :]) == "the pump is red <e>"


def test_every_turn_of_a_chat_is_read(tokenizer: Any):
    turns = (Message("system", "q"), Message("user", "one"), Message("assistant", "two"))
    [tokens] = encode(tokenizer, [Example((*turns, Message("user", "three")), "four")], 64)
    assert "user one <e> <s> assistant two <e> <s> user three" in tokenizer.decode(tokens.ids)


def test_the_end_token_is_the_templates_own_where_it_is_not_the_end_of_text(tokenizer: Any):
    assert end_of_turn(tokenizer) == tokenizer.convert_tokens_to_ids("<e>")
    assert end_of_turn(tokenizer) != tokenizer.eos_token_id


def test_a_template_without_an_end_token_ends_with_the_end_of_text():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    assert end_of_turn(tokenizer) == tokenizer.eos_token_id


def test_a_tokenizer_without_any_end_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    tokenizer.eos_token = None
    with pytest.raises(BadExample, match="eos_token"):
        end_of_turn(tokenizer)


def test_an_example_that_fits_exactly_is_kept_whole(tokenizer: Any):
    [tokens] = encode(tokenizer, [example("what", "red")], 8)
    assert len(tokens.ids) == 8


def test_a_completion_that_would_be_cut_is_refused_by_example_and_limit(tokenizer: Any):
    fits, too_long = example("what", "red"), example("which valve", "one two three")
    with pytest.raises(CompletionCut, match=r"example 2 \('which valve'\).*the limit is 10"):
        encode(tokenizer, [fits, too_long], 10)


def test_an_empty_completion_is_refused_by_its_number(tokenizer: Any):
    with pytest.raises(BadExample, match=r"example 1 \('what'\) has an empty completion"):
        encode(tokenizer, [example("what", " ")], 64)


def test_an_epoch_has_every_example_once():
    chosen = [one.ids[0] for batch in batches(lengths(203), 8, 1, 1) for one in batch]
    assert sorted(chosen) == list(range(203))


def test_only_one_batch_is_smaller_than_asked():
    sizes = sorted(len(batch) for batch in batches(lengths(203), 8, 1, 1))
    assert sizes == [3, *[8] * 25]


def test_order_depends_on_seed_and_epoch_alone():
    tokens = lengths(64)
    assert batches(tokens, 8, 1, 2) == batches(tokens, 8, 1, 2)
    assert batches(tokens, 8, 1, 2) != batches(tokens, 8, 1, 3)
    assert batches(tokens, 8, 1, 2) != batches(tokens, 8, 2, 2)


def test_batches_hold_examples_of_like_length():
    tokens = lengths(8 * POOL)
    wide = padding(batches(tokens, 8, 1, 1))
    assert wide < 0.1 < padding([tokens[i : i + 8] for i in range(0, len(tokens), 8)])


def test_a_batch_is_cut_into_pieces_by_their_tokens_with_padding():
    batch = [Tokens([7] * size, 1) for size in (30, 90, 10, 40, 300, 20)]
    sizes = [[len(one.ids) for one in piece] for piece in pieces(batch, 120)]
    assert sizes == [[10, 20, 30], [40], [90], [300]]  # 4 × 40 and 2 × 90 would be too many


def test_a_family_is_learned_at_once_and_counts_as_one_example():
    many = [Tokens([one.ids[0], *one.ids], 1, f"{at % 30}") for at, one in enumerate(lengths(90))]
    alone = lengths(20)
    assert [len(one) for one in families([*many, *alone])] == [3] * 30 + [1] * 20
    cut = batches([*many, *alone], 10, 1, 1)
    assert len(cut) == 5
    assert sorted(one.ids[0] for batch in cut for one in batch) == sorted(
        one.ids[0] for one in [*many, *alone]
    )
    for batch in cut:
        assert (
            len({one.family for one in batch if one.family}) + sum(not one.family for one in batch)
            == 10
        )
        for piece in pieces(batch, 120):
            assert len({one.family for one in piece}) == 1
            assert not piece[0].family or len(piece) == 3


def test_a_family_changes_what_data_are_known_by():
    plain, other = [example("a", "b")], [replace(example("a", "b"), family="x")]
    assert data_digest(plain) != data_digest(other)


def padding(cut: list[list[Tokens]]) -> float:
    shapes = [padded(batch, 0) for batch in cut]
    return 1 - sum(one.tokens for one in shapes) / sum(one.ids.size for one in shapes)


def test_batches_do_not_come_in_order_of_length():
    longest = [max(len(one.ids) for one in batch) for batch in batches(lengths(128), 8, 1, 1)]
    assert longest != sorted(longest)


def test_padding_stands_on_the_right_and_only_completions_are_scored():
    batch = padded([Tokens([5, 6, 7, 8], 2), Tokens([9, 10], 1)], pad=1)
    assert batch.ids.tolist() == [[5, 6, 7, 8], [9, 10, 1, 1]]
    assert batch.scored.tolist() == [[False, True, True, False], [True, False, False, False]]
    assert batch.tokens == 6


def test_a_share_is_a_part_of_the_examples_in_their_order():
    chosen = [one.ids[0] for one in sampled(lengths(50), 0.34, seed=1)]
    assert len(chosen) == 17
    assert chosen == sorted(set(chosen))


def test_a_share_depends_on_the_seed_and_the_whole_is_all():
    tokens = lengths(50)
    assert sampled(tokens, 0.5, 1) == sampled(tokens, 0.5, 1) != sampled(tokens, 0.5, 2)
    assert sampled(tokens, 1.0, 1) == tokens
    assert len(sampled(tokens, 0.001, 1)) == 1


def test_the_data_digest_sees_every_change():
    one = example("what", "red")
    others = [
        [example("what", "blue")],
        [example("which", "red")],
        [Example((Message("system", "what"),), "red")],
        [one, one],
    ]
    digests = {data_digest(examples) for examples in [[one], *others]}
    assert len(digests) == 5
    assert data_digest([one]) == data_digest([example("what", "red")])


def test_the_tokens_digest_sees_another_chat_template(tokenizer: Any):
    other = tiny_tokenizer()
    other.chat_template = tokenizer.chat_template.replace("<s> assistant", "<s> q assistant")
    one = [example("what", "red")]
    assert tokens_digest(encode(other, one, 64)) != tokens_digest(encode(tokenizer, one, 64))

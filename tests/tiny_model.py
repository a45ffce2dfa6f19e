"""A chat model of a few kilobytes with random weights, made on the spot."""

from pathlib import Path
from typing import Any, cast

from eval.tune.examples import Example
from service.llm import Message

WORDS = (
    "the pump is red blue green old new what colour which valve open closed answer unknown "
    "q reply user assistant one two three four five six seven eight nine ten"
).split()

TEMPLATE = (
    "{% for m in messages %}<s> {{ m['role'] }} {{ m['content'] }} <e> {% endfor %}"
    "{% if add_generation_prompt %}<s> assistant {% endif %}"
)


def tiny_model(folder: Path, window: int = 64, layers: int = 2) -> Path:
    """Two layers of 32, one word a token; the same weights every time."""
    import torch
    import transformers

    library = cast(Any, transformers)
    library.utils.logging.disable_progress_bar()
    tokenizer = tiny_tokenizer()
    cast(Any, torch).manual_seed(1)
    config = library.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        initializer_range=0.2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    library.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer() -> Any:
    """A word is a token. `<e>` ends a turn, `<end>` a text: two, as some chat models have it."""
    import tokenizers
    import transformers

    library = cast(Any, tokenizers)
    vocabulary = {
        word: i for i, word in enumerate(["<unk>", "<pad>", "<end>", "<s>", "<e>", *WORDS])
    }
    words = library.Tokenizer(library.models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    return cast(Any, transformers).PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="<end>",
        additional_special_tokens=["<s>", "<e>"],
        chat_template=TEMPLATE,
    )


def example(question: str, completion: str) -> Example:
    """A chat of one turn and its reply."""
    return Example((Message("user", question),), completion)

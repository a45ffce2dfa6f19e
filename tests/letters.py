"""A chat model of a few kilobytes whose tokens are single characters, line breaks among them."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

CHARACTERS = (
    "\n abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;?!'\"()[]{}<>/\\-+_=&%"
)
ENDINGS = ".?!:;xyz"
"""Characters that make one token with a line break behind them."""

TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}<e>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


@contextmanager
def one_thread() -> Generator[None]:
    """Two threads wait for each other at every step where the processor is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def letters_model(folder: Path, window: int = 4096, seed: int = 1) -> Path:
    """Two layers of 32 with random weights; the same for the same seed."""
    import torch
    import transformers

    library = cast(Any, transformers)
    library.utils.logging.disable_progress_bar()
    tokenizer = letters_tokenizer()
    cast(Any, torch).manual_seed(seed)
    config = library.LlamaConfig(
        vocab_size=len(tokenizer) + 7,  # more logits than tokens, as many models have
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        initializer_range=0.6,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    library.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def letters_tokenizer() -> Any:
    """A character is a token, some with a line break too; `<e>` ends a turn, `<end>` a text."""
    import tokenizers
    import transformers

    library = cast(Any, tokenizers)
    to_bytes = {" ": "Ġ", "\n": "Ċ"}  # how byte-level vocabularies write them
    special = ["<pad>", "<end>", "<s>", "<e>"]
    alphabet = [to_bytes.get(character, character) for character in CHARACTERS]
    endings = [f"{one}Ċ" for one in ENDINGS]
    vocabulary = {token: i for i, token in enumerate([*special, *alphabet, *endings])}
    model = library.models.BPE(vocab=vocabulary, merges=[(one, "Ċ") for one in ENDINGS])
    letters = library.Tokenizer(model)
    letters.pre_tokenizer = library.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    letters.decoder = library.decoders.ByteLevel()
    return cast(Any, transformers).PreTrainedTokenizerFast(
        tokenizer_object=letters,
        pad_token="<pad>",
        eos_token="<end>",
        additional_special_tokens=["<s>", "<e>"],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def write_adapter(base: Path, out: Path, seed: int) -> None:
    """LoRA weights drawn at random, so that they change every reply."""
    import peft
    import torch
    import transformers

    library: Any = peft
    cast(Any, torch).manual_seed(seed)
    model = cast(Any, transformers).AutoModelForCausalLM.from_pretrained(base)
    settings = library.LoraConfig(
        r=4, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    with warnings.catch_warnings():
        # peft asks the model by a name that transformers gives up.
        warnings.simplefilter("ignore", FutureWarning)
        library.get_peft_model(model, settings).save_pretrained(out)

"""The model that is trained: its weights' digest, whether it can be trained here, its loading."""

import hashlib
import importlib.util
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from ingest.embed import computes_in_bfloat16

Method = Literal["lora", "qlora", "full"]

BYTES_FULL = 16
"""A parameter's memory in full fine-tuning: float32 weight, gradient and two moments of Adam."""

SHORT = 200
"""Tokens on average below which plain attention trains faster on a processor than the fused."""


class CannotTrain(RuntimeError):
    """This machine or this base cannot be trained as asked. The message names what is missing."""


class Diverged(CannotTrain):
    """The loss is no number any more: the rate is too high."""


def located(base: Path) -> Path:
    """The folder of a base: itself, or for a hub id what the hub gives, fetched where need be."""
    if base.is_dir():
        return base
    import huggingface_hub

    try:
        fetch = cast(Any, huggingface_hub).snapshot_download
        return Path(fetch(str(base), allow_patterns=_HUB_FILES))
    except (OSError, ValueError) as error:
        raise CannotTrain(
            f"there is no base {str(base)!r}: {_line(error)} A folder in transformers' format is "
            "wanted, or a reachable hub id"
        ) from error


_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def weights_digest(folder: Path) -> str:
    """SHA-256 over names, types, shapes and values of all tensors, as hex digits.

    Values, not files: the same model converted by another version of a library is the same.
    """
    digest = hashlib.sha256()
    for file, name in sorted(_tensors(folder), key=lambda found: found[1]):
        with _opened(file) as weights:
            tensor = weights.get_tensor(name).contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(memoryview(_as_bytes(tensor)))
    return digest.hexdigest()


def parameters(folder: Path) -> int:
    """How many numbers the weights hold, read from the files' headers."""
    total = 0
    for file, name in _tensors(folder):
        with _opened(file) as weights:
            total += math.prod(weights.get_slice(name).get_shape())
    return total


def check(method: Method, folder: Path) -> None:
    """Raise `CannotTrain` where the machine lacks what `method` needs, before anything is loaded.

    QLoRA (Dettmers et al., 2305.14314) keeps the base in four bits: a CUDA device and the
    bitsandbytes package. Full fine-tuning needs `BYTES_FULL` bytes of memory a parameter.
    """
    import torch

    if method != "full" and importlib.util.find_spec("peft") is None:
        raise CannotTrain(
            "adapters are trained with the package peft: pip install 'ragfirst[eval]'"
        )
    if method == "qlora":
        missing = [] if torch.cuda.is_available() else ["a CUDA device (torch sees none)"]
        if importlib.util.find_spec("bitsandbytes") is None:
            missing.append("the package bitsandbytes (not installed)")
        if missing:
            raise CannotTrain(
                f"method 'qlora' needs {' and '.join(missing)}. Use method 'lora', which trains "
                "the same adapter on an unquantised base"
            )
    if method == "full":
        count, free = parameters(folder), _free_memory()
        if count * BYTES_FULL > free:
            raise CannotTrain(
                f"method 'full' needs about {count * BYTES_FULL / 1e9:.1f} GB of memory "
                f"({count / 1e6:.0f} million parameters × {BYTES_FULL} bytes) and "
                f"{free / 1e9:.1f} GB are free. Use method 'lora', or a smaller base"
            )


def tokenizer_of(folder: Path) -> Any:
    """The base's tokenizer. Raises `CannotTrain` where there is none, or no chat template."""
    try:
        tokenizer = _transformers().AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise CannotTrain(f"{folder}: no tokenizer can be loaded ({_line(error)})") from error
    if not tokenizer.chat_template:
        raise CannotTrain(f"{folder}: the tokenizer has no chat template; use an instruct model")
    return tokenizer


def window(folder: Path) -> int:
    """The tokens that the base reads at most."""
    file = folder / "config.json"
    try:
        value = json.loads(file.read_text(encoding="utf-8"))["max_position_embeddings"]
        return int(value)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotTrain(
            f"{file}: field 'max_position_embeddings' is wanted ({error!r})"
        ) from error


def load(folder: Path, method: Method, mean_length: float) -> Any:
    """The base, ready to be wrapped, where `device` says.

    Frozen weights are in bfloat16 where the device computes in it; those that are trained
    (method "full") in float32, for in bfloat16 small updates vanish.
    """
    import torch

    library = _transformers()
    place = device(method)
    options: dict[str, Any] = {
        "dtype": torch.float32 if method == "full" else computing(place),
        "attn_implementation": "eager" if mean_length < SHORT and place == "cpu" else "sdpa",
    }
    if method == "qlora":
        options["device_map"] = {"": 0}
        options["quantization_config"] = library.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=computing(place),
        )
    try:
        return library.AutoModelForCausalLM.from_pretrained(str(folder), **options)
    except (OSError, ValueError) as error:
        raise CannotTrain(f"{folder}: the base cannot be loaded ({_line(error)})") from error


def device(method: Method) -> str:
    """Where a method trains: QLoRA on a CUDA device, all else on the processor, where arms run."""
    return "cuda" if method == "qlora" else "cpu"


def computing(device: str) -> Any:
    """The torch dtype of the arithmetic: bfloat16 where the device has it, else float32."""
    import torch

    has = torch.cuda.is_bf16_supported() if device == "cuda" else computes_in_bfloat16()
    return torch.bfloat16 if has else torch.float32


def _transformers() -> Any:
    """The library, quiet. It is typed in part only."""
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()
    return transformers


def _tensors(folder: Path) -> Iterator[tuple[Path, str]]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CannotTrain(
            f"{folder}: holds no *.safetensors. A base is a folder in transformers' format"
        )
    for file in files:
        with _opened(file) as weights:
            yield from ((file, name) for name in cast(Sequence[str], weights.keys()))


def _opened(file: Path) -> Any:
    import safetensors

    try:
        return cast(Any, safetensors).safe_open(str(file), framework="pt")
    except (OSError, safetensors.SafetensorError) as error:
        raise CannotTrain(f"{file}: not readable as safetensors ({_line(error)})") from error


def _as_bytes(tensor: Any) -> Any:
    import torch

    return tensor.reshape(-1).view(torch.uint8).numpy()


def _free_memory() -> int:
    """Bytes that a program may still take."""
    import psutil

    return int(psutil.virtual_memory().available)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]

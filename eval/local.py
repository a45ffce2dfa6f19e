"""The pinned base model and its adapters in this process, for batches."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from eval.decode import Decoding, decode
from eval.generate import Request
from eval.live import Voice
from service.llama import STACK, Llama
from service.llm import LLMError, Reply


class LocalGenerator:
    """An `eval.generate.Generator` on this machine's processor.

    Adapters are applied beside the base weights, never merged: base and adapter run on one stack.
    A folder with a whole model in it (training of method "full", another reader) is a model of its
    own, and only the last one that was asked is kept in memory.
    """

    together = True

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str,
        digest: str,
        framework: Callable[[], Any] | None = None,
    ) -> None:
        """`model`: a `Llama`, or a causal model of transformers; `digest`: that of its weights.

        `framework`: loads the model by transformers, for adapters that a `Llama` does not compute.
        """
        self.name = name
        self.tokenizer = tokenizer
        self._model: Any = model
        self._wrapped: Any = None if isinstance(model, Llama) else model
        self._digest = digest
        self._framework = framework
        self._adapters: dict[tuple[str, str], str] = {}
        self._voices: dict[tuple[str, str], Voice] = {}
        self._whole: tuple[tuple[str, str], Any, Any] | None = None

    @classmethod
    def load(cls, name: str, cache: Path, threads: int | None = None) -> "LocalGenerator":
        """The base model by its name; see `service.local_chat`. Raises `LLMError`."""
        from eval.tune.base import located
        from service.local_chat import load_framework, load_model, model_folder

        model, tokenizer = load_model(name, cache, threads)
        digest = files_digest(located(model_folder(name, cache)))
        return cls(model, tokenizer, name, digest, lambda: load_framework(name, cache))

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`. What computes them counts too: it moves the last bits."""
        return f"{STACK} {self._digest}" + (f"+{files_digest(Path(adapter))}" if adapter else "")

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        """See `Generator.complete`."""
        groups: dict[tuple[str | None, Decoding], list[int]] = {}
        for number, one in enumerate(requests):
            how = Decoding(one.max_tokens, one.one_line, one.one_paragraph, one.grammar)
            groups.setdefault((one.adapter, how), []).append(number)
        replies: dict[int, Reply | LLMError] = {}
        for (adapter, how), numbers in groups.items():
            chats = [requests[number].messages for number in numbers]
            replies |= dict(zip(numbers, self._complete(adapter, chats, how), strict=True))
        return [replies[number] for number in range(len(requests))]

    def _complete(
        self, adapter: str | None, chats: Sequence[Any], how: Decoding
    ) -> list[Reply | LLMError]:
        name = f"{self.name}+{Path(adapter).name}" if adapter else self.name
        if adapter and (Path(adapter) / "config.json").is_file():
            model, tokenizer = self._load(adapter)
            return decode(_spoken(model), tokenizer, chats, how, name)
        if isinstance(self._model, Llama) and (beside := self._beside(adapter)) is not None:
            return decode(beside, self.tokenizer, chats, how, name)
        if adapter:
            self._use(adapter)
        elif self._adapters:
            with self._wrapped.disable_adapter():
                return decode(self._wrapped, self.tokenizer, chats, how, name)
        return decode(self._wrapped, self.tokenizer, chats, how, name)

    def _beside(self, folder: str | None) -> Voice | None:
        """A `Llama` with an adapter; None for one that only peft computes, or nobody.

        An adapter that was trained anew meanwhile is another.
        """
        from service.llama_chat import load_adapter

        if folder is None:
            return Voice(self._model)
        key = (folder, files_digest(Path(folder)))
        if key not in self._voices:
            try:
                adapter = load_adapter(self._model, Path(folder), self.name)
            except LLMError:
                return None
            self._voices[key] = Voice(self._model, adapter)
        return self._voices[key]

    def _use(self, adapter: str) -> None:
        """Make an adapter the active one; one that was trained anew meanwhile is another."""
        import peft

        library = cast(Any, peft)
        key = (adapter, files_digest(Path(adapter)))
        name = f"adapter-{len(self._adapters)}"
        if self._wrapped is None and self._framework:
            self._wrapped = self._framework()
        try:
            if not self._adapters:
                with warnings.catch_warnings():
                    # peft asks the model by a name that transformers gives up.
                    warnings.simplefilter("ignore", FutureWarning)
                    self._wrapped = library.PeftModel.from_pretrained(
                        self._wrapped, adapter, adapter_name=name
                    ).eval()
            elif key not in self._adapters:
                cast(Any, self._wrapped).load_adapter(adapter, adapter_name=name)
            self._adapters.setdefault(key, name)
        except (OSError, ValueError, RuntimeError) as error:
            raise LLMError(
                f"{adapter} is no adapter of {self.name} ({str(error).splitlines()[0]})"
            ) from error
        cast(Any, self._wrapped).set_adapter(self._adapters[key])

    def _load(self, folder: str) -> tuple[Any, Any]:
        """The whole model of a folder, with its own tokenizer."""
        from service.local_chat import load_model

        key = (folder, files_digest(Path(folder)))
        if self._whole is None or self._whole[0] != key:
            self._whole = None  # two beside the base may be too much for the memory
            self._whole = (key, *load_model(folder, Path(folder)))
        return self._whole[1:]


def _spoken(model: Any) -> Any:
    return Voice(model) if isinstance(model, Llama) else model


def files_digest(folder: Path) -> str:
    """The digest of a model's or an adapter's weights: 16 hexadecimal digits of SHA-256.

    Raises `LLMError` where the folder holds none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise LLMError(
            f"{folder} holds no weights (*.safetensors): an adapter must be trained first, a base "
            "or a reader be a folder in transformers' format"
        )
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        key = (str(file), stat.st_size, stat.st_mtime_ns)
        if key not in _DIGESTS:
            with file.open("rb") as content:
                _DIGESTS[key] = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(_DIGESTS[key].encode())
    return digest.hexdigest()[:16]


_DIGESTS: dict[tuple[str, int, int], str] = {}

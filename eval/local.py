"""The pinned base model and its adapters in this process, for batches."""

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from eval.decode import Decoding, decode
from eval.generate import Request
from service.llm import LLMError, Reply


class LocalGenerator:
    """An `eval.generate.Generator` on this machine's processor.

    Adapters are applied beside the base weights, never merged: base and adapter run on one stack.
    A folder with a whole model in it (training of method "full", another reader) is a model of its
    own, and only the last one that was asked is kept in memory.
    """

    together = True

    def __init__(self, model: Any, tokenizer: Any, name: str, digest: str) -> None:
        """`model`: a causal model of transformers, `digest`: that of its weights."""
        self.name = name
        self.tokenizer = tokenizer
        self._model: Any = model
        self._digest = digest
        self._adapters: dict[tuple[str, str], str] = {}
        self._whole: tuple[tuple[str, str], Any, Any] | None = None

    @classmethod
    def load(cls, name: str, cache: Path, threads: int | None = None) -> "LocalGenerator":
        """The base model by its name; see `service.local_chat`. Raises `LLMError`."""
        from eval.tune.base import located
        from service.local_chat import load_model, model_folder

        model, tokenizer = load_model(name, cache, threads)
        return cls(model, tokenizer, name, files_digest(located(model_folder(name, cache))))

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`."""
        return self._digest + (f"+{files_digest(Path(adapter))}" if adapter else "")

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
        if adapter is None and not self._adapters:
            return decode(self._model, self.tokenizer, chats, how, self.name)
        if adapter is None:
            with self._model.disable_adapter():
                return decode(self._model, self.tokenizer, chats, how, self.name)
        name = f"{self.name}+{Path(adapter).name}"
        if (Path(adapter) / "config.json").is_file():
            model, tokenizer = self._load(adapter)
            return decode(model, tokenizer, chats, how, name)
        self._use(adapter)
        return decode(self._model, self.tokenizer, chats, how, name)

    def _use(self, adapter: str) -> None:
        """Make an adapter the active one; one that was trained anew meanwhile is another."""
        import peft

        library = cast(Any, peft)
        key = (adapter, files_digest(Path(adapter)))
        name = f"adapter-{len(self._adapters)}"
        try:
            if not self._adapters:
                with warnings.catch_warnings():
                    # peft asks the model by a name that transformers gives up.
                    warnings.simplefilter("ignore", FutureWarning)
                    self._model = library.PeftModel.from_pretrained(
                        self._model, adapter, adapter_name=name
                    ).eval()
            elif key not in self._adapters:
                self._model.load_adapter(adapter, adapter_name=name)
            self._adapters.setdefault(key, name)
        except (OSError, ValueError, RuntimeError) as error:
            raise LLMError(
                f"{adapter} is no adapter of {self.name} ({str(error).splitlines()[0]})"
            ) from error
        self._model.set_adapter(self._adapters[key])

    def _load(self, folder: str) -> tuple[Any, Any]:
        """The whole model of a folder, with its own tokenizer."""
        from service.local_chat import load_model

        key = (folder, files_digest(Path(folder)))
        if self._whole is None or self._whole[0] != key:
            self._whole = None  # two beside the base may be too much for the memory
            self._whole = (key, *load_model(folder, Path(folder)))
        return self._whole[1:]


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

"""The pinned base model and its adapters in this process, for batches."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from eval.decode import Decoding, decode
from eval.generate import Request
from service.llm import LLMError, Reply


class LocalGenerator:
    """An `eval.generate.Generator` on this machine's processor.

    Adapters are applied beside the base weights, never merged: base and adapter run on one stack.
    """

    together = True

    def __init__(self, model: Any, tokenizer: Any, name: str, digest: str) -> None:
        """`model`: a causal model of transformers, `digest`: that of its weights."""
        self.name = name
        self.tokenizer = tokenizer
        self._model: Any = model
        self._digest = digest
        self._adapters: dict[str, str] = {}

    @classmethod
    def load(cls, name: str, cache: Path, threads: int | None = None) -> "LocalGenerator":
        """The base model by its name; see `service.local_chat`. Raises `LLMError`."""
        from service.local_chat import load_model, model_folder

        folder = model_folder(name, cache)
        model, tokenizer = load_model(name, cache, threads)
        return cls(model, tokenizer, name, weights_digest(folder))

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`."""
        return self._digest + (f"+{weights_digest(Path(adapter))}" if adapter else "")

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
        self._use(adapter)
        name = f"{self.name}+{Path(adapter).name}"
        return decode(self._model, self.tokenizer, chats, how, name)

    def _use(self, adapter: str) -> None:
        import peft

        library = cast(Any, peft)
        if not self._adapters:
            self._adapters[adapter] = "adapter-0"
            self._model = library.PeftModel.from_pretrained(
                self._model, adapter, adapter_name="adapter-0"
            ).eval()
        elif adapter not in self._adapters:
            self._adapters[adapter] = f"adapter-{len(self._adapters)}"
            self._model.load_adapter(adapter, adapter_name=self._adapters[adapter])
        self._model.set_adapter(self._adapters[adapter])


def weights_digest(folder: Path) -> str:
    """The digest of a model's or an adapter's weights: 16 hexadecimal digits of SHA-256.

    Raises `LLMError` where the folder holds none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise LLMError(f"{folder} holds no weights (*.safetensors): train the adapter first")
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        key = (str(file), stat.st_size, stat.st_mtime_ns)
        if key not in _DIGESTS:
            _DIGESTS[key] = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(_DIGESTS[key].encode())
    return digest.hexdigest()[:16]


_DIGESTS: dict[tuple[str, int, int], str] = {}

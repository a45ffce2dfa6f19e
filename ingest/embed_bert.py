"""BERT with mean pooling, as MiniLM is, straight from a folder's weights to vectors.

What sentence-transformers does with such a folder, without what slows it down on a processor: the
layers are given few enough tokens at once that what passes between them stays in the cache,
queries, keys and values come from one product, weights lie in the order in which oneDNN multiplies,
and GELU is part of the product before it (docs/decisions/2026-11-24-embedding.md). Nor is
transformers loaded, which takes longer than to embed a hundred passages.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

TOGETHER = 1024
"""Tokens that pass the layers at once, padding included. More are slower: what lies between two
layers leaves the cache, and its memory is given back to the system and fetched again each time."""

_MODULES = ("Transformer", "Pooling", "Normalize")

_Json = Mapping[str, Any]
_Layer = Callable[[Any], Any]


class Product(Protocol):
    """Makes of a weight and a bias what multiplies states with them."""

    def __call__(self, weight: Any, bias: Any, *, gelu: bool = False) -> Callable[[Any], Any]:
        """See `_product`."""
        ...


@dataclass(frozen=True, slots=True)
class BertFolder:
    """A folder in sentence-transformers' format that `BertEncoder` computes as its makers do.

    `token_limit` counts special tokens; `eps` is that of the layers' normalisations.
    """

    path: Path
    layers: int
    heads: int
    eps: float
    token_limit: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The folder, or None where anything in it asks for more than `BertEncoder` does."""
        config = _read(path / "config.json")
        limit = _read(path / "sentence_bert_config.json")
        files = (path / "model.safetensors", path / "tokenizer.json")
        if not (all(file.is_file() for file in files) and _is_plain_bert(config)):
            return None
        tokens = limit.get("max_seq_length")
        if not isinstance(tokens, int) or limit.get("do_lower_case") or not _pools_mean(path):
            return None
        return cls(
            path,
            int(config["num_hidden_layers"]),
            int(config["num_attention_heads"]),
            float(config["layer_norm_eps"]),
            min(tokens, int(config["max_position_embeddings"])),
        )

    def tokenizer(self) -> Any:
        """The folder's tokenizer; it neither pads nor truncates."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.path / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def weights(self) -> dict[str, Any]:
        """Name → tensor, by the names that BERT gives them."""
        from safetensors import torch as tensors

        weights = cast(Any, tensors).load_file(self.path / "model.safetensors")
        named = {name.removeprefix("bert."): tensor for name, tensor in weights.items()}
        # Not a weight but the numbers from 0 on; files of old have them.
        named.pop("embeddings.position_ids", None)
        return named


class BertEncoder:
    """The forward pass. Safe to call from many threads."""

    def __init__(
        self,
        folder: BertFolder,
        weights: Mapping[str, Any],
        *,
        half: bool,
        together: int = TOGETHER,
        product: Product | None = None,
    ) -> None:
        """Take the weights over.

        Args:
            folder: Where they are from.
            weights: As `BertFolder.weights` gives them.
            half: Compute in bfloat16, else in float32.
            together: Tokens that pass the layers at once, padding included.
            product: How to multiply, for trials; the fastest that keeps the numbers by itself.

        Raises KeyError where a weight is missing.
        """
        import torch

        multiply = product or _product
        self._together = together
        self._dtype = torch.bfloat16 if half else torch.float32
        self._heads, self._eps = folder.heads, folder.eps
        self._tokenizer = folder.tokenizer()
        self._tokenizer.enable_truncation(folder.token_limit)

        def both(name: str) -> tuple[Any, Any]:
            return (
                weights[f"{name}.weight"].to(self._dtype),
                weights[f"{name}.bias"].to(self._dtype),
            )

        self._words = weights["embeddings.word_embeddings.weight"].to(self._dtype)
        self.dimension = int(self._words.shape[1])
        self._places = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        ).to(self._dtype)
        self._first = both("embeddings.LayerNorm")
        self._layers: list[tuple[_Layer, _Layer, Any, _Layer, _Layer, Any]] = []
        for at in range(folder.layers):
            layer = f"encoder.layer.{at}"
            asked = [both(f"{layer}.attention.self.{name}") for name in ("query", "key", "value")]
            self._layers.append(
                (
                    multiply(*(torch.cat(parts) for parts in zip(*asked, strict=True))),
                    multiply(*both(f"{layer}.attention.output.dense")),
                    both(f"{layer}.attention.output.LayerNorm"),
                    multiply(*both(f"{layer}.intermediate.dense"), gelu=True),
                    multiply(*both(f"{layer}.output.dense")),
                    both(f"{layer}.output.LayerNorm"),
                )
            )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean of each text's token states, shape (texts, dimension); what is too long is cut.

        Vectors differ in the last bits with the other texts of the call, which set the padding.
        """
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        tokens = [cast(list[int], one.ids) for one in encoded]
        means = np.empty((len(tokens), self.dimension), np.float32)

        def fill(places: list[int]) -> None:
            means[places] = self._means([tokens[place] for place in places])

        _side_by_side(fill, batches([len(one) for one in tokens], self._together))
        return means

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """That of one question: these models are asked as they are told."""
        return self.embed([text])

    def _means(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        import torch

        longest = len(tokens[0])
        padded = torch.tensor([one + [0] * (longest - len(one)) for one in tokens])
        lengths = torch.tensor([len(one) for one in tokens])
        there = torch.arange(longest) < lengths[:, None]
        with torch.inference_mode():
            states = self._states(padded, None if bool(there.all()) else there)
            summed = (states * there[..., None]).sum(1, dtype=torch.float32)
            return (summed / lengths[:, None]).numpy()

    def _states(self, tokens: Any, there: Any) -> Any:
        """Token states, shape (texts, tokens, dimension)."""
        import torch
        from torch.nn import functional

        # torch is typed in part only.
        layer_norm: Any = functional.layer_norm
        count, length = tokens.shape
        wide = (self.dimension,)
        mask = None
        if there is not None:
            mask = torch.zeros((count, 1, 1, length), dtype=self._dtype)
            mask.masked_fill_(~there[:, None, None], torch.finfo(self._dtype).min)
        states: Any = functional.embedding(tokens, self._words) + self._places[:length]
        states = layer_norm(states, wide, *self._first, self._eps).view(-1, self.dimension)
        for ask, attended, after, widen, narrow, last in self._layers:
            asked = ask(states).view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(*asked, attn_mask=mask)
            seen = seen.transpose(1, 2).reshape(-1, self.dimension)
            states = layer_norm(attended(seen).add_(states), wide, *after, self._eps)
            states = layer_norm(narrow(widen(states)).add_(states), wide, *last, self._eps)
        return states.view(count, length, self.dimension)


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """The places of texts of these lengths, longest first, in runs of `budget` tokens, padded.

    A longer text is a run of its own.
    """
    runs: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if runs and lengths[runs[-1][0]] * (len(runs[-1]) + 1) <= budget:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _side_by_side(fill: Callable[[list[int]], None], runs: Sequence[list[int]]) -> None:
    """Fill all runs, one to a thread, as many at once as torch would share a product among.

    Threads that share a product wait for each other after each, which costs most where another
    process, such as the one that parses, has a core (docs/decisions/2026-11-29-ingest-speed.md).
    """
    import torch

    threads = torch.get_num_threads()
    many = min(threads, len(runs))
    if many < 2:
        deque(map(fill, runs), maxlen=0)
        return
    try:
        with ThreadPoolExecutor(many, "embed", torch.set_num_threads, (1,)) as pool:
            deque(pool.map(fill, runs), maxlen=0)
    finally:
        # It is each thread's own, and also what threads begin with that are started later.
        torch.set_num_threads(threads)


def _product(weight: Any, bias: Any, *, gelu: bool = False) -> _Layer:
    """X → x · weightᵀ + bias, and GELU of it. For bfloat16 by oneDNN, where this torch has it."""
    import torch
    from torch.nn import functional

    if weight.dtype == torch.bfloat16 and torch.backends.mkldnn.is_available():
        one_dnn = cast(Any, torch.ops.mkldnn)
        try:
            packed = one_dnn._reorder_linear_weight(weight, None)
            kind, how = ("gelu", "none") if gelu else ("none", "")
            one_dnn._linear_pointwise(weight[:1], packed, bias, kind, [], how)
        except (AttributeError, RuntimeError):
            # These operators are torch's own, for its compiler: another release may lack them.
            pass
        else:
            return lambda x: one_dnn._linear_pointwise(x, packed, bias, kind, [], how)
    if gelu:
        return lambda x: functional.gelu(functional.linear(x, weight, bias))
    return lambda x: functional.linear(x, weight, bias)


def _is_plain_bert(config: _Json) -> bool:
    wanted = {"model_type": "bert", "hidden_act": "gelu"}
    absent = {"position_embedding_type": "absolute", "is_decoder": False}
    return all(config.get(key) == value for key, value in wanted.items()) and all(
        config.get(key, value) == value for key, value in absent.items()
    )


def _pools_mean(path: Path) -> bool:
    """The folder's modules are BERT, mean pooling and normalisation; no prompt goes in front."""
    modules = _read_list(path / "modules.json")
    if tuple(str(module.get("type")).rpartition(".")[2] for module in modules) != _MODULES:
        return False
    if modules[0].get("path"):
        return False
    pooling = _read(path / str(modules[1].get("path")) / "config.json")
    modes = {key for key, value in pooling.items() if key.startswith("pooling_mode_") and value}
    mean = pooling.get("pooling_mode") == "mean" or modes == {"pooling_mode_mean_tokens"}
    prompts: _Json = _read(path / "config_sentence_transformers.json").get("prompts") or {}
    return mean and not any(prompts.values())


def _read(file: Path) -> _Json:
    """The object in a JSON file; empty where there is none."""
    found = _json(file)
    return cast(_Json, found) if isinstance(found, dict) else {}


def _read_list(file: Path) -> list[_Json]:
    found = _json(file)
    return cast(list[_Json], found) if isinstance(found, list) else []


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

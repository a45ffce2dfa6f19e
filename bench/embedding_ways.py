"""Ways to embed with MiniLM's weights: the default, what it was chosen over, and what peers do."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ingest import embed_bert
from ingest.embed_bert import BertEncoder, BertFolder, batches

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Way:
    """`kind` is what it multiplies in; the vectors may be of any length."""

    name: str
    kind: str
    embed: Callable[[Sequence[str]], Vectors]


def sentence_transformers(folder: BertFolder, *, half: bool) -> Way:
    """As anyone calls it: batches of 32, sorted by length."""
    import torch
    from sentence_transformers import SentenceTransformer

    # sentence-transformers is typed in part only.
    model = cast(Any, SentenceTransformer(str(folder.path), device="cpu"))
    if half:
        model.to(torch.bfloat16)

    def embed(texts: Sequence[str]) -> Vectors:
        return model.encode(list(texts), convert_to_tensor=True).float().numpy()

    kind = "bfloat16" if half else "float32"
    return Way(f"sentence-transformers, {kind}", kind, embed)


def own(folder: BertFolder, *, half: bool, together: int = embed_bert.TOGETHER) -> Way:
    """`BertEncoder`, with so many tokens together."""
    encoder = BertEncoder(folder, folder.weights(), half=half, together=together)
    kind = "bfloat16" if half else "float32"
    return Way(f"BertEncoder, {kind}, {together} tokens together", kind, encoder.embed)


def own_int8(folder: BertFolder) -> Way:
    """`BertEncoder` with oneDNN's products of int8: weights by channel, states by batch."""
    encoder = BertEncoder(folder, folder.weights(), half=False, product=_int8_product)
    return Way("BertEncoder, int8", "int8", encoder.embed)


def onnx_int8(folder: BertFolder) -> Way:
    """ONNX Runtime, dynamic int8 by channel, the same batches."""
    # No dependency of the project: whoever asks for it installs it.
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as place:
        file = _export(folder, Path(place))
        session = onnxruntime.InferenceSession(str(file), options)
    tokenizer = folder.tokenizer()
    tokenizer.enable_truncation(folder.token_limit)

    def embed(texts: Sequence[str]) -> Vectors:
        tokens = [one.ids for one in tokenizer.encode_batch_fast(list(texts))]
        means: list[Any] = [None] * len(tokens)
        for places in batches([len(one) for one in tokens], embed_bert.TOGETHER):
            longest = len(tokens[places[0]])
            ids = np.zeros((len(places), longest), np.int64)
            for row, place in zip(ids, places, strict=True):
                row[: len(tokens[place])] = tokens[place]
            there = np.array([np.arange(longest) < len(tokens[place]) for place in places])
            given = {"input_ids": ids, "attention_mask": there.astype(np.int64)}
            states = session.run(None, given)[0]
            for place, state, real in zip(places, states, there, strict=True):
                means[place] = state[real].mean(axis=0)
        return np.array(means, np.float32)

    return Way("ONNX Runtime, int8", "int8", embed)


def _export(folder: BertFolder, place: Path) -> Path:
    """The model as an ONNX file in int8; needs the package `onnx`."""
    import torch
    from transformers import BertModel

    model = cast(Any, BertModel).from_pretrained(folder.path, attn_implementation="eager").eval()

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask)[0]

    names = ["input_ids", "attention_mask"]
    ones = torch.ones(2, 16, dtype=torch.long)
    cast(Any, torch.onnx).export(
        States(),
        (ones, ones),
        str(place / "plain.onnx"),
        input_names=names,
        output_names=["states"],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in [*names, "states"]},
        opset_version=17,
        dynamo=False,
    )
    quantization: Any = import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(
        place / "plain.onnx",
        place / "int8.onnx",
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
    )
    return place / "int8.onnx"


def _int8_product(weight: Any, bias: Any, *, gelu: bool = False) -> Callable[[Any], Any]:
    """X → x · weightᵀ + bias in int8, and GELU of it."""
    import torch

    one_dnn = cast(Any, torch.ops.onednn)
    scales = weight.abs().amax(1) / 127
    rounded = (weight / scales[:, None]).round().to(torch.int8)
    packed = one_dnn.qlinear_prepack(rounded, None)
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    kind: Mapping[bool, tuple[str, str]] = {True: ("gelu", "none"), False: ("none", "")}

    def product(x: Any) -> Any:
        least, most = (float(one) for one in torch.aminmax(x))
        least, most = min(least, 0.0), max(most, 0.0)
        scale = (most - least) / 255 or 1.0
        zero = round(-least / scale)
        # Half is added and the rest cut off: rounding, in one pass over the states.
        shifted = torch.add(torch.tensor(zero + 0.5), x, alpha=1 / scale)
        whole = shifted.clamp_(0, 255).to(torch.uint8)
        name, how = kind[gelu]
        return one_dnn.qlinear_pointwise(
            whole, scale, zero, packed, scales, zeros, bias, 1.0, 0, torch.float32, name, [], how
        )

    return product

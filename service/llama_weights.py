"""What a Llama folder holds, as `service.llama` needs it: its shape, its weights, its adapters."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

Config = Mapping[str, Any]
Pairs = Mapping[str, tuple[Any, Any, float]]
"""An adapter: a layer's name → A, shape (rank, in), B, shape (out, rank), and the scale of both."""

GROUPS = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("self_attn.o_proj",),
    ("mlp.gate_proj", "mlp.up_proj"),
    ("mlp.down_proj",),
)
"""The linear layers of a block. Those of one group read the same states: they are one product."""

_WANTED = {"model_type": "llama", "hidden_act": "silu"}
_ABSENT = {
    "attention_bias": (False, None),
    "mlp_bias": (False, None),
    "pretraining_tp": (1, None),
    "quantization_config": (None,),
    "sliding_window": (None,),
    "is_decoder": (True, False, None),
}
"""What a config may say and still be computed here; saying nothing is None."""

_PLAIN_DECODING: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (1.0, None),
    "encoder_repetition_penalty": (1.0, None),
    "no_repeat_ngram_size": (0, None),
    "encoder_no_repeat_ngram_size": (0, None),
    "min_length": (0, None),
    "min_new_tokens": (None,),
    "num_beams": (1, None),
    "suppress_tokens": (None, []),
    "begin_suppress_tokens": (None, []),
    "bad_words_ids": (None, []),
    "sequence_bias": (None, {}),
    "forced_bos_token_id": (None,),
    "forced_eos_token_id": (None,),
    "exponential_decay_length_penalty": (None,),
    "guidance_scale": (1.0, None),
}
"""What changes greedy decoding, each with the values that do not."""


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The numbers of a model. `width`: of a token's states; `head`: of one head's."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    eps: float
    theta: float
    window: int
    tied: bool

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """The shape by transformers' config; None where it asks for more than is computed here."""
        rope: Config = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if (
            any(config.get(key) != value for key, value in _WANTED.items())
            or any(config.get(key) not in values for key, values in _ABSENT.items())
            or (config.get("architectures") or ["LlamaForCausalLM"]) != ["LlamaForCausalLM"]
            or kind != "default"
            or set(rope) - {"rope_type", "type", "rope_theta"}
        ):
            return None
        try:
            width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
            return cls(
                layers=int(config["num_hidden_layers"]),
                width=width,
                heads=heads,
                kv_heads=int(config.get("num_key_value_heads") or heads),
                head=int(config.get("head_dim") or width // heads),
                inner=int(config["intermediate_size"]),
                eps=float(config["rms_norm_eps"]),
                theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0),
                window=int(config["max_position_embeddings"]),
                tied=bool(config.get("tie_word_embeddings")),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def names(self) -> set[str]:
        """What the weights are called."""
        blocks = [f"model.layers.{number}" for number in range(self.layers)]
        linear = {f"{block}.{one}.weight" for block in blocks for all_ in GROUPS for one in all_}
        norms = {
            f"{block}.{one}.weight"
            for block in blocks
            for one in ("input_layernorm", "post_attention_layernorm")
        }
        ends = {"model.embed_tokens.weight", "model.norm.weight"}
        return linear | norms | ends | (set() if self.tied else {"lm_head.weight"})


def read_folder(folder: Path) -> tuple[LlamaShape, dict[str, Any]] | None:
    """Shape and weights of a folder in transformers' format; None where it is no plain Llama.

    Nor is one whose `generation_config.json` changes how the most likely reply is found.
    """
    import safetensors.torch

    shape = LlamaShape.of(_object(folder / "config.json"))
    file = folder / "model.safetensors"
    settings = _object(folder / "generation_config.json")
    plain = all(settings.get(key) in values for key, values in _PLAIN_DECODING.items())
    if shape is None or not plain or not file.is_file():
        return None
    try:
        weights: dict[str, Any] = cast(Any, safetensors.torch).load_file(str(file))
    except (OSError, ValueError, safetensors.SafetensorError):
        return None  # transformers knows what is wrong with it
    if shape.tied:
        weights.pop("lm_head.weight", None)
    return (shape, weights) if set(weights) == shape.names() else None


class Part(NamedTuple):
    """What one linear layer of a group gains: columns of the group's output, and of A(x)."""

    out: slice
    rank: slice
    up: Any
    """`scale · Bᵀ`, shape (rank, out), float32."""


class Beside(NamedTuple):
    """The adapters of one group: the A of all its layers below each other, float32."""

    down: Any
    parts: tuple[Part, ...]

    def add_to(self, output: Any, states: Any) -> None:
        """Add `scale · B(A(states))` to a group's output, in place; the sum is made in float32."""
        narrow = states.float() @ self.down
        for part in self.parts:
            output[:, part.out].add_(narrow[:, part.rank] @ part.up)


Adapter = Sequence[Sequence[Beside | None]]
"""For each block and group what is added to it."""


def adapter(shape: LlamaShape, pairs: Pairs) -> Adapter:
    """An adapter as it is computed. Raises KeyError with the first layer that does not fit."""
    import torch

    left = dict(pairs)
    blocks: list[list[Beside | None]] = []
    for number in range(shape.layers):
        blocks.append([])
        for group in GROUPS:
            downs: list[Any] = []
            parts: list[Part] = []
            begin = rank = 0
            for name in group:
                rows, columns = _size(shape, name)
                layer = f"model.layers.{number}.{name}"
                if layer in left:
                    down, up, scale = left.pop(layer)
                    if (up.shape[0], down.shape[1]) != (rows, columns):
                        raise KeyError(layer)
                    above = rank + int(down.shape[0])
                    turned = (up.float() * scale).T.contiguous()
                    parts.append(Part(slice(begin, begin + rows), slice(rank, above), turned))
                    downs.append(down.float())
                    rank = above
                begin += rows
            group_down = torch.cat(downs).T if downs else None
            blocks[-1].append(Beside(group_down, tuple(parts)) if downs else None)
    if left:
        raise KeyError(min(left))
    return blocks


def product(weights: Sequence[Any]) -> Callable[[Any], Any]:
    """X → x · weightᵀ for weights below each other. In bfloat16 by oneDNN, where torch has it.

    oneDNN then has the weights in the order in which it multiplies, which spares most where few
    tokens pass at once, as while a reply is written.
    """
    import torch
    from torch.nn import functional

    weight = weights[0] if len(weights) == 1 else torch.cat(list(weights))
    if weight.dtype == torch.bfloat16 and torch.backends.mkldnn.is_available():
        one_dnn = cast(Any, torch.ops.mkldnn)
        try:
            packed = one_dnn._reorder_linear_weight(weight, None)
            one_dnn._linear_pointwise(weight[:1], packed, None, "none", [], "")
        except (AttributeError, RuntimeError):
            # These operators are torch's own, for its compiler: another release may lack them.
            pass
        else:
            return lambda x: one_dnn._linear_pointwise(x, packed, None, "none", [], "")
    return lambda x: functional.linear(x, weight)


def _size(shape: LlamaShape, name: str) -> tuple[int, int]:
    """Outputs and inputs of a linear layer."""
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    return {
        "q_proj": (queries, shape.width),
        "k_proj": (keys, shape.width),
        "v_proj": (keys, shape.width),
        "o_proj": (shape.width, queries),
        "gate_proj": (shape.inner, shape.width),
        "up_proj": (shape.inner, shape.width),
        "down_proj": (shape.width, shape.inner),
    }[name.rpartition(".")[2]]


def _object(file: Path) -> Config:
    """The object in a JSON file; empty where there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast(Config, found) if isinstance(found, dict) else {}

"""Training steps of LoRA on a plain Llama, written out: no graph is recorded.

The numbers are those of transformers and PEFT under autocast but for rounding. What one input goes
into is one product, and weights lie in the order in which oneDNN multiplies, both ways; rows stand
without padding and their common beginning once; gradients are computed of adapters alone; and
behind the last attention only the tokens that are scored go on
(docs/decisions/2026-11-29-training.md).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.tune.attention import Attention, Rows, Seen, rows_of
from eval.tune.examples import Tokens
from eval.tune.linear import Linear
from eval.tune.norm import Norm
from service.llama_weights import product

VERSION = "llama 1"
"""Another one means other rounding: adapters of before are not taken for this one's."""

LOGITS = 64
"""Tokens whose logits are there at once."""


def version(folder: Path, method: str) -> str:
    """`VERSION` where a base is trained by this module; empty where it is no plain Llama."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    rope: dict[str, Any] = config.get("rope_parameters") or config.get("rope_scaling") or {}
    plain = (
        config.get("model_type") == "llama"
        and config.get("architectures") in (None, ["LlamaForCausalLM"])
        and config.get("hidden_act", "silu") == "silu"
        and not any(config.get(name) for name in ("attention_bias", "mlp_bias"))
        and not config.get("attention_dropout")
        and not config.get("quantization_config")
        and rope.get("rope_type", rope.get("type", "default")) == "default"
    )
    return VERSION if plain and method == "lora" else ""


@dataclass(slots=True)
class _Kept:
    """What a layer's backward pass wants; each is a tensor of (tokens, width).

    `begin`: the states before the layer; `middle`: those between its halves.
    """

    begin: Any
    middle: Any
    scale: Any
    normal: Any
    inner: Any
    seen: list[Seen]
    found: Any
    found_inner: Any
    second_scale: Any = None
    second: Any = None
    wide_inner: Any = None
    wide: Any = None
    open: Any = None
    gated: Any = None
    gated_inner: Any = None


@dataclass(frozen=True, slots=True)
class _Way:
    """What all layers of a pass have in common; `turn`: see `Llama._turn`."""

    rows: Rows
    turn: tuple[Any, Any]
    attention: Attention


class Llama:
    """A wrapped model's training passes. It reads and writes the model's own adapter."""

    def __init__(self, model: Any) -> None:
        """Take over the frozen weights of PEFT's model; see `version` for which."""
        causal = model.get_base_model()
        inside, config = causal.model, causal.config
        self._rope = inside.rotary_emb
        self._words = inside.embed_tokens.weight.detach()
        width = inside.layers[0].self_attn.head_dim
        self._heads = (config.num_attention_heads, config.num_key_value_heads, width)
        self._attention = Attention(*self._heads)
        self._layers = [_Layer(layer) for layer in inside.layers]
        self._norm = Norm(inside.norm)
        head = causal.get_output_embeddings().weight.detach()
        self._head, self._head_back = product([head]), product([head.T.contiguous()])

    def loss(self, examples: Sequence[Tokens]) -> float:
        """Mean cross entropy of the completions' tokens; see `learn`."""
        import torch

        with torch.no_grad():
            self._load()
            rows = rows_of(examples)
            states, _ = self._forward(rows)
            return self._scored(self._norm.forward(states)[0], rows.targets, 0.0)[0]

    def learn(self, examples: Sequence[Tokens], share: float) -> float:
        """Add `share` × the loss's gradients to the adapter's `grad`; the loss, not weighed."""
        import torch

        with torch.no_grad():
            self._load()
            rows = rows_of(examples)
            states, kept = self._forward(rows)
            normal, scale = self._norm.forward(states)
            loss, slope = self._scored(normal, rows.targets, share)
            self._backward(self._norm.backward(slope, states, scale).to(states.dtype), rows, kept)
            return loss

    def _load(self) -> None:
        for layer in self._layers:
            layer.load()

    def _forward(self, rows: Rows) -> tuple[Any, Any]:
        """States of the scored tokens behind the last layer, and what the way back wants."""
        states = self._words[rows.ids]
        way = _Way(rows, self._turn(states, rows), self._attention)
        kept: list[_Kept] = []
        for layer in self._layers:
            states, one = layer.forward(states, way, self._only(layer, rows))
            kept.append(one)
        return states, (way, kept)

    def _backward(self, slope: Any, rows: Rows, kept: Any) -> None:
        way, layers = kept
        while layers:
            one = layers.pop()
            layer = self._layers[len(layers)]
            slope = layer.backward(slope, one, way, self._only(layer, rows), bool(layers))

    def _only(self, layer: "_Layer", rows: Rows) -> Any:
        """Which tokens go on behind a layer's attention: of the last one, those scored."""
        return rows.scored if layer is self._layers[-1] else None

    def _turn(self, states: Any, rows: Rows) -> tuple[Any, Any]:
        """Cosine and sine, (tokens, query and key heads, half a head); queries' are scaled too."""
        heads, key_heads, width = self._heads
        half = width // 2
        cos, sin = (one[0, :, None, :half] for one in self._rope(states, rows.places[None]))
        scale = states.new_ones(heads + key_heads, 1)
        scale[:heads] = width**-0.5
        return cos * scale, sin * scale

    def _scored(self, normal: Any, targets: Any, share: float) -> tuple[float, Any]:
        """The loss, and `share` of its gradient by the normal states; logits a few at a time."""
        import torch

        total = 0.0
        slopes = torch.empty_like(normal) if share else None
        for at in range(0, len(targets), LOGITS):
            wanted = targets[at : at + LOGITS, None]
            chances = self._head(normal[at : at + LOGITS]).float().log_softmax(-1)
            total -= float(chances.gather(1, wanted).sum())
            if slopes is not None:
                chances.exp_().scatter_add_(1, wanted, torch.full(wanted.shape, -1.0))
                slope = chances.mul_(share / len(targets)).to(normal.dtype)
                slopes[at : at + LOGITS] = self._head_back(slope)
        return total / len(targets), slopes


class _Layer:
    """Attention, then SwiGLU (2002.05202), each behind a norm and added to the states."""

    def __init__(self, layer: Any) -> None:
        attention, wide = layer.self_attn, layer.mlp
        self._first, self._second = (
            Norm(layer.input_layernorm),
            Norm(layer.post_attention_layernorm),
        )
        self._ask = Linear([attention.q_proj, attention.k_proj, attention.v_proj])
        self._found = Linear([attention.o_proj])
        self._widen = Linear([wide.gate_proj, wide.up_proj])
        self._narrow = Linear([wide.down_proj])

    def load(self) -> None:
        """See `Linear.load`."""
        for one in (self._ask, self._found, self._widen, self._narrow):
            one.load()

    def forward(self, states: Any, way: _Way, only: Any) -> tuple[Any, _Kept]:
        """States behind the layer, and what is kept of it.

        `only`: the tokens that go on behind the attention, None for all.
        """
        from torch.nn.functional import silu

        begin = states
        normal, scale = self._first.forward(states)
        asked, inner = self._ask.forward(normal)
        turned, values = _parts(asked, way.turn)
        heads = turned.shape[1] - values.shape[1]
        q, k = turned[:, :heads], turned[:, heads:]
        found, seen = way.attention.forward(q, k, values, way.rows)
        if only is not None:
            found, states = found[only], states[only]
        gained, found_inner = self._found.forward(found)
        middle = gained.add_(states)
        kept = _Kept(begin, middle, scale, normal, inner, seen, found, found_inner)
        kept.second, kept.second_scale = self._second.forward(middle)
        kept.wide, kept.wide_inner = self._widen.forward(kept.second)
        gate, value = kept.wide.chunk(2, dim=-1)
        kept.open = silu(gate)
        kept.gated = kept.open * value
        gained, kept.gated_inner = self._narrow.forward(kept.gated)
        return gained.add_(middle), kept

    def backward(self, slope: Any, kept: _Kept, way: _Way, only: Any, further: bool) -> Any:
        """The gradient of the layer's states from that behind it; None where not `further`."""
        import torch

        back: Any = torch.ops.aten.silu_backward
        gated = self._narrow.backward(slope, kept.gated, kept.gated_inner)
        gate, value = kept.wide.chunk(2, dim=-1)
        wide = torch.empty_like(kept.wide)
        of_gate, of_value = wide.chunk(2, dim=-1)
        torch.mul(gated, kept.open, out=of_value)
        back.grad_input(gated.mul_(value), gate, grad_input=of_gate)
        second = self._widen.backward(wide, kept.second, kept.wide_inner)
        slope = slope.add_(self._second.backward(second, kept.middle, kept.second_scale))
        found = self._found.backward(slope, kept.found, kept.found_inner)
        if only is not None:
            found = _scattered(found, only, len(kept.begin))
            slope = _scattered(slope, only, len(kept.begin))
        q, k, v = way.attention.backward(found, way.rows, kept.seen)
        asked = _whole(q, k, v, way.turn)
        first = self._ask.backward(asked, kept.normal, kept.inner, further=further)
        if not further:
            return None
        return slope.add_(self._first.backward(first, kept.begin, kept.scale))


def _scattered(some: Any, where: Any, count: int) -> Any:
    whole = some.new_zeros(count, some.shape[1])
    whole[where] = some
    return whole


def _parts(asked: Any, turn: Any) -> tuple[Any, Any]:
    """Queries and keys, turned by their places (RoPE, 2104.09864), and values, by heads."""
    import torch

    cos, sin = turn
    turning, half = cos.shape[1:]
    by_head = asked.view(len(asked), -1, 2 * half)
    left, right = by_head[:, :turning].chunk(2, dim=-1)
    turned = torch.empty_like(by_head[:, :turning], memory_format=torch.contiguous_format)
    one, other = turned.chunk(2, dim=-1)
    torch.mul(left, cos, out=one).addcmul_(right, sin, value=-1)
    torch.mul(right, cos, out=other).addcmul_(left, sin)
    return turned, by_head[:, turning:]


def _whole(q: Any, k: Any, v: Any, turn: Any) -> Any:
    """The way back of `_parts`, as one gradient of (tokens, all heads × width)."""
    import torch

    cos, sin = turn
    tokens, turning, half = cos.shape
    whole = q.new_empty(tokens, turning + v.shape[1], 2 * half)
    whole[:, turning:] = v
    for begin, part in ((0, q), (q.shape[1], k)):
        heads = slice(begin, begin + part.shape[1])
        left, right = part.chunk(2, dim=-1)
        one, other = whole[:, heads].chunk(2, dim=-1)
        torch.mul(left, cos[:, heads], out=one).addcmul_(right, sin[:, heads])
        torch.mul(right, cos[:, heads], out=other).addcmul_(left, sin[:, heads], value=-1)
    return whole.view(tokens, -1)

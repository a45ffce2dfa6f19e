"""A model of transformers in memory, such as one in training, as `service.llama` computes it."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from service.llama import Llama
from service.llama_weights import Adapter, LlamaShape, adapter

_LLAMA = "transformers.models.llama.modeling_llama.LlamaForCausalLM"


class Voice(NamedTuple):
    """A Llama, and the adapter that speaks beside it."""

    llama: Llama
    adapter: Adapter | None = None


class _Taken(NamedTuple):
    state: tuple[tuple[int, int], ...]
    llama: Llama


_TAKEN: WeakKeyDictionary[Any, _Taken] = WeakKeyDictionary()
"""The weights of a live base in the order of `service.llama`, till they change."""


def voice_of(model: Any) -> Voice | None:
    """A live model, with PEFT's LoRA or without, as it speaks now; None where it is another kind.

    The adapter's weights are read at each call. The base's are taken over once and again when they
    have changed, which doubles the memory that they take.
    """
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    # Not of a class that inherits from it: that may compute something else.
    if f"{type(base).__module__}.{type(base).__name__}" != _LLAMA:
        return None
    shape = LlamaShape.of({**base.config.to_dict(), "architectures": None})
    if shape is None or base.training or base.device.type != "cpu":
        return None
    layers = dict(base.named_modules())
    beside: dict[str, tuple[Any, Any, float]] = {}
    for name, layer in layers.items():
        if _is_of_peft(layer):
            found = _pair(layer)
            if found is None:
                return None
            if found:
                beside[name] = found[0]
    weights = dict(_weights(base))
    names = shape.names()
    if set(weights) - {"lm_head.weight"} != names - {"lm_head.weight"}:
        return None
    dtypes = {weight.dtype for weight in weights.values()}
    if len(dtypes) != 1 or not next(iter(dtypes)).is_floating_point:
        return None
    try:
        spoken = adapter(shape, beside) if beside else None
        return Voice(_taken(base, shape, weights, *dtypes), spoken)
    except (KeyError, RuntimeError):
        return None


def _is_of_peft(layer: Any) -> bool:
    return type(layer).__module__.startswith("peft.")


def _pair(layer: Any) -> list[tuple[Any, Any, float]] | None:
    """A, B and scale of the active adapter; empty where none is; None where it is no plain LoRA."""
    active = [name for name in layer.active_adapters if name in getattr(layer, "lora_A", {})]
    if (
        type(layer).__module__ != "peft.tuners.lora.layer"
        or type(layer).__name__ != "Linear"
        or layer.merged
        or layer.fan_in_fan_out
        or getattr(layer, "lora_variant", None)
        or len(active) > 1
    ):
        return None
    if layer.disable_adapters or not active:
        return []
    [name] = active
    down, up = layer.lora_A[name], layer.lora_B[name]
    if down.bias is not None or up.bias is not None:
        return None
    return [(down.weight.detach(), up.weight.detach(), float(layer.scaling[name]))]


def _weights(base: Any) -> Iterator[tuple[str, Any]]:
    """The base's own weights by their names without PEFT."""
    for name, weight in base.named_parameters():
        if ".lora_" not in name:
            yield name.replace(".base_layer.", "."), weight


def _taken(base: Any, shape: LlamaShape, weights: dict[str, Any], dtype: Any) -> Llama:
    # Each change in place counts a tensor's version up; another tensor lies elsewhere.
    state = tuple((weight.data_ptr(), weight._version) for weight in weights.values())
    known = _TAKEN.get(base)
    if known is None or known.state != state:
        _TAKEN.pop(base, None)
        known = _TAKEN[base] = _Taken(state, Llama(shape, weights, dtype))
    return known.llama

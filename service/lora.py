"""LoRA adapters beside a model's layers, for answering alone: no training code is loaded.

Hu et al. 2021 (2106.09685): a layer's output gains `scale · B(A(x))`. The base's weights stay as
they are, so that one base serves many adapters.
"""

import json
import math
from pathlib import Path
from typing import Any, cast

from service.llm import LLMError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_PREFIX = "base_model.model."

_PLAIN = {"use_dora": (False,), "bias": ("none",), "fan_in_fan_out": (False,)}
"""Settings of peft with the values that are understood here."""

_EMPTY = ("rank_pattern", "alpha_pattern", "modules_to_save", "layer_replication")


class Adapters:
    """The adapters of one model. `use` makes one of them active, or none."""

    def __init__(self, model: Any) -> None:
        """`model`: a causal model of transformers."""
        self._layers: dict[str, Any] = dict(model.named_modules())
        self._hooked: dict[str, dict[str, tuple[Any, Any, float]]] = {}
        self._active: str | None = None

    def add(self, name: str, folder: Path) -> None:
        """Load an adapter in peft's format. Raises `LLMError` where it is none for this model."""
        pairs = read_pairs(folder)
        for layer, (down, up, _) in pairs.items():
            module = self._layers.get(layer)
            shape = None if module is None else (module.out_features, module.in_features)
            if shape != (up.shape[0], down.shape[1]):
                raise another_base(folder, layer, self._layers[""].config.name_or_path)
        for layer, pair in pairs.items():
            if layer not in self._hooked:
                self._hooked[layer] = {}
                self._layers[layer].register_forward_hook(self._hook(self._hooked[layer]))
            self._hooked[layer][name] = pair

    def use(self, name: str | None) -> None:
        """Make an adapter the active one; None: the base alone."""
        self._active = name

    def _hook(self, pairs: dict[str, tuple[Any, Any, float]]) -> Any:
        def add(_: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            if self._active is None or self._active not in pairs:
                return output
            down, up, scale = pairs[self._active]
            return (output + inputs[0].float() @ down.T @ up.T * scale).to(output.dtype)

        return add


def read_pairs(folder: Path) -> dict[str, tuple[Any, Any, float]]:
    """An adapter in peft's format: a layer's name → A, B (both float32), and their scale.

    Raises `LLMError` where the folder holds none, or one that is not understood here.
    """
    scale, weights = _read(folder)
    pairs: dict[str, tuple[Any, Any, float]] = {}
    for key in sorted(weights):
        layer, _, part = key.removeprefix(_PREFIX).rpartition(".lora_")
        up = weights.get(f"{_PREFIX}{layer}.lora_B.weight")
        if part == "A.weight" and up is not None:
            pairs[layer] = (weights[key].float(), up.float(), scale)
    if not pairs or len(weights) != 2 * len(pairs):
        raise LLMError(
            f"the adapter {str(folder)!r} has weights beside LoRA's A and B, which are not "
            "understood here: train it with bias 'none' and without modules_to_save"
        )
    return pairs


def another_base(folder: Path, layer: str, place: str) -> LLMError:
    """What is said of an adapter with a layer that the model does not have in that shape."""
    return LLMError(
        f"the adapter {str(folder)!r} was trained on another base: its layer {layer!r} "
        f"is not one of {place!r} in that shape"
    )


def _read(folder: Path) -> tuple[float, dict[str, Any]]:
    """An adapter's scale and its tensors by name."""
    import safetensors.torch

    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        weights = cast(Any, safetensors.torch).load_file(str(folder / WEIGHTS))
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise LLMError(
            f"{str(folder)!r} holds no adapter in peft's format ({CONFIG}, {WEIGHTS}): {error}"
        ) from error
    for key, values in _PLAIN.items():
        if config.get(key, values[0]) not in values:
            raise LLMError(
                f"the adapter {str(folder)!r} has {key} = {config[key]!r}: only {values[0]!r} is "
                "understood here"
            )
    for key in _EMPTY:
        if config.get(key):
            raise LLMError(
                f"the adapter {str(folder)!r} has {key} = {config[key]!r}, which is not understood "
                "here"
            )
    rank = config["r"]
    divisor = math.sqrt(rank) if config.get("use_rslora") else rank
    return config["lora_alpha"] / divisor, weights

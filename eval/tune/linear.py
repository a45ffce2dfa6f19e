"""Linear layers in training that read one input: one product, their LoRA adapters in it.

y = W·x + s·B·(A·x) for each of them (LoRA: Hu et al., 2106.09685). W stays as it is, so its
gradient is never computed; those of A and B are written to the adapter's own parameters.
"""

from collections.abc import Sequence
from typing import Any

from service.llama_weights import product


class Linear:
    """PEFT's linear layers of one input, side by side; outputs stand in the order of the layers.

    `load` first, whenever the adapters' weights have changed.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        """Take the base's weights as they are, in an order of the processor's liking."""
        import torch

        bases = [layer.get_base_layer().weight.detach() for layer in layers]
        weight = torch.cat(bases)
        self._forward, self._backward = product([weight]), product([weight.T.contiguous()])
        self._downs = [layer.lora_A["default"].weight for layer in layers]
        self._ups = [layer.lora_B["default"].weight for layer in layers]
        self._scales = [float(layer.scaling["default"]) for layer in layers]
        ranks, widths = [len(one) for one in self._downs], [len(one) for one in bases]
        self._places = list(zip(_slices(widths), _slices(ranks), strict=True))
        self._down = weight.new_zeros(sum(ranks), weight.shape[1])
        self._up = weight.new_zeros(sum(widths), sum(ranks))

    def load(self) -> None:
        """Take over the adapters' weights, float32, rounded as the base's are."""
        ours = zip(self._places, self._downs, self._ups, self._scales, strict=True)
        for (out, inner), down, up, scale in ours:
            self._down[inner].copy_(down.detach())
            self._up[out, inner].copy_(up.detach()).mul_(scale)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Outputs, shape (tokens, all widths), and A·x, which `backward` wants."""
        inner = x @ self._down.T
        return self._forward(x).addmm_(inner, self._up.T), inner

    def backward(self, slope: Any, x: Any, inner: Any, *, further: bool = True) -> Any:
        """Add to the gradients of A and B; the gradient of `x`, or None where not `further`."""
        narrow = slope @ self._up
        downs, ups = narrow.T @ x, (inner.T @ slope).T
        ours = zip(self._places, self._downs, self._ups, self._scales, strict=True)
        for (out, place), down, up, scale in ours:
            _add(down, downs[place])
            _add(up, ups[out, place], scale)
        return self._backward(slope).addmm_(narrow, self._down) if further else None


def _slices(widths: Sequence[int]) -> list[slice]:
    ends = [sum(widths[: at + 1]) for at in range(len(widths))]
    return [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]


def _add(weight: Any, slope: Any, scale: float = 1.0) -> None:
    gradient = slope.float().mul_(scale) if scale != 1.0 else slope.float()
    if weight.grad is None:
        weight.grad = gradient.contiguous()
    else:
        weight.grad.add_(gradient)

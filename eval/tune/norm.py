"""Root mean square normalisation in training, its backward pass written out."""

from typing import Any, cast


class Norm:
    """RMSNorm (1910.07467), computed in float32 as transformers does."""

    def __init__(self, layer: Any) -> None:
        self._weight = layer.weight.detach()
        self._eps = float(layer.variance_epsilon)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """The normal states, and what each token was multiplied with, float32, (tokens, 1)."""
        import torch

        length_of = cast(Any, torch.linalg).vector_norm
        norm = length_of(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = norm.square_().div_(x.shape[-1]).add_(self._eps).rsqrt_()
        return (x * scale).to(x.dtype).mul_(self._weight), scale

    def backward(self, slope: Any, x: Any, scale: Any) -> Any:
        """The gradient of `x`, float32."""
        import torch

        weighed = slope * self._weight
        along = (weighed * x).sum(-1, keepdim=True, dtype=torch.float32)
        back = weighed * scale
        return back.sub_(x * (along * scale.pow(3) / x.shape[-1]))

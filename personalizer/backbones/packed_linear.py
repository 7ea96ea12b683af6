"""Matrix products with weights that never change, packed once for the CPU; gradients reach the input alone.

torch lays a weight out anew in every product, since it may have changed in between. oneDNN can keep it laid out, and
does not depend on who made the CPU as MKL does. Knows linear layers, no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

MAX_PACKED_MIB = 512
"""Packing holds each weight twice more: for the product and for its gradient."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedLinear:
    """`input · weightᵀ + bias` of one linear layer."""

    weight: torch.Tensor
    transposed: torch.Tensor
    bias: torch.Tensor | None

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = _PackedProduct.apply(values, self)
        return result


class _PackedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, layer: PackedLinear) -> torch.Tensor:
        ctx.layer = layer
        return _product(values, layer.weight, layer.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _product(gradients[0], ctx.layer.transposed, None), None


def _product(values: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(values, packed, bias, "none", [], "")
    return product


class PackedLinears:
    """The linear layers of a frozen module; packed at the first use, and used within `applied`."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._packed: dict[nn.Linear, PackedLinear] | None = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the layers compute by packed weights, and as before afterwards. Does nothing where that is impossible."""
        if self._packed is None:
            self._packed = _pack(self._module)
        try:
            for layer, packed in self._packed.items():
                layer.forward = packed
            yield
        finally:
            for layer in self._packed:
                layer.__dict__.pop("forward", None)


def _pack(module: nn.Module) -> dict[nn.Linear, PackedLinear]:
    # Not of subclasses, such as quantized ones: they compute something else.
    layers = [layer for layer in module.modules() if type(layer) is nn.Linear]
    size_mib = 2 * sum(layer.weight.numel() * 4 for layer in layers) / 2**20
    packable = all(
        layer.weight.device.type == "cpu"
        and layer.weight.dtype == torch.float32
        and not layer.weight.requires_grad
        for layer in layers
    )
    # Private to torch, whose version is pinned; without them the layers stay what they are.
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise") and hasattr(
        torch.ops.mkldnn, "_reorder_linear_weight"
    )
    if not (packable and known and torch.backends.mkldnn.is_available() and size_mib <= MAX_PACKED_MIB):
        return {}
    return {
        layer: PackedLinear(
            _reordered(layer.weight.detach()),
            _reordered(layer.weight.detach().t().contiguous()),
            None if layer.bias is None else layer.bias.detach(),
        )
        for layer in layers
    }


def _reordered(weight: torch.Tensor) -> torch.Tensor:
    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, None)
    return packed

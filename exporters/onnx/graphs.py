"""The parts of a backbone as torch modules with flat tensors in and out, to be traced for ONNX or run in torch.

Knows no family, no file and no runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import DynamicCache

from personalizer.backbones.base import Backbone


class DecoderGraph(nn.Module):
    """One step of the decoder over a flat key/value cache."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.language_model = backbone.language_model
        self.layers = backbone.spec.layers

    def forward(
        self,
        inputs_embeds: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past: list[torch.Tensor],
    ) -> tuple[torch.Tensor, ...]:
        """Run `[batch, seq, hidden]` after `past`.

        `attention_mask` is int64 `[batch, past + seq]`, 0 where there is no token; `position_ids` int64
        `[batch, seq]`; `past` is key 0, value 0, key 1, … each `[batch, kv_heads, past, head_dim]`.
        Returns the hidden states `[batch, seq, hidden]` and the same list grown by `seq`.
        """
        cache = DynamicCache()
        for layer in range(self.layers):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        bias = _attention_bias(attention_mask, inputs_embeds.shape[1], inputs_embeds.dtype)
        output = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=bias,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        )
        grown: list[Any] = cache.layers
        present = [tensor for layer in grown for tensor in (layer.keys, layer.values)]
        return (output.last_hidden_state, *present)


def _attention_bias(mask: torch.Tensor, new: int, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the attention scores, `[batch, 1, new, past + new]`: causal, and blind to padding.

    Built here because a ready four-dimensional mask passes through transformers untouched, so that the graph
    does not depend on how its mask helpers are traced.
    """
    total = mask.shape[1]
    keys = torch.arange(total, device=mask.device)
    queries = torch.arange(new, device=mask.device) + (total - new)
    visible = (keys[None, :] <= queries[:, None])[None, None] & (mask[:, None, None, :] != 0)
    return torch.where(visible, 0.0, torch.finfo(dtype).min).to(dtype)


class MethodGraph(nn.Module):
    """One method of a backbone as a module that can be traced: a head, the image encoder or the pixel
    decoder.

    The backbone's modules are registered because tracing takes only parameters of registered modules for
    weights.
    """

    def __init__(self, backbone: Backbone, method: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._call = method
        for name, module in backbone.modules.items():
            self.add_module(f"part_{name}", module)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Whatever the method returns for `values`."""
        return self._call(values)

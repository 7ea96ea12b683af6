"""Deep prompt tuning (P-tuning v2, arXiv 2110.07602): offsets to the prompt's keys and values in the first layers.

The backbone runs the prompt unchanged, then the offsets are added to its cache. All later tokens read that cache, so
serving needs no other graph and no more time per token. This module knows no training loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from personalizer.backbones.base import Backbone
from personalizer.training.data.examples import TEXT, VIRTUAL

Position = tuple[int, int]
"""One position of a personal prompt: its kind, TEXT or VIRTUAL, and its value."""


def prompt_cache(backbone: Backbone, prompt: Sequence[Position], virtual_tokens: torch.Tensor) -> Any:
    """The cache of a personal prompt, begin tokens included; `virtual_tokens` `[num_virtual_tokens, hidden]`."""
    embedded = [
        backbone.embed_text(torch.tensor([value]))[0] if kind == TEXT else virtual_tokens[value]
        for kind, value in prompt
    ]
    cache = backbone.new_cache()
    embeddings = torch.stack([embedding.to(embedded[0].dtype) for embedding in embedded])
    backbone.forward(embeddings[None], None, cache)
    return cache


@torch.no_grad()
def initialize_deep_prompts(
    backbone: Backbone, prompt: Sequence[Position], virtual_tokens: torch.Tensor, layers: int
) -> torch.Tensor:
    """Keys and values of the virtual tokens without offsets, `[layers, 2, num_virtual_tokens, kv_heads * head_dim]`."""
    positions = virtual_token_positions(prompt)
    cache = prompt_cache(backbone, prompt, virtual_tokens)
    in_order = [positions[index] for index in range(len(virtual_tokens))]
    return backbone.keys_values_at(cache, in_order, layers).float()


def add_deep_prompts(
    backbone: Backbone, cache: Any, prompt: Sequence[Position], deep_prompts: torch.Tensor
) -> Any:
    """The cache of a personal prompt with the offsets `[layers, 2, num_virtual_tokens, kv_heads * head_dim]` added."""
    positions = virtual_token_positions(prompt)
    return backbone.add_cache_offsets(cache, list(positions.values()), deep_prompts[:, :, list(positions)])


def virtual_token_positions(prompt: Sequence[Position]) -> dict[int, int]:
    """The position of each virtual token in a personal prompt, by its index."""
    return {value: position for position, (kind, value) in enumerate(prompt) if kind == VIRTUAL}

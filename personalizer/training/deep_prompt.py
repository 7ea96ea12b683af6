"""Deep rows: what a concept adds to the keys and values of its personal prompt in the backbone's first layers.

The prompt is run as it is and its cache is moved afterwards. Everything behind reads the moved cache, so that serving
needs no other graph and costs nothing more per token. Knows caches and rows, no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from personalizer.backbones.base import Backbone
from personalizer.training.data.examples import ROW, TEXT

Position = tuple[int, int]
"""What stands somewhere in a personal prompt: its kind, TEXT or ROW, and its value."""


def prompt_cache(backbone: Backbone, prompt: Sequence[Position], rows: torch.Tensor) -> Any:
    """The cache of a personal prompt, begin tokens included, with `rows` `[rows, hidden]` in it."""
    embedded = [
        backbone.embed_text(torch.tensor([value]))[0] if kind == TEXT else rows[value]
        for kind, value in prompt
    ]
    cache = backbone.new_cache()
    backbone.forward(torch.stack([one.to(embedded[0].dtype) for one in embedded])[None], None, cache)
    return cache


@torch.no_grad()
def deep_start(
    backbone: Backbone, prompt: Sequence[Position], rows: torch.Tensor, layers: int
) -> torch.Tensor:
    """The keys and values that the rows have by themselves, `[layers, 2, rows, kv_heads * head_dim]`."""
    places = row_places(prompt)
    cache = prompt_cache(backbone, prompt, rows)
    return backbone.cached(cache, [places[row] for row in range(len(rows))], layers).float()


def moved(backbone: Backbone, cache: Any, prompt: Sequence[Position], deep_rows: torch.Tensor) -> Any:
    """The cache of a personal prompt with `deep_rows` `[layers, 2, rows, kv_heads * head_dim]` added to it."""
    places = row_places(prompt)
    return backbone.add_cache_offsets(cache, list(places.values()), deep_rows[:, :, list(places)])


def row_places(prompt: Sequence[Position]) -> dict[int, int]:
    """Where each row stands in a personal prompt, by row."""
    return {value: place for place, (kind, value) in enumerate(prompt) if kind == ROW}

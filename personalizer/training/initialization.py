"""Initialization of a prefix's virtual tokens from the concept's pictures. Knows no training loop."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from personalizer.backbones.base import Backbone

Initialization = Literal["pieces", "mean", "random"]
INITIALIZATIONS: tuple[Initialization, ...] = get_args(Initialization)
_ROUNDS = 10
"""Iterations of k-means, which converges on a few dozen pictures within these."""


@torch.no_grad()
def initialize_tokens(
    backbone: Backbone, positives: torch.Tensor, count: int, initialization: Initialization, seed: int
) -> torch.Tensor:
    """Input embeddings `[count, hidden]`, from the codes `[n, tokens]` of the concept's own pictures.

    The name token begins as a free token of the vocabulary. The others begin as `pieces`: embeddings of single image
    codes, which the backbone can already read; as `mean`: k-means centers of these embeddings; or as `random` values of
    the same size.
    """
    embedded = backbone.embed_image_codes(positives).float()
    tokens = _spread_pieces(embedded, count - 1)
    if initialization == "mean":
        tokens = _k_means(embedded.flatten(0, 1), tokens)
    elif initialization == "random":
        size = embedded.pow(2).mean().sqrt()
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randn(tokens.shape, generator=generator).to(embedded.device) * size
    return torch.cat([backbone.name_prior().to(tokens)[None], tokens])


def _spread_pieces(embedded: torch.Tensor, count: int) -> torch.Tensor:
    """Choose `[count, hidden]` of `[n, tokens, hidden]`, spread over all pictures and positions."""
    pictures, tokens = embedded.shape[0], embedded.shape[1]
    positions = torch.linspace(0, tokens - 1, count).round().long().tolist()
    chosen = [embedded[index * pictures // count, position] for index, position in enumerate(positions)]
    return torch.stack(chosen)


def _k_means(pieces: torch.Tensor, centers: torch.Tensor) -> torch.Tensor:
    """k-means of `[pieces, hidden]` from the initial `centers` `[count, hidden]`; an empty group keeps its center."""
    for _ in range(_ROUNDS):
        nearest = torch.cdist(pieces, centers).argmin(dim=1)
        members = torch.nn.functional.one_hot(nearest, len(centers)).to(pieces)
        sizes = members.sum(dim=0)[:, None]
        centers = torch.where(sizes > 0, members.T @ pieces / sizes.clamp_min(1), centers)
    return centers

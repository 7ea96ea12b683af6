"""What the rows of a prefix begin as, before anything is learned. Knows the concept's pictures, and no training."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from personalizer.backbones.base import Backbone

Start = Literal["pieces", "mean", "random"]
STARTS: tuple[Start, ...] = get_args(Start)
_ROUNDS = 10
"""Of k-means; a few dozen pictures have settled by then."""


@torch.no_grad()
def starting_rows(
    backbone: Backbone, positives: torch.Tensor, count: int, start: Start, seed: int
) -> torch.Tensor:
    """`[count, hidden]`, from the codes `[n, tokens]` of the concept's own pictures.

    The name comes from the vocabulary's free rows. The others are `pieces` of the pictures, because their codes are
    what the backbone knows how to read; the `mean` of each of as many groups of alike pieces; or `random` values of
    the pieces' size.
    """
    embedded = backbone.embed_image_codes(positives).float()
    rows = _spread_pieces(embedded, count - 1)
    if start == "mean":
        rows = _means_of_groups(embedded.flatten(0, 1), rows)
    elif start == "random":
        size = embedded.pow(2).mean().sqrt()
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(rows.shape, generator=generator).to(embedded.device) * size
    return torch.cat([backbone.name_prior().to(rows)[None], rows])


def _spread_pieces(embedded: torch.Tensor, count: int) -> torch.Tensor:
    """Of `[n, tokens, hidden]`, pieces from all pictures and places, `[count, hidden]`."""
    pictures, tokens = embedded.shape[0], embedded.shape[1]
    places = torch.linspace(0, tokens - 1, count).round().long()
    chosen = [embedded[index * pictures // count, place] for index, place in enumerate(places.tolist())]
    return torch.stack(chosen)


def _means_of_groups(pieces: torch.Tensor, centers: torch.Tensor) -> torch.Tensor:
    """k-means of `[pieces, hidden]` that begins at `centres` `[count, hidden]`; an empty group keeps its centre."""
    for _ in range(_ROUNDS):
        nearest = torch.cdist(pieces, centers).argmin(dim=1)
        members = torch.nn.functional.one_hot(nearest, len(centers)).to(pieces)
        sizes = members.sum(dim=0)[:, None]
        centers = torch.where(sizes > 0, members.T @ pieces / sizes.clamp_min(1), centers)
    return centers

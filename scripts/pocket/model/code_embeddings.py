"""Rows of image codes as a free part plus one vector for each level of each axis, while the language model trains.

Neighbouring codes differ by one level of one axis. Every vector of a level learns from hundreds of codes, where a row
alone would see its code a few times in an hour. Merged into ordinary rows before the checkpoint is written.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers import ChameleonForConditionalGeneration


class SharedLevels(nn.Module):
    """Adds, to the rows `first_code …`, the sum of the vectors of their levels."""

    membership: torch.Tensor

    def __init__(self, levels: tuple[int, ...], first_code: int, width: int, size: float) -> None:
        super().__init__()
        starts = [sum(levels[:axis]) for axis in range(len(levels))]
        codes = torch.tensor(list(product(*(range(level) for level in levels))))
        membership = torch.zeros(len(codes), sum(levels))
        membership.scatter_(1, codes + torch.tensor(starts), 1.0)
        self.register_buffer("membership", membership, persistent=False)
        self.first_code = first_code
        self.vectors = nn.Parameter(torch.randn(sum(levels), width) * size)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """`[vocabulary, width]` → the same, with the shared part added."""
        shared = self.membership @ self.vectors
        after = rows.shape[0] - self.first_code - len(shared)
        return rows + nn.functional.pad(shared, (0, 0, self.first_code, after))


def share_levels(
    model: ChameleonForConditionalGeneration, levels: tuple[int, ...], first_code: int, *, empty: bool = False
) -> None:
    """Give the input and output rows of the image codes their shared parts; `empty` ones change nothing yet."""
    for rows in (model.get_input_embeddings(), model.lm_head):
        assert isinstance(rows, nn.Embedding | nn.Linear)
        width = rows.weight.shape[1]
        parametrize.register_parametrization(
            rows, "weight", SharedLevels(levels, first_code, width, 0.0 if empty else 0.02)
        )


def merge_levels(model: ChameleonForConditionalGeneration) -> None:
    """Undo `share_levels`, keeping the values."""
    for rows in (model.get_input_embeddings(), model.lm_head):
        assert isinstance(rows, nn.Module)
        parametrize.remove_parametrizations(rows, "weight", leave_parametrized=True)

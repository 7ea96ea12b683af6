"""Stand-ins for another concept in the context, so that a prefix learns to be asked for beside others.

A stand-in is made of pieces of a picture, as the rows of every concept are in the beginning, moved as far as training
moves rows. Knows no library: real other prefixes change without this one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.prefix.prompts import personal_prompt
from personalizer.training.data.examples import ExampleBuilder
from personalizer.training.deep_prompt import moved, prompt_cache
from personalizer.training.initialization import starting_rows


class DistractorPrompts:
    """Personal prompts of things that are not there; `pictures` `[n, tokens]` are codes of other things."""

    def __init__(
        self, backbone: Backbone, prefix: DualPrefix, builder: ExampleBuilder, pictures: torch.Tensor
    ) -> None:
        self._backbone = backbone
        self._prefix = prefix
        self._pictures = pictures
        self._positions = builder.beginning(personal_prompt())

    def sample_prompt_cache(self, rng: np.random.Generator) -> Any:
        """The cache of the begin tokens and one personal prompt behind them."""
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        with torch.no_grad():
            rows = starting_rows(self._backbone, picture[None], self._prefix.config.rows, "pieces", 0)
            size = self._prefix.input_offset.pow(2).mean().sqrt() * self._prefix.input_scale
            cache = prompt_cache(self._backbone, self._positions, rows + size * _noise(rng, rows))
            deep = self._prefix.deep_rows
            if deep is not None:
                size = deep.pow(2).mean(dim=(2, 3), keepdim=True).sqrt()
                cache = moved(self._backbone, cache, self._positions, size * _noise(rng, deep))
        return cache


def _noise(rng: np.random.Generator, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(like.shape)).astype(np.float32)).to(like.device)

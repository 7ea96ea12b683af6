"""Distractor prompts: made-up concepts in the context, so that a prefix learns to answer beside others.

A distractor's virtual tokens are initialized from a picture, like those of every concept, plus noise as large as the
offsets that this prefix has learned. Real prefixes of other concepts are not used, because they change independently.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.prefix.prompts import personal_prompt
from personalizer.training.data.examples import ExampleBuilder
from personalizer.training.deep_prompt import add_deep_prompts, prompt_cache
from personalizer.training.initialization import initialize_tokens


class DistractorPrompts:
    """Samples distractor prompts; `pictures` `[n, tokens]` are codes of pictures that do not show the concept."""

    def __init__(
        self, backbone: Backbone, prefix: DualPrefix, builder: ExampleBuilder, pictures: torch.Tensor
    ) -> None:
        self._backbone = backbone
        self._prefix = prefix
        self._pictures = pictures
        self._positions = builder.prompt_positions(personal_prompt())

    def sample_prompt_cache(self, rng: np.random.Generator) -> Any:
        """The cache of the begin tokens and one distractor prompt."""
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        with torch.no_grad():
            count = self._prefix.config.num_virtual_tokens
            tokens = initialize_tokens(self._backbone, picture[None], count, "pieces", 0)
            size = self._prefix.input_offset.pow(2).mean().sqrt() * self._prefix.input_scale
            cache = prompt_cache(self._backbone, self._positions, tokens + size * _noise(rng, tokens))
            deep = self._prefix.deep_prompts
            if deep is not None:
                size = deep.pow(2).mean(dim=(2, 3), keepdim=True).sqrt()
                cache = add_deep_prompts(self._backbone, cache, self._positions, size * _noise(rng, deep))
        return cache


def _noise(rng: np.random.Generator, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(like.shape)).astype(np.float32)).to(like.device)

"""Chooses the next token: greedily, or sampled by temperature and top-k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from personalizer.errors import UsageError
from personalizer.schemas import Float32Array, Int64Array


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; a temperature of 0 takes the likeliest."""

    temperature: float = 0.0
    top_k: int = 0
    """Only the likeliest `top_k` take part; 0 means all."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "top_k", "seed"):
            value = getattr(self, name)
            if not value >= 0:
                raise UsageError(
                    tried="choosing tokens", found=f"{name} is {value}", fix=f"Use a {name} of 0 or more."
                )


def sample_next_token(
    logits: Float32Array, sampling: Sampling, uniform: npt.NDArray[np.float64]
) -> Int64Array:
    """The next token `[batch]` from `[batch, vocabulary]`: its distribution inverted at `uniform`."""
    if sampling.temperature == 0:
        return np.asarray(logits.argmax(axis=-1), dtype=np.int64)
    scaled = logits.astype(np.float64) / sampling.temperature
    if 0 < sampling.top_k < scaled.shape[-1]:
        threshold = np.partition(scaled, -sampling.top_k, axis=-1)[:, -sampling.top_k, None]
        scaled = np.where(scaled < threshold, -np.inf, scaled)
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(weights, axis=-1)
    drawn = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=-1)
    return np.asarray(np.minimum(drawn, logits.shape[-1] - 1), dtype=np.int64)

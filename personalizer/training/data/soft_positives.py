"""Ranks pictures that look like a concept and assigns each the number of generation tokens that it trains.

Soft positives keep a prefix from memorizing a handful of photos: the more similar a picture, the more generation tokens
it trains; only true positives train all (arXiv 2504.20998). This module works on vectors and knows no pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personalizer.schemas import Float32Array


@dataclass(frozen=True, slots=True)
class SoftPositive:
    """A candidate's index, its cosine similarity to the positives, and how many generation tokens it trains."""

    index: int
    similarity: float
    tokens: int


def rank_soft_positives(
    positives: Float32Array, candidates: Float32Array, *, count: int, groups: int, generation_tokens: int
) -> list[SoftPositive]:
    """The `count` most similar candidates, most similar first, in `groups` with fewer and fewer tokens.

    `positives` `[p, dim]` and `candidates` `[c, dim]` are unit vectors. The most similar group gets `groups / (groups +
    1)` of the tokens, so that only true positives use all; the last group gets the fewest, at least one. With a single
    generation token the result is empty. Ties keep the candidates' order.
    """
    if not len(candidates) or not len(positives) or count <= 0 or generation_tokens < 2:
        return []
    prototype = positives.mean(axis=0)
    prototype /= max(float(np.linalg.norm(prototype)), 1e-12)
    similarity = candidates @ prototype
    order = np.argsort(-similarity, kind="stable")[:count]
    ranked = []
    for rank, index in enumerate(order):
        group = rank * groups // len(order)
        tokens = max(1, (groups - group) * generation_tokens // (groups + 1))
        ranked.append(SoftPositive(int(index), float(similarity[index]), tokens))
    return ranked

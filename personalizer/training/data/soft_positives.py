"""Ranks pictures that merely look like a concept and says how many generation rows each one trains.

Soft positives keep a handful of photos from being memorised: the more similar a picture is, the more of the
generation rows describe it; only true positives get all of them (arXiv 2504.20998). Knows vectors, no pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personalizer.schemas import Float32Array


@dataclass(frozen=True, slots=True)
class SoftPositive:
    """A candidate by its index, its cosine similarity to the positives, and the first rows that it trains."""

    index: int
    similarity: float
    rows: int


def rank_soft_positives(
    positives: Float32Array, candidates: Float32Array, *, count: int, groups: int, generation_rows: int
) -> list[SoftPositive]:
    """The `count` most similar candidates, most similar first, in `groups` of falling row counts.

    `positives` `[p, dim]` and `candidates` `[c, dim]` are unit vectors. The group of the most similar gets
    `groups / (groups + 1)` of the rows, so that only true positives ever use all; the last group gets the fewest, at
    least one; a single row cannot be divided, and nothing is ranked. Ties keep the candidates' order.
    """
    if not len(candidates) or not len(positives) or count <= 0 or generation_rows < 2:
        return []
    prototype = positives.mean(axis=0)
    prototype /= max(float(np.linalg.norm(prototype)), 1e-12)
    similarity = candidates @ prototype
    order = np.argsort(-similarity, kind="stable")[:count]
    ranked = []
    for place, index in enumerate(order):
        group = place * groups // len(order)
        rows = max(1, (groups - group) * generation_rows // (groups + 1))
        ranked.append(SoftPositive(int(index), float(similarity[index]), rows))
    return ranked

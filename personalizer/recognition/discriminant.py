"""A linear classifier of one thing against general pictures, from the vectors of its members.

Ridge regression in closed form: the part of the general pictures is inverted once, and each concept is a low-rank
update (Woodbury). Knows vectors; knows no library and no probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from personalizer.schemas import Float32Array, FloatArray

RIDGE = 0.01
"""On unit vectors, whose features have variances of about 1 / dim."""
_BIAS_RIDGE = 1e-8
"""So small that the bias is as good as free, and the normal equations can still be inverted."""
FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """Scores about 1 for the thing and -1 for general pictures."""

    weights: Float32Array
    bias: float

    def scores(self, vectors: Float32Array) -> Float32Array:
        """`[n]` of unit `vectors` `[n, dim]`."""
        scored: Float32Array = vectors @ self.weights + np.float32(self.bias)
        return scored


class Contrast:
    """Vectors of general pictures `[n, dim]`, the negatives. Both classes have the same total weight."""

    def __init__(self, general: Float32Array) -> None:
        self._general = general

    @cached_property
    def _inverse(self) -> FloatArray:
        """Of the regularised normal matrix of the general pictures, `[dim + 1, dim + 1]`."""
        rows = _with_one(self._general)
        ridge = np.full(rows.shape[1], RIDGE)
        ridge[-1] = _BIAS_RIDGE
        return np.asarray(np.linalg.inv(rows.T @ rows * (0.5 / len(rows)) + np.diag(ridge)))

    @cached_property
    def _pull(self) -> FloatArray:
        return np.asarray(-0.5 * _with_one(self._general).mean(axis=0))

    def learn(
        self, members: Sequence[Float32Array], rejected: Float32Array | None = None
    ) -> tuple[Discriminant, FloatArray]:
        """The discriminant of a thing, and what each member scores when it is left out, `[members]`.

        `members` holds each member's views `[views, dim]`, of which a score is the best; `rejected` `[n, dim]` are
        vectors of what it is not, each as important as a view. A single member cannot be left out: `[0]`.
        """
        rows = _with_one(np.concatenate(list(members)))
        owner = np.repeat(np.arange(len(members)), [len(views) for views in members])
        against = _with_one(rejected) if rejected is not None and len(rejected) else rows[:0]
        solved = np.concatenate([rows, against]) @ self._inverse
        whole = self._solve(rows, against, solved)
        discriminant = Discriminant(whole[:-1].astype(np.float32), float(whole[-1]))
        if len(members) < 2:
            return discriminant, np.zeros(0)
        left_out = np.zeros(len(members))
        fold_of = np.arange(len(members)) % FOLDS if len(members) > FOLDS else np.arange(len(members))
        for fold in range(int(fold_of.max()) + 1):
            kept = fold_of[owner] != fold
            using = np.concatenate([kept, np.ones(len(against), dtype=np.bool_)])
            solution = self._solve(rows[kept], against, solved[using])
            scores = rows @ solution
            for member in np.flatnonzero(fold_of == fold):
                left_out[member] = scores[owner == member].max()
        return discriminant, left_out

    def _solve(self, positive: FloatArray, negative: FloatArray, solved: FloatArray) -> FloatArray:
        """Weights and bias `[dim + 1]`; `solved` are the rows of both, times the inverse."""
        each = 0.5 / len(positive)
        weight = np.full(len(positive) + len(negative), each)
        # However much was rejected, it weighs no more than the general pictures do.
        weight[len(positive) :] = min(each, 0.5 / max(1, len(negative)))
        signed = weight.copy()
        signed[len(positive) :] *= -1
        rows = np.concatenate([positive, negative])
        start = self._inverse @ self._pull + solved.T @ signed
        root = np.sqrt(weight)[:, None]
        inner = np.eye(len(rows)) + (root * rows) @ (root * solved).T
        correction = np.linalg.solve(inner, root[:, 0] * (rows @ start))
        return np.asarray(start - (root * solved).T @ correction)


def _with_one(vectors: Float32Array) -> FloatArray:
    """`[n, dim + 1]`, in float64: the normal matrix is nearly singular where features never vary."""
    return np.concatenate([vectors.astype(np.float64), np.ones((len(vectors), 1))], axis=1)

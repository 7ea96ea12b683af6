"""The network that turns pieces into a vector, in numpy: Google's multilingual Universal Sentence Encoder, version 3
(arXiv 1907.04307), the variant that averages features of words and of two to five neighbors.

Knows arrays, no text and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from personalizer.schemas import Float32Array

WIDTH = 512
_BRANCH_WIDTH = 256
_BRANCHES = ((2, 0), (3, 1), (5, 2))
"""Of each convolution, how many neighboring pieces it sees, and how many of these stand to the left."""
_PIECES_AT_ONCE = 512
"""Sentences are taken together up to that many pieces: weights are read once for all of them."""

Tensors = Mapping[str, npt.NDArray[Any]]
Indices = npt.NDArray[np.int64]
Product = Callable[[Float32Array, Float32Array], Float32Array]
"""Of two matrices. Not numpy's: that takes every core for the smallest of them, and waits where others work."""


class SentenceNetwork:
    """Weights, and the way through them.

    The embedding of a piece is stored as whole numbers of 6 bits with the scale of its group.
    """

    def __init__(self, tensors: Tensors, product: Product) -> None:
        self._product = product
        self._rows: npt.NDArray[np.uint8] = tensors["rows"]
        self._groups: npt.NDArray[np.uint8] = tensors["groups"]
        self._scales, self._lows = tensors["scale"], tensors["lo"]
        self._weights = {name: tensors[name] for name in tensors}
        self._epsilon = float(tensors["eps"])

    def vectors(self, sentences: Sequence[Sequence[int]]) -> Float32Array:
        """A row of length 1 for each sentence, given as numbers of pieces, of which each has at least one."""
        out = np.empty((len(sentences), WIDTH), dtype=np.float32)
        for first, end in pairwise(_batch_bounds([len(numbers) for numbers in sentences])):
            out[first:end] = self._batch(sentences[first:end])
        return out

    def _batch(self, sentences: Sequence[Sequence[int]]) -> Float32Array:
        lengths = np.array([len(numbers) for numbers in sentences], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        features = self._features(np.concatenate([np.asarray(one) for one in sentences]), starts, lengths)
        # Summing before the projection, which is linear, projects one row for each sentence instead of each piece.
        sizes = lengths.astype(np.float32)[:, None]
        mean = (
            self._times(np.add.reduceat(features, starts, axis=0), "cnn_W") + sizes * self._weights["cnn_b"]
        )
        mean /= np.sqrt(sizes)
        first = _relu(self._times(_relu(self._times(mean, "d0")), "d1") + self._times(mean, "p1"))
        last = np.tanh(self._times(first, "p3") + self._times(_relu(self._times(first, "d2")), "d3"))
        vectors: Float32Array = last / np.maximum(np.linalg.norm(last, axis=1, keepdims=True), self._epsilon)
        return vectors

    def _features(self, numbers: Indices, starts: Indices, lengths: Indices) -> Float32Array:
        """`[pieces, 1280]`: each piece's embedding, and what each convolution makes of it and its neighbors."""
        groups = self._groups[numbers]
        embeddings: Float32Array = (
            self._rows[numbers].astype(np.float32) * self._scales[groups, None] + self._lows[groups, None]
        )
        weights = self._weights
        joined = self._normalized(
            np.concatenate(
                [self._times(embeddings, f"proj{n}") + weights[f"proj_b{n}"] for n, _ in _BRANCHES], 1
            ),
            np.concatenate([weights[f"ln_g{n}"] for n, _ in _BRANCHES]),
            np.concatenate([weights[f"ln_b{n}"] for n, _ in _BRANCHES]),
        )
        branches = zip(_BRANCHES, np.split(joined, len(_BRANCHES), axis=1), strict=True)
        convolved = [
            self._convolved(row, size, _neighbors(starts, lengths, size, left))
            for (size, left), row in branches
        ]
        features = np.concatenate([embeddings, *convolved], axis=1)
        return self._normalized(features, weights["ln_g"], weights["ln_b"])

    def _convolved(self, row: Float32Array, size: int, places: Indices) -> Float32Array:
        """Two convolutions over a piece and its neighbors, each added to what it saw."""
        for layer in (1, 2):
            padded = np.concatenate([row, np.zeros((1, _BRANCH_WIDTH), np.float32)])
            seen = padded[places].reshape(len(row), -1)
            row = row + _relu(self._times(seen, f"w{layer}_{size}") + self._weights[f"b{layer}_{size}"])
        return row

    def _times(self, rows: Float32Array, name: str) -> Float32Array:
        return self._product(rows, self._weights[name])

    def _normalized(self, rows: Float32Array, gain: Float32Array, bias: Float32Array) -> Float32Array:
        """Layer normalization."""
        centered = rows - rows.mean(axis=1, keepdims=True)
        variance = np.mean(centered * centered, axis=1, keepdims=True)
        normalized: Float32Array = centered / np.sqrt(variance + self._epsilon) * gain + bias
        return normalized


def _relu(values: Float32Array) -> Float32Array:
    return np.maximum(values, 0)


def _neighbors(starts: Indices, lengths: Indices, size: int, left: int) -> Indices:
    """`[pieces, size]`: the places of a piece and its neighbors; beyond its sentence, the row of zeros at the end."""
    count = int(lengths.sum())
    places = np.arange(count)[:, None] + np.arange(-left, size - left)
    first, end = np.repeat(starts, lengths)[:, None], np.repeat(starts + lengths, lengths)[:, None]
    return np.where((places >= first) & (places < end), places, count)


def _batch_bounds(lengths: Sequence[int]) -> list[int]:
    """Where batches begin, and where the last one ends."""
    bounds, pieces = [0], 0
    for number, length in enumerate(lengths):
        if pieces and pieces + length > _PIECES_AT_ONCE:
            bounds.append(number)
            pieces = 0
        pieces += length
    return [*bounds, len(lengths)] if lengths else bounds

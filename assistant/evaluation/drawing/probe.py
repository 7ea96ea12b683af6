"""Linear probes that name what a drawn picture shows: frozen features and a ridge classifier.

Classes and places are told from EfficientNet-Lite0's features, colours, to which those are nearly blind, from colours.

Trained on real pictures at the backbone's resolution, it says of drawings what it would say of photos. Its accuracy on
real held-out pictures is the ceiling. The drawing backbone was trained with the same features as one of its targets,
so this is a judge with an interest; `evaluate generation` has one without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from assistant.evaluation.data.corpora import Picture
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.backbones.preprocessing import center_square
from personalizer.schemas import Float32Array

_BATCH = 16
_COLOR_BINS = (12, 3, 5)
"""Of hue, strength and brightness."""


Features = Callable[[Sequence[Image.Image]], Float32Array]
"""Pictures → `[pictures, dims]`."""


def recognized_features(embedder: ObjectEmbedder) -> Features:
    """What the recognition network sees, `[pictures, 1280]`."""

    def features(images: Sequence[Image.Image]) -> Float32Array:
        batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        return np.stack([view.embedding.vector for batch in batches for view in embedder.view(list(batch))])

    return features


def color_features(images: Sequence[Image.Image]) -> Float32Array:
    """How much of the middle and of the rim is of which hue, strength and brightness, `[pictures, 360]`."""
    return np.stack([_colors(image) for image in images])


def _colors(image: Image.Image) -> Float32Array:
    hue, strength, brightness = (
        np.minimum(plane.astype(np.int64) * bins // 256, bins - 1)
        for plane, bins in zip(np.moveaxis(np.asarray(image.convert("HSV")), 2, 0), _COLOR_BINS, strict=True)
    )
    bins = (hue * _COLOR_BINS[1] + strength) * _COLOR_BINS[2] + brightness
    rows, columns = np.indices(bins.shape) / np.array(bins.shape)[:, None, None] - 0.5
    middle = np.hypot(rows, columns) < 0.28
    total = int(np.prod(_COLOR_BINS))
    shares = [np.bincount(bins[part], minlength=total) / max(1, part.sum()) for part in (middle, ~middle)]
    # Roots: half as much of a colour is still that colour.
    return np.asarray(np.sqrt(np.concatenate(shares)), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ProbeWeights:
    """What a probe learned: the name with the highest `features @ coefficients.T + bias` is said."""

    names: tuple[str, ...]
    coefficients: Float32Array
    """`[names, dims]`."""
    bias: Float32Array
    """`[names]`."""


class LinearProbe:
    """Names one attribute, such as the class, of pictures at `side_px`; `weights` are those of an earlier `fit`."""

    def __init__(self, features: Features, side_px: int, weights: ProbeWeights | None = None) -> None:
        self._of = features
        self._side_px = side_px
        self._weights = weights

    def fit(self, pictures: Sequence[Picture], names: Sequence[str]) -> ProbeWeights:
        """Learn to name `names[i]` of `pictures[i]`."""
        from sklearn.linear_model import RidgeClassifier

        features = self._features([picture.image() for picture in pictures])
        fitted = RidgeClassifier(alpha=1.0, class_weight="balanced").fit(features, list(names))
        coefficients, bias = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
        if len(coefficients) == 1:  # of two names, only the second has its own
            coefficients, bias = np.concatenate([-coefficients, coefficients]), np.concatenate([-bias, bias])
        self._weights = ProbeWeights(
            tuple(map(str, fitted.classes_)), coefficients.astype(np.float32), bias.astype(np.float32)
        )
        return self._weights

    def named(self, images: Sequence[Image.Image]) -> list[str]:
        """What each of `images` is taken for."""
        if self._weights is None:
            raise RuntimeError("a probe names nothing before it was fitted")
        if not images:
            return []
        scores = self._features(images) @ self._weights.coefficients.T + self._weights.bias
        return [self._weights.names[best] for best in scores.argmax(axis=1).tolist()]

    def accuracy(self, images: Sequence[Image.Image], names: Sequence[str]) -> float:
        """Share of `images` that are named `names[i]`; NaN where there are none."""
        if not images:
            return float("nan")
        return float(np.mean([a == b for a, b in zip(self.named(images), names, strict=True)]))

    def _features(self, images: Sequence[Image.Image]) -> Float32Array:
        return self._of([center_square(image, self._side_px) for image in images])

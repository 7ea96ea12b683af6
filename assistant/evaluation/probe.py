"""A linear probe that names what a drawn picture shows: frozen EfficientNet-Lite0 features and a ridge classifier.

Trained on real pictures at the backbone's resolution, it says of drawings what it would say of photos. Its accuracy on
real held-out pictures is the ceiling. The drawing backbone was trained with the same features as one of its targets,
so this is a judge with an interest; `evaluate generation` has one without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from assistant.evaluation.corpora import Picture
from personalizer.backbones.preprocessing import centre_square
from personalizer.embedding import ObjectEmbedder
from personalizer.schemas import Float32Array

_BATCH = 16


class LinearProbe:
    """Names one attribute, such as the class, of pictures at `side_px`."""

    def __init__(self, embedder: ObjectEmbedder, side_px: int) -> None:
        self._embedder = embedder
        self._side_px = side_px
        self._classifier: Any = None

    def fit(self, pictures: Sequence[Picture], names: Sequence[str]) -> None:
        """Learn to name `names[i]` of `pictures[i]`."""
        from sklearn.linear_model import RidgeClassifier

        features = self._features([picture.image() for picture in pictures])
        self._classifier = RidgeClassifier(alpha=1.0, class_weight="balanced").fit(features, list(names))

    def accuracy(self, images: Sequence[Image.Image], names: Sequence[str]) -> float:
        """Share of `images` that are named `names[i]`; NaN where there are none."""
        if not images:
            return float("nan")
        said = self._classifier.predict(self._features(images))
        return float(np.mean([a == b for a, b in zip(said, names, strict=True)]))

    def _features(self, images: Sequence[Image.Image]) -> Float32Array:
        rows = []
        for start in range(0, len(images), _BATCH):
            small = [centre_square(image, self._side_px) for image in images[start : start + _BATCH]]
            rows += [view.embedding.vector for view in self._embedder.view(small)]
        return np.stack(rows)

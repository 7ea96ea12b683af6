"""Embeds pictures as vectors: EfficientNet-Lite0 for things, dlib's network for faces.

Runs onnxruntime and dlib, never torch. Knows no library and does not choose regions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.analysis.efficientnet import (
    GRAPH_VERSION,
    INPUT_SIDE_PX,
    MODEL_NAME,
    OBJECT_NETWORK,
    OBJECT_NETWORK_SHA256,
    SOURCE_SHA256,
)
from personalizer.home import PACKAGE_DATA
from personalizer.onnx_runtime import open_session, read_graph
from personalizer.schemas import Embedding, Float32Array

OBJECT_MEAN = PACKAGE_DATA / "object_mean.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class ObjectView:
    """What the network sees in one picture."""

    embedding: Embedding
    activation: Float32Array
    """`[7, 7]`: how much each place speaks for what the network believes to see; any scale."""
    logits: Float32Array
    """`[1000]`: of the network's own classes."""


class ObjectEmbedder:
    """EfficientNet-Lite0 on onnxruntime; the network ships with the package.

    Vectors `[1280]` have unit length, after the mean of general pictures is subtracted from the unit
    feature: what all photos share says nothing about whose mug this is.
    """

    def __init__(self, *, threads: int = 1, mean_file: Path = OBJECT_MEAN) -> None:
        self.threads = threads
        self._mean: Float32Array | None = None
        suffix = "raw"
        if mean_file.is_file():
            from safetensors.numpy import load

            content = mean_file.read_bytes()
            self._mean = load(content)["mean"].astype(np.float32)
            suffix = "mean-" + hashlib.sha256(content).hexdigest()[:8]
        self.model_version = (MODEL_NAME, f"{SOURCE_SHA256[:8]}-g{GRAPH_VERSION}-squash-{suffix}")
        """Model and version that its vectors are stored with."""

    @cached_property
    def session(self) -> Any:
        return open_session(object_network(), self.threads)

    def load(self) -> None:
        """Load now instead of at the first picture."""
        _ = self.session

    def view(self, images: Sequence[Image.Image]) -> list[ObjectView]:
        """Embed RGB pictures of any size, each squashed to the network's square."""
        if not images:
            return []
        batch = np.stack([network_input(image) for image in images])
        pooled, activation, logits = self.session.run(["pooled", "activation", "logits"], {"images": batch})
        vectors = self._normalize(pooled)
        return [
            ObjectView(Embedding(vector, *self.model_version), where, classes)
            for vector, where, classes in zip(vectors, activation, logits, strict=True)
        ]

    def embed(self, image: Image.Image) -> Embedding:
        """The embedding of one RGB picture."""
        return self.view([image])[0].embedding

    def _normalize(self, pooled: Float32Array) -> Float32Array:
        """`[n, 1280]` → unit rows, the general mean subtracted in between."""
        unit = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        if self._mean is not None:
            unit = unit - self._mean
            unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        return np.ascontiguousarray(unit, dtype=np.float32)


def network_input(image: Image.Image) -> Float32Array:
    """`[3, 224, 224]`. Squashed, since a centre crop would cut off what stands at the side."""
    size = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    resized = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(resized, dtype=np.float32)
    return np.ascontiguousarray(((pixels - 127.0) / 128.0).transpose(2, 0, 1))


@cache
def object_network() -> bytes:
    """The graph that ships, its hash checked once in each process; else `CorruptArtifactError`."""
    return read_network(OBJECT_NETWORK)


def read_network(path: Path) -> bytes:
    """The file at `path`, which must be the network that ships."""
    return read_graph(path, OBJECT_NETWORK_SHA256, "object network")

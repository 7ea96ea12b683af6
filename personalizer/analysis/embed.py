"""Pictures to vectors that say what they show: EfficientNet-Lite0 for things, dlib's network for faces.

Runs onnxruntime and dlib, never torch. Knows no library and does not decide where to look in a photo.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.analysis.efficientnet import (
    GRAPH_VERSION,
    INPUT_SIDE_PX,
    MANIFEST_NAME,
    MODEL_NAME,
    ONNX_NAME,
    SOURCE_SHA256,
)
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.home import PACKAGE_DATA, child_environment
from personalizer.onnx_runtime import open_session
from personalizer.schemas import Embedding, Float32Array

OBJECT_MEAN = PACKAGE_DATA / "object_mean.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class ObjectView:
    """What the network sees in one picture."""

    embedding: Embedding
    activation: Float32Array
    """`[7, 7]`: how much each place speaks for what the network believes to see; any scale."""


class ObjectEmbedder:
    """EfficientNet-Lite0 on onnxruntime, converted on first use into `models`.

    Vectors `[1280]` have unit length, after the mean of general pictures is subtracted from the unit
    feature: what all photos share says nothing about whose mug this is.
    """

    def __init__(self, models: Path, *, threads: int = 1, mean_file: Path = OBJECT_MEAN) -> None:
        self.models = Path(models)
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
        path = ensure_object_model(self.models)
        return open_session(path.read_bytes(), self.threads)

    def load(self) -> None:
        """Convert and load now instead of at the first picture."""
        _ = self.session

    def view(self, images: Sequence[Image.Image]) -> list[ObjectView]:
        """Embed RGB pictures of any size, each squashed to the network's square."""
        if not images:
            return []
        batch = np.stack([network_input(image) for image in images])
        pooled, activation = self.session.run(["pooled", "activation"], {"images": batch})
        vectors = self._normalize(pooled)
        return [
            ObjectView(Embedding(vector, *self.model_version), where)
            for vector, where in zip(vectors, activation, strict=True)
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


def ensure_object_model(models: Path) -> Path:
    """The verified ONNX file in `models`; converted in a process of its own when absent, old or damaged."""
    path = models / ONNX_NAME
    if _is_intact(models):
        return path
    models.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Two processes that start at once must not both spend the conversion, nor see each other's half.
    with open(os.open(models / ".conversion.lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_intact(models):
            return path
        _convert(models)
        if not _is_intact(models):
            raise CorruptArtifactError(
                tried=f"preparing the object embedding in {models}",
                found="the converted file does not match its manifest",
                fix="Check that the disk has free space and try again.",
            )
    return path


def _is_intact(models: Path) -> bool:
    try:
        manifest = json.loads((models / MANIFEST_NAME).read_text("utf-8"))
        return bool(
            manifest["source_sha256"] == SOURCE_SHA256
            and manifest["graph_version"] == GRAPH_VERSION
            and manifest["onnx_sha256"] == hashlib.sha256((models / ONNX_NAME).read_bytes()).hexdigest()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _convert(models: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-P", "-m", "personalizer.analysis.convert_efficientnet", "--out", str(models)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise NotReadyError(
            tried="converting the object embedding to ONNX",
            found=(finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"])[-1][:500],
            fix="Check the installation with: familiar doctor",
        )

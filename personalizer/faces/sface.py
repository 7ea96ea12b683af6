"""Faces to vectors with SFace (Apache-2.0, arXiv 2205.12010), which is downloaded on request.

Runs onnxruntime; the points that a face is turned upright by are those of the cascade that ships. Knows no library.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.faces.downloads import CATALOGUE, FaceModel, read_model
from personalizer.faces.mtcnn import FaceCascade
from personalizer.onnx_runtime import open_session
from personalizer.schemas import BoundingBox, Embedding, Float32Array

_SIDE_PX = 112
# Where the network wants to see the eyes, the nose and the corners of the mouth.
_PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)
_LENGTH = 0.6 / 1.128
"""Of the vectors: so the distance up to which SFace's authors take two faces for one, 1.128 between unit vectors,
becomes the 0.6 of dlib's that everything else is set up for."""
_SHARE, _RISE = 0.82, 0.064
RULES_VERSION = 1
"""Counted up when the same network gives other vectors."""


class SFaceEmbedder:
    """The network, loaded and verified on first use. Similarity is 1 - Euclidean distance."""

    def __init__(self, models: Path, *, threads: int = 1, chosen: FaceModel = CATALOGUE["sface"]) -> None:
        self.models, self.threads, self._chosen = Path(models), threads, chosen
        self.model = chosen.name
        self.version = f"{chosen.version}-{RULES_VERSION}"
        self._cascade = FaceCascade(threads=threads)

    @cached_property
    def _session(self) -> Any:
        return open_session(read_model(self.models, self._chosen), self.threads)

    def embed(self, image: Image.Image, box: BoundingBox) -> Embedding:
        """The vector `[128]` of the face in `box`, given in pixels of the RGB picture `image`."""
        upright = self._upright(np.asarray(image), box)
        planes = upright.transpose(2, 0, 1)[None].astype(np.float32)
        session = self._session
        answer = session.run(None, {session.get_inputs()[0].name: planes})[0][0]
        unit = answer / max(float(np.linalg.norm(answer)), 1e-12)
        return Embedding((unit * _LENGTH).astype(np.float32), self.model, self.version)

    def _upright(self, pixels: Any, box: BoundingBox) -> Any:
        """The face with eyes, nose and mouth where they belong, uint8 RGB `[112, 112, 3]`."""
        import cv2

        # The given box is dlib's square; the network that finds the points wants hairline and chin as well.
        half = max(box.width_px, box.height_px) / _SHARE / 2
        x = (box.left + box.right) / 2
        y = (box.top + box.bottom) / 2 - _RISE * 2 * half
        edges = np.array([x - half, y - half, x + half, y + half], np.float32)
        points = self._cascade.points(pixels, edges)
        turned = cv2.warpAffine(pixels, _alignment(points), (_SIDE_PX, _SIDE_PX), flags=cv2.INTER_LINEAR)
        return np.asarray(turned, dtype=np.uint8)


def _alignment(points: Float32Array) -> Float32Array:
    """`[2, 3]`: turns, scales and moves points `[5, 2]` to `_PLACES`, with the least squared error."""
    here, there = points.mean(axis=0), _PLACES.mean(axis=0)
    own, wanted = points - here, _PLACES - there
    # As complex numbers a turn and a scale are one factor.
    spread = max(float((own**2).sum()), 1e-6)
    real = float((own * wanted).sum()) / spread
    turn = float((own[:, 0] * wanted[:, 1] - own[:, 1] * wanted[:, 0]).sum()) / spread
    matrix = np.array([[real, -turn], [turn, real]], np.float32)
    return np.concatenate([matrix, (there - matrix @ here)[:, None]], axis=1).astype(np.float32)

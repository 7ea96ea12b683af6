"""Finds faces with YuNet (MIT, "YuNet: A Tiny Millisecond-level Face Detector"), which is downloaded on request.

Runs onnxruntime; knows arrays of pixels and the published network's outputs, no photo and no library.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.faces.downloads import CATALOGUE, FaceModel, read_model
from personalizer.faces.mtcnn import FoundFaces, suppress
from personalizer.onnx_runtime import open_session
from personalizer.schemas import Float32Array

_SIDE_PX = 640
"""The network's input is fixed."""
_STRIDES_PX = (8, 16, 32)
_OVERLAP = 0.3


class YuNet:
    """The network, loaded and verified on first use."""

    sure = 0.9
    """From this score up OpenCV's own programs believe it."""

    def __init__(
        self, models: Path, *, threads: int = 1, likely: float = 0.7, model: FaceModel = CATALOGUE["yunet"]
    ) -> None:
        self.models, self.threads, self.likely, self.model = Path(models), threads, likely, model

    @property
    def name(self) -> str:
        """With the version: what detections say that they were found by."""
        return f"{self.model.name}-{self.model.version}"

    @cached_property
    def _session(self) -> Any:
        return open_session(read_model(self.models, self.model), self.threads, of_one_size=False)

    def find(self, pixels: Any) -> FoundFaces:
        """Faces in the uint8 RGB picture `[height, width, 3]`."""
        import cv2

        height, width = pixels.shape[:2]
        scale = _SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        square = np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8)
        square[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=method)
        # Blue first, as OpenCV has pictures.
        planes = square[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        session = self._session
        names = [output.name for output in session.get_outputs()]
        answers = dict(zip(names, session.run(None, {session.get_inputs()[0].name: planes}), strict=True))
        parts = [self._decoded(answers, stride) for stride in _STRIDES_PX]
        boxes, scores, points = (np.concatenate(part) for part in zip(*parts, strict=True))
        kept = suppress(boxes, scores, _OVERLAP)
        return FoundFaces(
            (boxes[kept] / scale).astype(np.float32),
            scores[kept].astype(np.float32),
            (points[kept] / scale).astype(np.float32),
        )

    def _decoded(
        self, answers: dict[str, Any], stride_px: int
    ) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Boxes `[n, 4]`, scores `[n]` and points `[n, 5, 2]` that one of the three grids found."""
        face = np.clip(answers[f"cls_{stride_px}"][0, :, 0], 0, 1)
        here = np.clip(answers[f"obj_{stride_px}"][0, :, 0], 0, 1)
        scores = np.sqrt(face * here)
        cells = np.flatnonzero(scores >= self.likely)
        corner = np.stack([cells % (_SIDE_PX // stride_px), cells // (_SIDE_PX // stride_px)], axis=1)
        box = answers[f"bbox_{stride_px}"][0, cells]
        middle = (corner + box[:, :2]) * stride_px
        half = np.exp(box[:, 2:]) * stride_px / 2
        points = answers[f"kps_{stride_px}"][0, cells].reshape(-1, 5, 2)
        return (
            np.concatenate([middle - half, middle + half], axis=1),
            scores[cells],
            (corner[:, None] + points) * stride_px,
        )

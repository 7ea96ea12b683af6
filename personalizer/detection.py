"""Where in a photo to look: faces (dlib's detector) and the region that a classifier's activation points at.

Boxes are in pixels of the given picture. Knows no library and makes no vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from personalizer.embedding import FaceLandmarks
from personalizer.schemas import BoundingBox, DetectionKind, Float32Array, NewDetection

FACE_DETECTOR = "dlib-hog-5pt"
REGION_DETECTOR = "activation-map"
WHOLE_PHOTO = "whole-photo"


@dataclass(frozen=True, slots=True)
class FaceDetectorConfig:
    """How eagerly faces are looked for. The detector itself finds faces of about 80 px and more."""

    min_confidence: float = 0.1
    """dlib's margin over its own threshold."""
    min_side_px: float = 20.0
    """Smaller faces (in pixels of the given picture) carry too little to tell people apart."""
    enlarge: float = 2.0
    min_search_side_px: int = 512
    max_search_side_px: int = 1280
    """The picture is searched at `enlarge` times its long side, kept within these two."""


class FaceDetector:
    """Upright and nearly frontal faces. Score: confidence, size and frontality together, 0 to 1."""

    def __init__(self, config: FaceDetectorConfig | None = None) -> None:
        self.config = config or FaceDetectorConfig()
        self._landmarks = FaceLandmarks()
        self._detector: Any = None

    def detect(self, image: Image.Image) -> list[NewDetection]:
        """Faces in an RGB picture, largest first."""
        import dlib

        if self._detector is None:
            self._detector = dlib.get_frontal_face_detector()
        config = self.config
        long_side = max(image.size)
        search_side = min(
            max(config.enlarge * long_side, config.min_search_side_px), config.max_search_side_px
        )
        scale = search_side / long_side
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
        boxes, confidences, _ = self._detector.run(pixels, 0, config.min_confidence)
        found = []
        for box, confidence in zip(boxes, confidences, strict=True):
            edges = (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
            if box.width() / scale < config.min_side_px:
                continue
            quality = _quality(
                confidence, box.width() / scale, _frontality(self._landmarks.find(pixels, *edges))
            )
            clipped = _clip(BoundingBox(*(edge / scale for edge in edges)), image.size)
            if clipped.width_px >= 1 and clipped.height_px >= 1:
                found.append(NewDetection("face", clipped, quality, FACE_DETECTOR))
        return sorted(found, key=lambda face: -face.box.width_px)


def _quality(confidence: float, side_px: float, frontality: float) -> float:
    """0 to 1.

    A sharp, large, frontal face is near 1. The face network wants 150 px and does well from about 80.
    """
    certain = min(max(confidence, 0.0) / 1.0, 1.0)
    return round(float((0.3 + 0.7 * certain) * min(side_px / 80.0, 1.0) * (0.4 + 0.6 * frontality)), 4)


def _frontality(points: Any) -> float:
    """1 when the nose stands midway between the eyes, 0 in profile."""
    eyes = [
        (points.part(a).x + points.part(b).x) / 2.0
        for a, b in ((0, 1), (2, 3))  # the two corners of each eye
    ]
    nose = points.part(4).x
    distances = abs(nose - eyes[0]), abs(nose - eyes[1])
    if distances[0] + distances[1] < 1e-6 or (nose - eyes[0]) * (nose - eyes[1]) > 0:
        return 0.0
    return float(1.0 - abs(distances[0] - distances[1]) / (distances[0] + distances[1]))


@dataclass(frozen=True, slots=True)
class RegionConfig:
    """How a region is cut out of an activation map."""

    grid: int = 28
    """The map is enlarged to this side before it is cut."""
    levels: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8)
    """Shares between the lowest and the highest activation.

    The first whose region is small enough is taken.
    """
    max_area: float = 0.7
    """Of the picture: a region that is nearly everything adds nothing to the whole photo."""
    margin: float = 0.04
    """Added on each side, as a share of the picture."""


_DEFAULT_REGION = RegionConfig()


def propose_region(
    activation: Float32Array, size_px: tuple[int, int], config: RegionConfig = _DEFAULT_REGION
) -> NewDetection:
    """The box around the strongest connected part of an activation map `[7, 7]` of a picture of `size_px`.

    There is always one; its score is the share of the positive activation that falls into it.
    """
    enlarged = Image.fromarray(np.asarray(activation, dtype=np.float32)).resize(
        (config.grid, config.grid), Image.Resampling.BICUBIC
    )
    heat = np.asarray(enlarged, dtype=np.float64)
    positive = heat.clip(min=0)
    heat = (heat - heat.min()) / max(float(heat.max() - heat.min()), 1e-12)
    columns, rows = (0, config.grid), (0, config.grid)
    for level in config.levels:
        columns, rows = _strongest_part(heat, level)
        if (columns[1] - columns[0]) * (rows[1] - rows[0]) <= config.max_area * config.grid**2:
            break
    inside = positive[rows[0] : rows[1], columns[0] : columns[1]]
    share = float(inside.sum() / max(float(positive.sum()), 1e-12))
    width, height = size_px
    box = BoundingBox(
        (columns[0] / config.grid - config.margin) * width,
        (rows[0] / config.grid - config.margin) * height,
        (columns[1] / config.grid + config.margin) * width,
        (rows[1] / config.grid + config.margin) * height,
    )
    return NewDetection("object", _clip(box, size_px), round(min(share, 1.0), 4), REGION_DETECTOR)


def _strongest_part(heat: Any, level: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Column and row range (ends exclusive) of the connected cells over `level` around the highest one."""
    above = heat >= level
    row, column = (int(index) for index in np.unravel_index(int(heat.argmax()), heat.shape))
    waiting, seen = [(row, column)], {(row, column)}
    while waiting:
        row, column = waiting.pop()
        for cell in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = 0 <= cell[0] < heat.shape[0] and 0 <= cell[1] < heat.shape[1]
            if inside and cell not in seen and above[cell]:
                seen.add(cell)
                waiting.append(cell)
    rows, columns = [cell[0] for cell in seen], [cell[1] for cell in seen]
    return (min(columns), max(columns) + 1), (min(rows), max(rows) + 1)


def whole_photo(size_px: tuple[int, int], kind: DetectionKind = "photo") -> NewDetection:
    """The detection that stands for the whole picture."""
    return NewDetection(kind, BoundingBox(0.0, 0.0, float(size_px[0]), float(size_px[1])), 1.0, WHOLE_PHOTO)


def _clip(box: BoundingBox, size_px: tuple[int, int]) -> BoundingBox:
    width, height = size_px
    return BoundingBox(
        min(max(box.left, 0.0), float(width)),
        min(max(box.top, 0.0), float(height)),
        min(max(box.right, 0.0), float(width)),
        min(max(box.bottom, 0.0), float(height)),
    )

"""Faces in a picture, with what each is worth. Knows pixels; the networks that find them are in mtcnn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from personalizer.faces.mtcnn import FaceCascade
from personalizer.faces.quality import judge_face
from personalizer.schemas import BoundingBox, Float32Array, NewDetection

RULES_VERSION = 1
"""Counted up when the same faces of the cascade become other boxes, scores or flaws: part of the detector's version."""
_HOG_FACE_PX = 120
_NEARLY = 1.1
# Medians over faces that both the cascade and dlib's detector found.
_SQUARE_SIDE, _SQUARE_DROP = 0.92, 0.064


@dataclass(frozen=True, slots=True)
class FaceDetectorConfig:
    """What of that which looks like a face is taken for one.

    Set on 12-megapixel photos that were put together from faces of 60 to 600 px and photos of other things, so that
    hardly a face is missed that dlib's own detector finds at 1600 px, enlarged twice, and fewer other things are taken
    for one. `familiar bench ingest` measures both.
    """

    sure: float = 0.985
    """From this probability up the cascade is believed; below, dlib's detector has to see the face too."""
    second_opinion: float = 0.0
    """dlib's margin over its own threshold."""
    min_side_px: float = 16.0
    """Smaller faces (in pixels of the given picture) carry nothing to tell people apart."""
    max_search_side_px: int = 1024
    """A larger picture is reduced to about this long side before faces are looked for, for the sake of time."""

    def __post_init__(self) -> None:
        if not 0 <= self.sure <= 1:
            raise ValueError(f"FaceDetectorConfig.sure must be between 0 and 1, not {self.sure}")


class FaceDetector:
    """Faces that are not lying on their side. Score: size, sharpness and frontality, the worst of them, 0 to 1."""

    def __init__(self, config: FaceDetectorConfig | None = None, cascade: FaceCascade | None = None) -> None:
        self.config = config or FaceDetectorConfig()
        self.cascade = cascade or FaceCascade()
        self._hog: Any = None

    @property
    def name(self) -> str:
        """Which detector that is, with its version: what detections are stored with."""
        return f"{self.cascade.name}+hog-{RULES_VERSION}"

    def detect(self, image: Image.Image) -> list[NewDetection]:
        """Faces in an RGB picture, largest first."""
        pixels = np.asarray(image)
        searched, scale = self._searched(pixels)
        faces = self.cascade.find(searched)
        found = []
        for edges, probability, points in zip(faces.boxes, faces.probabilities, faces.points, strict=True):
            small = _face_square(edges)
            box = BoundingBox(*(edge * scale for edge in (small.left, small.top, small.right, small.bottom)))
            if box.width_px < self.config.min_side_px:
                continue
            clipped = box.clipped(image.size)
            if clipped.width_px < 1 or clipped.height_px < 1:
                continue
            # Of all pixels, which a second look and the vector are made from.
            if probability < self.config.sure and not self._seen_by_hog(pixels, box):
                continue
            quality = judge_face(pixels, clipped, points * scale)
            found.append(NewDetection("face", clipped, quality.score, self.name, quality.flaw))
        return sorted(found, key=lambda face: -face.box.width_px)

    def _searched(self, pixels: Any) -> tuple[Any, float]:
        """The picture that faces are looked for in, and how many pixels of the given one a pixel of it is."""
        import cv2

        height, width = pixels.shape[:2]
        scale = max(height, width) / self.config.max_search_side_px
        if scale <= _NEARLY:
            return pixels, 1.0
        times = round(scale)
        if 1 / _NEARLY <= scale / times <= _NEARLY:
            # Whole blocks of pixels become one: a tenth of the time that other sizes take.
            size = (width // times, height // times)
            whole = pixels[: size[1] * times, : size[0] * times]
            if min(size) > 0:
                return cv2.resize(whole, size, interpolation=cv2.INTER_AREA), float(times)
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), scale

    def _seen_by_hog(self, pixels: Any, box: BoundingBox) -> bool:
        """Whether dlib's detector, which errs on other things, sees a face there as well."""
        import cv2
        import dlib

        if self._hog is None:
            self._hog = dlib.get_frontal_face_detector()
        margin = 0.6 * box.width_px
        wider = BoundingBox(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
        around = wider.clipped((pixels.shape[1], pixels.shape[0]))
        crop = pixels[int(around.top) : round(around.bottom), int(around.left) : round(around.right)]
        scale = _HOG_FACE_PX / box.width_px
        size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        enlarged = cv2.resize(np.ascontiguousarray(crop), size, interpolation=method)
        return len(self._hog.run(enlarged, 0, self.config.second_opinion)[0]) > 0


def _face_square(edges: Float32Array) -> BoundingBox:
    """The square that dlib's detector would put around a face: its landmarks were learned on those."""
    left, top, right, bottom = (float(edge) for edge in edges)
    width, height = max(right - left, 0.0), max(bottom - top, 0.0)
    half = _SQUARE_SIDE * (width * height) ** 0.5 / 2
    x, y = (left + right) / 2, (top + bottom) / 2 + _SQUARE_DROP * height
    return BoundingBox(x - half, y - half, x + half, y + half)

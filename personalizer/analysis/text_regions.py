"""The detector's map of where text is → tilted rectangles, and the pixels below them, upright. Runs no network.

Each rectangle is what Liao et al. 2020 (differentiable binarization) make of a region: the network marks the core of a
line, which is widened again by a distance that depends on its area and perimeter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from personalizer.schemas import BoundingBox, Float32Array

Pixels = npt.NDArray[np.uint8]

_TEXT_FROM = 0.3
"""Pixels of the map from this probability up are text."""
_REGION_FROM = 0.5
"""Regions below this mean probability are left out."""
_WIDENED = 1.6
_MIN_CORE_PX = 3.0
_STANDING = 1.5
"""Higher than wide by this factor is a line that runs downwards."""


@dataclass(frozen=True, slots=True)
class TextRegion:
    """A rectangle around one line, in pixels, which may be tilted."""

    center: tuple[float, float]
    along: tuple[float, float]
    """Half the line's length, in the direction of reading: to the right."""
    down: tuple[float, float]
    """Half the line's height."""

    @property
    def length_px(self) -> float:
        return 2 * math.hypot(*self.along)

    @property
    def height_px(self) -> float:
        return 2 * math.hypot(*self.down)

    @property
    def box(self) -> BoundingBox:
        """The upright rectangle around it."""
        width = abs(self.along[0]) + abs(self.down[0])
        height = abs(self.along[1]) + abs(self.down[1])
        x, y = self.center
        return BoundingBox(x - width, y - height, x + width, y + height)

    def scaled(self, x: float, y: float) -> TextRegion:
        """The same region of a picture that is larger by these factors."""
        return TextRegion(
            (self.center[0] * x, self.center[1] * y),
            (self.along[0] * x, self.along[1] * y),
            (self.down[0] * x, self.down[1] * y),
        )


def text_regions(probabilities: Float32Array) -> list[TextRegion]:
    """Regions in a map `[height, width]` of probabilities, in no order."""
    import cv2

    mask = cv2.dilate((probabilities > _TEXT_FROM).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    regions = []
    for contour in contours:
        core = cv2.minAreaRect(contour)
        width, height = core[1]
        if (
            min(width, height) < _MIN_CORE_PX
            or _mean_below(probabilities, cv2.boxPoints(core)) < _REGION_FROM
        ):
            continue
        margin = _WIDENED * width * height / (2 * (width + height))
        regions.append(_region(core[0], (width + 2 * margin, height + 2 * margin), core[2]))
    return regions


def _mean_below(probabilities: Float32Array, corners: Any) -> float:
    """The mean probability within four corners."""
    import cv2

    height, width = probabilities.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 1, (width, height))
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(np.ascontiguousarray(probabilities[top:bottom, left:right]), inside)[0])


def _region(center: Any, size: tuple[float, float], degrees: float) -> TextRegion:
    """The side that lies flatter is the direction of reading, whichever OpenCV calls the width."""
    angle = math.radians(degrees)
    along = np.array([math.cos(angle), math.sin(angle)]) * size[0] / 2
    down = np.array([-math.sin(angle), math.cos(angle)]) * size[1] / 2
    if abs(math.cos(angle)) < abs(math.sin(angle)):
        along, down = down, along
    along *= 1 if along[0] >= 0 else -1
    down *= 1 if down[1] >= 0 else -1
    return TextRegion(
        (float(center[0]), float(center[1])),
        (float(along[0]), float(along[1])),
        (float(down[0]), float(down[1])),
    )


def cut_out(pixels: Pixels, region: TextRegion) -> Pixels:
    """The pixels of a region, turned so that its line runs to the right."""
    import cv2

    width, height = max(1, round(region.length_px)), max(1, round(region.height_px))
    center, along, down = (np.array(vector) for vector in (region.center, region.along, region.down))
    corners = np.array([center - along - down, center + along - down, center - along + down], np.float32)
    straight = np.array([[0, 0], [width, 0], [0, height]], np.float32)
    turned = cv2.warpAffine(
        pixels,
        cv2.getAffineTransform(corners, straight),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    upright = np.rot90(turned) if height >= _STANDING * width else turned
    return np.ascontiguousarray(upright, dtype=np.uint8)

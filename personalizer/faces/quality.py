"""Scores how recognizable a face is, by its size, sharpness and pose.

Knows pixels and five points of a face; knows no detector, no vector and no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from personalizer.schemas import BoundingBox, Float32Array

Flaw = Literal["small", "blurred", "turned"]
"""Why a face says too little: what is worst about it."""
QUALITY_GATE = 0.15
"""Faces below it found, extend and link no group of faces; they join one where they are very close, or wait."""
_CHIP_PX = 64
_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))
"""What moved while it was photographed is blurred in one of them only."""
_INNER = 0.8
"""Of the box: what is around a face may be sharper than the face, or the edge of the picture."""


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where a face falls below `QUALITY_GATE`.

    Measured on faces that were made smaller and blurred: above these sizes no two people came closer than people are
    told apart by; below, the network makes all of them alike.
    """

    side_px: float = 28.0
    """Of the box, in pixels of the picture that the vector is made from."""
    sharpness: float = 0.0045
    frontality: float = 0.15

    def __post_init__(self) -> None:
        for name in ("side_px", "sharpness", "frontality"):
            if getattr(self, name) <= 0:
                raise ValueError(f"QualityLimits.{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """`score` is 0 to 1; a face has a flaw where it is below `QUALITY_GATE`."""

    score: float
    flaw: Flaw | None


_LIMITS = QualityLimits()


def judge_face(
    pixels: Any, box: BoundingBox, points: Float32Array, limits: QualityLimits = _LIMITS
) -> FaceQuality:
    """The quality of the face in `box` of the uint8 RGB picture `pixels` `[height, width, 3]`.

    `points` `[5, 2]` are as `FoundFaces` has them. The score is that of the worst of its properties, each 0 to 1: a
    large face is as useless as a small one when it is out of focus.
    """
    shares: dict[Flaw, float] = {
        "small": min(box.width_px, box.height_px) / limits.side_px,
        "blurred": sharpness(pixels, box) / limits.sharpness,
        "turned": frontality(points) / limits.frontality,
    }
    worst = min(shares, key=lambda name: shares[name])
    score = round(float(min(max(QUALITY_GATE * shares[worst], 0.0), 1.0)), 4)
    return FaceQuality(score, worst if score < QUALITY_GATE else None)


def sharpness(pixels: Any, box: BoundingBox) -> float:
    """How much of the contrast of a face is in its finest details, whatever its size and light; 0 for none."""
    import cv2

    height, width = pixels.shape[:2]
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    across, down = _INNER * box.width_px / 2, _INNER * box.height_px / 2
    left, right = max(round(x - across), 0), min(round(x + across), width)
    top, bottom = max(round(y - down), 0), min(round(y + down), height)
    if right - left < 2 or bottom - top < 2:
        return 0.0
    gray = cv2.cvtColor(np.ascontiguousarray(pixels[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    shrinks = min(gray.shape) >= _CHIP_PX
    chip = cv2.resize(
        gray.astype(np.float32),
        (_CHIP_PX, _CHIP_PX),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
    )
    middle = chip[1:-1, 1:-1]
    finest = min(
        float(
            (
                chip[1 + y : _CHIP_PX - 1 + y, 1 + x : _CHIP_PX - 1 + x]
                - 2 * middle
                + chip[1 - y : _CHIP_PX - 1 - y, 1 - x : _CHIP_PX - 1 - x]
            ).var()
        )
        / (x * x + y * y)
        for x, y in _DIRECTIONS
    )
    # Under a contrast of a few grey levels there is noise only.
    return finest / max(float(chip.var()), 4.0)


def frontality(points: Float32Array) -> float:
    """1 when the nose stands midway between the eyes, 0 when it is beside both: in profile."""
    first, second, nose = points[0], points[1], points[2]
    across = second - first
    length = float(across @ across)
    if length < 1e-6:
        return 0.0
    along = float((nose - first) @ across) / length
    return max(0.0, 1.0 - abs(2.0 * along - 1.0))

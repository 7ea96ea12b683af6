"""The colors of a thing inside its mask, as a histogram to be compared. Knows pixels only.

The object network's vectors hardly tell a green mug from a yellow one; this does.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from personalizer.analysis.appearance import is_colorless
from personalizer.schemas import FloatArray, Int64Array

VERSION = "colors-1"
"""Counted up when the same things get other histograms."""
LIGHTNESS_BINS, HUE_BINS = 4, 8
"""Of CIE L*a*b*: lightness, and each of the two axes of hue. More bins part the same thing in another light."""
SIDE_PX = 320
"""Longest side that is looked at."""
_FARTHEST_HUE = 64.0
"""Of a* and b*; what is more colorful counts as this."""
_SMOOTHING = np.array([0.1065, 0.787, 0.1065])
"""A Gaussian of half a bin: what lies at the border of two bins is in both."""


def thing_colors(image: Image.Image, mask: Image.Image) -> bytes | None:
    """Of an RGB picture inside `mask` (`L`, of any size): 256 square roots of shares of the pixels, in 1/255.

    None where the mask covers nothing, and of a black and white photo, which hides the colors. Their scalar product is
    the Bhattacharyya coefficient.
    """
    if is_colorless(image):
        return None
    scale = min(1.0, SIDE_PX / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = np.asarray(image.resize(size, Image.Resampling.BOX), dtype=np.float32) / np.float32(255)
    inside = np.asarray(mask.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    # The outermost pixels are mixed with the ground.
    weights = cv2.erode(inside, np.ones((3, 3), np.uint8)).ravel()
    if weights.sum() <= 0:
        return None
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float64).reshape(-1, 3)
    lightness = _bins(lab[:, 0] / 100, LIGHTNESS_BINS)
    across, down = (_bins((lab[:, axis] + _FARTHEST_HUE) / (2 * _FARTHEST_HUE), HUE_BINS) for axis in (1, 2))
    place = (lightness * HUE_BINS + across) * HUE_BINS + down
    shape = (LIGHTNESS_BINS, HUE_BINS, HUE_BINS)
    counts: FloatArray = np.bincount(place, weights, minlength=int(np.prod(shape))).astype(np.float64)
    counts = counts.reshape(shape)
    for axis in range(3):
        counts = _smoothed(counts, axis)
    return bytes(np.rint(255 * np.sqrt(counts / counts.sum())).astype(np.uint8))


def _bins(shares: FloatArray, count: int) -> Int64Array:
    return np.clip((shares * count).astype(np.int64), 0, count - 1)


def _smoothed(counts: FloatArray, axis: int) -> FloatArray:
    before, own, after = _SMOOTHING
    width = [(1, 1) if one == axis else (0, 0) for one in range(counts.ndim)]
    padded = np.moveaxis(np.pad(counts, width, mode="edge"), axis, 0)
    return np.moveaxis(before * padded[:-2] + own * padded[1:-1] + after * padded[2:], 0, axis)

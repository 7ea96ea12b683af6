"""Describes appearance: main colors of a region, brightness and sharpness. Knows pixels only.

Colors have the eleven basic names of Berlin and Kay; light and sharpness are said only where they are plain.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from PIL import Image

from personalizer.schemas import BoolArray, Float32Array

SIDE_PX = 160
"""Longest side that is looked at."""
MIN_SHARE = 0.18
"""Of the looked-at pixels that a color must have to be named."""
MAX_COLORS = 3
DARK_BELOW, BRIGHT_FROM = 55.0, 150.0
"""Mean lightness, 0 to 255, below and from which a picture is plainly dark or bright."""
BLURRED_BELOW, SHARP_FROM = 0.035, 0.12
"""Of the strongest edges' steepness in the picture, as a share of full contrast."""
_SHARP_SIDE_PX = 512
_STEP_PX, _MIN_STEP = 12, 0.06
"""What changes less within so many pixels, as a share of full contrast, is a gradient and no edge."""
_GRAY_CHROMA, _COLORED_SHARE = 18, 0.001
"""How far a gray pixel's channels may differ, of 255, and the share of other pixels from which there is color."""

Light = Literal["dark", "bright"]
Sharpness = Literal["sharp", "blurred"]


def main_colors(image: Image.Image, mask: Image.Image | None = None) -> list[str]:
    """Names of the most frequent colors of an RGB picture, the most frequent first; only within a `mask` (`L`)."""
    small = _reduced(image)
    names = _names(np.asarray(small))
    if mask is not None:
        inside: BoolArray = np.asarray(mask.resize(small.size, Image.Resampling.BILINEAR)) >= 200
        if inside.sum() < 40:
            return []
        names = names[inside]
    found, counts = np.unique(names, return_counts=True)
    order = np.argsort(-counts)
    shares = counts[order] / counts.sum()
    return [str(name) for name, share in zip(found[order], shares, strict=True) if share >= MIN_SHARE][
        :MAX_COLORS
    ]


def is_colorless(image: Image.Image) -> bool:
    """Whether an RGB picture is black, white and gray everywhere, but for noise and what JPEG leaves."""
    pixels = np.asarray(_reduced(image), dtype=np.int16)
    chroma = pixels.max(axis=2) - pixels.min(axis=2)
    return float((chroma > _GRAY_CHROMA).mean()) < _COLORED_SHARE


def light_of(image: Image.Image) -> Light | None:
    """Whether the picture is plainly dark or bright; None in between."""
    lightness = float(np.asarray(_reduced(image).convert("L"), dtype=np.float32).mean())
    if lightness < DARK_BELOW:
        return "dark"
    return "bright" if lightness >= BRIGHT_FROM else None


def sharpness_of(image: Image.Image) -> Sharpness | None:
    """Whether the picture is plainly sharp or blurred; None in between, and where nothing has an edge."""
    gray = image.convert("L")
    gray.thumbnail((_SHARP_SIDE_PX, _SHARP_SIDE_PX), Image.Resampling.LANCZOS)
    pixels = np.asarray(gray, dtype=np.float32) / np.float32(255)
    if min(pixels.shape) < 32 or float(pixels.std()) < 0.03:
        return None
    # Second differences: a ramp of many pixels has none, however far it climbs.
    across = np.abs(np.diff(pixels, n=2, axis=1)).ravel()
    down = np.abs(np.diff(pixels, n=2, axis=0)).ravel()
    steep, steepest = np.percentile(np.concatenate([across, down]), (99, 99.99))
    if steep >= SHARP_FROM:
        return "sharp"
    # One sharp bird in a smooth sky makes it sharp; a sky alone has nothing that could be.
    return "blurred" if steep < BLURRED_BELOW and steepest < SHARP_FROM and _has_edges(pixels) else None


def _has_edges(pixels: Float32Array) -> bool:
    """Whether something changes within a few pixels, however softly."""
    steps = [pixels[:, _STEP_PX:] - pixels[:, :-_STEP_PX], pixels[_STEP_PX:] - pixels[:-_STEP_PX]]
    return bool(max(float(np.percentile(np.abs(step), 99)) for step in steps) >= _MIN_STEP)


def _reduced(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return small


def _names(pixels: Any) -> Any:
    """The name of each pixel's color, `[height, width]`, from hue, saturation and value."""
    hsv = np.asarray(Image.fromarray(pixels).convert("HSV"), dtype=np.float32)
    hue, saturation, value = hsv[..., 0] * 360 / 255, hsv[..., 1] / 255, hsv[..., 2] / 255
    names = np.full(hue.shape, "gray", dtype="<U6")
    colorful = (saturation >= 0.22) & (value >= 0.18)
    for name, start, end in (
        ("red", 345, 361), ("red", 0, 14), ("orange", 14, 42), ("yellow", 42, 68), ("green", 68, 168),
        ("blue", 168, 258), ("purple", 258, 300), ("pink", 300, 345),
    ):  # fmt: skip
        names[colorful & (hue >= start) & (hue < end)] = name
    # Dark or dull orange is what people call brown; light red is pink.
    brownish = colorful & ((hue < 42) | (hue >= 345))
    names[brownish & ((value < 0.62) | ((saturation < 0.5) & (value < 0.85) & (hue >= 14)))] = "brown"
    names[colorful & ((hue < 8) | (hue >= 345)) & (saturation >= 0.7) & (value >= 0.35)] = "red"
    names[colorful & (hue < 14) & (value < 0.35)] = "brown"
    names[colorful & ((hue >= 345) | (hue < 14)) & (saturation < 0.55) & (value >= 0.8)] = "pink"
    names[(saturation < 0.22) & (value >= 0.8)] = "white"
    names[(saturation < 0.22) & (value < 0.25)] = "black"
    names[value < 0.18] = "black"
    return names

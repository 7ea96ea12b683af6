"""Styles and weather as operations on a whole picture. Knows pixels only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from assistant.imagine.wording import Style

Pixels = npt.NDArray[Any]
"""`[height, width, 3]`, 0 to 1."""
_PIXEL_ART_SIDE = 96


def styled(image: Image.Image, style: Style, seed: int = 0) -> Image.Image:
    """The picture in that style; the same seed gives the same picture."""
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    made = np.asarray(_OPERATIONS[style](pixels, np.random.default_rng(seed)))
    return Image.fromarray((made * 255).round().clip(0, 255).astype(np.uint8))


def _painting(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Flat strokes by a mode-like (Kuwahara) filter, richer colors, a canvas below."""
    flat = _kuwahara(pixels, 5)
    rich = _saturated(flat, 1.25)
    canvas = _blurred(rng.normal(0, 1, pixels.shape[:2]).astype(np.float32), 1.0)
    return rich * (1 + 0.05 * canvas[..., None])


def _watercolor(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    flat = _saturated(_kuwahara(pixels, 6), 1.1)
    paper = _blurred(rng.normal(0, 1, pixels.shape[:2]).astype(np.float32), 12)
    paper = paper / max(float(np.abs(paper).max()), 1e-6)
    dark = np.clip(_outline(flat) * 1.5, 0, 0.35)
    return np.clip(flat * 0.72 + 0.28 + 0.08 * paper[..., None] - dark[..., None], 0, 1)


def _pencil(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Gray divided by its blurred self (color dodge), on grainy paper."""
    gray = _gray(pixels)
    lines = np.clip(gray / np.maximum(_blurred(gray, 9), 1e-3), 0, 1) ** 2.2
    shaded = lines * (0.62 + 0.38 * np.clip(gray * 1.6, 0, 1))
    grain = _blurred(rng.normal(0, 1, gray.shape).astype(np.float32), 0.7)
    drawn = np.clip(shaded * 0.93 + 0.05 + 0.05 * grain, 0, 1)
    return np.repeat(drawn[..., None], 3, axis=2)


def _pixel_art(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    image = Image.fromarray((_saturated(pixels, 1.25) * 255).clip(0, 255).astype(np.uint8))
    small = image.resize((_PIXEL_ART_SIDE, _PIXEL_ART_SIDE), Image.Resampling.BOX)
    few = small.quantize(32, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(few.resize(image.size, Image.Resampling.NEAREST), dtype=np.float32) / 255


def _black_and_white(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    gray = np.clip((_gray(pixels) - 0.5) * 1.15 + 0.5, 0, 1)
    return np.repeat(gray[..., None], 3, axis=2)


def _sepia(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    gray = np.clip(_gray(pixels) * 0.9 + 0.07, 0, 1)[..., None]
    tone = gray * np.array([1.07, 0.93, 0.72], dtype=np.float32)
    return np.clip(tone * _vignette(pixels.shape[:2], 0.45) + 0.02 * rng.normal(0, 1, gray.shape), 0, 1)


def _cartoon(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    flat = _saturated(_kuwahara(pixels, 4), 1.4)
    steps = np.round(flat * 7) / 7
    ink = np.clip((_outline(_blurred(pixels, 1.2)) - 0.10) * 9, 0, 1)
    return np.clip(_blurred(steps, 0.6) * (1 - 0.9 * ink[..., None]), 0, 1)


def _night(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    """Less light, less color, bluer: day for night."""
    gray = _gray(pixels)[..., None]
    dim = (0.45 * gray + 0.55 * pixels) ** 1.2 * 0.74
    return np.clip(
        dim * np.array([0.72, 0.85, 1.25], dtype=np.float32) * _vignette(pixels.shape[:2], 0.5) + 0.01, 0, 1
    )


def _sunset(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    warm = pixels * np.array([1.12, 0.92, 0.70], dtype=np.float32)
    glow = np.linspace(0.16, 0.0, pixels.shape[0], dtype=np.float32)[:, None, None]
    return np.clip(warm * 0.92 + glow * np.array([1.0, 0.45, 0.15], dtype=np.float32), 0, 1)


def _winter(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    cold = (0.45 * _gray(pixels)[..., None] + 0.55 * pixels) * np.array([0.98, 1.02, 1.1], dtype=np.float32)
    pale = np.clip(cold * 0.85 + 0.14, 0, 1)
    height, width = pixels.shape[0], pixels.shape[1]
    flakes = np.zeros((height, width), np.float32)
    for size, count in ((0.9, 1400), (1.8, 420), (3.4, 90)):
        drawn = np.zeros_like(flakes)
        drawn[rng.integers(0, height, count), rng.integers(0, width, count)] = 1
        spread = _blurred(drawn, size)
        flakes = np.maximum(flakes, spread / max(float(spread.max()), 1e-6))
    return np.asarray(np.clip(pale + 0.85 * np.clip(flakes * 1.6, 0, 1)[..., None] * (1 - pale), 0, 1))


def _rain(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    import cv2

    gray = (0.5 * _gray(pixels)[..., None] + 0.5 * pixels) * np.array([0.82, 0.88, 0.95], dtype=np.float32)
    drops = (rng.random(pixels.shape[:2]) > 0.9965).astype(np.float32)
    kernel = np.zeros((25, 25), np.float32)
    cv2.line(kernel, (9, 0), (15, 24), 1.0, 1)
    streaks = np.clip(cv2.filter2D(drops, -1, kernel), 0, 1)
    return np.clip(gray + 0.22 * _blurred(streaks, 0.6)[..., None], 0, 1)


_OPERATIONS: Mapping[Style, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "painting": _painting,
    "watercolor": _watercolor,
    "pencil": _pencil,
    "pixel art": _pixel_art,
    "black and white": _black_and_white,
    "sepia": _sepia,
    "cartoon": _cartoon,
    "night": _night,
    "sunset": _sunset,
    "winter": _winter,
    "rain": _rain,
}


def _blurred(values: Pixels, deviation_px: float) -> Pixels:
    import cv2

    return np.asarray(cv2.GaussianBlur(values, (0, 0), deviation_px), dtype=np.float32)


def _gray(pixels: Pixels) -> Pixels:
    """Rec. 709 luma `[height, width]`."""
    return np.asarray(pixels @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32), dtype=np.float32)


def _saturated(pixels: Pixels, by: float) -> Pixels:
    gray = _gray(pixels)[..., None]
    return np.asarray(np.clip(gray + (pixels - gray) * by, 0, 1), dtype=np.float32)


def _vignette(shape: tuple[int, ...], strength: float) -> Pixels:
    down = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    return np.asarray(1 - strength * np.clip((down**2 + across**2) / 2, 0, 1) ** 1.5, dtype=np.float32)[
        ..., None
    ]


def _outline(pixels: Pixels) -> Pixels:
    """Length of the gradient of the gray picture (Sobel)."""
    import cv2

    gray = _gray(pixels)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(np.hypot(across, down) / 4, dtype=np.float32)


def _kuwahara(pixels: Pixels, radius: int) -> Pixels:
    """Kuwahara et al. 1976: each pixel takes the mean of the calmest of four squares around it."""
    import cv2

    side = radius + 1
    gray = _gray(pixels)
    mean, squares = cv2.blur(pixels, (side, side)), cv2.blur(gray * gray, (side, side))
    variance = squares - cv2.blur(gray, (side, side)) ** 2
    best, calmest = pixels, np.full(gray.shape, np.inf, np.float32)
    shift = radius // 2 + radius % 2
    for down in (-shift, shift):
        for across in (-shift, shift):
            spread = np.roll(variance, (down, across), axis=(0, 1))
            calmer = spread < calmest
            best = np.where(calmer[..., None], np.roll(mean, (down, across), axis=(0, 1)), best)
            calmest = np.where(calmer, spread, calmest)
    return np.asarray(best, dtype=np.float32)

"""Edits pictures with the mask of a thing: replaces its background, or removes the thing. Knows pictures only."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageOps

_SIDE_PX = 144
"""Longest side at which a ground is continued: more than twice what the small backbone reads."""


@cache
def soft_ground() -> Image.Image:
    """Soft patches of all colors, always the same: a ground that no photo has."""
    patches = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((256, 256), Image.Resampling.BICUBIC)


def on_ground(image: Image.Image, mask: Image.Image, ground: Image.Image) -> Image.Image:
    """The thing of `image` before another picture, of which the middle is used."""
    return Image.composite(image, ImageOps.fit(ground, image.size), mask)


def without_subject(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The ground alone: what surrounds the thing is continued over it, and over a margin that hides its outline."""
    import cv2

    scale = _SIDE_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    covered = (np.asarray(mask.resize(size, Image.Resampling.BILINEAR)) > 0).astype(np.uint8)
    margin = max(1, round(0.1 * float(np.sqrt(covered.sum()))))
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    covered = np.asarray(cv2.dilate(covered, round_), dtype=np.uint8)
    pixels = np.ascontiguousarray(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    filled = Image.fromarray(cv2.inpaint(pixels, covered, 3, cv2.INPAINT_TELEA))
    soft = Image.fromarray(covered * 255).resize(image.size, Image.Resampling.BICUBIC)
    return Image.composite(filled.resize(image.size, Image.Resampling.BICUBIC), image, soft)

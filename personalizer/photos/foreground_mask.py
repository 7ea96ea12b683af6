"""Where in a photo its thing is, pixel by pixel, and pictures made of that: on another ground, or without it.

Knows pictures and boxes only. The estimate is made twice from different beginnings and given only where both agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from personalizer.schemas import BoolArray, BoundingBox, Float32Array

Edges = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are exclusive."""


@dataclass(frozen=True, slots=True)
class SubjectMaskConfig:
    """How a mask is looked for, and when it is not believed. Shares are of the picture unless said otherwise."""

    side_px: int = 144
    """Longest side that is worked at: more than twice what the small backbone reads, and a tenth of a second."""
    min_side_px: int = 32
    """A smaller picture has too few pixels for two colour models."""
    frame: float = 0.02
    """Of the longest side: the edge counts as ground at first, and is given what is found beside it in the end."""
    grow: float = 0.1
    """Of the box, on each side: proposed regions often miss an ear or a foot."""
    min_contrast: float = 12.0
    """Distance (in 8-bit Lab) from the edge's colours that something must reach: otherwise there is nothing to see."""
    min_area: float = 0.02
    """What is smaller is a detail of something, or noise."""
    max_area: float = 0.6
    """With less ground than that left, thing and ground are easily mistaken for each other."""
    max_edge: float = 0.3
    """Of the picture's edge that may be covered: ground that was taken for the thing runs along the edge."""
    min_in_box: float = 0.5
    """Of the mask that must lie in the box: otherwise it is something else."""
    min_agreement: float = 0.75
    """Intersection over union of both estimates: where thing and ground share colours, they differ."""


_DEFAULT_MASK = SubjectMaskConfig()
_ROUNDS = 4
"""Of fitting colour models and cutting; few pixels change later."""
_EDGE_COLORS = 5


def subject_mask(
    image: Image.Image, box: BoundingBox | None = None, config: SubjectMaskConfig = _DEFAULT_MASK
) -> Image.Image | None:
    """A mask (`L`, of the picture's size, 255 on the thing, soft at its edge), or None when it cannot be trusted.

    `box` says about where the thing is, in pixels of the RGB picture; without one it is looked for in the middle.
    Made for things: a face nearly fills its view, and hair, skin and clothes have no colours in common.
    """
    scale = config.side_px / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    if min(*image.size, *size) < config.min_side_px:
        return None
    pixels = np.ascontiguousarray(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    inside = _edges_in(size, box, scale)
    contrast = _contrast(pixels)
    if float(np.percentile(contrast, 98)) < config.min_contrast:
        return None
    one = _cut(pixels, _grown(size, inside, config.grow), config.frame)
    other = _cut(pixels, _salient(contrast, inside), config.frame)
    # A shadow too much does little harm; a foot too few would stay behind where the thing is taken away.
    found = one | other
    area = float(found.sum())
    left, top, right, bottom = inside
    border = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    believed = (
        config.min_area <= area / found.size <= config.max_area
        and float((one & other).sum()) >= config.min_agreement * area
        and float(border.mean()) <= config.max_edge
        and float(found[top:bottom, left:right].sum()) >= config.min_in_box * area
    )
    if not believed:
        return None
    return Image.fromarray(found.astype(np.uint8) * 255).resize(image.size, Image.Resampling.BICUBIC)


def on_ground(image: Image.Image, mask: Image.Image, ground: Image.Image) -> Image.Image:
    """The thing of `image` before another picture, of which the middle is used."""
    return Image.composite(image, ImageOps.fit(ground, image.size), mask)


def without_subject(
    image: Image.Image, mask: Image.Image, config: SubjectMaskConfig = _DEFAULT_MASK
) -> Image.Image:
    """The ground alone: what surrounds the thing is continued over it, and over a margin that hides its outline."""
    import cv2

    scale = config.side_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    covered = (np.asarray(mask.resize(size, Image.Resampling.BILINEAR)) > 0).astype(np.uint8)
    margin = max(1, round(0.1 * float(np.sqrt(covered.sum()))))
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    covered = np.asarray(cv2.dilate(covered, round_), dtype=np.uint8)
    pixels = np.ascontiguousarray(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    filled = Image.fromarray(cv2.inpaint(pixels, covered, 3, cv2.INPAINT_TELEA))
    soft = Image.fromarray(covered * 255).resize(image.size, Image.Resampling.BICUBIC)
    return Image.composite(filled.resize(image.size, Image.Resampling.BICUBIC), image, soft)


def _edges_in(size: tuple[int, int], box: BoundingBox | None, scale: float) -> Edges:
    """The box in the reduced picture, a few pixels wide at least; the middle of the picture without a box."""
    width, height = size
    if box is None:
        return width // 5, height // 5, width - width // 5, height - height // 5
    left, top = (
        min(max(round(value * scale), 0), end - 4) for value, end in ((box.left, width), (box.top, height))
    )
    right, bottom = min(round(box.right * scale), width), min(round(box.bottom * scale), height)
    return left, top, max(right, left + 4), max(bottom, top + 4)


def _grown(size: tuple[int, int], inside: Edges, share: float) -> BoolArray:
    """`[height, width]`: the box and a part of its surroundings."""
    width, height = size
    left, top, right, bottom = inside
    more_x, more_y = round(share * (right - left)), round(share * (bottom - top))
    start = np.zeros((height, width), dtype=np.bool_)
    start[max(0, top - more_y) : bottom + more_y, max(0, left - more_x) : right + more_x] = True
    return start


def _contrast(pixels: Any) -> Float32Array:
    """`[height, width]`: how far each pixel's colour is from those that are frequent along the picture's edge."""
    import cv2

    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    wide = max(2, round(0.06 * max(lab.shape)))
    strips = (lab[:wide], lab[-wide:], lab[:, :wide], lab[:, -wide:])
    edge = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    cv2.setRNGSeed(0)
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    labels = np.zeros((len(edge), 1), dtype=np.int32)
    _, nearest, colors = cv2.kmeans(edge, _EDGE_COLORS, labels, until, 1, cv2.KMEANS_PP_CENTERS)
    # The thing may reach the edge itself, with a little of it.
    frequent = np.bincount(nearest[:, 0], minlength=_EDGE_COLORS) > 0.08 * len(edge)
    distances = [np.linalg.norm(lab - color, axis=-1) for color in colors[frequent]]
    nearest_color: Float32Array = np.min(distances, axis=0).astype(np.float32)
    return nearest_color


def _salient(contrast: Float32Array, inside: Edges) -> BoolArray:
    """`[height, width]`: what contrasts with the edge, the more the nearer it is to the middle of the box."""
    import cv2

    height, width = contrast.shape
    left, top, right, bottom = inside
    rows, columns = np.mgrid[:height, :width]
    across = (columns - (left + right) / 2) / (0.6 * max(right - left, 0.2 * width))
    down = (rows - (top + bottom) / 2) / (0.6 * max(bottom - top, 0.2 * height))
    weighted = cv2.GaussianBlur(contrast, (0, 0), 2) * np.exp(-0.5 * (across**2 + down**2))
    levels = (255 * weighted / max(float(weighted.max()), 1e-6)).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    salient: BoolArray = levels > threshold
    return salient


def _cut(pixels: Any, start: BoolArray, frame_share: float) -> BoolArray:
    """`[height, width]`: the thing, by GrabCut from a first guess; empty where nothing is left of it."""
    import cv2

    frame = max(1, round(frame_share * max(start.shape)))
    labels = np.where(start, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    inner = (slice(frame, -frame), slice(frame, -frame))
    framed = np.full_like(labels, cv2.GC_BGD)
    framed[inner] = labels[inner]
    if not (framed == cv2.GC_PR_FGD).any():
        return np.zeros_like(start)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, framed, (0, 0, 0, 0), *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    thing = _solid((framed == cv2.GC_PR_FGD).astype(np.uint8))
    return np.pad(thing[inner], frame, mode="edge").astype(np.bool_)


def _solid(thing: Any) -> Any:
    """Its large parts without specks, threads and small holes, uint8 `[height, width]`."""
    import cv2

    thing = cv2.morphologyEx(thing, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    count, parts, measured, _ = cv2.connectedComponentsWithStats(thing)
    areas = measured[1:, cv2.CC_STAT_AREA]
    if count > 1:
        thing = np.isin(parts, 1 + np.flatnonzero(areas >= 0.25 * areas.max())).astype(np.uint8)
    count, parts, measured, _ = cv2.connectedComponentsWithStats(1 - thing, connectivity=4)
    outside = set(np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])).tolist())
    for part in range(1, count):
        if part not in outside and measured[part, cv2.CC_STAT_AREA] < 0.1 * thing.sum():
            thing[parts == part] = 1
    return thing

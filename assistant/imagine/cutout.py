"""A thing, an animal or a person cut out of a photo, with a clean soft edge. Knows pictures only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from personalizer.schemas import Float32Array

WORK_PX = 720
"""Longest side of a cut-out: what a montage can show of it."""
_SOLID, _NOTHING = 0.95, 0.05
_OUTLINE_REACH = 0.02
"""Of the thing's size: how far around the mask's edge the photo decides where the edge is."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """Straight (not premultiplied) RGBA around one thing, and what its photo cut off."""

    image: Image.Image
    """`RGBA`, cropped to the thing."""
    cut_below: bool
    """The photo's lower edge goes through it: it has no feet to stand on."""
    cut_beside: bool
    """The photo's left, right or upper edge goes through it."""
    sharpness: float
    """Standard deviation of the Laplacian inside, at `WORK_PX`, 0 to about 0.3."""
    framed: bool = False
    """A whole picture in a frame, since nothing could be cut out of it."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.image.width / self.image.height

    @property
    def fill(self) -> float:
        """Share of the box that the thing covers."""
        return float(np.asarray(self.image.getchannel("A"), dtype=np.float32).mean() / 255)


def cut_out(photo: Image.Image, mask: Image.Image) -> Cutout | None:
    """What `mask` (`L`, of the RGB photo's size) shows; None where it shows next to nothing."""
    box = mask.point(lambda level: 255 if level > 127 else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 8:
        return None
    edges = _edges(mask, box)
    margin = round(0.06 * max(box[2] - box[0], box[3] - box[1]))
    near = (
        max(0, box[0] - margin),
        max(0, box[1] - margin),
        min(photo.width, box[2] + margin),
        min(photo.height, box[3] + margin),
    )
    scale = min(1.0, WORK_PX / max(near[2] - near[0], near[3] - near[1]))
    size = (max(1, round((near[2] - near[0]) * scale)), max(1, round((near[3] - near[1]) * scale)))
    color = _as_floats(photo.crop(near).resize(size, Image.Resampling.LANCZOS))
    rough = _as_floats(mask.crop(near).resize(size, Image.Resampling.BICUBIC))
    alpha = _refined(color, rough)
    image = Image.fromarray(
        (np.dstack([_own_colors(color, alpha), alpha]) * 255).round().clip(0, 255).astype(np.uint8), "RGBA"
    )
    kept = image.getchannel("A").point(lambda level: 255 if level > 12 else 0).getbbox()
    if kept is None:
        return None
    left, top, right, bottom = edges
    return Cutout(image.crop(kept), bottom, left or top or right, _sharpness(color, alpha))


def whole_picture(photo: Image.Image) -> Cutout:
    """A whole photo as a print with a white border, to stand somewhere as it is."""
    scale = min(1.0, WORK_PX / max(photo.size))
    small = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    border = max(2, round(0.05 * max(small.size)))
    framed = ImageOps.expand(small.convert("RGB"), border, (250, 249, 246)).convert("RGBA")
    return Cutout(framed, False, False, 0.05, framed=True)


def _edges(mask: Image.Image, box: tuple[int, int, int, int]) -> tuple[bool, bool, bool, bool]:
    """Whether the thing is cut off on the left, above, on the right, below: a real length of it lies on the edge."""
    solid = np.asarray(mask) > 127
    near_x, near_y = max(1, round(0.012 * mask.width)), max(1, round(0.012 * mask.height))
    long_x, long_y = 0.12 * (box[2] - box[0]), 0.12 * (box[3] - box[1])
    return (
        bool(solid[:, :near_x].any(axis=1).sum() > long_y),
        bool(solid[:near_y].any(axis=0).sum() > long_x),
        bool(solid[:, -near_x:].any(axis=1).sum() > long_y),
        bool(solid[-near_y:].any(axis=0).sum() > long_x),
    )


def _as_floats(image: Image.Image) -> Float32Array:
    pixels: Float32Array = np.asarray(image, dtype=np.float32) / np.float32(255)
    return pixels


def _refined(color: Float32Array, rough: Float32Array) -> Float32Array:
    """The mask, of 320 px, with the photo's own edges: a guided filter (He, Sun and Tang 2010) around its outline."""
    import cv2

    reach = max(2, round(_OUTLINE_REACH * float(np.sqrt((rough > 0.5).sum() + 1.0))))
    fine = _guided(color, rough, 2 * reach, 1e-4)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = cv2.erode((rough > 0.5).astype(np.uint8), kernel) > 0
    outside = cv2.dilate((rough > 0.5).astype(np.uint8), kernel) == 0
    alpha = np.where(inside, 1.0, np.where(outside, 0.0, np.clip((fine - 0.25) / 0.5, 0, 1)))
    alpha = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.8)
    return np.asarray(np.clip((alpha - _NOTHING) / (_SOLID - _NOTHING), 0, 1), dtype=np.float32)


def _guided(guide: Float32Array, values: Float32Array, radius: int, epsilon: float) -> Float32Array:
    """Guided filter with a gray guide."""
    import cv2

    def mean(of: Float32Array) -> Float32Array:
        return np.asarray(cv2.blur(of, (2 * radius + 1, 2 * radius + 1)), dtype=np.float32)

    gray = guide.mean(axis=2)
    mean_guide, mean_values = mean(gray), mean(values)
    slope = (mean(gray * values) - mean_guide * mean_values) / (mean(gray * gray) - mean_guide**2 + epsilon)
    return np.asarray(mean(slope) * gray + mean(mean_values - slope * mean_guide), dtype=np.float32)


def _own_colors(color: Float32Array, alpha: Float32Array) -> Float32Array:
    """Colors without what the old ground lends to the edge: there, those of the solid inside nearby."""
    import cv2

    solid = cv2.erode((alpha > _SOLID).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    if solid.sum() < 16:
        return color
    spread_px = max(2.0, 0.012 * max(alpha.shape))
    weight = cv2.GaussianBlur(solid, (0, 0), spread_px)
    inner = (
        cv2.GaussianBlur(color * solid[..., None], (0, 0), spread_px) / np.maximum(weight, 1e-4)[..., None]
    )
    edge = (1 - cv2.GaussianBlur(solid, (0, 0), 1.0))[..., None]
    known = (weight > 1e-3)[..., None]
    return np.where(known, color * (1 - edge) + inner * edge, color).astype(np.float32)


def _sharpness(color: Float32Array, alpha: Float32Array) -> float:
    import cv2

    inside = alpha > _SOLID
    if inside.sum() < 64:
        return 0.0
    return float(cv2.Laplacian(color.mean(axis=2).astype(np.float32), cv2.CV_32F)[inside].std())

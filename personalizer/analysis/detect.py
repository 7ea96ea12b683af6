"""Where in a photo to look: faces, and the region that a classifier's activation points at.

Boxes are in pixels of the given picture. Knows no library and makes no vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from personalizer.schemas import BoundingBox, DetectionKind, Float32Array, NewDetection

REGION_DETECTOR = "activation-map"
WHOLE_PHOTO = "whole-photo"


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
    return NewDetection("object", box.clipped(size_px), round(min(share, 1.0), 4), REGION_DETECTOR)


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

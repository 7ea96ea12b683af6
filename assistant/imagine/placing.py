"""Where in a scene each cut-out comes to stand, and how large. Knows numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.imagine.scenes import Scene

ALONE_FILLS = 0.42
"""Of the picture's area, by the box of a thing that is alone in it."""
TOGETHER_FILL = 0.62
MOST_WIDE, MOST_HIGH = 0.94, 0.92
OVERLAP = 0.88
"""Of the width of one of several, until the next one begins."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What placing has to know of a cut-out."""

    aspect: float
    """Width over height."""
    height_m: float
    cut_below: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a cut-out comes to lie, in pixels of the montage."""

    left: int
    top: int
    width: int
    height: int

    @property
    def base(self) -> int:
        """The row on which it stands."""
        return self.top + self.height


def place_all(
    scene: Scene, shapes: Sequence[Shape], side_px: int, rng: np.random.Generator, scale: float = 1.0
) -> list[Placement]:
    """A place for each shape, in their order; those that stand further down are nearer and hide others."""
    if len(shapes) == 1:
        return [_alone(scene, shapes[0], side_px, rng, scale)]
    return _together(scene, shapes, side_px, rng, scale)


def _alone(scene: Scene, shape: Shape, side_px: int, rng: np.random.Generator, scale: float) -> Placement:
    height = float(np.sqrt(ALONE_FILLS / shape.aspect)) * scale
    height, width = _fitted(height, shape.aspect)
    room = max(0.0, 1 - width)
    left = room / 2 + float(rng.uniform(-0.3, 0.3)) * room
    return _placement(scene, shape, left, width, height, side_px, _base(scene, height))


def _together(
    scene: Scene, shapes: Sequence[Shape], side_px: int, rng: np.random.Generator, scale: float
) -> list[Placement]:
    """Side by side, overlapping a little, with sizes that fit each other halfway: a mug beside a man stays a mug."""
    heights_m = np.array([shape.height_m for shape in shapes])
    relative = np.sqrt(heights_m / heights_m.max())
    widths = relative * np.array([shape.aspect for shape in shapes])
    order = rng.permutation(len(shapes))
    # The last one in a row is not overlapped.
    span = OVERLAP * float(widths.sum()) + (1 - OVERLAP) * float(widths[order[-1]])
    unit = min(
        0.8 * scale,
        MOST_HIGH / float(relative.max()),
        MOST_WIDE / max(1e-6, span),
        float(np.sqrt(TOGETHER_FILL / float((relative * widths).sum()))) * scale,
    )
    left = (1 - unit * span) / 2
    places: dict[int, Placement] = {}
    for rank, index in enumerate(order):
        height, width = float(unit * relative[index]), float(unit * widths[index])
        # The smaller one stands in front, where it is not hidden.
        base = _base(scene, float(unit)) + (0.0 if relative[index] == relative.max() else 0.02 + 0.008 * rank)
        places[int(index)] = _placement(scene, shapes[index], left, width, height, side_px, min(base, 0.985))
        left += OVERLAP * width
    return [places[index] for index in range(len(shapes))]


def _base(scene: Scene, height: float) -> float:
    """The row to stand on: as far back as the scene's ground allows without leaving the frame above."""
    _, top, _, bottom = scene.ground
    return float(np.clip(height + 0.06, top + 0.6 * (bottom - top), min(bottom, 0.965)))


def _fitted(height: float, aspect: float) -> tuple[float, float]:
    """Height and width as shares of the side, made smaller where they do not fit."""
    shrink = min(1.0, MOST_HIGH / height, MOST_WIDE / (height * aspect))
    return height * shrink, height * shrink * aspect


def _placement(
    scene: Scene, shape: Shape, left: float, width: float, height: float, side_px: int, base: float
) -> Placement:
    # What has no feet comes out of the lower edge.
    stands = 1.0 if shape.cut_below else base
    size = max(1, round(width * side_px)), max(1, round(height * side_px))
    return Placement(round(left * side_px), round(stands * side_px) - size[1], *size)

"""Finds the main thing of a picture, as a mask with its quality: U²-Net-P (arXiv 2005.09007), whose graph ships here.

Runs onnxruntime; knows pictures, no photo file and no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.home import PACKAGE_DATA
from personalizer.onnx_runtime import open_session, read_graph
from personalizer.schemas import BoolArray, BoundingBox, Float32Array

NETWORK_FILE = PACKAGE_DATA / "mask_network" / "u2netp.onnx"
NETWORK_SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
DETECTOR = "u2netp-1"
"""What detections say that they were found by; counted up when boxes come out otherwise."""
SIDE_PX = 320
"""The network's input. At 160 px it takes a quarter of the time, and a sixth of the masks differ by a fifth or more."""
_INPUT, _OUTPUT = "input.1", "1959"
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_LARGE_PART = 0.25
"""Of the largest part's area: smaller parts are specks."""
_MIN_SIDE_PX = 32
_IN_BOX = 0.5
_MARGIN = 0.04
"""Added to the box on each side, as a share of it."""


@dataclass(frozen=True, slots=True)
class ClearMaskConfig:
    """When a mask is believed. Shares are of the picture unless said otherwise."""

    min_area: float = 0.01
    max_area: float = 0.75
    """With less ground than that left there is nothing that the thing stands out from."""
    max_on_frame: float = 0.35
    """Of the picture's edge that the mask covers: more is ground, or something that is cut off."""
    max_doubtful: float = 0.35
    """Of the mask's area: pixels that the network is undecided about. A mask of nothing is doubtful everywhere."""


_CLEAR = ClearMaskConfig()


@dataclass(frozen=True, slots=True, eq=False)
class MainThing:
    """Where the main thing of a picture is."""

    probability: Float32Array
    """`[320, 320]`, 0 to 1: how likely each place of the squashed picture belongs to it, specks left out."""
    box: BoundingBox
    """Around the thing with a margin, in pixels of the picture."""
    area: float
    on_frame: float
    """Share of the picture's edge that the mask covers."""
    parts: int
    """Separate parts, each at least a quarter of the largest."""
    doubtful: float

    def is_clear(self, config: ClearMaskConfig = _CLEAR) -> bool:
        """Whether the mask can be trusted to show a whole thing and nothing else."""
        return (
            config.min_area <= self.area <= config.max_area
            and self.on_frame <= config.max_on_frame
            and self.doubtful <= config.max_doubtful
        )

    def mask(self, size_px: tuple[int, int]) -> Image.Image:
        """`L`, of the picture's size: 255 on the thing, soft at its edge."""
        # What the network is nearly sure of is wholly the thing, or wholly ground.
        levels = (np.clip((self.probability - 0.15) / 0.7, 0, 1) * 255).astype(np.uint8)
        return Image.fromarray(levels).resize(size_px, Image.Resampling.BICUBIC)


class MaskNetwork:
    """The network, loaded on first use. Not for use by several threads at once."""

    def __init__(self, *, threads: int = 1) -> None:
        self.threads = threads

    @cached_property
    def session(self) -> Any:
        return open_session(read_mask_network(NETWORK_FILE), self.threads)

    def unload(self) -> None:
        """Give back the network and the 300 MiB that its work takes; the next picture loads it again."""
        self.__dict__.pop("session", None)

    def find(self, image: Image.Image) -> MainThing | None:
        """The main thing of an RGB picture; None where the network sees none at all."""
        small = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = (np.asarray(small, dtype=np.float32) / 255 - _MEAN) / _DEVIATION
        output = self.session.run([_OUTPUT], {_INPUT: pixels.transpose(2, 0, 1)[None]})[0][0, 0]
        return main_thing(output, image.size)


def read_mask_network(path: Path) -> bytes:
    """The file at `path`, which must be the network that ships; else `CorruptArtifactError`."""
    return read_graph(path, NETWORK_SHA256, "mask network")


@cache
def shipped_network() -> MaskNetwork:
    """One network for the whole process."""
    return MaskNetwork()


def subject_mask(image: Image.Image, box: BoundingBox | None = None) -> Image.Image | None:
    """A mask (`L`, of the picture's size, 255 on the thing, soft at its edge), or None when it cannot be trusted.

    With `box`, in pixels of the RGB picture, only of a thing that lies there. Made for things: the mask of a photo with
    a face is the person's.
    """
    if min(image.size) < _MIN_SIDE_PX:
        return None
    thing = shipped_network().find(image)
    if thing is None or not thing.is_clear():
        return None
    if box is not None and not _lies_in(thing.box, box):
        return None
    return thing.mask(image.size)


def _lies_in(thing: BoundingBox, box: BoundingBox) -> bool:
    """Whether half of the thing's box is in `box`, or half of `box` in the thing's."""
    common = thing.shared_px(box)
    return any(one.area_px > 0 and common >= _IN_BOX * one.area_px for one in (thing, box))


def main_thing(probability: Float32Array, size_px: tuple[int, int]) -> MainThing | None:
    """The thing in the network's output `[side, side]` for a picture of `size_px`; None where there is none."""
    import cv2

    low, high = float(probability.min()), float(probability.max())
    if high < 0.5:
        return None
    scaled = (probability - low) / max(high - low, 1e-6)
    count, places, measured, _ = cv2.connectedComponentsWithStats((scaled >= 0.5).astype(np.uint8))
    if count < 2:
        return None
    areas = measured[1:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas >= _LARGE_PART * areas.max())
    inside: BoolArray = np.isin(places, large)
    # The soft edge belongs to the part beside it; specks and what floats around them go.
    near = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.bool_)
    kept = np.where(near, scaled, 0).astype(np.float32)
    edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    doubtful = ((kept > 0.1) & (kept < 0.9)).sum() / max(1, int(inside.sum()))
    return MainThing(
        kept,
        _box(measured[large], len(probability), size_px),
        float(inside.mean()),
        float(edge.mean()),
        len(large),
        float(doubtful),
    )


def _box(measured: Any, side: int, size_px: tuple[int, int]) -> BoundingBox:
    """Around parts `[n, 5]` (left, top, width, height, area) of a square map, as pixels of the picture."""
    left, top = float(measured[:, 0].min()), float(measured[:, 1].min())
    right = float((measured[:, 0] + measured[:, 2]).max())
    bottom = float((measured[:, 1] + measured[:, 3]).max())
    across, down = size_px[0] / side, size_px[1] / side
    more_x, more_y = _MARGIN * (right - left), _MARGIN * (bottom - top)
    return BoundingBox(
        (left - more_x) * across, (top - more_y) * down, (right + more_x) * across, (bottom + more_y) * down
    ).clipped(size_px)

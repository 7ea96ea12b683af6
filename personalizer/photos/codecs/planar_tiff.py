"""TIFFs that keep each color apart in sixteen bits, which Pillow would mix up without a word.

Each plane is read as a grey picture of its own: the same bytes behind another directory, so whatever compression
Pillow knows is read here as well.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_FILL_ORDER, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 266, 273, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SAMPLE_FORMAT = 317, 322, 323, 324, 325, 339
_KEPT = (_WIDTH, _HEIGHT, _COMPRESSION, _FILL_ORDER, _ROWS, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT)
_LONG = 4
_COLORS = {1: ("L", 1), 2: ("RGB", 3), 5: ("CMYK", 4)}
"""By photometric interpretation: Pillow's mode, and how many planes it has."""


class PlanarError(Exception):
    """Why a TIFF with planes cannot be read; a short reason."""


def has_deep_planes(image: Image.Image) -> bool:
    """Whether this is such a TIFF."""
    if not isinstance(image, TiffImageFile):
        return False
    tags = image.tag_v2
    bits = tags.get(_BITS, (1,))
    return tags.get(_PLANAR) == 2 and tags.get(_SAMPLES, 1) > 1 and any(number > 8 for number in bits)


def joined_planes(image: Image.Image, content: bytes) -> Image.Image:
    """The picture in eight bits, not turned yet; alpha and other planes beside the colors are left out.

    Raises `PlanarError`, and whatever Pillow raises for a plane.
    """
    assert isinstance(image, TiffImageFile)
    tags = image.tag_v2
    mode, number = _COLORS.get(tags.get(_PHOTOMETRIC, -1), ("", 0))
    bits, samples = tags.get(_BITS, (1,)), int(tags.get(_SAMPLES, 1))
    depths = set(bits)
    if not number or number > samples or depths != {16} or content[2:4] not in (b"*\0", b"\0*"):
        raise PlanarError(
            f"a TIFF that keeps its colors apart in {max(bits)} bits, of a kind that cannot be read: "
            "save it with interleaved colors, or in 8 bits"
        )
    if tags.get(_SAMPLE_FORMAT, (1,))[0] != 1:
        raise PlanarError("a TIFF that keeps its colors apart as signed or broken numbers")
    planes = [_plane(tags, content, plane, samples) for plane in range(number)]
    return planes[0] if number == 1 else Image.merge(mode, planes)


def _plane(tags: ImageFileDirectory_v2, content: bytes, plane: int, samples: int) -> Image.Image:
    """One plane in eight bits."""
    entries = {tag: (int(tags[tag]),) for tag in _KEPT if tag in tags}
    entries |= {_BITS: (16,), _SAMPLES: (1,), _PHOTOMETRIC: (1,), _PLANAR: (1,)}
    for where, length in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        if where in tags and length in tags:
            each = len(tags[where]) // samples
            part = slice(plane * each, (plane + 1) * each)
            entries[where], entries[length] = tuple(tags[where][part]), tuple(tags[length][part])
    with Image.open(io.BytesIO(_with_directory(content, entries)), formats=("TIFF",)) as opened:
        opened.load()
        if not opened.mode.startswith("I;16"):
            raise PlanarError("a TIFF that keeps its colors apart in a way that cannot be read")
        return Image.fromarray((np.asarray(opened) >> 8).astype(np.uint8))


def _with_directory(content: bytes, entries: Mapping[int, tuple[int, ...]]) -> bytes:
    """The file with another directory, of whole numbers, behind what it holds."""
    order = "<" if content[:2] == b"II" else ">"
    start = len(content) + len(content) % 2
    values_at = start + 2 + 12 * len(entries) + 4
    directory, values = [struct.pack(f"{order}H", len(entries))], b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) == 1:
            where = packed
        else:
            where = struct.pack(f"{order}I", values_at + len(values))
            values += packed
        directory.append(struct.pack(f"{order}HHI", tag, _LONG, len(numbers)) + where)
    header = content[:4] + struct.pack(f"{order}I", start)
    return b"".join([header, content[8:], bytes(start - len(content)), *directory, bytes(4), values])

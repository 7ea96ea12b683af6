"""Small pictures of what was found in photos, as addresses that hold the picture itself. Knows no library.

A picture is only made of a file that is what it was when the library looked at it.
"""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass

from PIL import Image

from personalizer.errors import UnreadablePhotoError
from personalizer.library.concepts.overview import Example
from personalizer.photos.crops import FACE_MARGIN, MARGIN, close_view
from personalizer.photos.decode import DecodeLimits, load_photo
from personalizer.schemas import BoundingBox

_QUALITY = 80
_MOST_SIDE_PX = 6000
"""A face that needs a larger picture than this to be sharp is shown less sharp."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A square JPEG."""

    address: str
    """`data:image/jpeg;base64,…`"""
    side_px: int


def picture_of(example: Example, side_px: int, *, face: bool) -> Picture | None:
    """The example with some surroundings; None when its file is gone, cannot be read, or holds something else now.

    Of the file come pixels only: neither its date nor its place, nor what else its maker wrote into it.
    """
    try:
        status = example.path.stat()
    except (OSError, ValueError):
        return None
    if (status.st_size, status.st_mtime_ns) != (example.size, example.mtime_ns):
        return None
    margin = FACE_MARGIN if face else MARGIN
    wanted_px = max(example.box.width_px, example.box.height_px, 1.0) * margin
    # Decoded no larger than it takes to show this part of it sharply.
    longest_px = max(example.width_px, example.height_px)
    enough_px = math.ceil(longest_px * min(side_px / wanted_px, 1.0))
    try:
        photo = load_photo(
            example.path, DecodeLimits(max_side_px=max(side_px, min(enough_px, _MOST_SIDE_PX)))
        )
    except UnreadablePhotoError:
        return None
    scale, box = photo.scale, example.box
    inside = BoundingBox(box.left / scale, box.top / scale, box.right / scale, box.bottom / scale)
    view = close_view(photo.image, inside, margin=margin)
    if view.width > side_px:
        view = view.resize((side_px, side_px), Image.Resampling.LANCZOS)
    # Pillow would write the comment of the photo's file into this one.
    view.info.clear()
    content = io.BytesIO()
    view.save(content, "JPEG", quality=_QUALITY, optimize=True, progressive=False)
    encoded = base64.b64encode(content.getvalue()).decode("ascii")
    return Picture(f"data:image/jpeg;base64,{encoded}", view.width)

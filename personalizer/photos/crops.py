"""Crops the views of a photo that a backbone reads, equal in training and serving. Knows pictures and boxes only."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from personalizer.schemas import BoundingBox

MARGIN = 1.2
"""How much wider than its box a close view is: some surroundings, never the whole photo's."""
FACE_MARGIN = 2.2
"""Face boxes end at chin and brow; hair and shoulders tell people apart as well."""


def close_view(image: Image.Image, box: BoundingBox, *, margin: float = MARGIN) -> Image.Image:
    """A square around `box` (in pixels of `image`), inside the photo where that is possible."""
    side = min(max(box.width_px * margin, box.height_px * margin, 1.0), float(min(image.size)))
    left = min(max((box.left + box.right - side) / 2, 0.0), image.width - side)
    top = min(max((box.top + box.bottom - side) / 2, 0.0), image.height - side)
    whole = max(1, round(side))
    left_px, top_px = min(round(left), image.width - whole), min(round(top), image.height - whole)
    return image.crop((left_px, top_px, left_px + whole, top_px + whole))


def reading_views(image: Image.Image, box: BoundingBox | None, *, face: bool = False) -> list[Image.Image]:
    """What the backbone is shown of a photo when asked about one thing: all of it, then a close view."""
    if box is None:
        return [image]
    close = close_view(image, box, margin=FACE_MARGIN if face else MARGIN)
    return [close] if face else [image, close]


def augmented(view: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The same thing, mirrored, moved, scaled and relit a little."""
    if rng.random() < 0.5:
        view = ImageOps.mirror(view)
    side = min(view.size)
    crop = max(1, round(side * rng.uniform(0.75, 1.0)))
    # Around the middle square, which is what a backbone keeps of the view.
    left = (view.width - side) // 2 + round(rng.uniform(0, side - crop))
    top = (view.height - side) // 2 + round(rng.uniform(0, side - crop))
    view = view.crop((left, top, left + crop, top + crop))
    view = ImageEnhance.Brightness(view).enhance(rng.uniform(0.75, 1.25))
    return ImageEnhance.Color(view).enhance(rng.uniform(0.8, 1.2))

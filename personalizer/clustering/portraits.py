"""Which photos show a person rather than a thing. Knows boxes; decides nothing about who or what they are."""

from __future__ import annotations

from personalizer.schemas import BoundingBox, Detection

PORTRAIT_SHARE = 0.1
"""A photo that a face fills to this share of its area shows a person, not a thing."""


def portrait_photos(whole: list[Detection], faces: list[Detection]) -> set[int]:
    """The ids of photos that one face fills to at least `PORTRAIT_SHARE`."""
    area = {detection.photo_id: box_area(detection.box) for detection in whole}
    return {
        face.photo_id
        for face in faces
        if face.photo_id in area and box_area(face.box) >= PORTRAIT_SHARE * area[face.photo_id]
    }


def box_area(box: BoundingBox) -> float:
    """In square pixels."""
    return box.width_px * box.height_px

"""The library's vectors as arrays of comparable items: one per face, one per photo for things.

Knows how items are compared; decides nothing about who or what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personalizer.clustering import Similarities, face_similarities, photo_similarities
from personalizer.library import Library
from personalizer.schemas import BoundingBox, ConceptKind, Detection, Float32Array, Int64Array

PORTRAIT_SHARE = 0.1
"""A photo that a face fills to this share of its area shows a person, not a thing."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """`detection_ids` and `photo_ids` are `[n]`, ascending by detection.

    `views` holds one array `[n, dim]` of vectors for faces, and two for things: whole pictures and regions.
    """

    kind: ConceptKind
    detection_ids: Int64Array
    photo_ids: Int64Array
    views: tuple[Float32Array, ...]

    def __len__(self) -> int:
        return len(self.detection_ids)

    def similarities(self, chosen: Int64Array | None = None) -> Similarities:
        """How the items, or the `chosen` ones only, compare with each other."""
        views = self.views if chosen is None else tuple(view[chosen] for view in self.views)
        return face_similarities(views[0]) if self.kind == "face" else photo_similarities(views[0], views[1])

    def positions(self, detection_ids: list[int]) -> Int64Array:
        """Where these detections are in the arrays; those that are no items are left out."""
        wanted = np.asarray(detection_ids, dtype=np.int64)
        if not len(self.detection_ids):
            return np.zeros(0, dtype=np.int64)
        position = np.minimum(np.searchsorted(self.detection_ids, wanted), len(self.detection_ids) - 1)
        found: Int64Array = position[self.detection_ids[position] == wanted]
        return found


def face_items(library: Library) -> Items:
    """Every face of the library."""
    ids, vectors = library.vectors(kind="face")
    photo_of = {detection.id: detection.photo_id for detection in library.detections(kind="face")}
    photos = np.array([photo_of[number] for number in ids.tolist()], dtype=np.int64)
    return Items("face", ids, photos, (vectors,))


def object_items(library: Library) -> Items:
    """Every photo of the library that is not a portrait, stood for by its whole-picture detection."""
    ids, vectors = library.vectors(kind="photo")
    whole = {detection.id: detection for detection in library.detections(kind="photo")}
    portraits = portrait_photos(list(whole.values()), library.detections(kind="face"))
    photos = np.array([whole[number].photo_id for number in ids.tolist()], dtype=np.int64)
    kept = ~np.isin(photos, list(portraits))
    ids, vectors, photos = ids[kept], vectors[kept], photos[kept]
    region_of = best_regions(library)
    regions = vectors.copy()
    for number, photo in enumerate(photos.tolist()):
        if photo in region_of:
            regions[number] = region_of[photo]
    return Items("object", ids, photos, (vectors, regions))


def best_regions(library: Library) -> dict[int, Float32Array]:
    """The vector of each photo's surest region, by photo id."""
    ids, vectors = library.vectors("object")
    detections = {detection.id: detection for detection in library.detections(kind="object")}
    best: dict[int, tuple[float, Float32Array]] = {}
    for number, vector in zip(ids, vectors, strict=True):
        detection = detections[int(number)]
        if detection.photo_id not in best or detection.score > best[detection.photo_id][0]:
            best[detection.photo_id] = (detection.score, vector)
    return {photo_id: vector for photo_id, (_, vector) in best.items()}


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

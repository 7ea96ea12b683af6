"""The user's own photos of a place, as scenes: without faces, animals or anything that has a name. Runs no network."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.imagine.scenes import Scene, photo_scene
from assistant.search.search import Searcher
from personalizer.analysis.stored_photo import open_stored_photo
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.scan.exclusions import exclusions_of, is_left_out

MOST_COVERED = 0.05
"""Of the photo, by its main thing."""
SMALLEST_PX = 360
MOST_LOOKED_AT = 200


def own_scenes(library: Library, place: str) -> Iterator[Scene]:
    """Photos that the search finds for `place`, the surest first, as far as they are empty places."""
    try:
        hits = Searcher(library).find(place, limit=MOST_LOOKED_AT).photos
    except FamiliarError:
        return
    by_path = [(hit, library.photo_by_path(hit.path)) for hit in hits]
    taken, rules = library.photos_of_somebody(), exclusions_of(library)
    for hit, photo in by_path:
        if (
            photo is None
            or photo.id in taken
            or is_left_out(library, rules, photo.id)
            or not _is_empty_place(library, photo.id)
        ):
            continue
        try:
            _, decoded = open_stored_photo(library, photo.id)
        except UnreadablePhotoError:
            continue
        if min(decoded.image.size) >= SMALLEST_PX:
            yield photo_scene(decoded.image, f"your photo {hit.path.name}", hit.path, photo.content_hash)


def _is_empty_place(library: Library, photo_id: int) -> bool:
    photo = library.photo(photo_id)
    if min(photo.width_px, photo.height_px) < SMALLEST_PX:
        return False
    if library.detections(photo_id, kind="face"):
        return False
    if any(label.kind == "animal" and label.confidence > 0.15 for label in library.labels(photo_id)):
        return False
    area = max(1, photo.width_px * photo.height_px)
    things = library.detections(photo_id, kind="object")
    return all(thing.box.area_px / area <= MOST_COVERED for thing in things)

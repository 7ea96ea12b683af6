"""Photos of the library opened for training: what they were when the library saw them, and where in them to look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from personalizer.analysis.main_thing import subject_mask
from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.photos.crops import reading_views
from personalizer.photos.decode import DecodedPhoto, decode_photo, read_photo_bytes
from personalizer.schemas import BoundingBox, Detection


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPhoto:
    """An opened photo and where in it to look; without a box everywhere."""

    image: Image.Image
    box: BoundingBox | None
    face: bool

    def views(self, image: Image.Image | None = None) -> list[Image.Image]:
        """The reading views of the photo, or of what was made of it."""
        return reading_views(self.image if image is None else image, self.box, face=self.face)

    def mask(self) -> Image.Image | None:
        """Of the thing, where it can be trusted. None for faces: their views show little else."""
        return None if self.face else subject_mask(self.image, self.box)


@dataclass(frozen=True, slots=True)
class SkippedPhoto:
    """A photo that was to be looked at and could not be; `path` is the last place that was tried."""

    photo_id: int
    path: Path
    reason: str


class PhotoReader:
    """Opens the library's photos, and only as what they were when the library saw them."""

    def __init__(
        self, library: Library, on_skipped: Callable[[SkippedPhoto], None] | None, *, face: bool
    ) -> None:
        self._library = library
        self._on_skipped = on_skipped
        self._skipped: set[int] = set()
        self.face = face

    def open_detection(self, detection: Detection) -> OpenedPhoto | None:
        """One detection in its photo; None when the photo cannot be read now."""
        photo = self._open(detection.photo_id)
        if photo is None:
            return None
        box = None
        if detection.kind != "photo":
            scale, found = 1.0 / photo.scale, detection.box
            box = BoundingBox(
                found.left * scale, found.top * scale, found.right * scale, found.bottom * scale
            )
        return OpenedPhoto(photo.image, box, self.face)

    def _open(self, photo_id: int) -> DecodedPhoto | None:
        """The photo from whichever of its files still holds it."""
        wanted = self._library.photo(photo_id).content_hash
        for path in self._library.photo_paths(photo_id):
            try:
                content = read_photo_bytes(path)
                # An edited file is another photo until the next scan: its boxes, its members and what was
                # said about it belong to the old picture, and it may be a copy of one that is used anyway.
                if hashlib.sha256(content).hexdigest() == wanted:
                    return decode_photo(content, path)
                reason = "the file has changed since it was scanned"
            except UnreadablePhotoError as error:
                reason = error.found
        if photo_id not in self._skipped and self._on_skipped is not None:
            self._on_skipped(SkippedPhoto(photo_id, path, reason))
        self._skipped.add(photo_id)
        return None


def open_members(library: Library, members: list[Detection], reader: PhotoReader) -> list[OpenedPhoto]:
    """Each member photo with its proposed region or its face, where there is one."""
    chosen: dict[int, Detection] = {}
    for member in members:
        wanted = library.detections(member.photo_id, kind="face" if reader.face else "object")
        if reader.face:
            chosen[member.photo_id] = member
        else:
            chosen[member.photo_id] = wanted[0] if wanted else member
    return [look for detection in chosen.values() if (look := reader.open_detection(detection)) is not None]

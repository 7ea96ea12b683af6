"""Opens the library's photos for training and crops them; a file that changed since its scan is skipped."""

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
    """An opened photo and the box of its subject; None means the whole photo."""

    image: Image.Image
    box: BoundingBox | None
    face: bool

    def views(self, image: Image.Image | None = None) -> list[Image.Image]:
        """The reading views of the photo, or of an edited version of it."""
        return reading_views(self.image if image is None else image, self.box, face=self.face)

    def mask(self) -> Image.Image | None:
        """The mask of the thing; None if it is unreliable, and for faces, whose views show little else."""
        return None if self.face else subject_mask(self.image, self.box)


@dataclass(frozen=True, slots=True)
class SkippedPhoto:
    """A photo that could not be read; `path` is the last of its files that was tried."""

    photo_id: int
    path: Path
    reason: str


class PhotoReader:
    """Opens the library's photos; skips files that changed since they were scanned."""

    def __init__(
        self, library: Library, on_skipped: Callable[[SkippedPhoto], None] | None, *, face: bool
    ) -> None:
        self._library = library
        self._on_skipped = on_skipped
        self._skipped: set[int] = set()
        self.face = face

    def open_detection(self, detection: Detection) -> OpenedPhoto | None:
        """The photo of a detection; None if it cannot be read."""
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
        """The photo, from the first of its files that is unchanged."""
        expected_hash = self._library.photo(photo_id).content_hash
        for path in self._library.photo_paths(photo_id):
            try:
                content = read_photo_bytes(path)
                # An edited file is another photo until the next scan: its boxes and memberships belong to the old
                # content, and it may now be a copy of another photo.
                if hashlib.sha256(content).hexdigest() == expected_hash:
                    return decode_photo(content, path)
                reason = "the file has changed since it was scanned"
            except UnreadablePhotoError as error:
                reason = error.found
        if photo_id not in self._skipped and self._on_skipped is not None:
            self._on_skipped(SkippedPhoto(photo_id, path, reason))
        self._skipped.add(photo_id)
        return None


def open_members(library: Library, members: list[Detection], reader: PhotoReader) -> list[OpenedPhoto]:
    """Each member photo with the box of its face or of its proposed region, if there is one."""
    chosen: dict[int, Detection] = {}
    for member in members:
        regions = library.detections(member.photo_id, kind="face" if reader.face else "object")
        if reader.face:
            chosen[member.photo_id] = member
        else:
            chosen[member.photo_id] = regions[0] if regions else member
    return [look for detection in chosen.values() if (look := reader.open_detection(detection)) is not None]

"""Opens a photo of the library, and only as what it was when the library saw it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.photos.decode import DecodedPhoto, decode_photo, read_photo_bytes


def open_stored_photo(library: Library, photo_id: int) -> tuple[Path, DecodedPhoto]:
    """The photo, from whichever of its files still holds it. Raises `UnreadablePhotoError` where none does.

    An edited file is another photo until the next scan: its boxes, its members and what was said about it belong to
    the old picture, and it may be a copy of one that is used anyway.
    """
    wanted = library.photo(photo_id).content_hash
    refused: UnreadablePhotoError | None = None
    for path in library.photo_paths(photo_id):
        try:
            content = read_photo_bytes(path)
            if hashlib.sha256(content).hexdigest() == wanted:
                return path, decode_photo(content, path)
            refused = _unreadable(path, "the file has changed since it was scanned")
        except UnreadablePhotoError as error:
            refused = error
    raise refused or _unreadable(library.photo(photo_id).path, "the file is gone")


def _unreadable(path: Path, found: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(tried=f"opening {path}", found=found, fix="Look for it again: familiar scan")

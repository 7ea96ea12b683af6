"""Photos in a library of which a test says only what it is about. No file of theirs need be there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.schemas import Embedding, Float32Array, NewDetection, Photo

_NOTHING_IN_PARTICULAR: dict[str, Any] = {
    "size": 1,
    "mtime_ns": 1,
    "width_px": 9,
    "height_px": 9,
    "taken_at": None,
    "latitude": None,
    "longitude": None,
    "camera": None,
}


def store_photo(
    library: Library,
    *,
    content_hash: str,
    path: Path,
    detections: Sequence[tuple[NewDetection, Embedding]] = (),
    **known: Any,
) -> Photo:
    """A photo with these detections; `known` is what else `Library.record_photo` takes."""
    told = {**_NOTHING_IN_PARTICULAR, **known}
    return library.record_photo(NewPhoto(content_hash=content_hash, path=path, detections=detections, **told))


def vector_of(library: Library, detection_id: int) -> Float32Array:
    """The vector `[dim]` of a detection that one model has seen."""
    return library.comparable_vectors([detection_id])[1][detection_id]


def file_rows(library: Library) -> list[tuple[Any, ...]]:
    """The library's files, and what it says about them."""
    return [tuple(row) for row in library.connection.execute("SELECT * FROM photo_files ORDER BY path")]

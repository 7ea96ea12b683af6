"""Photos in a library of which a test says only what it is about. No file of theirs need be there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.library.database import now_text, path_value
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.schemas import BoundingBox, DetectionKind, Embedding, Float32Array, NewDetection, Photo

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
    """A photo with these detections; `known` is what else `NewPhoto` takes."""
    told = {**_NOTHING_IN_PARTICULAR, **known}
    return library.record_photo(NewPhoto(content_hash=content_hash, path=path, detections=detections, **told))


def store_faces(library: Library, *vectors: Sequence[float], quality: float = 1.0) -> list[int]:
    """One more photo with these faces; returns their ids."""
    number = library.newest_detection_id() + 1
    found = [
        (
            NewDetection("face", BoundingBox(0, 0, 5, 5), quality, "test"),
            Embedding(_float32(vector), "f", "1"),
        )
        for vector in vectors
    ]
    photo = store_photo(
        library,
        content_hash=f"faces {number}",
        path=Path(f"/photos/faces {number}.jpg"),
        width_px=99,
        height_px=99,
        detections=found,
    )
    return [detection.id for detection in library.detections(photo.id, "face")]


def _float32(vector: Sequence[float]) -> Float32Array:
    return np.asarray(vector, np.float32)


def vector_of(library: Library, detection_id: int) -> Float32Array:
    """The vector `[dim]` of a detection that one model has seen."""
    return library.comparable_vectors([detection_id])[1][detection_id]


def mark_missing(library: Library, paths: Iterable[Path]) -> None:
    """Note that these files are no longer there, as a scan does."""
    with library.transaction() as connection:
        connection.executemany(
            "UPDATE photo_files SET missing_since = ? WHERE path = ?",
            [(now_text(), path_value(path)) for path in paths],
        )


def file_rows(library: Library) -> list[tuple[Any, ...]]:
    """The library's files, and what it says about them."""
    # Not their numbers and change times, which a change of permissions changes.
    columns = "path, photo_id, size, mtime_ns, missing_since"
    return [
        tuple(row) for row in library.connection.execute(f"SELECT {columns} FROM photo_files ORDER BY path")
    ]


def photo_with_vector(
    library: Library, name: str, content_hash: str | None = None, kind: DetectionKind = "photo"
) -> Photo:
    """A photo of which a vector is known, made from its name."""
    seed = sum(map(ord, name))
    vector = np.random.default_rng(seed).normal(size=4).astype(np.float32)
    whole = NewDetection(kind, BoundingBox(0, 0, 640, 480), 1.0, "whole")
    return store_photo(
        library,
        content_hash=content_hash or f"hash-{name}",
        path=Path("/photos") / name,
        size=10,
        mtime_ns=20,
        width_px=640,
        height_px=480,
        taken_at=datetime(2024, 5, 6, 7, 8, 9),
        latitude=46.5,
        longitude=6.6,
        camera="Pixel 8",
        detections=[(whole, Embedding(vector, "m", "1"))],
    )

"""Photos and the files that hold them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, photo_with_vector, vector_of

from personalizer.errors import NotFoundError
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox


def test_photo_round_trip(library: Library) -> None:
    photo = photo_with_vector(library, "a.jpg")
    assert photo == library.photo(photo.id) == library.photo_by_hash("hash-a.jpg")
    assert photo == library.photo_by_path(Path("/photos/a.jpg"))
    assert photo.path == Path("/photos/a.jpg")
    assert photo.taken_at == datetime(2024, 5, 6, 7, 8, 9)
    assert (photo.latitude, photo.longitude, photo.camera) == (46.5, 6.6, "Pixel 8")
    [detection] = library.detections(photo_id=photo.id)
    assert detection.box == BoundingBox(0, 0, 640, 480)
    ids, vectors = library.vectors("photo")
    assert ids.tolist() == [detection.id]
    assert vectors.dtype == np.float32 and vectors.shape == (1, 4)
    np.testing.assert_array_equal(vectors[0], vector_of(library, detection.id))
    with pytest.raises(NotFoundError):
        library.photo(99)


def test_same_content_is_one_photo_with_two_files(library: Library) -> None:
    first, second = (
        photo_with_vector(library, "a.jpg", "same"),
        photo_with_vector(library, "copy.jpg", "same"),
    )
    assert first.id == second.id
    counts = library.counts()
    assert (counts["photos"], counts["files"], counts["detections"]) == (1, 2, 1)


def test_missing_file_is_marked_and_comes_back(library: Library) -> None:
    photo = photo_with_vector(library, "a.jpg")
    mark_missing(library, [photo.path])
    assert library.photos() == []
    assert library.photos(include_missing=True) == [photo]
    assert len(library.vectors("photo")[0]) == 1
    library.record_file(photo.path, photo.id, 10, 20)
    assert library.photos() == [photo]


def test_moved_file_keeps_its_photo(library: Library) -> None:
    photo = photo_with_vector(library, "a.jpg")
    library.move_file(photo.path, Path("/photos/b.jpg"), size=10, mtime_ns=20)
    assert library.photo(photo.id).path == Path("/photos/b.jpg")
    assert library.counts()["missing"] == 0


def test_file_name_that_is_not_utf8(library: Library) -> None:
    path = Path(os.fsdecode(b"/photos/caf\xe9.jpg"))
    photo = photo_with_vector(library, path.name, "some-hash")
    assert photo.path == path
    assert path in library.files()

"""A photo is found by its path, its number or, where that says enough, the name of its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_photos import store_photo

from personalizer.concepts.lookup import find_photo, short_reference
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library


def store(library: Library, path: str, content: str) -> int:
    return store_photo(library, content_hash=content, path=Path(path), detections=[]).id


def test_a_photo_is_found_by_its_unique_file_name(library: Library) -> None:
    photo = store(library, "/photos/2023/DSC_0101.JPG", "a")
    store(library, "/photos/2023/XDSC_0101.JPG", "b")
    for reference in ("DSC_0101.JPG", "/photos/2023/DSC_0101.JPG", str(photo)):
        assert find_photo(library, reference).id == photo
    assert short_reference(library, photo) == "DSC_0101.JPG"


def test_files_of_one_name_are_listed(library: Library) -> None:
    photo = store(library, "/photos/a/1.jpg", "a")
    store(library, "/photos/b/1.jpg", "b")
    with pytest.raises(UsageError) as refused:
        find_photo(library, "1.jpg")
    assert "/photos/a/1.jpg" in refused.value.found and "/photos/b/1.jpg" in refused.value.found
    assert short_reference(library, photo) == str(photo)


def test_copies_of_one_photo_are_one(library: Library) -> None:
    photo = store(library, "/photos/a/1.jpg", "a")
    library.record_file(Path("/photos/b/1.jpg"), photo, 1, 1)
    assert find_photo(library, "1.jpg").id == photo


def test_a_name_without_a_file_is_said_to_be_unknown(library: Library) -> None:
    store(library, "/photos/a/%.jpg", "a")
    for reference in ("2.jpg", "a/%.jpg", "_.jpg"):
        with pytest.raises(NotFoundError):
            find_photo(library, reference)

"""Words of a photo in the library: stored, replaced, and gone with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_photos import store_photo

from personalizer.library.library import Library
from personalizer.schemas import PhotoLabel

DOG, ANIMAL, CAT = (
    PhotoLabel("dog", 0.95, "animal"),
    PhotoLabel("animal", 0.98, "animal"),
    PhotoLabel("cat", 0.9, "animal"),
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.db") as opened:
        yield opened


def rows(library: Library) -> int:
    [count] = library.connection.execute("SELECT count(*) FROM photo_labels").fetchone()
    return int(count)


def test_words_are_stored_with_the_photo_the_likeliest_first(library: Library) -> None:
    photo = store_photo(library, content_hash="a", path=Path("/photos/a.jpg"), labels=[DOG, ANIMAL])
    other = store_photo(library, content_hash="b", path=Path("/photos/b.jpg"))
    assert library.labels(photo.id) == [ANIMAL, DOG]
    assert library.labels(other.id) == []


def test_a_newer_analysis_replaces_them(library: Library) -> None:
    photo = store_photo(library, content_hash="a", path=Path("/photos/a.jpg"), labels=[DOG, ANIMAL])
    other = store_photo(library, content_hash="b", path=Path("/photos/b.jpg"), labels=[DOG])
    library.replace_analysis(photo.id, [], "newer", [CAT])
    assert library.labels(photo.id) == [CAT]
    library.replace_analysis(photo.id, [], "newest")
    assert library.labels(photo.id) == []
    assert library.labels(other.id) == [DOG]


def test_faces_alone_leave_them(library: Library) -> None:
    photo = store_photo(library, content_hash="a", path=Path("/photos/a.jpg"), labels=[DOG])
    library.replace_faces(photo.id, [])
    assert library.labels(photo.id) == [DOG]


def test_they_go_with_the_photo(library: Library) -> None:
    photo = store_photo(library, content_hash="a", path=Path("/photos/a.jpg"), labels=[DOG])
    with library.transaction() as connection:
        connection.execute("DELETE FROM photo_files WHERE photo_id = ?", (photo.id,))
        connection.execute("DELETE FROM photos WHERE id = ?", (photo.id,))
    assert rows(library) == 0


def test_they_go_when_the_photo_had_to_forget(library: Library) -> None:
    photo = store_photo(library, content_hash="a", path=Path("/photos/a.jpg"), labels=[DOG])
    other = store_photo(library, content_hash="b", path=Path("/photos/b.jpg"), labels=[CAT])
    library.mark_forgotten([photo.id])
    assert library.labels(photo.id) == [] and library.labels(other.id) == [CAT]
    # Nor do they come back with newer models.
    library.replace_analysis(photo.id, [], "newer", [DOG])
    assert library.labels(photo.id) == []

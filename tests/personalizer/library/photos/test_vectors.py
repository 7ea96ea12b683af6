"""Vectors of detections: of one model at a time, and only of content that is there."""

from __future__ import annotations

from stored_photos import photo_with_vector

from personalizer.library.library import Library


def test_replaced_content_leaves_the_vectors(library: Library) -> None:
    photo_with_vector(library, "a.jpg", "old")
    new = photo_with_vector(library, "a.jpg", "new")
    assert library.photos() == [new]
    ids, _ = library.vectors("photo")
    assert [library.detection(int(i)).photo_id for i in ids] == [new.id]


def test_vectors_of_two_models_are_never_mixed(library: Library) -> None:
    photo_with_vector(library, "a.jpg")
    library.connection.execute("UPDATE vectors SET version = '0'")
    photo_with_vector(library, "b.jpg")
    assert len(library.vectors("photo")[0]) == 1
    assert len(library.vectors("photo", model="m", version="0")[0]) == 1
    assert library.vectors("face")[1].shape == (0, 0)

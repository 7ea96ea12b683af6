"""What was said about pairs of detections lasts as long as both, and no longer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.analysis.analyzer import whole_photo
from personalizer.library.library import Library
from personalizer.schemas import Embedding


def record(library: Library, name: str) -> int:
    """One photo with one detection; returns the detection's id."""
    photo = store_photo(
        library,
        content_hash=name,
        path=Path(f"/photos/{name}.jpg"),
        width_px=10,
        height_px=10,
        detections=[(whole_photo((10, 10)), Embedding(np.ones(4, np.float32), "model", "1"))],
    )
    return library.detections(photo.id)[0].id


def test_a_pair_is_one_pair_in_either_order_and_the_last_word_counts(library: Library) -> None:
    first, second = record(library, "a"), record(library, "b")
    library.add_links([(second, first)], "cannot")
    assert library.links() == {(first, second): "cannot"}
    library.add_links([(first, second)], "must")
    assert library.links() == {(first, second): "must"}
    library.remove_links([(second, first)])
    assert library.links() == {}


def test_links_go_with_either_detection(library: Library) -> None:
    first, second, third = (record(library, name) for name in "abc")
    library.add_links([(first, second), (second, third), (first, third)], "cannot")
    library.delete_detections([third])
    assert library.links() == {(first, second): "cannot"}


def test_a_link_to_itself_is_refused(library: Library) -> None:
    one = record(library, "a")
    with pytest.raises(ValueError, match="two detections"):
        library.add_links([(one, one)], "must")


def test_photos_that_may_show_one_person_twice_are_remembered(library: Library) -> None:
    mirror = library.detection(record(library, "mirror")).photo_id
    record(library, "other")
    library.set_shows_twice([mirror], True)
    assert library.photos_that_show_twice() == {mirror}
    library.set_shows_twice([mirror], False)
    assert library.photos_that_show_twice() == set()

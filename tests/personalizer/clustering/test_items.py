"""Items of a library: what is one, how near sketches come to the vectors, and what is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from stored_photos import store_faces, store_photo

from personalizer.clustering.items import (
    SKETCH_DIMENSIONS,
    WHOLE_WEIGHT,
    ItemStore,
    box_area,
    portrait_photos,
)
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Detection, Embedding, Float32Array, NewDetection

WHOLE = BoundingBox(0, 0, 100, 100)


def unit(seed: int, dimensions: int = 8) -> Float32Array:
    drawn = np.random.default_rng(seed).normal(size=dimensions)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def store_thing(
    library: Library,
    name: str,
    whole: Float32Array,
    region: Float32Array | None = None,
    *,
    cutout: Float32Array | None = None,
    face_px: int = 0,
) -> int:
    """A photo, and perhaps a region of it and a face of so many pixels a side; returns the whole's id."""
    found = [(NewDetection("photo", WHOLE, 1.0, "whole"), Embedding(whole, "m", "1"))]
    if region is not None:
        box = BoundingBox(10, 10, 60, 60)
        found.append((NewDetection("object", box, 0.9, "cam"), Embedding(region, "m", "1", cutout)))
    if face_px:
        box = BoundingBox(0, 0, face_px, face_px)
        found.append((NewDetection("face", box, 1.0, "test"), Embedding(unit(1), "f", "1")))
    photo = store_photo(library, content_hash=name, path=Path("/photos") / name, detections=found)
    return library.detections(photo.id, "photo")[0].id


def all_positions(store: ItemStore) -> np.ndarray:
    return np.arange(len(store), dtype=np.int64)


def test_faces_are_items_in_the_order_of_their_ids(library: Library) -> None:
    both = store_faces(library, unit(1), unit(2), quality=0.5)
    alone = store_faces(library, unit(3))
    store = ItemStore("face")
    assert store.refresh(library) is False, "read for the first time"
    assert store.ids.tolist() == [*both, *alone]
    assert store.photos[0] == store.photos[1] != store.photos[2]
    assert store.quality.tolist() == [0.5, 0.5, 1.0]
    assert store.positions(np.array([alone[0], 10_000, both[0]])).tolist() == [2, 0]
    vectors = store.vectors(library, np.array([2, 0], np.int64))
    np.testing.assert_array_equal(vectors, [unit(3), unit(1)])


def test_only_what_is_new_is_read(library: Library) -> None:
    store_faces(library, unit(1))
    store = ItemStore("face")
    store.refresh(library)
    more = store_faces(library, unit(2), unit(3))
    assert store.refresh(library) is True
    assert store.ids.tolist()[1:] == more
    again = ItemStore("face")
    again.refresh(library)
    np.testing.assert_array_equal(store.rough(all_positions(store)), again.rough(all_positions(again)))


def test_vectors_of_another_model_make_everything_be_read_again(library: Library) -> None:
    old = store_faces(library, unit(1))
    store = ItemStore("face")
    store.refresh(library)
    found = (NewDetection("face", WHOLE, 1.0, "test"), Embedding(unit(2), "another", "1"))
    photo = store_photo(library, content_hash="x", path=Path("/photos/x.jpg"), detections=[found])
    assert store.refresh(library) is False
    assert store.source == ("another", "1")
    assert store.ids.tolist() == [library.detections(photo.id)[0].id] != old


@pytest.mark.parametrize("dimensions", [16, 4 * SKETCH_DIMENSIONS])
def test_sketches_are_as_near_as_they_say(library: Library, dimensions: int) -> None:
    """Short vectors are only rounded; long ones are projected, and off by no more than the slack of things."""
    vectors = np.stack([unit(seed, dimensions) * np.float32(1 + seed / 20) for seed in range(20)])
    store_faces(library, *vectors.tolist())
    store = ItemStore("face")
    store.refresh(library)
    positions = all_positions(store)
    np.testing.assert_allclose(store.squares(positions), (vectors**2).sum(1), rtol=1e-5)
    assert store.rough(positions).shape == (20, min(dimensions, SKETCH_DIMENSIONS))
    error = np.abs(store.rough_squared(positions, positions) - cdist(vectors, vectors, "sqeuclidean"))
    lengths = np.linalg.norm(vectors, axis=1)
    cosine_error = error / (2 * np.outer(lengths, lengths))
    if dimensions <= SKETCH_DIMENSIONS:
        np.testing.assert_allclose(store.rough(positions), vectors, atol=float(np.abs(vectors).max()) / 254)
        assert cosine_error.max() < 0.01
    else:
        assert cosine_error.std() < ItemStore("object").slack / 2


def test_a_thing_is_the_mean_of_its_views(library: Library) -> None:
    store_thing(library, "a", unit(1), unit(2), cutout=unit(3))
    store_thing(library, "b", unit(1), unit(2))
    store_thing(library, "c", unit(1))
    store = ItemStore("object")
    store.refresh(library)
    vectors = store.vectors(library, all_positions(store))
    for vector, views in zip(
        vectors,
        # Without a cut-out the region stands for it, without a region the whole.
        ((unit(1), unit(2), unit(3)), (unit(1), unit(2), unit(2)), (unit(1), unit(1), unit(1))),
        strict=True,
    ):
        whole, region, cutout = views
        mean = WHOLE_WEIGHT * whole + region + cutout
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-3)


def test_a_portrait_shows_no_thing(library: Library) -> None:
    """From a tenth of the area on: 31 pixels a side of 100 are less, 32 more."""
    thing = store_thing(library, "thing", unit(1), face_px=31)
    store_thing(library, "portrait", unit(2), face_px=32)
    store = ItemStore("object")
    store.refresh(library)
    assert store.ids.tolist() == [thing]


def test_a_photo_that_becomes_a_portrait_makes_everything_be_read_again(library: Library) -> None:
    whole = store_thing(library, "a", unit(1))
    store = ItemStore("object")
    store.refresh(library)
    face = (NewDetection("face", WHOLE, 1.0, "test"), Embedding(unit(2), "f", "1"))
    library.add_detections(library.detection(whole).photo_id, [face])
    assert store.refresh(library) is False
    assert len(store) == 0


def test_what_a_file_no_longer_holds_is_dropped(library: Library) -> None:
    first = store_faces(library, unit(1))
    second = store_faces(library, unit(2))
    store = ItemStore("face")
    store.refresh(library)
    path = library.photo(library.detection(first[0]).photo_id).path
    store_photo(library, content_hash="something else", path=path)
    store.keep_valid(library)
    assert store.ids.tolist() == second
    np.testing.assert_allclose(store.rough(all_positions(store)), [unit(2)], atol=0.01)


def test_an_item_that_came_back_makes_everything_be_read_again(library: Library) -> None:
    first = store_faces(library, unit(1))
    photo = library.photo(library.detection(first[0]).photo_id)
    store_photo(library, content_hash="something else", path=photo.path)
    second = store_faces(library, unit(2))
    store = ItemStore("face")
    store.refresh(library)
    assert store.ids.tolist() == second
    library.record_file(photo.path, photo.id, 1, 1)
    store.keep_valid(library)
    assert len(store) == 0
    store.refresh(library)
    assert store.ids.tolist() == [*first, *second]


def test_an_item_that_is_gone_resembles_nothing(library: Library) -> None:
    store = ItemStore("face")
    assert store.vectors(library, np.zeros(0, np.int64)).shape[0] == 0
    assert store.positions(np.array([1])).tolist() == []


def detection(photo_id: int, box: BoundingBox) -> Detection:
    return Detection(1, photo_id, "face", box, 1.0)


def test_portraits_by_their_areas() -> None:
    assert box_area(BoundingBox(10, 20, 13, 24)) == 12
    whole = [detection(1, WHOLE), detection(2, WHOLE)]
    faces = [
        detection(1, BoundingBox(0, 0, 20, 50)),
        detection(2, BoundingBox(0, 0, 20, 49)),
        detection(3, WHOLE),
    ]
    assert portrait_photos(whole, faces) == {1}

"""Composed pictures hold the faces where they say, and the arithmetic of what is found of them."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest
from photos import FLOWER, PORTRAIT, package_file
from PIL import Image

from assistant.evaluation.bench.face_finds import compare_finds
from assistant.evaluation.data.composites import (
    Composer,
    CompositeConfig,
    Ingredient,
    KnownFace,
    known_faces,
    read_ingredients,
)
from personalizer.errors import UsageError
from personalizer.schemas import BoundingBox


@pytest.fixture(scope="module")
def ingredients() -> list[Ingredient]:
    """Rear Admiral Grace Hopper's portrait (public domain) and a photo of a flower, as packages carry them."""
    return read_ingredients([package_file(*PORTRAIT), package_file(*FLOWER)])


def test_known_faces_are_those_that_are_there(ingredients: list[Ingredient]) -> None:
    portrait, flower = ingredients
    assert len(portrait.faces) == 1 and flower.faces == ()
    [face] = portrait.faces
    # The face is in the upper half of the portrait, and neither all of it nor a speck.
    assert face.bottom < 0.7 * portrait.image.height and 0.1 < face.width_px / portrait.image.width < 0.7


def test_faces_are_where_the_composer_says_and_as_large(ingredients: list[Ingredient]) -> None:
    config = CompositeConfig(width_px=1600, height_px=1200, face_sizes_px=(90, 140, 240), faces=2, things=2)
    composer = Composer(ingredients, config, seed=3)
    detector = dlib.get_frontal_face_detector()
    sizes: list[int] = []
    for picture, faces in composer.pictures(3):
        assert picture.size == (1600, 1200) and len(faces) == 2
        found = [
            BoundingBox(box.left(), box.top(), box.right() + 1, box.bottom() + 1)
            for box in detector(np.asarray(picture), 1)
        ]
        for face in faces:
            assert face.box.width_px == pytest.approx(face.size_px, rel=0.02)
            assert max(face.box.iou(box) for box in found) > 0.6, face
        assert faces[0].box.iou(faces[1].box) == 0
        sizes += [face.size_px for face in faces]
    assert sorted(sizes) == [90, 90, 140, 140, 240, 240], "every size equally often"


def test_the_same_seed_gives_the_same_pictures_and_another_one_others(ingredients: list[Ingredient]) -> None:
    config = CompositeConfig(width_px=400, height_px=300, face_sizes_px=(60,), faces=1, things=1)
    config = CompositeConfig(**{**vars_of(config), "thing_sizes_px": (50, 90)})
    first, again, other = (Composer(ingredients, config, seed).picture() for seed in (1, 1, 2))
    assert np.array_equal(np.asarray(first[0]), np.asarray(again[0])) and first[1] == again[1]
    assert not np.array_equal(np.asarray(first[0]), np.asarray(other[0]))


def vars_of(config: CompositeConfig) -> dict:
    return {name: getattr(config, name) for name in CompositeConfig.__slots__}


def test_photos_without_faces_are_composed_too(ingredients: list[Ingredient]) -> None:
    config = CompositeConfig(width_px=400, height_px=300, thing_sizes_px=(50, 90))
    picture, faces = Composer(ingredients[1:], config).picture()
    assert picture.size == (400, 300) and faces == []


def test_unreadable_photos_are_left_out_unless_all_are(tmp_path: Path) -> None:
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"no photo")
    assert len(read_ingredients([broken, package_file("sklearn", "datasets/images/china.jpg")])) == 1
    with pytest.raises(UsageError, match="none of 1 files"):
        read_ingredients([broken])


def test_a_plain_picture_shows_nobody() -> None:
    assert known_faces(Image.new("RGB", (300, 200), "grey"), dlib.get_frontal_face_detector()) == ()


def test_what_is_found_is_counted_by_size() -> None:
    def square(left: float, side: float) -> BoundingBox:
        return BoundingBox(left, 0.0, left + side, side)

    known = {
        "a": [KnownFace(square(0, 100), 100), KnownFace(square(500, 200), 200)],
        "b": [KnownFace(square(0, 100), 100)],
        "c": [],
    }
    ours = {"a": [square(5, 100), square(900, 50)], "b": [], "c": [square(0, 10)]}
    reference = {"a": [square(0, 90), square(510, 190)], "b": [square(150, 100)]}
    found = compare_finds(known, ours, reference)
    assert (found["known"], found["ours"], found["reference"], found["both"]) == (3, 1, 2, 1)
    assert found["share"] == 0.5
    assert found["other"] == {"ours": 2, "reference": 1}
    assert found["by_size_px"] == {
        "100": {"known": 2, "ours": 1, "reference": 1, "both": 1},
        "200": {"known": 1, "ours": 0, "reference": 1, "both": 0},
    }
    assert compare_finds(known, ours, {})["share"] is None

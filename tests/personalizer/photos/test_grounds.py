"""Masks against the renderer's truth and of drawn things; and pictures in which nothing can be told from its ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from personalizer.analysis.main_thing import MaskNetwork, subject_mask
from personalizer.photos.grounds import on_ground, without_subject
from personalizer.schemas import BoundingBox
from scripts.render.catalogue import Subject
from scripts.render.geometry.renderer import render
from scripts.render.views import draw_view

SIDE_PX = 144
DISC = BoundingBox(60, 40, 140, 120)


def rendered(label: str, seed: int, place: str) -> tuple[Image.Image, npt.NDArray[np.bool_]]:
    """A rendered thing and where it is: what stays the same whatever is behind it."""
    scene = draw_view(np.random.default_rng(seed), Subject(label, seed), place, company=False).scene
    magenta, green = (
        render(scene, SIDE_PX, SIDE_PX, behind=np.full((8, 8, 3), color, np.uint8)).astype(int)
        for color in ((255, 0, 255), (0, 255, 0))
    )
    return Image.fromarray(render(scene, SIDE_PX, SIDE_PX)), np.abs(magenta - green).max(axis=-1) < 30


def box_of(truth: npt.NDArray[np.bool_]) -> BoundingBox:
    rows, columns = np.nonzero(truth)
    return BoundingBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def overlap(mask: Image.Image, truth: npt.NDArray[np.bool_]) -> float:
    found = np.asarray(mask) > 127
    return float((found & truth).sum() / (found | truth).sum())


def textured(seed: int, color: tuple[int, int, int], size: tuple[int, int] = (200, 160)) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, 8, (size[1], size[0], 3))
    return Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8))


def with_disc(ground: Image.Image) -> Image.Image:
    picture = ground.copy()
    ImageDraw.Draw(picture).ellipse((60, 40, 139, 119), fill=(220, 20, 20))
    return picture


def disc(size: tuple[int, int] = (200, 160)) -> npt.NDArray[np.bool_]:
    truth = Image.new("L", size)
    ImageDraw.Draw(truth).ellipse((60, 40, 139, 119), fill=255)
    return np.asarray(truth) > 0


def test_rendered_things_are_found_where_they_are() -> None:
    labels = {"mug": "grass", "plush bear": "beach", "backpack": "beach", "dog": "grass", "ball": "beach"}
    for number, (label, place) in enumerate(labels.items()):
        picture, truth = rendered(label, number, place)
        mask = subject_mask(picture, box_of(truth))
        assert mask is not None and overlap(mask, truth) > 0.8, label


def test_a_box_may_be_much_too_large_or_miss_parts() -> None:
    picture = with_disc(textured(0, (90, 140, 80)))
    for box in (None, DISC, BoundingBox(20, 10, 190, 150), BoundingBox(75, 50, 130, 100)):
        mask = subject_mask(picture, box)
        assert mask is not None and mask.size == picture.size and mask.mode == "L"
        assert overlap(mask, disc()) > 0.9


def test_large_photos_are_cut_like_small_ones_and_always_alike() -> None:
    small = with_disc(textured(0, (90, 140, 80)))
    large = small.resize((1000, 800))
    mask = subject_mask(large, BoundingBox(*(5 * edge for edge in (60, 40, 140, 120))))
    assert mask is not None and overlap(mask.resize(small.size), disc()) > 0.9
    again = MaskNetwork().find(large)
    assert again is not None and again.mask(large.size).tobytes() == mask.tobytes()


def test_what_stands_at_the_lower_edge_is_cut_down_to_it() -> None:
    picture = textured(0, (90, 140, 80))
    ImageDraw.Draw(picture).rectangle((85, 60, 124, 159), fill=(20, 20, 200))
    mask = subject_mask(picture, BoundingBox(85, 60, 125, 160))
    assert mask is not None and mask.getpixel((100, 159)) == 255


HOPELESS: dict[str, Callable[[], Image.Image]] = {
    "flat": lambda: Image.new("RGB", (200, 160), (120, 90, 60)),
    "noise": lambda: Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 200, 3), np.uint8)),
    "soft noise": lambda: textured(3, (120, 120, 120)),
    "ten pixels": lambda: with_disc(textured(0, (90, 140, 80))).resize((10, 10)),
    "all over": lambda: textured(0, (220, 20, 20)),
    "slope": lambda: Image.fromarray(np.tile(np.arange(200, dtype=np.uint8)[:, None], (160, 1, 3))),
}


@pytest.mark.parametrize("what", HOPELESS)
@pytest.mark.parametrize("box", [None, DISC])
def test_nothing_is_claimed_where_nothing_can_be_told(what: str, box: BoundingBox | None) -> None:
    assert subject_mask(HOPELESS[what](), box) is None


def test_what_is_not_in_the_box_is_not_the_thing() -> None:
    assert subject_mask(with_disc(textured(0, (90, 140, 80))), BoundingBox(150, 120, 195, 155)) is None


@pytest.mark.parametrize(
    "box", [BoundingBox(-50, -50, -10, -10), BoundingBox(300, 300, 340, 340), BoundingBox(5, 5, 5, 5)]
)
def test_strange_boxes_do_no_harm(box: BoundingBox) -> None:
    assert subject_mask(with_disc(textured(0, (90, 140, 80))), box) is None


def test_a_thing_before_another_ground() -> None:
    picture, ground = with_disc(textured(0, (90, 140, 80))), textured(1, (30, 60, 200), (300, 300))
    mask = subject_mask(picture, DISC)
    assert mask is not None
    made = np.asarray(on_ground(picture, mask, ground)).astype(int)
    inside, outside = np.zeros((160, 200), bool), np.ones((160, 200), bool)
    inside[65:95, 85:115], outside[35:125, 55:145] = True, False
    assert made.shape == (160, 200, 3)
    assert np.array_equal(made[inside], np.asarray(picture)[inside]), "the thing as it was"
    assert np.abs(made[outside] - (30, 60, 200)).mean() < 10, "nothing of its own ground"
    levels = np.unique(np.asarray(mask))
    assert len(levels) > 10, "the edge is soft"


def test_taking_the_thing_away_leaves_nothing_of_it_and_the_rest_as_it_was() -> None:
    picture = with_disc(textured(0, (90, 140, 80)))
    mask = subject_mask(picture, DISC)
    assert mask is not None
    made = np.asarray(without_subject(picture, mask)).astype(int)
    red = made[..., 0] - made[..., 1] > 40
    assert not red.any()
    far = np.ones((160, 200), bool)
    far[20:140, 40:160] = False
    assert np.array_equal(made[far], np.asarray(picture)[far])
    assert np.abs(made[disc()].mean(axis=0) - (90, 140, 80)).max() < 15

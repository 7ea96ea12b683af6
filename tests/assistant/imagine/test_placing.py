"""Where things stand: within the frame, on the ground, as large as they should be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from assistant.imagine.placing import ALONE_FILLS, Placement, Shape, place_all
from assistant.imagine.scenes import Scene, shipped_scenes

SIDE = 768
GROUND = Scene(Image.new("RGB", (SIDE, SIDE)), "a made-up place")


def placed(*shapes: Shape, seed: int = 0, scene: Scene = GROUND, scale: float = 1.0) -> list[Placement]:
    return place_all(scene, shapes, SIDE, np.random.default_rng(seed), scale)


@pytest.mark.parametrize("aspect", [0.3, 0.6, 1.0, 1.6, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_one_alone_fills_its_share_and_stays_in_the_frame(aspect: float, seed: int) -> None:
    [place] = placed(Shape(aspect, 0.5, False), seed=seed)
    assert place.left >= 0 and place.top >= 0
    assert place.left + place.width <= SIDE and place.base <= SIDE
    assert place.width / place.height == pytest.approx(aspect, rel=0.02)
    share = place.width * place.height / SIDE**2
    assert share == pytest.approx(ALONE_FILLS, rel=0.02) or max(place.width, place.height) > 0.9 * SIDE


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_several_stay_in_the_frame_side_by_side(count: int, seed: int) -> None:
    shapes = [Shape(0.5 + 0.4 * number, 0.2 + 0.5 * number, False) for number in range(count)]
    places = placed(*shapes, seed=seed)
    assert min(place.left for place in places) >= 0
    assert max(place.left + place.width for place in places) <= SIDE
    in_order = sorted(places, key=lambda place: place.left)
    for left, right in pairwise(in_order):
        assert left.left + 0.8 * left.width < right.left + 2, "nobody is hidden"
    heights = [place.height for place in places]
    assert heights == sorted(heights), "a larger thing is larger in the picture too"


def test_who_is_cut_off_below_comes_out_of_the_lower_edge() -> None:
    [standing], [cut] = placed(Shape(0.8, 1.7, False)), placed(Shape(0.8, 1.7, True))
    assert standing.base < SIDE == cut.base


@pytest.mark.parametrize("shipped", shipped_scenes(), ids=lambda scene: scene.name)
def test_things_stand_on_the_ground_of_every_scene(shipped: object) -> None:
    scene = shipped.open()  # type: ignore[attr-defined]
    assert scene.image.size == (SIDE, SIDE) and scene.image.mode == "RGB"
    [place] = placed(Shape(0.9, 0.5, False), scene=scene)
    _, top, _, bottom = scene.ground
    assert top * SIDE <= place.base <= bottom * SIDE + 1
    assert 0 <= scene.horizon < bottom and 0 <= scene.shadow_strength <= 1 and 0 < scene.ambient_level <= 1

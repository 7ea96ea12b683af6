from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from personalizer.photos.crops import FACE_MARGIN, MARGIN, augmented, close_view, reading_views
from personalizer.schemas import BoundingBox


def gradient(width: int, height: int) -> Image.Image:
    """Red says the column, green the row."""
    columns, rows = np.meshgrid(np.arange(width) % 256, np.arange(height) % 256)
    return Image.fromarray(np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8))


def corner(view: Image.Image) -> tuple[int, int]:
    left, top, _ = view.getpixel((0, 0))
    return left, top


def test_without_a_box_the_whole_photo_is_read() -> None:
    image = gradient(30, 20)
    assert reading_views(image, None) == [image]
    assert reading_views(image, None, face=True) == [image]


def test_a_thing_is_read_whole_and_close_a_face_only_close() -> None:
    image, box = gradient(200, 120), BoundingBox(80, 40, 120, 70)
    whole, close = reading_views(image, box)
    assert whole is image
    assert close.size == (round(40 * MARGIN),) * 2
    left, top = corner(close)
    assert (left + close.width / 2, top + close.height / 2) == pytest.approx((100, 55), abs=1)
    [face] = reading_views(image, box, face=True)
    assert face.size == (round(40 * FACE_MARGIN),) * 2


@pytest.mark.parametrize(
    "box",
    [
        BoundingBox(0, 0, 40, 40),
        BoundingBox(160, 80, 200, 120),
        BoundingBox(0, 50, 10, 120),
        BoundingBox(0, 0, 200, 120),
        BoundingBox(150.4, 99.6, 199.7, 119.9),
    ],
)
@pytest.mark.parametrize("margin", [1.0, MARGIN, FACE_MARGIN])
def test_views_at_the_border_are_squares_inside_the_photo(box: BoundingBox, margin: float) -> None:
    view = close_view(gradient(200, 120), box, margin=margin)
    side = min(round(max(box.width_px, box.height_px) * margin), 120)
    assert abs(view.width - side) <= 1 and view.width == view.height
    left, top = corner(view)
    # Outside of the photo the crop would be black, and the gradient would not go on to its last pixel.
    assert view.getpixel((view.width - 1, view.height - 1))[:2] == (left + side - 1, top + side - 1)
    if side >= max(box.width_px, box.height_px):
        assert left <= max(box.left, 0) + 1 and left + side >= min(box.right, 200) - 1


@pytest.mark.parametrize(
    "box",
    [
        BoundingBox(5, 5, 5, 5),
        BoundingBox(300, 300, 340, 340),
        BoundingBox(-50, -50, -10, -10),
        BoundingBox(9.2, 0.1, 9.4, 0.2),
        BoundingBox(-5, -5, 500, 500),
    ],
)
@pytest.mark.parametrize("size", [(10, 10), (10, 200), (1, 1)])
def test_strange_boxes_on_tiny_photos_still_give_pixels(box: BoundingBox, size: tuple[int, int]) -> None:
    for view in reading_views(gradient(*size), box):
        assert view.width >= 1 and view.height >= 1
    assert augmented(close_view(gradient(*size), box), np.random.default_rng(0)).width >= 1


def test_augmenting_depends_on_the_generator_only() -> None:
    image = gradient(120, 80)
    first = [augmented(image, np.random.default_rng(5)).tobytes() for _ in range(2)]
    assert first[0] == first[1]
    rng = np.random.default_rng(0)
    views = [augmented(image, rng) for _ in range(20)]
    assert len({view.tobytes() for view in views}) == 20
    for view in views:
        assert view.width == view.height and 60 <= view.width <= 80
    # Mirrored or not, both occur.
    assert {view.getpixel((0, 40))[0] < view.getpixel((view.width - 1, 40))[0] for view in views} == {
        True,
        False,
    }
    assert image.tobytes() == gradient(120, 80).tobytes(), "the photo itself is left alone"


@pytest.mark.parametrize("size", [(1, 1), (10, 10), (2, 300)])
def test_augmenting_tiny_pictures(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        view = augmented(gradient(*size), rng)
        assert 1 <= view.width == view.height <= min(size)

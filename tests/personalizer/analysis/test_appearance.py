"""Colors, light and sharpness of painted pictures and of photos."""

from __future__ import annotations

import numpy as np
import pytest
from photos import ASTRONAUT, CHINA, FLOWER, package_photo
from PIL import Image, ImageDraw, ImageFilter

from personalizer.analysis.appearance import is_colorless, light_of, main_colors, sharpness_of

PHOTOS = [ASTRONAUT, CHINA, FLOWER, ("skimage", "data/chelsea.png")]


def painted(color: str | tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (120, 90), color)


@pytest.mark.parametrize(
    ("paint", "name"),
    [
        ((220, 20, 30), "red"), ((150, 10, 15), "red"), ((139, 0, 0), "red"), ((255, 140, 0), "orange"),
        ((250, 220, 20), "yellow"),
        ((20, 160, 40), "green"), ((10, 70, 20), "green"), ((30, 60, 220), "blue"), ((120, 180, 240), "blue"),
        ((130, 40, 190), "purple"), ((255, 105, 180), "pink"), ((255, 182, 193), "pink"), ((120, 72, 30), "brown"),
        ((90, 50, 20), "brown"), ((250, 250, 250), "white"), ((8, 8, 10), "black"), ((128, 128, 128), "gray"),
        ((70, 70, 75), "gray"),
    ],
)  # fmt: skip
def test_a_painted_picture_has_the_name_of_its_paint(paint: tuple[int, int, int], name: str) -> None:
    assert main_colors(painted(paint)) == [name]


def test_the_most_frequent_color_comes_first_and_specks_are_left_out() -> None:
    image = painted("blue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 49, 89), fill="red")
    draw.rectangle((115, 85, 119, 89), fill="yellow")
    assert main_colors(image) == ["blue", "red"]


def test_only_what_is_inside_a_mask_counts() -> None:
    image = painted("blue")
    ImageDraw.Draw(image).rectangle((0, 0, 29, 89), fill="red")
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rectangle((2, 2, 25, 87), fill=255)
    assert main_colors(image, mask) == ["red"]
    assert main_colors(image, Image.new("L", image.size)) == []


def test_black_and_white_has_no_speck_of_color() -> None:
    gray = Image.linear_gradient("L").convert("RGB")
    assert is_colorless(gray) and is_colorless(package_photo("skimage", "data/camera.png"))
    # What a JPEG leaves, and noise of a camera, is no color.
    noisy = np.asarray(gray).astype(int) + np.random.default_rng(0).integers(-4, 5, (256, 256, 3))
    assert is_colorless(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)))
    ImageDraw.Draw(gray).rectangle((100, 100, 120, 120), fill="red")
    assert main_colors(gray)[0] in {"gray", "white", "black"} and not is_colorless(gray)
    assert not any(is_colorless(package_photo(*photo)) for photo in PHOTOS)


@pytest.mark.parametrize(
    ("level", "light"), [(10, "dark"), (50, "dark"), (100, None), (140, None), (160, "bright")]
)
def test_light(level: int, light: str | None) -> None:
    assert light_of(painted((level, level, level))) == light


@pytest.mark.parametrize("photo", PHOTOS)
def test_photos_are_sharp_until_they_are_blurred(photo: tuple[str, str]) -> None:
    image = package_photo(*photo)
    image.thumbnail((640, 640))
    assert sharpness_of(image) == "sharp"
    assert sharpness_of(image.filter(ImageFilter.GaussianBlur(5))) == "blurred"


def test_something_sharp_before_a_smooth_ground_is_not_blurred() -> None:
    sky = Image.new("RGB", (512, 384), (120, 170, 230))
    ImageDraw.Draw(sky).ellipse((100, 100, 140, 140), fill="black")
    assert sharpness_of(sky) != "blurred"


def test_nothing_is_said_of_what_has_no_edge() -> None:
    assert sharpness_of(painted("gray")) is None
    assert sharpness_of(Image.new("RGB", (9, 9))) is None
    assert sharpness_of(Image.linear_gradient("L").convert("RGB").resize((512, 512))) is None

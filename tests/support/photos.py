"""Small photos for tests: real ones that installed packages carry, and drawn ones. None is copied into here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PORTRAIT = ("textual_image", "gracehopper.jpg")
"""Rear Admiral Grace Hopper's official portrait, in the public domain."""
ASTRONAUT = ("skimage", "data/astronaut.png")
"""Eileen Collins before a flag and a model of the shuttle, by NASA, in the public domain."""
FLOWER = ("sklearn", "datasets/images/flower.jpg")
CHINA = ("sklearn", "datasets/images/china.jpg")
"""A temple."""


def package_file(package: str, name: str) -> Path:
    """A photo that an installed package carries."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None, f"{package} is not installed"
    return Path(spec.origin).parent / name


def package_photo(package: str, name: str) -> Image.Image:
    return Image.open(package_file(package, name)).convert("RGB")


def draw_photo(seed: int, width_px: int = 320, height_px: int = 240) -> Image.Image:
    """A picture of a few coloured shapes on a textured ground; another one for every seed."""
    random = np.random.default_rng(seed)
    ground = random.integers(60, 200, 3)
    pixels = (ground + random.normal(0, 12, (height_px, width_px, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = random.integers(0, width_px), random.integers(0, height_px)
        size = random.integers(20, 90)
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - size, y - size, x + size, y + size), fill=colour)
    return image


def draw_blocks(seed: int, width_px: int = 320, height_px: int = 240) -> Image.Image:
    """48 blocks of random colours; another picture for every seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(noise).resize((width_px, height_px), Image.Resampling.NEAREST)


def draw_red_corner(width_px: int = 240, height_px: int = 160) -> Image.Image:
    """A red top-left quarter on noise, so that the orientation shows and the file is not tiny."""
    pixels = np.random.default_rng(0).integers(0, 120, (height_px, width_px, 3), dtype=np.uint8)
    pixels[: height_px // 2, : width_px // 2] = (250, 10, 10)
    return Image.fromarray(pixels)


def bright_corner(image: Image.Image) -> str:
    """Which of `tl`, `tr`, `bl`, `br` has the most red: where `draw_red_corner`'s quarter came to be."""
    red = np.asarray(image.convert("RGB")).astype(int)[..., 0]
    h, w = red.shape[0] // 2, red.shape[1] // 2
    means = {"tl": red[:h, :w], "tr": red[:h, w:], "bl": red[h:, :w], "br": red[h:, w:]}
    return max(means, key=lambda corner: means[corner].mean())


def striped_thing(number: int) -> Image.Image:
    """A red and white striped ball somewhere on a coloured ground."""
    image = Image.new(
        "RGB", (320, 240), [(90, 140, 90), (60, 90, 160), (200, 190, 160), (40, 40, 50)][number % 4]
    )
    draw = ImageDraw.Draw(image)
    left, top, size = 30 + number * 17, 20 + number * 9 % 60, 120 + number * 5 % 40
    draw.ellipse((left, top, left + size, top + size), fill=(220, 30, 30))
    for stripe in range(0, size, 24):
        draw.line((left + stripe, top + 20, left + stripe, top + size - 20), fill="white", width=8)
    return image


def other_thing(number: int) -> Image.Image:
    """A rectangle, a triangle or lines, each time in another colour."""
    colour = tuple((number * step) % 256 for step in (37, 91, 151))
    image = Image.new("RGB", (300 + number, 220), tuple(255 - channel // 2 for channel in colour))
    draw = ImageDraw.Draw(image)
    if number % 3 == 0:
        draw.rectangle((40, 50, 60 + number * 10, 180), fill=colour)
    elif number % 3 == 1:
        draw.polygon([(30, 200), (150, 20 + number * 3), (260, 190)], fill=colour)
    else:
        for line in range(0, 220, 10 + number):
            draw.line((0, line, 300, 220 - line), fill=colour, width=3)
    return image

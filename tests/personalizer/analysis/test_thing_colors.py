"""Histograms of colors tell things apart that differ in nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from photos import package_photo
from PIL import Image, ImageDraw, ImageEnhance

from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.analysis.thing_colors import HUE_BINS, LIGHTNESS_BINS, thing_colors
from personalizer.library.photos.vectors import unit_colors
from personalizer.recognition.calibration import shipped_calibration


def mug(color: str, ground: str, size: tuple[int, int] = (300, 200)) -> tuple[Image.Image, Image.Image]:
    """A round thing of one color on a ground of another, and its mask."""
    image, mask = Image.new("RGB", size, ground), Image.new("L", size)
    for picture, fill in ((image, color), (mask, "white")):
        ImageDraw.Draw(picture).ellipse(
            (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4), fill
        )
    return image, mask


def likeness(one: bytes | None, other: bytes | None) -> float:
    assert one is not None and other is not None
    return float(unit_colors(one) @ unit_colors(other))


def test_only_what_is_inside_the_mask_counts() -> None:
    green = thing_colors(*mug("darkgreen", "white"))
    assert green is not None and len(green) == LIGHTNESS_BINS * HUE_BINS**2
    assert likeness(green, thing_colors(*mug("darkgreen", "navy"))) > 0.95
    assert likeness(green, thing_colors(*mug("gold", "white"))) < 0.2


def test_size_and_shape_do_not_count() -> None:
    small, large = mug("darkgreen", "white", (60, 40)), mug("darkgreen", "white", (900, 1300))
    assert likeness(thing_colors(*small), thing_colors(*large)) > 0.95
    image, mask = large
    assert likeness(thing_colors(image, mask.resize((320, 320))), thing_colors(image, mask)) > 0.95


@pytest.mark.parametrize("name", ["data/chelsea.png", "data/coffee.png"])
def test_a_little_more_light_is_no_other_color(name: str) -> None:
    image = package_photo("skimage", name)
    mask = Image.new("L", image.size, 255)
    own = thing_colors(image, mask)
    veto = shipped_calibration().colors
    assert likeness(own, thing_colors(ImageEnhance.Brightness(image).enhance(1.15), mask)) > veto.enough
    turned = image.convert("HSV")
    hue, saturation, value = turned.split()
    blue = Image.merge("HSV", (hue.point(lambda level: (level + 128) % 256), saturation, value)).convert(
        "RGB"
    )
    assert likeness(own, thing_colors(blue, mask)) < veto.enough


def test_a_black_and_white_photo_says_nothing_about_colors() -> None:
    image = package_photo("skimage", "data/chelsea.png")
    mask = Image.new("L", image.size, 255)
    assert thing_colors(image, mask) is not None
    assert thing_colors(image.convert("L").convert("RGB"), mask) is None


def test_an_empty_mask_has_no_colors() -> None:
    image, mask = mug("gold", "white")
    assert thing_colors(image, Image.new("L", mask.size)) is None


def test_the_analysis_gives_colors_and_a_cutout_where_a_mask_is_clear_only() -> None:
    analyzer = PhotoAnalyzer(faces=False)
    cat = package_photo("skimage", "data/chelsea.png")
    [(whole, of_whole), (region, of_region)] = analyzer.analyze(cat).detections
    assert whole.colors is None and region.colors is not None
    assert np.frombuffer(region.colors, np.uint8).max() > 0
    assert of_whole.cutout is None and of_region.cutout is not None
    assert 0.4 < float(of_region.vector @ of_region.cutout) < 0.99, "the same cat on another ground"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8))
    found = analyzer.analyze(noise)
    assert found.thing is None
    assert all(detection.colors is None and one.cutout is None for detection, one in found.detections)

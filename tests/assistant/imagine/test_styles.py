"""Styles change the whole picture in their own way, and stay themselves with the same seed."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from photos import package_photo
from PIL import Image

from assistant.imagine.styles import styled
from assistant.imagine.wording import Style


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return package_photo("skimage.data", "chelsea.png").convert("RGB").resize((256, 256))


@pytest.mark.parametrize("style", get_args(Style))
def test_each_changes_the_picture_and_keeps_what_it_shows(photo: Image.Image, style: Style) -> None:
    made = styled(photo, style, 3)
    assert made.size == photo.size and made.mode == "RGB"
    assert made.tobytes() == styled(photo, style, 3).tobytes() != photo.tobytes()
    small = [
        np.asarray(image.convert("L").resize((32, 32)), dtype=np.float64).ravel() for image in (made, photo)
    ]
    assert np.corrcoef(*small)[0, 1] > 0.45


def test_what_each_is_known_by(photo: Image.Image) -> None:
    def pixels(style: Style) -> np.ndarray:
        return np.asarray(styled(photo, style), dtype=np.float64)

    plain = np.asarray(photo, dtype=np.float64)
    for style in ("black and white", "pencil"):
        assert np.ptp(pixels(style), axis=2).max() <= 1  # type: ignore[arg-type]
    assert pixels("night").mean() < 0.65 * plain.mean()
    assert pixels("sunset")[..., 0].mean() - pixels("sunset")[..., 2].mean() > 20
    assert len({tuple(color) for color in pixels("pixel art").reshape(-1, 3)}) <= 32
    assert pixels("winter").mean() > plain.mean() and pixels("sepia")[..., 2].mean() < plain[..., 2].mean()

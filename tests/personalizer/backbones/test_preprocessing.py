from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from personalizer.backbones.preprocessing import PixelScaling, center_square
from personalizer.errors import CorruptArtifactError

POCKET = PixelScaling(size_px=16, factor=1 / 127.5, mean=1.0, std=1.0)


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_published_values_stand_in_for_absent_fields(tmp_path: Path) -> None:
    expected = PixelScaling(size_px=512, factor=0.0078, mean=1.0, std=1.0)
    assert PixelScaling.from_config(tmp_path / "absent.json", default_size_px=512) == expected
    (tmp_path / "empty.json").write_text("{}")
    assert PixelScaling.from_config(tmp_path / "empty.json", default_size_px=512) == expected


def test_fields_are_read_in_both_spellings(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    lists = {"crop_size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    numbers = {"crop_size": 32, "image_mean": 0.5, "image_std": 0.25}
    found = []
    for fields in (lists, numbers):
        path.write_text(json.dumps({**fields, "rescale_factor": 0.5}))
        found.append(PixelScaling.from_config(path, default_size_px=8))
    assert found[0] == found[1] == PixelScaling(size_px=32, factor=0.5, mean=0.5, std=0.25)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"crop_size": {}}', '{"image_mean": []}', '{"rescale_factor": "x"}', "null"]
)
def test_damaged_fields_are_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(content)
    with pytest.raises(CorruptArtifactError, match=r"preprocessor_config\.json"):
        PixelScaling.from_config(path, default_size_px=8)


@pytest.mark.parametrize(
    "scaling", [POCKET, PixelScaling(16, 0.0078, 1.0, 1.0), PixelScaling(16, 1.0, 0.5, 2.0)]
)
def test_pixels_of_the_right_size_come_back_to_the_bit(scaling: PixelScaling) -> None:
    image = picture(16, 16)
    pixels = scaling.pixels(image)
    assert pixels.shape == (3, 16, 16) and pixels.dtype == np.float32
    assert scaling.image(pixels).tobytes() == image.tobytes()


def test_range_and_channel_order() -> None:
    red = POCKET.pixels(Image.new("RGB", (40, 30), (255, 0, 127)))
    np.testing.assert_allclose(red[:, 8, 8], [1.0, -1.0, 127 / 127.5 - 1], atol=1e-6)
    assert POCKET.image(np.full((3, 4, 6), 9.0, np.float32)).getextrema() == ((255, 255),) * 3
    assert POCKET.image(np.full((3, 4, 6), -9.0, np.float32)).size == (6, 4)


def test_the_largest_centred_square_is_kept() -> None:
    array = np.zeros((20, 60, 3), np.uint8)
    array[:, 20:40] = 200
    wide = Image.fromarray(array)
    for image in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        # The filter reaches a little over the edge; a square elsewhere would have black columns.
        assert np.asarray(center_square(image, 8)).min() > 170


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (3, 2000), (2001, 1500)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_any_size_and_mode(size: tuple[int, int], mode: str) -> None:
    pixels = POCKET.pixels(picture(*size).convert(mode))
    assert pixels.shape == (3, 16, 16) and np.isfinite(pixels).all()
    assert pixels.min() >= -1.0 and pixels.max() <= 1.0

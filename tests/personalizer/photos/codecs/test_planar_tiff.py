"""TIFFs that keep each color apart: right in eight and sixteen bits, refused in words otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photos import bright_corner

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.decode import decode_photo

tifffile = pytest.importorskip("tifffile")
PATH = Path("a.tif")


def halves(depth: type = np.uint16, colors: int = 3) -> np.ndarray:
    """`[colors, 64, 96]`: the left half red, the right half black; the top row of a color in between."""
    top = np.iinfo(depth).max if np.issubdtype(depth, np.integer) else 1
    planes = np.zeros((colors, 64, 96), depth)
    planes[0, :, :48] = top
    planes[:, 0] = (np.arange(colors)[:, None] + 1) * (top // 6 if top > 1 else 1 / 6)
    return planes


def written(tmp_path: Path, planes: np.ndarray, **options: object) -> bytes:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, planarconfig="separate", **options)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("depth", "options"),
    [
        (np.uint8, {}),
        (np.uint16, {}),
        (np.uint16, {"byteorder": ">"}),
        (np.uint16, {"rowsperstrip": 7}),
        (np.uint16, {"tile": (32, 32)}),
        (np.uint16, {"compression": "zlib", "predictor": True}),
        (np.uint16, {"compression": "zlib", "byteorder": ">"}),
    ],
)
def test_every_color_comes_from_its_plane(tmp_path: Path, depth: type, options: dict[str, object]) -> None:
    photo = decode_photo(written(tmp_path, halves(depth), photometric="rgb", **options), PATH)
    assert photo.image.size == (96, 64)
    assert photo.image.getpixel((20, 30)) == (255, 0, 0) and photo.image.getpixel((70, 30)) == (0, 0, 0)
    assert photo.image.getpixel((50, 0)) == pytest.approx((42, 85, 127), abs=1)


def test_alpha_beside_the_colors_is_left_out(tmp_path: Path) -> None:
    content = written(tmp_path, halves(colors=4), photometric="rgb", extrasamples=["unassalpha"])
    assert decode_photo(content, PATH).image.getpixel((20, 30)) == (255, 0, 0)


@pytest.mark.parametrize(("orientation", "corner"), [(1, "tl"), (3, "br"), (6, "tr")])
def test_it_is_turned_once(tmp_path: Path, orientation: int, corner: str) -> None:
    planes = np.zeros((3, 64, 96), np.uint16)
    planes[0, :32, :48] = 65535
    content = written(tmp_path, planes, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    photo = decode_photo(content, PATH)
    assert bright_corner(photo.image) == corner
    assert (photo.width_px, photo.height_px) == ((64, 96) if orientation == 6 else (96, 64))


@pytest.mark.parametrize("depth", [np.uint32, np.float32, np.int16])
def test_other_depths_are_refused_in_words(tmp_path: Path, depth: type) -> None:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode_photo(written(tmp_path, halves(depth), photometric="rgb"), PATH)
    assert "a TIFF of a kind that cannot be read" in caught.value.found


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_one_that_ends_early_is_refused(tmp_path: Path, share: float) -> None:
    content = written(tmp_path, halves(), photometric="rgb")
    start = 256  # the directory stands before the pixels
    with pytest.raises(UnreadablePhotoError):
        decode_photo(content[: start + int((len(content) - start) * share)], PATH)

"""BMP, JPEG 2000, PPM and Targa are photos; what cannot be read is known by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from photos import bright_corner, draw_red_corner

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.decode import decode_photo, load_photo
from personalizer.photos.formats import PHOTO_SUFFIXES, UNREAD_SUFFIXES, may_be_photo, unread_suffix


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *((".bmp", mode) for mode in ("RGB", "L", "P", "1")),
        *((suffix, "RGB") for suffix in (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".tga")),
        *((".jp2", mode) for mode in ("L", "RGBA")),
        *((".tga", mode) for mode in ("L", "RGBA", "P")),
        *((".ppm", "RGB"), (".pgm", "L"), (".pbm", "1"), (".pnm", "RGB")),
    ],
)
def test_a_picture_is_read(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    draw_red_corner().convert(mode).save(path)
    photo = load_photo(path)
    assert (photo.width_px, photo.height_px) == (240, 160)
    assert bright_corner(photo.image) == "tl" or mode == "1"
    assert may_be_photo(path)
    if suffix in (".bmp", ".jp2", ".j2k"):
        assert may_be_photo(path.rename(tmp_path / "no-suffix"))


@pytest.mark.parametrize(("suffix", "share"), [(".bmp", 0.5), (".jp2", 0.5), (".ppm", 0.7), (".tga", 0.6)])
def test_half_a_picture_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    draw_red_corner().save(path)
    content = path.read_bytes()
    with pytest.raises(UnreadablePhotoError):
        decode_photo(content[: int(len(content) * share)], path)


@pytest.mark.parametrize(
    "content", [b"Dear diary,\n" * 100, b"BM" + bytes(100), b"P9 10 10 255\n" + bytes(300)]
)
def test_what_is_none_of_them(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(content)
    assert not may_be_photo(path)
    for name in ("a.bmp", "a.ppm", "a.tga"):
        with pytest.raises(UnreadablePhotoError):
            decode_photo(content, Path(name))


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm", "a.tga", "a.j2k"])
def test_a_header_that_claims_too_many_pixels_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    draw_red_corner().save(path)
    content = path.read_bytes()
    small, large = {
        "a.bmp": (b"\xf0\0\0\0\xa0\0\0\0", b"\xf0\xff\0\0\xa0\xff\0\0"),
        "a.ppm": (b"240 160", b"65000 65000"),
        "a.tga": (b"\xf0\0\xa0\0", b"\xf0\xff\xa0\xff"),
        "a.j2k": (b"\0\0\0\xf0\0\0\0\xa0", b"\0\0\xff\xf0\0\0\xff\xa0"),
    }[name]
    assert small in content
    with pytest.raises(UnreadablePhotoError, match="too many pixels"):
        decode_photo(content.replace(small, large, 1), path)


@pytest.mark.parametrize("name", ["a.jxl", "B.PSD", "x/c.exr", "d.x3f", "e.xcf"])
def test_kinds_that_cannot_be_read_are_known_by_their_names(name: str) -> None:
    assert unread_suffix(name) == Path(name).suffix.lower() and not may_be_photo(name)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\x0a" + bytes(30), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), "JPEG XL"),
        (b"8BPS\0\1" + bytes(30), "a Photoshop document"),
        (b"II*\0" + bytes(30), "a TIFF of a kind"),
    ],
)
def test_the_reason_names_the_kind(content: bytes, kind: str) -> None:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode_photo(content, Path("a.jpg"))
    assert caught.value.found.startswith(kind)


def test_no_suffix_is_in_two_lists() -> None:
    assert not PHOTO_SUFFIXES & UNREAD_SUFFIXES

"""Photos of 108 and 200 megapixels: read at a reduced size where memory suffices, else refused in words."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from photos import bright_corner, draw_red_corner
from PIL import Image

from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.analysis.process import Analysed, AnalysisProcess
from personalizer.errors import UnreadablePhotoError
from personalizer.photos.codecs.memory import smaller
from personalizer.photos.decode import FOR_ANALYSIS, DecodeLimits, decode_photo, decoding_mib

PATH = Path("a")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(12000, 9000), (9000, 12000), (16384, 12288), (16320, 12240)])
def test_a_phones_largest_jpeg_is_decoded_at_a_fraction(size: tuple[int, int]) -> None:
    content = saved(Image.new("L", size, 90), "JPEG")
    photo = decode_photo(content, PATH, FOR_ANALYSIS)
    assert (photo.width_px, photo.height_px) == size
    assert 1536 <= max(photo.image.size) <= 2048 and photo.image.getpixel((1000, 1000)) == (90, 90, 90)
    assert decoding_mib(content, PATH, FOR_ANALYSIS) < 20


def with_size(content: bytes, marker: bytes, size: tuple[int, int]) -> bytes:
    """A JPEG whose header claims another size."""
    start = content.index(marker) + 5
    return content[:start] + size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big") + content[start + 4 :]


@pytest.mark.parametrize(
    ("size", "mode", "needed"),
    [((12000, 9000), "L", 210), ((12000, 9000), "RGB", 310), ((30000, 20000), "L", 0)],
)
def test_a_progressive_jpeg_is_counted_with_its_coefficients(
    size: tuple[int, int], mode: str, needed: int
) -> None:
    small = saved(draw_red_corner().convert(mode), "JPEG", progressive=True)
    content = with_size(small, b"\xff\xc2", size)
    if needed:
        assert decoding_mib(content, PATH, FOR_ANALYSIS) == pytest.approx(needed, abs=30)
    else:
        with pytest.raises(UnreadablePhotoError, match=r"600 > 500 megapixels"):
            decode_photo(content, PATH, FOR_ANALYSIS)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("TIFF", "RGBA"), ("BMP", "RGB"), ("WEBP", "RGB")]
)
def test_what_would_take_too_much_memory_is_refused_in_words(kind: str, mode: str) -> None:
    content = saved(Image.new(mode, (1000, 800)), kind)
    limits = DecodeLimits(max_memory_mib=2)
    with pytest.raises(UnreadablePhotoError) as caught:
        decode_photo(content, PATH, limits)
    assert "too many pixels" in caught.value.found and "MiB of memory (> 2)" in caught.value.found
    assert "JPEG" in caught.value.fix


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}])
def test_a_large_webp_is_told_by_its_header(options: dict[str, object]) -> None:
    content = saved(Image.new("RGB", (1000, 990)), "WEBP", method=0, **options)
    with pytest.raises(UnreadablePhotoError, match="takes 15 MiB"):
        decode_photo(content, PATH, DecodeLimits(max_memory_mib=10))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16"])
def test_strip_by_strip_gives_the_same_picture(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    image = draw_red_corner(1200, 811)
    if mode == "I;16":
        values = np.asarray(image.convert("L")).astype(np.uint16) * 257
        content = saved(Image.fromarray(values), "PNG")
    else:
        content = saved(image.convert(mode), "TIFF")
    limits = DecodeLimits(max_side_px=100)
    whole = decode_photo(content, PATH, limits).image
    monkeypatch.setattr("personalizer.photos.codecs.memory._WHOLE_PX", 0)
    monkeypatch.setattr("personalizer.photos.codecs.memory._STRIP_PX", 20_000)
    strips = decode_photo(content, PATH, limits).image
    assert strips.size == whole.size and bright_corner(strips) == bright_corner(whole)
    difference = np.asarray(strips, np.int16) - np.asarray(whole, np.int16)
    assert np.abs(difference).mean() < 3


def test_a_small_picture_is_left_whole() -> None:
    assert smaller(Image.new("RGB", (3000, 2000)), 1024, lambda image: image) is None


@pytest.mark.parametrize("levels", [0, 1, 5])
def test_a_jpeg_2000_is_halved_no_further_than_it_can_be(levels: int) -> None:
    content = saved(draw_red_corner(1600, 1200), "JPEG2000", num_resolutions=levels + 1)
    photo = decode_photo(content, PATH, DecodeLimits(max_side_px=100))
    assert (photo.width_px, photo.height_px, photo.image.size) == (1600, 1200, (100, 75))
    assert bright_corner(photo.image) == "tl"


@pytest.mark.slow
def test_large_photos_of_many_kinds_one_after_the_other_in_the_limited_process(tmp_path: Path) -> None:
    big = draw_red_corner(1200, 900).resize((12000, 9000))
    kinds = {"a.bmp": {}, "a.jpg": {"progressive": True}, "b.png": {"compress_level": 1}}
    with AnalysisProcess() as process:
        for name, options in kinds.items():
            big.save(tmp_path / name, **options)
            answer = process.analyze(tmp_path / name, (tmp_path / name).read_bytes())
            assert isinstance(answer, Analysed) and answer.width_px == 12000, name


def test_the_room_of_the_mask_network_is_given_back() -> None:
    analyzer = PhotoAnalyzer(faces=False)
    before = analyzer.analyze(draw_red_corner())
    analyzer.give_back_room()
    assert "session" not in analyzer.masks.__dict__
    again = analyzer.analyze(draw_red_corner())
    assert [new.box for new, _ in again.detections] == [new.box for new, _ in before.detections]

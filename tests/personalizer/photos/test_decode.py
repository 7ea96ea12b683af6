from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from photos import bright_corner, draw_red_corner
from PIL import Image

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.decode import FOR_ANALYSIS, DecodeLimits, load_photo


def exif(**tags) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = tags.get("orientation", 1)
    data[0x010F], data[0x0110] = "Fuji", "Fuji X100\0"
    data[0x0132] = tags.get("date", "2023:07:14 10:11:12")
    data.get_ifd(0x8769)[0x9003] = tags.get("date", "2023:07:14 10:11:12")
    data.get_ifd(0x8825).update(
        {1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: tags.get("longitude", (151.0, 12.0, 36.0))}
    )
    return data


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff", "a.heic"])
def test_every_format_by_content_even_with_a_wrong_name(tmp_path: Path, name: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    saved = tmp_path / name
    draw_red_corner().save(saved, exif=exif())
    wrong = saved.rename(tmp_path / "wrong.bin")
    photo = load_photo(wrong)
    assert (photo.width_px, photo.height_px) == photo.image.size == (240, 160)
    assert photo.image.mode == "RGB" and bright_corner(photo.image) == "tl"
    assert photo.taken_at == datetime(2023, 7, 14, 10, 11, 12)
    assert photo.camera == "Fuji X100"
    if name != "a.tiff":  # Pillow writes no GPS block into TIFF
        assert photo.latitude == pytest.approx(-33.86) and photo.longitude == pytest.approx(151.21)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "tl"), (2, "tr"), (3, "br"), (4, "bl"), (5, "tl"), (6, "tr"), (7, "br"), (8, "bl")],
)
def test_orientation(tmp_path: Path, suffix: str, orientation: int, corner: str) -> None:
    path = tmp_path / f"a{suffix}"
    draw_red_corner().save(path, exif=exif(orientation=orientation))
    photo = load_photo(path)
    assert bright_corner(photo.image) == corner
    expected = (160, 240) if orientation >= 5 else (240, 160)
    assert (photo.width_px, photo.height_px) == photo.image.size == expected


def test_large_photo_is_reduced_and_keeps_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    draw_red_corner(3000, 2000).save(path, exif=exif(orientation=6))
    photo = load_photo(path)
    assert (photo.width_px, photo.height_px) == (2000, 3000)
    assert max(photo.image.size) == 1024 and photo.scale == pytest.approx(3000 / 1024)
    assert load_photo(path, DecodeLimits(max_side_px=None)).image.size == (2000, 3000)


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (4032, 3024)])
def test_a_phones_photo_is_decoded_to_half_its_sides_and_no_further(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    """What analysis asks for is what JPEG decodes to by itself: nothing is decoded large to be reduced again."""
    path = tmp_path / "a.jpg"
    draw_red_corner(*size).save(path)
    photo = load_photo(path, FOR_ANALYSIS)
    assert photo.image.size == (size[0] // 2, size[1] // 2)
    assert (photo.width_px, photo.height_px) == size and photo.scale == 2
    wide = tmp_path / "wide.jpg"
    draw_red_corner(4000, 400).save(wide)
    assert load_photo(wide, DecodeLimits(max_side_px=1024)).image.size == (1000, 100)


@pytest.mark.parametrize(
    ("date", "longitude"), [("0000:00:00 00:00:00", (900.0, 0.0, 0.0)), ("soon", (1.0,)), ("", ())]
)
def test_nonsense_in_exif_is_left_out(tmp_path: Path, date: str, longitude: tuple) -> None:
    path = tmp_path / "a.jpg"
    draw_red_corner().save(path, exif=exif(date=date, longitude=longitude))
    photo = load_photo(path)
    assert photo.taken_at is None and photo.longitude is None


def test_modes_become_rgb(tmp_path: Path) -> None:
    for number, mode in enumerate(["L", "1", "P", "RGBA", "LA", "CMYK"]):
        path = tmp_path / f"{number}.{'tiff' if mode == 'CMYK' else 'png'}"
        draw_red_corner().convert(mode).save(path)
        assert load_photo(path).image.mode == "RGB"
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear)
    assert load_photo(clear).image.getpixel((4, 4)) == (255, 255, 255)
    deep = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(deep)
    assert load_photo(deep).image.getpixel((4, 4)) == (127, 127, 127)


@pytest.mark.parametrize("suffix", [".jpg", ".progressive.jpg", ".png", ".webp", ".tiff", ".heic"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_is_an_error_never_half_a_picture(tmp_path: Path, suffix: str, share: float) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    path = tmp_path / f"a{suffix}"
    draw_red_corner().save(path, **({"progressive": True} if "progressive" in suffix else {}))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UnreadablePhotoError) as caught:
        load_photo(path)
    assert 5 < len(caught.value.found) < 160


def reason(path: Path, limits: DecodeLimits | None = None) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        load_photo(path, limits or DecodeLimits())
    return caught.value.found


def test_reasons(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert reason(path) == "there is no such file"
    path.write_bytes(b"")
    assert reason(path) == "the file is empty"
    path.write_text("Dear diary,\n" * 100)
    assert reason(path) == "not an image of a known format"
    path.write_bytes(b"BM" + bytes(100))
    assert reason(path).startswith("damaged header")
    assert reason(tmp_path) == "not a regular file"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "not a regular file"
    path.write_bytes(bytes(3 * 2**20))
    assert "too large" in reason(path, DecodeLimits(max_file_mib=2))


def test_pixel_limit_is_checked_before_decoding(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    for side in (15_000, 60_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
        )
        assert "too many pixels" in reason(path)


def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    draw_red_corner().save(path)
    path.chmod(0)
    if os.geteuid() != 0:
        assert reason(path) == "permission denied"
        return
    # root may read anything, so become nobody for one read
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o711)
        if parent.name.startswith("pytest-of"):
            break
    os.seteuid(65534)
    try:
        assert reason(path) == "permission denied"
    finally:
        os.seteuid(0)


def test_limits_are_validated() -> None:
    with pytest.raises(ValueError, match="max_megapixels"):
        DecodeLimits(max_megapixels=0)


def test_smallest_picture(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1), "blue").save(buffer, "PNG")
    path = tmp_path / "dot.png"
    path.write_bytes(buffer.getvalue())
    assert load_photo(path).image.size == (1, 1)


MEMORY = """
import sys
from pathlib import Path
from personalizer.photos.decode import load_photo

def peak_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before = peak_mib()
for path in sys.argv[1:]:
    print(load_photo(Path(path)).image.size)
print(peak_mib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_large_picture_takes_the_memory_of_two_of_it_at_most(tmp_path: Path) -> None:
    size = (5000, 5000)
    Image.new("RGBA", size, (10, 200, 30, 128)).save(tmp_path / "clear.png", compress_level=1)
    Image.fromarray(np.full(size, 32768, np.uint16)).save(tmp_path / "deep.png", compress_level=1)
    paths = [str(tmp_path / name) for name in ("clear.png", "deep.png")]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    *sizes, peak_mib = done.stdout.splitlines()
    assert sizes == ["(1024, 1024)"] * 2
    copy_mib = 4 * size[0] * size[1] / 2**20
    assert float(peak_mib) < 3 * copy_mib


def test_reducing_before_or_after_conversion_gives_the_same_picture(tmp_path: Path) -> None:
    limits = DecodeLimits(max_side_px=16)
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 48, 4), np.uint8))
    for mode in ("RGBA", "RGB", "L", "P"):
        path = tmp_path / f"{mode}.png"
        noise.convert(mode).save(path)
        clear = Image.open(path).convert("RGBA")
        expected = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
        expected.thumbnail((16, 16), Image.Resampling.BICUBIC)
        found = load_photo(path, limits).image
        assert (found.size, found.mode) == ((12, 16), "RGB")
        difference = np.asarray(found, np.int16) - np.asarray(expected, np.int16)
        assert np.abs(difference).max() <= 4, mode

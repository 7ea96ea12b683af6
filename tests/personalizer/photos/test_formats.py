"""Every further kind of picture that people have: animations, RAW files, deep and odd colours, profiles."""

from __future__ import annotations

import io
import struct
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import raw_files
from photos import bright_corner, draw_red_corner
from PIL import Image, ImageCms

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.decode import DecodeLimits, decode_photo, load_photo
from personalizer.photos.formats import may_be_photo


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason(content: bytes, name: str = "a", limits: DecodeLimits | None = None) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode_photo(content, Path(name), limits or DecodeLimits())
    return caught.value.found


def frames(count: int = 5) -> list[Image.Image]:
    return [Image.new("RGB", (60, 40), (250 - 40 * n, 10, 40 * n)) for n in range(count)]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_picture(tmp_path: Path, kind: str) -> None:
    first, *more = frames()
    content = saved(first, kind, save_all=True, append_images=more)
    assert Image.open(io.BytesIO(content)).n_frames == 5
    image = decode_photo(content, Path("a")).image
    assert image.size == (60, 40) and image.mode == "RGB"
    red, _, blue = image.getpixel((30, 20))
    assert red > 240 and blue < 15


def test_a_gif_that_breaks_after_its_first_picture_is_shown_and_one_that_breaks_in_it_is_not() -> None:
    noise = [Image.fromarray(np.random.default_rng(n).integers(0, 255, (90, 90), np.uint8)) for n in range(4)]
    content = saved(noise[0], "GIF", save_all=True, append_images=noise[1:])
    alone = len(saved(noise[0], "GIF"))
    whole = decode_photo(content, Path("a.gif")).image
    assert decode_photo(content[: alone + 400], Path("a.gif")).image.tobytes() == whole.tobytes()
    assert len(reason(content[: alone // 2])) > 5


def test_a_gif_of_many_large_pictures_costs_one() -> None:
    blank = [Image.new("L", (1500, 1000), n % 250) for n in range(60)]
    content = saved(blank[0], "GIF", save_all=True, append_images=blank[1:])
    started = time.process_time()
    assert decode_photo(content, Path("a.gif")).width_px == 1500
    assert time.process_time() - started < 1.0


def test_a_gif_that_claims_too_many_pixels_is_refused() -> None:
    content = bytearray(saved(Image.new("L", (8, 8)), "GIF"))
    content[6:10] = struct.pack("<HH", 60_000, 60_000)
    assert "too many pixels" in reason(bytes(content))


def test_transparency_of_a_gif_is_white() -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.paste(1, (0, 0, 20, 40))
    decoded = decode_photo(saved(image, "GIF", transparency=0), Path("a.gif")).image
    assert decoded.getpixel((30, 20)) == (255, 255, 255) and decoded.getpixel((5, 5)) == (200, 0, 0)


# In HEIC files the container alone says how a picture is turned, and nothing here can write that.
@pytest.mark.parametrize(
    ("suffix", "orientation", "corner"),
    [(".avif", 1, "tl"), (".avif", 3, "br"), (".avif", 6, "tr"), (".avif", 8, "bl"), (".heic", 1, "tl")],
)
def test_modern_containers_are_turned_once_and_keep_date_and_place(
    tmp_path: Path, suffix: str, orientation: int, corner: str
) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = orientation, "Apple", "iPhone 15"
    exif.get_ifd(0x8769)[0x9003] = "2024:02:29 23:59:58"
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)})
    path = tmp_path / f"a{suffix}"
    draw_red_corner().save(path, exif=exif)
    photo = load_photo(path)
    assert bright_corner(photo.image) == corner
    assert (photo.width_px, photo.height_px) == ((160, 240) if orientation > 4 else (240, 160))
    assert photo.taken_at == datetime(2024, 2, 29, 23, 59, 58) and photo.camera == "Apple iPhone 15"
    assert photo.latitude == pytest.approx(-33.86) and photo.longitude == pytest.approx(151.21)
    assert may_be_photo(path.rename(tmp_path / "no-suffix"))


# --- RAW


@pytest.mark.parametrize(("orientation", "corner"), [(1, "tl"), (3, "br"), (6, "tr"), (8, "bl")])
def test_of_a_raw_file_the_preview_with_what_the_container_says(orientation: int, corner: str) -> None:
    preview = raw_files.jpeg(draw_red_corner(900, 600))
    photo = decode_photo(raw_files.dng(preview, (900, 600), orientation=orientation), Path("a.dng"))
    size = (600, 900) if orientation > 4 else (900, 600)
    assert (photo.width_px, photo.height_px) == photo.image.size == size
    assert bright_corner(photo.image) == corner
    assert photo.taken_at == datetime(2021, 5, 6, 7, 8, 9) and photo.camera == "Pentax K-1"
    assert photo.latitude == pytest.approx(48.85833, abs=1e-5)
    assert photo.longitude == pytest.approx(-2.2945, abs=1e-5)


def test_a_preview_that_says_how_it_is_turned_is_believed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    upright = raw_files.jpeg(draw_red_corner(600, 900), exif=exif)
    photo = decode_photo(raw_files.dng(upright, (600, 900), orientation=6), Path("a.dng"))
    assert photo.image.size == (600, 900) and bright_corner(photo.image) == "tl"


@pytest.mark.parametrize(("orientation", "corner"), [(1, "tl"), (6, "tr")])
def test_a_raw_file_without_a_preview_is_developed(orientation: int, corner: str) -> None:
    photo = decode_photo(raw_files.dng(orientation=orientation), Path("a.dng"))
    assert photo.image.size == ((32, 48) if orientation > 4 else (48, 32))  # half of the sensor's 96 x 64
    assert bright_corner(photo.image) == corner


def test_a_thumbnail_is_no_preview_where_the_sensor_has_more() -> None:
    thumbnail = raw_files.jpeg(Image.new("RGB", (160, 120), "blue"))
    photo = decode_photo(raw_files.dng(thumbnail, (160, 120), sensor=(1400, 900)), Path("a.dng"))
    assert (photo.width_px, photo.height_px) == (700, 450) and bright_corner(photo.image) == "tl"


def test_limits_hold_for_raw_files() -> None:
    wide = raw_files.dng(raw_files.jpeg(draw_red_corner(900, 600)), (900, 600))
    assert "too many pixels" in reason(wide, limits=DecodeLimits(max_megapixels=0.5))
    sensor = raw_files.dng(sensor=(1400, 900))
    assert "too many pixels" in reason(sensor, limits=DecodeLimits(max_megapixels=1))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_a_raw_file_that_ends_early_is_an_error_or_its_whole_preview(share: float) -> None:
    for content in (
        raw_files.dng(raw_files.jpeg(draw_red_corner(900, 600)), (900, 600)),
        raw_files.dng(sensor=(700, 500)),
    ):
        cut = content[: int(len(content) * share)]
        assert 5 < len(reason(cut, "a.dng")) < 200


def test_a_flipped_byte_in_a_raw_file_never_escapes_as_anything_but_a_reason() -> None:
    content = raw_files.dng(raw_files.jpeg(draw_red_corner(200, 120)), (200, 120))
    random = np.random.default_rng(3)
    outcomes = set()
    for _ in range(150):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] ^= 1 << int(random.integers(0, 8))
        try:
            decode_photo(bytes(damaged), Path("a.dng"))
            outcomes.add("decoded")
        except UnreadablePhotoError:
            outcomes.add("refused")
    assert "decoded" in outcomes


def test_a_tiff_with_the_name_of_a_raw_file_and_a_raw_file_with_the_name_of_a_tiff(tmp_path: Path) -> None:
    raw = tmp_path / "scan.tif"
    raw.write_bytes(raw_files.dng(raw_files.jpeg(draw_red_corner(900, 600)), (900, 600)))
    assert load_photo(raw).width_px == 900
    plain = tmp_path / "scan.nef"
    draw_red_corner().save(plain, "TIFF")
    assert load_photo(plain).image.size == (240, 160)
    assert may_be_photo(raw) and may_be_photo(plain)


# --- colours


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def profile(*, swapped: bool, size: int | None = None) -> bytes:
    """A profile of sRGB's colours; `swapped` says that what is stored as red is green and the other way round."""
    red, green = xyz(0.4361, 0.2225, 0.0139), xyz(0.3851, 0.7169, 0.0971)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"text\0\0\0\0test\0\0\0\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78 + 1)
    tags = {
        b"desc": desc, b"cprt": text, b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": green if swapped else red, b"gXYZ": red if swapped else green, b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4sI", 0, b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp", 0
    )
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    content = header.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(content)) + content[4:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_colours_are_what_the_profile_means(kind: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    image = Image.new("RGB", (64, 64), (220, 30, 30))
    plain = decode_photo(saved(image, kind, icc_profile=profile(swapped=False)), Path("a")).image
    red, green, _ = plain.getpixel((32, 32))
    assert red > 190 and green < 60
    swapped = decode_photo(saved(image, kind, icc_profile=profile(swapped=True)), Path("a")).image
    red, green, _ = swapped.getpixel((32, 32))
    assert green > 190 and red < 60


def test_transparent_pictures_and_palettes_have_profiles_too() -> None:
    clear = Image.new("RGBA", (40, 40), (220, 30, 30, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 20, 40))
    decoded = decode_photo(saved(clear, "PNG", icc_profile=profile(swapped=True)), Path("a")).image
    red, green, _ = decoded.getpixel((30, 20))
    assert green > 190 and red < 60
    assert min(decoded.getpixel((5, 20))) >= 253
    palette = Image.new("RGB", (40, 40), (220, 30, 30)).convert("P")
    red, green, _ = decode_photo(
        saved(palette, "PNG", icc_profile=profile(swapped=True)), Path("a")
    ).image.getpixel((30, 20))
    assert green > 190 and red < 60


def broken_profiles() -> list[bytes]:
    good = profile(swapped=True)
    random = np.random.default_rng(0).integers(0, 256, 3000, np.uint8).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return [b"x", good[:100], good[:-200], good[:132] + random, random, lab, good + bytes(5 * 2**20)]


@pytest.mark.parametrize("number", range(7))
def test_a_broken_profile_costs_no_photo(number: int) -> None:
    image = Image.new("RGB", (64, 64), (220, 30, 30))
    content = saved(image, "PNG", icc_profile=broken_profiles()[number])
    assert decode_photo(content, Path("a")).image.getpixel((32, 32)) == (220, 30, 30)


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("CMYK", "JPEG", 12),
        ("CMYK", "TIFF", 3),
        ("LAB", "TIFF", 8),
        ("YCbCr", "JPEG", 6),
        ("P", "PNG", 40),
        ("P", "GIF", 40),
        ("RGBA", "WEBP", 12),
        ("RGBA", "AVIF", 12),
        ("RGBX", "TIFF", 0),
    ],
)
def test_colours_survive_every_mode(mode: str, kind: str, tolerance: int) -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    for number, color in enumerate([(200, 40, 40), (40, 180, 60), (50, 60, 190)]):
        pixels[:, 32 * number : 32 * number + 32] = color
    image = Image.fromarray(pixels)
    if mode == "LAB":
        converted = ImageCms.profileToProfile(
            image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        converted = image.convert(mode)
    decoded = decode_photo(saved(converted, kind), Path("a")).image
    for x in (16, 48, 80):
        found, wanted = np.array(decoded.getpixel((x, 32)), int), pixels[32, x].astype(int)
        assert np.abs(found - wanted).max() <= tolerance


def test_deep_and_grey_pictures_keep_their_brightness() -> None:
    deep = Image.fromarray(np.full((8, 8), 52_428, np.uint16))
    for kind in ("PNG", "TIFF"):
        assert decode_photo(saved(deep, kind), Path("a")).image.getpixel((4, 4)) == (204, 204, 204)
    grey = Image.merge("LA", (Image.new("L", (8, 8), 90), Image.new("L", (8, 8), 255)))
    assert decode_photo(saved(grey, "PNG"), Path("a")).image.getpixel((4, 4)) == (90, 90, 90)
    multi = saved(
        draw_red_corner(), "MPO", save_all=True, append_images=[Image.new("RGB", (240, 160), "blue")]
    )
    assert bright_corner(decode_photo(multi, Path("a")).image) == "tl"

"""Bytes to a safe, upright RGB picture with what its file says about it. Knows limits and formats, no library."""

from __future__ import annotations

import io
import os
import stat
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.codecs.jpeg_end import with_its_end
from personalizer.photos.codecs.memory import needed_mib, reduce_while_decoding, smaller, webp_mib
from personalizer.photos.codecs.planar_tiff import PlanarError, has_deep_planes, joined_planes
from personalizer.photos.color_profiles import to_srgb
from personalizer.photos.exif import read_exif
from personalizer.photos.file_facts import DateSource, read_file_facts
from personalizer.photos.formats import TARGA_SUFFIX, is_raw, other_kind
from personalizer.photos.raw import RawError, RawPicture, read_raw
from personalizer.photos.sidecars import NOTHING_WRITTEN, SidecarFacts
from personalizer.photos.tiff import ORIENTATION

# "JPEG" includes the multi-picture files (MPO) that phones write. Of animations the first picture is shown.
# EPS and other formats that run programs are not among them.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "TIFF", "GIF", "AVIF", "BMP", "JPEG2000", "PPM")
HEADS_IN_PYTHON = ("JPEG", "PNG", "TIFF")
"""Formats of which the head is read without any code in C, so that nobody need be afraid of it."""
# Pillow's own limit is below what phones write; ours is asked of every picture before it is decoded.
Image.MAX_IMAGE_PIXELS = None
_PNG = b"\x89PNG\r\n\x1a\n"
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused, and how large the picture is that comes back."""

    max_file_mib: float = 320.0
    max_megapixels: float = 500.0
    max_memory_mib: float = 760.0
    """For the file and its decoded pixels. JPEG is decoded at a fraction of its size: 200 megapixels are few."""
    max_side_px: int | None = 1024
    """The picture is reduced to this long side, a JPEG perhaps to a little less; None keeps all pixels."""

    def __post_init__(self) -> None:
        for name in ("max_file_mib", "max_megapixels", "max_memory_mib", "max_side_px"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"DecodeLimits.{name} must be positive, not {value}")


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """An upright photo. `image` may be smaller than `width_px` x `height_px`, which are the original's."""

    image: Image.Image
    width_px: int
    height_px: int
    taken_at: datetime | None = None
    """Local time where the photo was taken, without a zone."""
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None
    date_source: DateSource | None = None
    """What the date was read from."""
    written: SidecarFacts = NOTHING_WRITTEN
    """What is written in the file as XMP or IPTC."""

    @property
    def scale(self) -> float:
        """Original pixels per pixel of `image`."""
        return max(self.width_px, self.height_px) / max(self.image.size)


_DEFAULT_LIMITS = DecodeLimits()
SMALL_ENOUGH = 0.75
"""Of the wanted long side: a JPEG that can be decoded to between this and all of it is decoded no larger."""
FOR_ANALYSIS = DecodeLimits(max_side_px=2048)
"""With room for small faces: half the pixels of a 12-megapixel photo each way, which JPEG decodes to directly."""


def load_photo(
    path: Path, limits: DecodeLimits = _DEFAULT_LIMITS, now: datetime | None = None
) -> DecodedPhoto:
    """Read and decode the file at `path`. Raises `UnreadablePhotoError` whose `found` is a short reason."""
    return decode_photo(read_photo_bytes(path, limits), path, limits, now)


def read_photo_bytes(path: Path, limits: DecodeLimits = _DEFAULT_LIMITS) -> bytes:
    """The bytes of a regular, non-empty file within the size limit, or `UnreadablePhotoError`."""
    try:
        # Without O_NONBLOCK opening a pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _unreadable(path, "not a regular file")
            if status.st_size == 0:
                raise _unreadable(path, "the file is empty")
            if status.st_size > limits.max_file_mib * 2**20:
                size_mib = status.st_size / 2**20
                raise _unreadable(
                    path, f"the file is too large ({size_mib:.0f} MiB > {limits.max_file_mib:g})"
                )
            return file.read()
    except PermissionError as error:
        raise _unreadable(path, "permission denied") from error
    except IsADirectoryError as error:
        raise _unreadable(path, "not a regular file") from error
    except FileNotFoundError as error:
        raise _unreadable(path, "there is no such file") from error
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error


def decode_photo(
    content: bytes, path: Path, limits: DecodeLimits = _DEFAULT_LIMITS, now: datetime | None = None
) -> DecodedPhoto:
    """Decode a photo that is in memory. The format is told by the content; `path` is for messages, and for TIFF
    files of which only the name says that they are RAW. No date after `now` (or the machine's clock) is believed.

    Raises `UnreadablePhotoError` for anything that is not a whole picture within the limits.
    """
    if not content:
        raise _unreadable(path, "the file is empty")
    if is_raw(content):
        return _decode_raw(content, path, limits, now)
    if is_raw(content, path.suffix):
        # What few makers write without saying so; or the name is wrong, and it is a plain TIFF.
        with suppress(UnreadablePhotoError):
            return _decode_raw(content, path, limits, now)
    return _decode_picture(content, path, limits, now)


def decoding_mib(content: bytes, path: Path, limits: DecodeLimits = _DEFAULT_LIMITS) -> float:
    """About how much memory decoding this photo takes; 0 where that cannot be told, or it is refused anyway."""
    if is_raw(content, path.suffix) or webp_mib(content) > limits.max_memory_mib:
        return 0.0
    _register_heif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _open(content, path) as image:
                size = image.size
                if limits.max_side_px is not None:
                    reduce_while_decoding(image, limits.max_side_px, SMALL_ENOUGH)
                return needed_mib(image, len(content), size)
        except Exception:  # decoding it says what is wrong
            return 0.0


def _decode_picture(
    content: bytes, path: Path, limits: DecodeLimits, now: datetime | None, raw: RawPicture | None = None
) -> DecodedPhoto:
    _register_heif()
    if webp_mib(content) > limits.max_memory_mib:
        raise _too_much(path, webp_mib(content), limits)
    with warnings.catch_warnings():
        # Pillow warns about odd EXIF.
        warnings.simplefilter("ignore")
        try:
            image = _open(content, path)
        except UnidentifiedImageError as error:
            raise _unreadable(path, other_kind(content) or "not an image of a known format") from error
        except MemoryError as error:
            raise _unreadable(path, "not enough memory to decode it") from error
        except Exception as error:  # codecs raise almost anything on hostile input
            raise _unreadable(path, f"damaged header: {_short(error)}") from error
        with image:
            try:
                return _decode(image, content, path, limits, now, raw)
            except UnreadablePhotoError as error:
                whole = with_its_end(content) if "truncated" in str(error.__cause__) else None
                if whole is None:
                    raise
        return _decode_picture(whole, path, limits, now, raw)


def _open(content: bytes, path: Path) -> Image.Image:
    # Targa files have no mark by which to know them.
    formats = (*FORMATS, "TGA") if path.suffix.lower() == TARGA_SUFFIX else FORMATS
    try:
        return Image.open(io.BytesIO(content), formats=formats)
    except ValueError:
        # Pillow refuses a PNG whose profile or texts are too large when unpacked; nothing of them is needed.
        if not content.startswith(_PNG):
            raise
        return Image.open(io.BytesIO(_without_texts(content)), formats=("PNG",))


def _without_texts(content: bytes) -> bytes:
    """A PNG without the parts that are unpacked before its picture."""
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        if content[start + 4 : start + 8] not in (b"iCCP", b"iTXt", b"zTXt"):
            kept.append(content[start:end])
        start = end
    return b"".join(kept)


def _decode_raw(content: bytes, path: Path, limits: DecodeLimits, now: datetime | None) -> DecodedPhoto:
    """The picture in a RAW file, of which the preview's pixels count as the photo's."""
    try:
        raw = read_raw(content, limits.max_megapixels)
    except MemoryError as error:
        raise _unreadable(path, "not enough memory to decode it") from error
    except RawError as error:
        raise _unreadable(path, str(error)) from error
    except Exception as error:
        raise _unreadable(path, f"damaged or truncated: {_short(error)}") from error
    if raw.preview is not None:
        return _decode_picture(raw.preview, path, limits, now, raw)
    if raw.developed is None:
        raise _unreadable(path, "a RAW file without a picture that can be shown")
    return _decode(raw.developed, content, path, limits, now, raw)


def _decode(
    image: Image.Image,
    content: bytes,
    path: Path,
    limits: DecodeLimits,
    now: datetime | None,
    raw: RawPicture | None = None,
) -> DecodedPhoto:
    width_px, height_px = image.size
    megapixels = width_px * height_px / 1e6
    if megapixels > limits.max_megapixels:
        raise _unreadable(path, f"too many pixels ({megapixels:.0f} > {limits.max_megapixels:g} megapixels)")
    # Asked before loading: a loaded TIFF has closed the file that its date and place are read from. PNG may have them
    # behind the pixels.
    facts = read_file_facts(image, raw, now) if image.format != "PNG" else None
    side_px = limits.max_side_px
    try:
        if side_px is not None:
            reduce_while_decoding(image, side_px, SMALL_ENOUGH)
        needed = needed_mib(image, len(content), (width_px, height_px))
        if needed > limits.max_memory_mib:
            raise _too_much(path, needed, limits)
        if has_deep_planes(image):
            joined = joined_planes(image, content)
            width_px, height_px = joined.size
            upright = _rgb(joined, side_px)
        else:
            image.load()
            upright = _rgb(image, side_px)
    except UnreadablePhotoError:
        raise
    except PlanarError as error:
        raise _unreadable(path, str(error)) from error
    except MemoryError as error:
        raise _unreadable(path, "not enough memory to decode it") from error
    except Exception as error:
        # Ways of libheif and Pillow's TIFF decoder to say it.
        if "allocat" in str(error) or str(error) == "decoder error -9":
            raise _unreadable(path, "not enough memory to decode it") from MemoryError(str(error))
        raise _unreadable(path, f"damaged or truncated: {_short(error)}") from error
    facts = facts or read_file_facts(image, raw, now)
    # Asked after loading: for TIFF and HEIC the decoder has turned the picture and dropped the tag by now.
    exif = read_exif(image)
    orientation = exif.get(ORIENTATION, 1) if raw is None else _raw_orientation(raw, exif, image.size)
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
        if orientation >= 5:
            width_px, height_px = height_px, width_px
    return DecodedPhoto(
        upright,
        width_px,
        height_px,
        facts.taken_at,
        facts.latitude,
        facts.longitude,
        facts.camera,
        facts.date_source,
        facts.written,
    )


def _raw_orientation(raw: RawPicture, exif: Image.Exif, size: tuple[int, int]) -> int:
    """How to turn what is shown of a RAW file."""
    said = exif.get(ORIENTATION, raw.orientation) if raw.developed is None else raw.orientation
    stands = size[0] < size[1]
    # Some makers write previews that are upright already beside a tag that is about the sensor's data.
    return 1 if said in (5, 6, 7, 8) and raw.sensor_is_wide and stands else int(said)


def _rgb(image: Image.Image, side_px: int | None) -> Image.Image:
    """A new sRGB picture; transparency becomes white, deep greys are scaled to eight bits.

    It is reduced before it is copied again: at 100 megapixels every copy takes 400 MB.
    """
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    image = (smaller(image, side_px, _in_plain_mode) if side_px is not None else None) or image
    image = _in_plain_mode(image)
    if image.mode in ("F", "I"):
        image = _eight_bits(image)
    if side_px is not None and max(image.size) > side_px:
        image.thumbnail((side_px, side_px), Image.Resampling.BICUBIC)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        return to_srgb(image, profile)
    converted = to_srgb(image, profile)
    return converted.copy() if converted is image else converted


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """The picture, or a copy in a mode that can be made smaller: RGB(A), CMYK, or grey in eight bits or more."""
    if image.mode in ("F", "I", "L", "RGB", "RGBA", "CMYK") and not (
        image.mode in ("L", "RGB") and image.has_transparency_data
    ):
        return image
    if image.mode.startswith("I"):
        return image.convert("I")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A new grey picture of one whose values are deeper or broken."""
    values = np.array(image, dtype=np.float32)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if image.mode.startswith("I") and low >= 0:
        # Sixteen-bit files keep their exposure; only values beyond that are stretched.
        low, high = 0.0, 255.0 if high <= 255 else max(high, 65535.0)
    values -= low
    values *= 255.0 / max(high - low, 1e-12)
    np.nan_to_num(values, copy=False)
    return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))


def _register_heif() -> None:
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__


def _too_much(path: Path, needed_mib: float, limits: DecodeLimits) -> UnreadablePhotoError:
    reason = (
        f"too many pixels: decoding it takes {needed_mib:.0f} MiB of memory (> {limits.max_memory_mib:g})"
    )
    return UnreadablePhotoError(
        tried=f"reading the photo {path}",
        found=reason,
        fix="Save a smaller copy, or a JPEG: of that as many as 500 megapixels can be read.",
    )


def _unreadable(path: Path, reason: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(
        tried=f"reading the photo {path}",
        found=reason,
        fix="Check the file in an image viewer, or replace it with a good copy.",
    )

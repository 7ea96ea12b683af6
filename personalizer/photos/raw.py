"""The picture inside a camera RAW file. Knows LibRaw and TIFF tags, no library.

Shown is the preview that the camera made, as the photographer saw it; the sensor's data are developed only where
there is no preview worth looking at, at half size and within limits of memory.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from personalizer.photos import tiff as tiff_tags
from personalizer.photos.tiff import Ifd, TiffTags

MIN_PREVIEW_PX = 512
"""A preview whose longer side is shorter is a thumbnail for lists, too small to find faces in."""
_MIN_THUMBNAIL_PX = 128
_MAX_DEVELOP_MIB = 640
_DEVELOP_BYTES_PER_PX = 12
"""The sensor's values, four 16-bit colours of what is developed, and the result."""
_MAX_STRIPS = 1 << 16
_MAX_XMP = 4 << 20
_TIFF_LIKE = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_ORIENTATION_OF_FLIP = {3: 3, 5: 8, 6: 6}
"""How LibRaw counts turns → as EXIF does."""


class RawError(Exception):
    """Why there is no picture; a short reason."""


@dataclass(frozen=True, slots=True, eq=False)
class RawPicture:
    """The picture in a RAW file, not turned yet, with what the file says about it."""

    preview: bytes | None
    """A JPEG; or else `developed` is there."""
    developed: Image.Image | None
    orientation: int
    """Of the developed picture, and of a preview that does not say."""
    sensor_is_wide: bool
    tags: Image.Exif = field(default_factory=Image.Exif)
    xmp: bytes = b""


def read_raw(content: bytes, max_megapixels: float) -> RawPicture:
    """The best picture in the file, or `RawError`."""
    import rawpy

    raw = rawpy.RawPy()
    try:
        try:
            raw.open_buffer(io.BytesIO(content))
            sizes = raw.sizes
            preview, thumbnail = _preview(raw)
        except rawpy.LibRawUnsufficientMemoryError as error:
            raise MemoryError from error
        except rawpy.LibRawError as error:
            raise RawError(f"no RAW photo that can be read: {_said(error)}") from error
        orientation = _ORIENTATION_OF_FLIP.get(int(sizes.flip), 1)
        side_px = max(_jpeg_size(preview) if preview is not None else (0, 0))
        sensor_px = max(sizes.width, sizes.height)
        developed: Image.Image | None = None
        if side_px < min(MIN_PREVIEW_PX, sensor_px):
            if not _is_whole(content):
                raise RawError("damaged or truncated: the sensor's data end early")
            try:
                developed = _develop(raw, sizes, max_megapixels)
            except RawError:
                # A small picture is better than none, unless it shows nothing.
                if max(side_px, *(thumbnail.size if thumbnail is not None else (0, 0))) < _MIN_THUMBNAIL_PX:
                    raise
                developed = thumbnail if preview is None else None
        return RawPicture(
            preview=None if developed is not None else preview,
            developed=developed,
            orientation=orientation,
            sensor_is_wide=sizes.width >= sizes.height,
            tags=raw_tags(content),
            xmp=raw_xmp(content),
        )
    finally:
        raw.close()


def _preview(raw: Any) -> tuple[bytes | None, Image.Image | None]:
    """The largest preview as a JPEG, or as pixels; neither where LibRaw knows none."""
    import rawpy

    try:
        found = raw.extract_thumb()
    except rawpy.LibRawUnsufficientMemoryError:
        raise
    except (rawpy.LibRawError, NotImplementedError):
        return None, None
    if found.format == rawpy.ThumbFormat.JPEG:
        return bytes(found.data), None
    pixels = found.data
    if pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == "uint8":
        return None, Image.fromarray(pixels.copy())
    return None, None


def _jpeg_size(preview: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(preview), formats=("JPEG",)) as image:
            return image.size
    except Exception:  # what is wrong with it, decoding will say
        return (0, 0)


def _develop(raw: Any, sizes: Any, max_megapixels: float) -> Image.Image:
    """The sensor's data as a picture of half their size, in the sensor's own orientation."""
    import rawpy

    pixels = max(sizes.raw_width * sizes.raw_height, sizes.width * sizes.height)
    if pixels / 1e6 > max_megapixels:
        raise RawError(f"too many pixels ({pixels / 1e6:.0f} > {max_megapixels:g} megapixels)")
    if pixels * _DEVELOP_BYTES_PER_PX > _MAX_DEVELOP_MIB * 2**20:
        raise RawError(f"it has no preview, and is too large to develop ({pixels / 1e6:.0f} megapixels)")
    try:
        developed = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8, user_flip=0)
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except rawpy.LibRawError as error:
        raise RawError(f"damaged or truncated: {_said(error)}") from error
    return Image.fromarray(developed)


def _is_whole(content: bytes) -> bool:
    """Whether the picture data that a TIFF-like file points at are in it; LibRaw fills what is missing with black."""
    tags = TiffTags(content)
    if not content.startswith(_TIFF_LIKE):
        return True
    for directory in tags.directories():
        for where, length in (
            (tiff_tags.STRIP_OFFSETS, tiff_tags.STRIP_BYTES),
            (tiff_tags.TILE_OFFSETS, tiff_tags.TILE_BYTES),
        ):
            starts = tags.numbers(directory, where, _MAX_STRIPS)
            lengths = tags.numbers(directory, length, _MAX_STRIPS)
            if any(
                start + size > len(content) for start, size in zip(starts, lengths, strict=False) if start
            ):
                return False
    return True


def raw_tags(content: bytes) -> Image.Exif:
    """Make, model, date, place and orientation from the container; empty where it holds none that is known."""
    exif = Image.Exif()
    if content.startswith(_TIFF_LIKE):
        tags = TiffTags(content)
        first = next(tags.directories(), None)
        if first is not None:
            _copy_main(exif, tags, first)
            _copy_details(exif, tags, tags.directory_at(first, tiff_tags.EXIF_IFD))
            _copy_place(exif, tags, tags.directory_at(first, tiff_tags.GPS_IFD))
    elif content[4:12] == b"ftypcrx ":
        # Canon keeps each directory as a TIFF structure of its own, in a box near the beginning.
        for name, copy in ((b"CMT1", _copy_main), (b"CMT2", _copy_details), (b"CMT4", _copy_place)):
            tags = TiffTags(_box(content, name))
            copy(exif, tags, next(tags.directories(), None))
    return exif


def raw_xmp(content: bytes) -> bytes:
    """The XMP document of a file that is a TIFF structure; empty where there is none."""
    tags = TiffTags(content if content.startswith(_TIFF_LIKE) else b"")
    first = next(tags.directories(), None)
    return b"" if first is None else tags.block(first, tiff_tags.XMP, _MAX_XMP)


def _box(content: bytes, name: bytes) -> bytes:
    start = content.find(name, 0, 1 << 20)
    if start < 4:
        return b""
    size = int.from_bytes(content[start - 4 : start], "big")
    return content[start + 4 : start - 4 + min(size, 1 << 20)]


def _copy_main(exif: Image.Exif, tags: TiffTags, directory: Ifd | None) -> None:
    if directory is None:
        return
    for tag in (tiff_tags.MAKE, tiff_tags.MODEL, tiff_tags.DATE_TIME):
        if text := tags.text(directory, tag):
            exif[tag] = text
    if orientation := tags.numbers(directory, tiff_tags.ORIENTATION, 1):
        exif[tiff_tags.ORIENTATION] = orientation[0]


def _copy_details(exif: Image.Exif, tags: TiffTags, directory: Ifd | None) -> None:
    if directory is not None:
        for tag in (0x9003, 0x9004):
            if text := tags.text(directory, tag):
                exif.get_ifd(tiff_tags.EXIF_IFD)[tag] = text


def _copy_place(exif: Image.Exif, tags: TiffTags, directory: Ifd | None) -> None:
    if directory is None:
        return
    place = exif.get_ifd(tiff_tags.GPS_IFD)
    for reference, value in ((1, 2), (3, 4)):
        if (text := tags.text(directory, reference)) and (degrees := tags.ratios(directory, value)):
            place[reference], place[value] = text, degrees


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) or type(error).__name__

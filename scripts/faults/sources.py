"""Small sound pictures in every format, drawn here, and where in their bytes one part ends and the next begins."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE_PX = (96, 72)


@dataclass(frozen=True)
class Source:
    """A sound file; `name` says what it is, `suffix` how it is usually called."""

    name: str
    suffix: str
    content: bytes


def draw(seed: int, size: tuple[int, int] = SIDE_PX) -> Image.Image:
    """Shapes on a noisy ground: another picture for every seed."""
    random = np.random.default_rng(seed)
    width, height = size
    ground = random.integers(60, 200, 3)
    pixels = (ground + random.normal(0, 14, (height, width, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for _ in range(5):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        reach = int(random.integers(width // 12, width // 3))
        color = tuple(int(value) for value in random.integers(0, 256, 3))
        shape = pen.ellipse if random.random() < 0.5 else pen.rectangle
        shape((x - reach, y - reach, x + reach, y + reach), fill=color)
    return image


def exif() -> Image.Exif:
    """Date, camera and a thumbnail's worth of notes."""
    data = Image.Exif()
    data[0x010F], data[0x0110], data[0x0132] = "Maker", "Camera", "2021:05:06 07:08:09"
    data.get_ifd(0x8769).update({0x9003: "2021:05:06 07:08:09", 0x927C: b"notes" * 40})
    return data


def sources() -> list[Source]:
    """One sound file of every kind that is worth breaking."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    image, gray = draw(1), draw(2).convert("L")
    frames = [draw(seed, (48, 36)) for seed in range(10, 14)]
    made = [
        _saved("jpeg", ".jpg", image, "JPEG", quality=85, exif=exif()),
        _saved("jpeg-progressive", ".jpg", image, "JPEG", quality=85, progressive=True),
        _saved("jpeg-grey", ".jpeg", gray, "JPEG", quality=60, restart_marker_blocks=4),
        _saved("png", ".png", image, "PNG"),
        _saved("png-palette", ".png", image.quantize(64), "PNG", transparency=3),
        _saved("webp", ".webp", image, "WEBP", quality=80, exif=exif()),
        _saved("webp-lossless", ".webp", image, "WEBP", lossless=True),
        _saved("webp-animated", ".webp", frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        _saved("heic", ".heic", image, "HEIF", quality=70, exif=exif().tobytes()),
        _saved("tiff", ".tif", image, "TIFF"),
        _saved("tiff-lzw", ".tiff", image, "TIFF", compression="tiff_lzw"),
        _saved("tiff-jpeg", ".tiff", image, "TIFF", compression="jpeg"),
        _saved("gif", ".gif", image.quantize(64), "GIF"),
        _saved("gif-animated", ".gif", frames[0], "GIF", save_all=True, append_images=frames[1:]),
    ]
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    return [*made, _saved("png-deep", ".png", deep, "PNG")]


def _saved(name: str, suffix: str, image: Image.Image, kind: str, **options: object) -> Source:
    into = io.BytesIO()
    image.save(into, kind, **options)
    return Source(name, suffix, into.getvalue())


def boundaries(source: Source) -> list[int]:
    """Offsets at which a part of the file begins, in order; the end is not among them."""
    kind = source.name.partition("-")[0]
    parts = {
        "jpeg": _jpeg,
        "png": _png,
        "webp": _webp,
        "heic": _heic,
        "tiff": _tiff,
        "gif": _gif,
    }[kind]
    found = {offset for offset in parts(source.content) if 0 < offset < len(source.content)}
    return sorted(found)


def _jpeg(content: bytes) -> Iterator[int]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        yield at
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        yield at + 2  # between the marker and its length
        at += 2 + length
        if marker == 0xDA:
            yield at
            # A scan lasts until the next marker that is no restart and no stuffed byte.
            while at + 1 < len(content) and not (
                content[at] == 0xFF and content[at + 1] not in (0, *range(0xD0, 0xD8))
            ):
                at += 1


def _png(content: bytes) -> Iterator[int]:
    at = 8
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        yield from (at, at + 4, at + 8, at + 8 + length)
        at += 12 + length


def _webp(content: bytes) -> Iterator[int]:
    yield from (4, 8)
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        yield from (at, at + 8)
        at += 8 + length + length % 2


def _heic(content: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
    at, end = start, len(content) if end is None else end
    while at + 8 <= end:
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        yield from (at, at + 8)
        if length < 8:
            return
        if kind in (b"meta", b"iprp", b"ipco"):
            yield from _heic(content, at + (12 if kind == b"meta" else 8), min(at + length, end))
        at += length


def _tiff(content: bytes) -> Iterator[int]:
    order = "<" if content[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", content, 4)
    yield from (2, 4, 8, at)
    (entries,) = struct.unpack_from(order + "H", content, at)
    yield from (at + 2, at + 2 + 12 * (entries // 2), at + 2 + 12 * entries)


def _gif(content: bytes) -> Iterator[int]:
    yield from (6, 13)
    palette = 3 * 2 ** ((content[10] & 7) + 1) if content[10] & 0x80 else 0
    at = 13 + palette
    while at < len(content) and content[at] in (0x21, 0x2C):
        yield at
        if content[at] == 0x21:
            at += 2
        else:
            local = 3 * 2 ** ((content[at + 9] & 7) + 1) if content[at + 9] & 0x80 else 0
            at += 10 + local + 1
        while at < len(content) and content[at]:
            yield at
            at += 1 + content[at]
        at += 1

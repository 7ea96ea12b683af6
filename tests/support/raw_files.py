"""Writes RAW files byte by byte, in the layouts that cameras use. Small, and real enough for LibRaw."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

SENSOR = (96, 64)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}
_CODES = {1: "B", 3: "H", 4: "I"}


def _value(kind: int, value: object) -> tuple[int, bytes]:
    if isinstance(value, bytes):
        return len(value), value
    if isinstance(value, str):
        return len(value) + 1, value.encode() + b"\0"
    values = value if isinstance(value, tuple) else (value,)
    if kind in (5, 10):
        parts = [part for one in values for part in (round(one * 10_000), 10_000)]
        return len(values), struct.pack(f"<{len(parts)}{'I' if kind == 5 else 'i'}", *parts)
    return len(values), struct.pack(f"<{len(values)}{_CODES[kind]}", *values)


class TiffWriter:
    """Directories and data blocks, placed one after the other; little-endian."""

    def __init__(self, magic: bytes = b"II*\0") -> None:
        self.content = bytearray(magic + struct.pack("<I", 0))

    def block(self, data: bytes) -> int:
        self.content += b"\0" * (len(self.content) % 2)
        offset = len(self.content)
        self.content += data
        return offset

    def directory(self, tags: dict[int, tuple[int, object]]) -> int:
        entries = b""
        for tag, (kind, value) in sorted(tags.items()):
            count, data = _value(kind, value)
            inline = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", self.block(data))
            entries += struct.pack("<HHI", tag, kind, count) + inline
        return self.block(struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0))

    def finish(self, first: int) -> bytes:
        self.content[4:8] = struct.pack("<I", first)
        return bytes(self.content)


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, **options)
    return buffer.getvalue()


def dng(
    preview: bytes | None = None,
    preview_size: tuple[int, int] = (0, 0),
    sensor: tuple[int, int] = SENSOR,
    orientation: int = 1,
    maker: str = "Pentax",
) -> bytes:
    """A DNG: a thumbnail in the first directory, the sensor's data and (perhaps) a JPEG preview in two below it."""
    width, height = sensor
    writer = TiffWriter()
    values = np.full((height, width), 6000, np.uint16)
    values[: height // 2, : width // 2] = 52_000  # the bright top-left quarter
    thumb = np.zeros((12, 16, 3), np.uint8)
    thumb[:6, :8] = 250
    subs = [
        writer.directory(
            {
                254: (4, 0), 256: (4, width), 257: (4, height), 258: (3, 16), 259: (3, 1), 262: (3, 32803),
                273: (4, writer.block(values.tobytes())), 277: (3, 1), 278: (4, height),
                279: (4, values.nbytes), 284: (3, 1), 33421: (3, (2, 2)), 33422: (1, bytes([0, 1, 1, 2])),
                50714: (3, 0), 50717: (3, 65535),
            }
        )
    ]  # fmt: skip
    if preview is not None:
        subs.append(
            writer.directory(
                {
                    254: (4, 1), 256: (4, preview_size[0]), 257: (4, preview_size[1]), 258: (3, (8, 8, 8)),
                    259: (3, 7), 262: (3, 6), 273: (4, writer.block(preview)), 277: (3, 3),
                    278: (4, preview_size[1]), 279: (4, len(preview)), 284: (3, 1),
                }
            )
        )  # fmt: skip
    details = writer.directory({36867: (2, "2021:05:06 07:08:09")})
    place = writer.directory(
        {1: (2, "N"), 2: (5, (48.0, 51.0, 30.0)), 3: (2, "W"), 4: (5, (2.0, 17.0, 40.2))}
    )
    first = writer.directory(
        {
            254: (4, 1), 256: (4, 16), 257: (4, 12), 258: (3, (8, 8, 8)), 259: (3, 1), 262: (3, 2),
            271: (2, maker), 272: (2, f"{maker} K-1"), 273: (4, writer.block(thumb.tobytes())),
            274: (3, orientation), 277: (3, 3), 278: (4, 12), 279: (4, thumb.nbytes), 284: (3, 1),
            306: (2, "2022:01:01 00:00:00"), 330: (4, tuple(subs)) if len(subs) > 1 else (4, subs[0]),
            34665: (4, details), 34853: (4, place), 50706: (1, bytes([1, 4, 0, 0])),
            50708: (2, f"{maker} K-1"), 50721: (10, (0.8, -0.2, -0.1, -0.4, 1.2, 0.2, -0.1, 0.2, 0.6)),
            50728: (5, (0.5, 1.0, 0.6)), 50778: (3, 21),
        }
    )  # fmt: skip
    return writer.finish(first)

"""Reads the few tags that matter from a TIFF structure, within strict bounds. Knows bytes, no pixels.

RAW files of most makers are TIFF inside. Pillow's reader fetches every value of every tag, which a hostile file can
make as large as it likes; this one fetches what is asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAKE, MODEL, ORIENTATION, DATE_TIME = 0x010F, 0x0110, 0x0112, 0x0132
SUB_IFDS, EXIF_IFD, GPS_IFD = 0x014A, 0x8769, 0x8825
PHOTOMETRIC, DNG_VERSION = 0x0106, 0xC612
XMP, IPTC = 0x02BC, 0x83BB
STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 0x0111, 0x0117, 0x0144, 0x0145

_MAX_ENTRIES = 1024
_MAX_IFDS = 40
_MAX_TEXT = 256
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


@dataclass(frozen=True, slots=True)
class Ifd:
    """One directory: where each tag's values are, as (type, count, position)."""

    entries: dict[int, tuple[int, int, int]]


class TiffTags:
    """Directories of one TIFF structure in `content`. What is out of bounds is left out, never an error."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._order = {b"II": "<", b"MM": ">"}.get(content[:2], "")

    def __bool__(self) -> bool:
        return bool(self._order) and len(self._content) >= 8

    def directories(self) -> Iterator[Ifd]:
        """The chain of directories, each followed by its sub-directories."""
        if not self:
            return
        waiting = [self._number("I", 4)]
        visited: set[int] = set()
        while waiting and len(visited) < _MAX_IFDS:
            offset = waiting.pop(0)
            if offset in visited or offset < 8:
                continue
            visited.add(offset)
            read = self._directory(offset)
            if read is None:
                continue
            directory, following = read
            yield directory
            waiting[:0] = self.numbers(directory, SUB_IFDS, _MAX_IFDS)
            waiting.append(following)

    def directory_at(self, parent: Ifd, tag: int) -> Ifd | None:
        """The directory that a tag points at."""
        offsets = self.numbers(parent, tag, 1)
        read = self._directory(offsets[0]) if offsets else None
        return None if read is None else read[0]

    def _directory(self, offset: int) -> tuple[Ifd, int] | None:
        count = self._number("H", offset)
        end = offset + 2 + 12 * count
        if not 0 < count <= _MAX_ENTRIES or end > len(self._content):
            return None
        entries: dict[int, tuple[int, int, int]] = {}
        for start in range(offset + 2, end, 12):
            tag, kind, number = struct.unpack_from(f"{self._order}HHI", self._content, start)
            size = _SIZES.get(kind, 0) * number
            position = start + 8 if size <= 4 else self._number("I", start + 8)
            if size and position + size <= len(self._content):
                entries.setdefault(tag, (kind, number, position))
        return Ifd(entries), self._number("I", end) if end + 4 <= len(self._content) else 0

    def _number(self, kind: str, position: int) -> int:
        try:
            return int(struct.unpack_from(self._order + kind, self._content, position)[0])
        except struct.error:
            return 0

    def numbers(self, directory: Ifd, tag: int, most: int) -> tuple[int, ...]:
        """Up to `most` whole numbers of a tag; none where it is absent or of another type."""
        kind, count, position = directory.entries.get(tag, (0, 0, 0))
        if kind not in _FORMATS:
            return ()
        return struct.unpack_from(f"{self._order}{min(count, most)}{_FORMATS[kind]}", self._content, position)

    def text(self, directory: Ifd, tag: int) -> str:
        """A text, or an empty one."""
        kind, count, position = directory.entries.get(tag, (0, 0, 0))
        if kind not in (2, 7):
            return ""
        raw = self._content[position : position + min(count, _MAX_TEXT)]
        return raw.split(b"\0")[0].decode("utf-8", "replace").strip()

    def block(self, directory: Ifd, tag: int, most: int) -> bytes:
        """The bytes of a tag, of whatever type; none where it is absent or larger than `most`."""
        kind, count, position = directory.entries.get(tag, (0, 0, 0))
        size = _SIZES.get(kind, 0) * count
        return self._content[position : position + size] if size <= most else b""

    def ratios(self, directory: Ifd, tag: int, most: int = 3) -> tuple[float, ...]:
        """Up to `most` fractions; one with a zero below is left out, and with it the others."""
        kind, count, position = directory.entries.get(tag, (0, 0, 0))
        if kind not in (5, 10):
            return ()
        code = "I" if kind == 5 else "i"
        parts = struct.unpack_from(f"{self._order}{2 * min(count, most)}{code}", self._content, position)
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        return () if any(below == 0 for _, below in pairs) else tuple(above / below for above, below in pairs)

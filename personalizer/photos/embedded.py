"""Reads XMP and IPTC metadata from a photo's own file. Knows blocks of bytes, no pixel.

Each block is limited in size; broken blocks are ignored.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

from personalizer.photos import tiff as tiff_tags
from personalizer.photos.sidecars import (
    MAX_BYTES,
    MAX_KEYWORDS,
    MAX_TEXT,
    NOTHING_WRITTEN,
    SidecarFacts,
    first_date,
    parse_xmp,
)
from personalizer.photos.tiff import TiffTags

_IPTC_RESOURCE = 0x0404
_MARKER = 0x1C
_MAX_SETS = 2000
_TITLE, _KEYWORD, _DATE_CREATED, _TIME_CREATED, _DIGITAL_DATE, _DIGITAL_TIME = 5, 25, 55, 60, 62, 63
_HEADLINE, _CAPTION = 105, 120
_UTF_8 = b"\x1b%G"


@dataclass(frozen=True, slots=True)
class Embedded:
    """What is written in a photo's file beside EXIF."""

    xmp: SidecarFacts = NOTHING_WRITTEN
    iptc: SidecarFacts = NOTHING_WRITTEN

    @property
    def facts(self) -> SidecarFacts:
        """Both, XMP first: programs that write both read it first."""
        return self.xmp.filled_in(self.iptc)


def read_embedded(image: Image.Image, raw_xmp: bytes = b"", now: datetime | None = None) -> Embedded:
    """What is written in the file of an open picture; `raw_xmp` is what a RAW file says around it."""
    said = [parse_xmp(block, now) for block in (raw_xmp, _xmp(image)) if 0 < len(block) <= MAX_BYTES]
    xmp = NOTHING_WRITTEN
    for facts in said:
        xmp = xmp.filled_in(facts or NOTHING_WRITTEN)
    return Embedded(xmp, parse_iptc(_iptc(image), now))


def parse_iptc(block: bytes, now: datetime | None = None) -> SidecarFacts:
    """What a block of IPTC-IIM says; nothing where it is something else."""
    values: dict[int, list[bytes]] = {}
    utf_8 = False
    for record, number, value in _data_sets(block[:MAX_BYTES]):
        utf_8 |= (record, number, value) == (1, 90, _UTF_8)
        if record == 2:
            values.setdefault(number, []).append(value)

    def texts(number: int) -> list[str]:
        decoded = (_text(value, utf_8=utf_8) for value in values.get(number, []))
        return [text for text in decoded if text]

    def date(day: int, time: int) -> str:
        return " ".join(text for text in (*texts(day)[:1], *texts(time)[:1]) if text.strip("0:+- "))

    return SidecarFacts(
        title=next(iter((*texts(_TITLE), *texts(_HEADLINE))), None),
        description=next(iter(texts(_CAPTION)), None),
        taken_at=first_date((date(_DATE_CREATED, _TIME_CREATED), date(_DIGITAL_DATE, _DIGITAL_TIME)), now),
        keywords=tuple(dict.fromkeys(texts(_KEYWORD)[:MAX_KEYWORDS])),
    )


def _data_sets(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Record, number and value of each data set, up to the first that is broken."""
    start = 0
    for _ in range(_MAX_SETS):
        if start + 5 > len(block) or block[start] != _MARKER:
            return
        record, number = block[start + 1], block[start + 2]
        size = int.from_bytes(block[start + 3 : start + 5], "big")
        start += 5
        # The highest bit says that the size is longer than that, as it is of pictures only.
        if size & 0x8000 or start + size > len(block):
            return
        yield record, number, block[start : start + size]
        start += size


def _text(value: bytes, *, utf_8: bool) -> str:
    try:
        text = value.decode("utf-8", "replace" if utf_8 else "strict")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.replace("\0", " ").strip()[:MAX_TEXT]


def _xmp(image: Image.Image) -> bytes:
    # PNG has it under the name of its chunk, of which Pillow makes this one only when it was read after the pixels.
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return _as_bytes(found)


def _iptc(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        return _as_bytes(resources.get(_IPTC_RESOURCE))
    # Of a TIFF file it is read from the bytes: many declare it as 32-bit numbers, of which Pillow keeps the first.
    file = getattr(image, "fp", None)
    tags = TiffTags(file.getvalue() if image.format == "TIFF" and isinstance(file, io.BytesIO) else b"")
    first = next(tags.directories(), None)
    return b"" if first is None else tags.block(first, tiff_tags.IPTC, MAX_BYTES)


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return value if isinstance(value, bytes) else b""

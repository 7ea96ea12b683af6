"""Reads what other programs wrote down about a photo in a file beside it: XMP, and the JSON of Google's Takeout.

Knows these formats, and distrusts them: sizes are limited, and a document that declares types or entities is refused.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

MAX_BYTES = 4 * 2**20
_MAX_DEPTH = 64
_MAX_TEXT = 2000
_MAX_KEYWORDS = 100

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_SUBJECT = f"{_DC} subject"
_DATES = (f"{_EXIF} DateTimeOriginal", f"{_PHOTOSHOP} DateCreated", f"{_XMP} CreateDate")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?")
_DEGREES = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])")


@dataclass(frozen=True, slots=True)
class SidecarFacts:
    """What a sidecar says; None where it does not."""

    title: str | None = None
    description: str | None = None
    taken_at: datetime | None = None
    """Local time where the photo was taken, without a zone; in the machine's own zone where only UTC is given."""
    latitude: float | None = None
    longitude: float | None = None
    rating: int | None = None
    """1 to 5 stars; -1 is rejected."""
    keywords: tuple[str, ...] = ()


class _RefusedError(Exception):
    """The document does what none that we need does."""


def read_sidecar(path: Path) -> SidecarFacts | None:
    """What the file says, or None for one that cannot be read or is something else."""
    try:
        # A pipe without anybody at its other end is not waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    if len(content) > MAX_BYTES:
        return None
    return parse_takeout(content) if path.suffix.lower() == ".json" else parse_xmp(content)


def parse_xmp(content: bytes) -> SidecarFacts | None:
    """What an XMP document says, or None for anything else."""
    reader = _XmpReader()
    try:
        reader.read(content)
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        return None
    found = reader.properties
    if not reader.is_rdf:
        return None
    latitude, longitude = _place(
        _xmp_degrees(found.get(f"{_EXIF} GPSLatitude", "")),
        _xmp_degrees(found.get(f"{_EXIF} GPSLongitude", "")),
    )
    return SidecarFacts(
        title=found.get(f"{_DC} title") or None,
        description=found.get(f"{_DC} description") or None,
        taken_at=next((at for name in _DATES if (at := _date(found.get(name, ""))) is not None), None),
        latitude=latitude,
        longitude=longitude,
        rating=_rating(found.get(f"{_XMP} Rating", "")),
        keywords=tuple(dict.fromkeys(reader.keywords)),
    )


class _XmpReader:
    """Collects the simple properties of the photo itself, written as attributes or as elements."""

    def __init__(self) -> None:
        self.properties: dict[str, str] = {}
        self.keywords: list[str] = []
        self.is_rdf = False
        self._stack: list[str] = []
        self._text: list[str] | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        # Without a document type there are no entities to expand and nothing is fetched.
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse
        self._parser.ExternalEntityRefHandler = self._refuse
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, content: bytes) -> None:
        # Some programs pad the document with NULs, of which one may be half of a letter.
        end = len(content.rstrip(b"\0"))
        end += end % 2 if content[:2] in (b"\xff\xfe", b"\xfe\xff") else 0
        self._parser.Parse(content[:end], True)

    def _refuse(self, *_: object) -> int:
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._stack.append(name)
        if len(self._stack) > _MAX_DEPTH:
            raise _RefusedError
        if name == f"{_RDF} RDF":
            self.is_rdf = True
        if self._stack[-2:] == [f"{_RDF} RDF", f"{_RDF} Description"]:
            for key, value in attributes.items():
                self.properties.setdefault(key, value.strip()[:_MAX_TEXT])
        if self._property() is not None and (self._is_property() or name == f"{_RDF} li"):
            self._text = []

    def _is_property(self) -> bool:
        return self._stack[-3:-1] == [f"{_RDF} RDF", f"{_RDF} Description"]

    def _property(self) -> str | None:
        """The property of the photo that the reader is in, at whatever depth."""
        for number in range(len(self._stack) - 2):
            if self._stack[number : number + 2] == [f"{_RDF} RDF", f"{_RDF} Description"]:
                return self._stack[number + 2]
        return None

    def _end(self, name: str) -> None:
        key = self._property()
        if self._text is not None and key is not None:
            text = "".join(self._text).strip()[:_MAX_TEXT]
            if text and key == _SUBJECT and len(self.keywords) < _MAX_KEYWORDS:
                self.keywords.append(text)
            if text:
                # Of a list of translations the first is the default.
                self.properties.setdefault(key, text)
        self._text = None
        self._stack.pop()

    def _characters(self, text: str) -> None:
        if self._text is not None and sum(map(len, self._text)) < _MAX_TEXT:
            self._text.append(text)


def parse_takeout(content: bytes) -> SidecarFacts | None:
    """What Google's export says about one photo, or None for any other JSON."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("title"), str):
        return None
    taken = document.get("photoTakenTime")
    if not isinstance(taken, dict):
        return None
    latitude: float | None = None
    longitude: float | None = None
    for key in ("geoData", "geoDataExif"):
        place = document.get(key)
        if isinstance(place, dict) and latitude is None:
            latitude, longitude = _place(_number(place.get("latitude")), _number(place.get("longitude")))
    description = document.get("description")
    return SidecarFacts(
        title=document["title"][:_MAX_TEXT] or None,
        description=description[:_MAX_TEXT] or None if isinstance(description, str) else None,
        taken_at=_moment(taken.get("timestamp")),
        latitude=latitude,
        longitude=longitude,
    )


def _date(text: str) -> datetime | None:
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        found = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return found if found.year >= 1826 else None  # the oldest photograph


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _xmp_degrees(text: str) -> float | None:
    match = _DEGREES.fullmatch(text.strip())
    if match is None:
        return None
    degrees, minutes, seconds, side = match.groups()
    value = int(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
    return -value if side in "SW" else value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _place(latitude: float | None, longitude: float | None) -> tuple[float | None, float | None]:
    if latitude is None or longitude is None or not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None, None
    if abs(latitude) > 90 or abs(longitude) > 180 or latitude == longitude == 0:
        return None, None
    return round(latitude, 7), round(longitude, 7)


def _rating(text: str) -> int | None:
    try:
        stars = int(float(text))
    except (ValueError, OverflowError):
        return None
    return stars if stars == -1 or 1 <= stars <= 5 else None

"""Reads what other programs wrote down about a photo: XMP, in a file beside it or inside it, and Google's Takeout JSON.

Knows these formats, and distrusts them: sizes are limited, and a document that declares types or entities is refused.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from personalizer.photos.dates import PhotoDate, believable, parse_date

MAX_BYTES = 4 * 2**20
MAX_TEXT = 2000
MAX_KEYWORDS = 100

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_DM = "{http://ns.adobe.com/xmp/1.0/DynamicMedia/}"
# When the photo was taken, then when it became a file. Not when the file was changed (`ModifyDate`, `tiff:DateTime`).
_DATES = (
    f"{_EXIF}DateTimeOriginal",
    f"{_PHOTOSHOP}DateCreated",
    f"{_DM}shotDate",
    f"{_DC}date",
    f"{_EXIF}DateTimeDigitized",
    f"{_XMP}CreateDate",
)
_NUMBER = r"(\d{1,3}(?:\.\d+)?)"
_DECIMAL = re.compile(r"([-+]?)\s*(\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEW]?)", re.I)
_DEGREES = re.compile(
    rf"(\d{{1,3}})\s*(?:,|°|deg)\s*{_NUMBER}\s*[',′]?\s*(?:{_NUMBER}\s*(?:\"|″|'')?)?\s*([NSEW])", re.I
)


@dataclass(frozen=True, slots=True)
class SidecarFacts:
    """What is written about a photo; None where nothing is."""

    title: str | None = None
    description: str | None = None
    taken_at: datetime | None = None
    """Local time where the photo was taken, without a zone; in the machine's own zone where only UTC is given.

    None where only the year or the month is known, of which a moment would say too much.
    """
    latitude: float | None = None
    longitude: float | None = None
    rating: int | None = None
    """1 to 5 stars; -1 is rejected."""
    keywords: tuple[str, ...] = ()

    def filled_in(self, other: SidecarFacts) -> SidecarFacts:
        """These facts, and those of `other` where these have none."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in own.items() if value not in (None, ())}
        return replace(other, **given)


NOTHING_WRITTEN = SidecarFacts()


def read_sidecar(path: Path, now: datetime | None = None) -> SidecarFacts | None:
    """What the file says, or None for one that cannot be read or is something else. After `now` nothing was taken."""
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
    return parse_takeout(content, now) if path.suffix.lower() == ".json" else parse_xmp(content, now)


def parse_xmp(content: bytes, now: datetime | None = None) -> SidecarFacts | None:
    """What an XMP document says, or None for anything else.

    A document that declares a type is refused: without one there are no entities to expand, and nothing is fetched.
    """
    # Some programs pad the document with NULs, of which one may be half of a letter.
    end = len(content.rstrip(b"\0"))
    end += end % 2 if content[:2] in (b"\xff\xfe", b"\xfe\xff") else 0
    try:
        document = fromstring(content[:end], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    rdf = document if document.tag == f"{_RDF}RDF" else document.find(f".//{_RDF}RDF")
    if rdf is None:
        return None
    found, keywords = _properties(rdf)
    latitude, longitude = _place(
        _xmp_degrees(found.get(f"{_EXIF}GPSLatitude", ""), found.get(f"{_EXIF}GPSLatitudeRef", "")),
        _xmp_degrees(found.get(f"{_EXIF}GPSLongitude", ""), found.get(f"{_EXIF}GPSLongitudeRef", "")),
    )
    return SidecarFacts(
        title=found.get(f"{_DC}title") or None,
        description=found.get(f"{_DC}description") or None,
        taken_at=first_date((found.get(name) for name in _DATES), now),
        latitude=latitude,
        longitude=longitude,
        rating=_rating(found.get(f"{_XMP}Rating", "")),
        keywords=tuple(dict.fromkeys(keywords[:MAX_KEYWORDS])),
    )


def _properties(rdf: Element) -> tuple[dict[str, str], list[str]]:
    """The simple properties of the photo itself, written as attributes or as elements, and its keywords."""
    properties: dict[str, str] = {}
    keywords: list[str] = []
    for described in rdf.findall(f"{_RDF}Description"):
        for key, value in described.attrib.items():
            properties.setdefault(key, value.strip()[:MAX_TEXT])
        for element in described:
            # One value, or a list of them; of a list of translations the first is the default.
            texts = [(item.text or "").strip()[:MAX_TEXT] for item in (element, *element.iter(f"{_RDF}li"))]
            for text in filter(None, texts):
                properties.setdefault(element.tag, text)
                if element.tag == f"{_DC}subject":
                    keywords.append(text)
    return properties, keywords


def parse_takeout(content: bytes, now: datetime | None = None) -> SidecarFacts | None:
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
        title=document["title"][:MAX_TEXT] or None,
        description=description[:MAX_TEXT] or None if isinstance(description, str) else None,
        taken_at=believable(_moment(taken.get("timestamp")), now),
        latitude=latitude,
        longitude=longitude,
    )


def first_date(values: Iterable[Any], now: datetime | None = None) -> datetime | None:
    """The first of these dates that can be believed, the best first.

    One that names only a year or a month gives no moment, but a later one has to lie in it: of a print from 1975 the
    day of its scan is no better date.
    """
    within: PhotoDate | None = None
    for value in values:
        date = parse_date(value)
        if (
            date is None
            or believable(date.moment, now) is None
            or (within and not within.covers(date.moment))
        ):
            continue
        if date.precision in ("day", "second"):
            return date.moment
        within = date
    return None


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _xmp_degrees(text: str, reference: str) -> float | None:
    """`48,51.5N`, as XMP asks for; and `48.8583`, `-48.8583`, `48 deg 51' 30.00" S`, as programs write it."""
    text = text.strip()
    if match := _DECIMAL.fullmatch(text):
        sign, degrees, side = match.groups()
        side = side or reference.strip()[:1]
        value = float(degrees)
        return -value if sign == "-" or (not sign and side.upper() in ("S", "W")) else value
    match = _DEGREES.fullmatch(text)
    if match is None:
        return None
    degrees, minutes, seconds, side = match.groups()
    value = int(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
    return -value if side.upper() in ("S", "W") else value


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

"""Reads dates, place and camera from EXIF. Any tag may be invalid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from PIL import Image

from personalizer.photos import tiff as tiff_tags
from personalizer.photos.sidecars import first_date

_DATE_ORIGINAL, _DATE_DIGITIZED = 0x9003, 0x9004


def read_exif(image: Image.Image) -> Image.Exif:
    """All tags of an open picture; none where they are broken."""
    try:
        return image.getexif()
    except Exception:  # broken EXIF is no reason to lose the picture
        return Image.Exif()


def _ifd(exif: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(tag))
    except Exception:
        return {}


def dates_of_taking(exif: Image.Exif, now: datetime | None) -> list[datetime]:
    """When the photo was taken and when it became a file, as far as that is known and can be believed."""
    details = _ifd(exif, tiff_tags.EXIF_IFD)
    return _dates((details.get(_DATE_ORIGINAL), details.get(_DATE_DIGITIZED)), now)


def date_of_change(exif: Image.Exif, now: datetime | None) -> list[datetime]:
    """When the file was written last: of a camera's own file that is when the photo was taken."""
    return _dates((exif.get(tiff_tags.DATE_TIME),), now)


def _dates(values: Iterable[Any], now: datetime | None) -> list[datetime]:
    dates = (first_date((value,), now) for value in values)
    return [date for date in dates if date is not None]


def coordinates(exif: Image.Exif) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, or neither."""
    gps = _ifd(exif, tiff_tags.GPS_IFD)
    latitude = _degrees(gps.get(2), _text(gps.get(1)), "S")
    longitude = _degrees(gps.get(4), _text(gps.get(3)), "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None, None
    # Receivers without a fix write zeros; nobody's holiday is at 0° N 0° E.
    return (None, None) if latitude == longitude == 0 else (latitude, longitude)


def _degrees(value: Any, reference: str, negative: str) -> float | None:
    try:
        parts = [float(part) for part in value]
        degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    if not np.isfinite(degrees):
        return None
    return round(-degrees if reference.upper().startswith(negative) else degrees, 7)


def camera(exif: Image.Exif) -> str | None:
    """Maker and model."""
    make, model = _text(exif.get(tiff_tags.MAKE)), _text(exif.get(tiff_tags.MODEL))
    if make and model.lower().startswith(make.lower()):
        make = ""
    return f"{make} {model}".strip()[:100] or None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.replace("\0", " ").strip() if isinstance(value, str) else ""

"""When, where and with what a photo was taken, by its own file: EXIF first, then XMP and IPTC. Decodes no pixel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from PIL import Image

from personalizer.photos.dates import better_date
from personalizer.photos.embedded import read_embedded
from personalizer.photos.exif import camera, coordinates, date_of_change, dates_of_taking, read_exif
from personalizer.photos.raw import RawPicture
from personalizer.photos.sidecars import SidecarFacts

DateSource = Literal["EXIF", "XMP in the file", "IPTC in the file"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a photo's file says about it; None where it does not."""

    taken_at: datetime | None
    date_source: DateSource | None
    latitude: float | None
    longitude: float | None
    camera: str | None
    written: SidecarFacts
    """What is written in it as XMP or IPTC."""


def read_file_facts(image: Image.Image, raw: RawPicture | None, now: datetime | None) -> FileFacts:
    """What the file of an open picture says, which may be the preview in a RAW file."""
    # The container knows better than the preview, into which the date was written by the decoder.
    tags = [read_exif(image)] if raw is None else [raw.tags, read_exif(image)]
    embedded = read_embedded(image, b"" if raw is None else raw.xmp, now)
    dates: list[tuple[DateSource, datetime | None]] = [
        ("EXIF", date) for exif in tags for date in dates_of_taking(exif, now)
    ]
    dates += [("XMP in the file", embedded.xmp.taken_at), ("IPTC in the file", embedded.iptc.taken_at)]
    taken_at: datetime | None = None
    source: DateSource | None = None
    for name, date in dates:
        if (better := better_date(taken_at, date)) != taken_at:
            taken_at, source = better, name
    if taken_at is None:
        # Last, since programs write the day of their own change there and leave the photo's to XMP.
        changed = [date for exif in tags for date in date_of_change(exif, now)]
        taken_at, source = (changed[0], "EXIF") if changed else (None, None)
    places = [coordinates(exif) for exif in tags]
    places.append((embedded.facts.latitude, embedded.facts.longitude))
    latitude, longitude = next((place for place in places if None not in place), (None, None))
    return FileFacts(
        taken_at,
        source,
        latitude,
        longitude,
        next(filter(None, map(camera, tags)), None),
        embedded.facts,
    )

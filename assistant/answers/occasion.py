"""Sentences about when and where a photo was taken, with what, and what its file is."""

from __future__ import annotations

import re
from datetime import datetime

from PIL import Image

from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.wording import coordinates_text, date_text
from assistant.language.question_dates import WEEKDAYS, Period
from assistant.language.question_types import Album, Camera, Size, When, Where
from assistant.language.question_words import fold
from personalizer.errors import counted

NO_DATE = "I can't tell when: I found no date for this photo."
NO_PLACE = "I can't tell where: I found no place for this photo."
_SEASON_MONTHS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "winter": (12, 1, 2)}
"""North of the tropics; south of them it is half a year later."""
_TROPICS = 23.5
_WITHIN_KM = 5.0
"""Nearer to a city's center than that a photo was taken in it."""


def when(part: When, facts: PhotoFacts, now: datetime) -> str:
    """The date, with yes or no in front where a period was asked for that is plain."""
    at = facts.taken_at
    if at is None:
        return NO_DATE
    text = date_text(at, weekday=part.asks == "weekday", time=facts.has_time)
    sentence = f"It was taken on {text}"
    if part.asks == "time" and not facts.has_time:
        return f"{sentence}; the time of day is not known."
    if part.asks == "age":
        return f"{sentence}, {_ago(at, now)}."
    latitude = None if facts.coordinates is None else facts.coordinates[0]
    answer = None if part.period is None else is_in(at, part.period, now, latitude)
    yes = "" if answer is None else "Yes. " if answer else "No. "
    return f"{yes}{sentence}."


def is_in(at: datetime, period: Period, now: datetime, latitude: float | None = None) -> bool | None:
    """Whether a moment is in a period; None where the words do not say a plain time."""
    if period.relative is not None:
        return _is_in_relative(at, period, now)
    if period.weekday is not None:
        if period.relation != "in":
            return None
        day = at.weekday()
        return day >= 5 if period.weekday == "weekend" else WEEKDAYS[day] == period.weekday
    if period.season is not None:
        return _is_in_season(at, period, latitude)
    wanted = (period.year, period.month, period.day)
    own = (at.year, at.month, at.day)
    pairs = [(mine, asked) for mine, asked in zip(own, wanted, strict=True) if asked is not None]
    if not pairs:
        return None
    mine, asked = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    if period.relation == "in":
        return mine == asked
    # "Before May 4" says no year, "since 2020" may begin with it.
    if period.year is None or mine == asked:
        return None
    return mine < asked if period.relation == "before" else mine > asked


def _is_in_relative(at: datetime, period: Period, now: datetime) -> bool | None:
    if period.relation != "in":
        return None
    days = (now.date() - at.date()).days
    match period.relative:
        case "today":
            return days == 0
        case "yesterday":
            return days == 1
        case "this year":
            return at.year == now.year
        case "last year":
            return at.year == now.year - 1
        case "this month":
            return (at.year, at.month) == (now.year, now.month)
        case _:
            return None


def _is_in_season(at: datetime, period: Period, latitude: float | None) -> bool | None:
    """None where the hemisphere is not known, in the tropics, and for a winter of one year, which has two."""
    if period.relation != "in" or latitude is None or abs(latitude) <= _TROPICS:
        return None
    month = at.month if latitude > 0 else (at.month + 5) % 12 + 1
    is_season = month in _SEASON_MONTHS[period.season or ""]
    if period.year is None or not is_season:
        return is_season
    if period.season == ("winter" if latitude > 0 else "summer"):
        return None if abs(period.year - at.year) <= 1 else False
    return at.year == period.year


def _ago(at: datetime, now: datetime) -> str:
    """By the calendar: yesterday evening is a day ago."""
    days = (now.date() - at.date()).days
    if days < 0:
        return "which is after today: a clock was set wrong"
    if days < 2:
        return "yesterday" if days else "today"
    if days < 60:
        return f"{counted(days, 'day')} ago"
    months = (now.year - at.year) * 12 + now.month - at.month - (now.day < at.day)
    return f"{counted(months, 'month')} ago" if months < 24 else f"{counted(months // 12, 'year')} ago"


def where(part: Where, facts: PhotoFacts) -> str:
    """The place near the coordinates, or these alone."""
    coordinates = facts.coordinates
    if coordinates is None:
        folder = facts.known.folder
        return f"{NO_PLACE} Its folder is called “{folder}”." if folder else NO_PLACE
    exact = coordinates_text(*coordinates)
    place = facts.place
    if place is None:
        return f"It was taken at {exact}; which place that is I can't tell."
    if part.asks == "coordinates":
        return f"It was taken at {exact}, {place.words}."
    if part.place is not None:
        asked = fold(part.place)
        larger = {fold(name) for name in (place.region, place.country) if name}
        is_city = asked == fold(place.name)  # also where a province has the same name
        if (place.distance_km <= _WITHIN_KM) if is_city else asked in larger:
            return f"Yes, it was taken {place.words}."
        # A place that is asked for may be a part of this one, or a larger one around it.
        return f"It was taken {place.words} ({exact})."
    return f"It was taken {place.words} ({exact})."


def camera(part: Camera, facts: PhotoFacts) -> str:
    if facts.decoded.camera is None:
        return "I can't tell with what: the file does not say so."
    # Whole words: a D300 is no D3.
    asked = set(re.findall(r"\w+", fold(part.asked or ""))) - {"a", "an", "the", "my", "camera"}
    yes = "Yes. " if asked and asked <= set(re.findall(r"\w+", fold(facts.decoded.camera))) else ""
    return f"{yes}It was taken with {facts.decoded.camera}."


def album(part: Album, facts: PhotoFacts) -> str:
    if part.asks == "file" or facts.known.folder is None:
        return f"Its file is called {facts.path.name}."
    return f"It is in the folder “{facts.known.folder}”, as {facts.path.name}."


def size(part: Size, facts: PhotoFacts) -> str:
    width, height = facts.decoded.width_px, facts.decoded.height_px
    if part.asks == "orientation":
        shape = "square" if width == height else "landscape" if width > height else "portrait"
        return f"It is {shape}: {width} × {height} pixels."
    if part.asks == "format":
        return _format(facts)
    pixels = f"{width} × {height} pixels"
    if part.asks == "bytes":
        try:
            return f"Its file has {_bytes(facts.path.stat().st_size)}, {pixels}."
        except OSError:
            return f"It has {pixels}; the size of its file I can't tell."
    megapixels = f" ({width * height / 1e6:.1f} megapixels)" if width * height >= 1e5 else ""
    return f"It has {pixels}{megapixels}."


def _format(facts: PhotoFacts) -> str:
    """By the content; raw files are known by their names only."""
    try:
        with Image.open(facts.path) as opened:
            found = opened.format
    except (OSError, ValueError):
        found = None
    suffix = facts.path.suffix.lstrip(".").upper()
    if found is not None and found != "TIFF":  # most raw files are TIFF outside
        return f"It is a {found} file."
    return f"By its name it is a {suffix} file." if suffix else "I can't tell what kind of file it is."


def _bytes(size: int) -> str:
    return (
        f"{size / 2**20:.1f} MiB"
        if size >= 2**20
        else f"{size / 2**10:.0f} KiB"
        if size >= 2**10
        else f"{size} bytes"
    )


def taken(facts: PhotoFacts) -> str:
    """When and where, as one sentence for a description; empty where neither is known."""
    at = facts.taken_at
    date = "" if at is None else f" on {date_text(at, time=facts.has_time)}"
    place = ""
    if facts.coordinates is not None:
        place = f" {facts.place.words}" if facts.place else f" at {coordinates_text(*facts.coordinates)}"
    return f"Taken{date}{place}." if date or place else ""

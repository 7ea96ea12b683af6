"""Sentences about when and where a photo was taken, with what, and what its file is."""

from __future__ import annotations

import re
from datetime import datetime

from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.wording import coordinates_text, date_text
from assistant.language.question_dates import Period
from assistant.language.question_types import Album, Camera, Size, When, Where
from assistant.language.question_words import fold
from personalizer.errors import counted

NO_DATE = "I can't tell when: nothing in the file or beside it says so."
NO_PLACE = "I can't tell where: nothing in the file or beside it says so."
_SEASON_MONTHS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "winter": (12, 1, 2)}


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
    answer = None if part.period is None else is_in(at, part.period, now)
    yes = "" if answer is None else "Yes. " if answer else "No. "
    return f"{yes}{sentence}."


def is_in(at: datetime, period: Period, now: datetime) -> bool | None:
    """Whether a moment is in a period; None where the words do not say a plain time."""
    found = period
    if period.relative is not None:
        match = re.fullmatch(
            r"(this|last|the last|past) year|(\d+|a|one|two|three) years? ago", period.relative
        )
        if match is None:
            return {"today": at.date() == now.date()}.get(period.relative)
        ago = 1 if match[1] and match[1] != "this" else 0
        if match[2]:
            ago = {"a": 1, "one": 1, "two": 2, "three": 3}.get(match[2]) or int(match[2])
        found = Period(period.text, period.relation, year=now.year - ago)
    if found.weekday is not None:
        return fold(f"{at:%A}") == found.weekday if found.weekday != "weekend" else at.weekday() >= 5
    if found.season is not None:
        months = _SEASON_MONTHS[found.season]
        return at.month in months and found.year in (None, at.year) if found.relation == "in" else None
    wanted = (found.year, found.month, found.day)
    own = (at.year, at.month, at.day)
    pairs = [(mine, asked) for mine, asked in zip(own, wanted, strict=True) if asked is not None]
    if not pairs:
        return None
    mine, asked = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    if found.relation == "in":
        return mine == asked
    if found.year is None:
        return None
    return mine < asked if found.relation == "before" else mine > asked


def _ago(at: datetime, now: datetime) -> str:
    days = (now - at).days
    if days < 60:
        return f"{counted(max(days, 0), 'day')} ago"
    if days < 730:
        return f"{counted(days // 30, 'month')} ago"
    return f"{counted(days // 365, 'year')} ago"


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
        names = [fold(name) for name in (place.name, place.region or "", place.country) if name]
        if asked in names:
            return f"Yes, it was taken {place.words}."
        # A place that is asked for may be a part of this one, or a larger one around it.
        return f"It was taken {place.words} ({exact})."
    return f"It was taken {place.words} ({exact})."


def camera(part: Camera, facts: PhotoFacts) -> str:
    if facts.decoded.camera is None:
        return "I can't tell with what: the file does not say so."
    yes = "Yes. " if part.asked and fold(part.asked) in fold(facts.decoded.camera) else ""
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
        return f"It is a {facts.path.suffix.lstrip('.').upper() or 'file without a suffix'} file."
    if part.asks == "bytes":
        try:
            return f"Its file has {facts.path.stat().st_size / 2**20:.1f} MiB, {width} × {height} pixels."
        except OSError:
            return f"It has {width} × {height} pixels; the size of its file I can't tell."
    return f"It has {width} × {height} pixels ({width * height / 1e6:.1f} megapixels)."


def taken(facts: PhotoFacts) -> str:
    """When and where, as one sentence for a description; empty where neither is known."""
    at = facts.taken_at
    date = "" if at is None else f" on {date_text(at, time=facts.has_time)}"
    place = ""
    if facts.coordinates is not None:
        place = f" {facts.place.words}" if facts.place else f" at {coordinates_text(*facts.coordinates)}"
    return f"Taken{date}{place}." if date or place else ""

"""Sentences about a search: how many photos fit and from when; if none fits, how many fit each part."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from assistant.answers.wording import date_text, joined
from assistant.language.similar_names import similar_names
from assistant.search.wording import Asks
from personalizer.errors import counted
from personalizer.library.photos.search import FoundCount, TimeSpan

PLACES_SAID = 3
"""Places that are named, those of the most photos."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a search."""

    typed: str
    kind: str
    """`name`, `people`, `words`, `time` or `alone`."""
    negated: bool
    count: int
    """For how many photos it holds."""
    understood: bool
    """Whether the library knows anything by these words."""
    perhaps_name: str | None
    """What may be the name of somebody."""
    span: str | None = None
    """For a time: which one it is."""
    taken_for: str | None = None
    """For words that nothing is called by: what is like them in meaning."""
    spans: tuple[TimeSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a search came to."""

    asks: Asks
    count: FoundCount
    parts: Sequence[Part]
    place: str | None
    """Of the one photo that was asked for."""
    perhaps: int
    """Photos that may show who is searched for, and wait for an answer."""
    is_empty: bool
    """Whether nothing was said that photos could be chosen by."""
    names: Sequence[str]
    unread: int = 0
    """Photos in which lettering was searched for, and not read yet."""
    fitting: int = 0
    """Photos that fit, of which only `count` were asked for."""
    which: Literal["newest", "oldest"] | None = None
    """Which of them were asked for."""
    opinions: Sequence[str] = ()
    """Words of praise that were left out."""
    places: Sequence[tuple[str, int]] = ()
    """Where that was asked: the places where most were taken, with how many."""


def answer(seen: Seen) -> str:
    """The answer in a sentence or two, all of them facts of the library."""
    if seen.is_empty:
        return "Say who or what to look for, where or when: “Bo on a beach last summer”."
    unknown = [part for part in seen.parts if not part.understood]
    if unknown:
        return " ".join(_not_understood(part, seen.names) for part in unknown) + _not_read(seen)
    more = _where(seen) + _waiting(seen) + _not_read(seen) + _left_out(seen)
    if not seen.count.photos:
        return _nothing(seen) + more
    what = _what(seen.parts)
    if seen.asks in {"last", "first"} and (
        at := seen.count.newest if seen.asks == "last" else seen.count.oldest
    ):
        which = "newest" if seen.asks == "last" else "oldest"
        where = f", {seen.place}" if seen.place else ""
        return f"The {which} photo{what} that I know was taken on {date_text(at, time=_has_time(at))}{where}.{more}"
    what += _southern(seen)
    dates = _dates(seen)
    if seen.fitting > seen.count.photos:
        which = f"the {seen.count.photos:,} {seen.which}" if seen.which else f"{seen.count.photos:,} of them"
        return f"I found {counted(seen.fitting, 'photo')}{what}. Here are {which}{dates}.{more}"
    if seen.asks == "count":
        return f"I know {counted(seen.count.photos, 'photo')}{what}{dates}.{more}"
    return f"I found {counted(seen.count.photos, 'photo')}{what}{dates}.{more}"


def span_text(spans: Sequence[TimeSpan]) -> str:
    """Which time it is: `1 June 2026 to 31 August 2026`."""
    plain: list[TimeSpan] = []
    for span in spans:
        last = plain[-1] if plain else None
        if last is not None and last.end is not None and span == TimeSpan(start=last.end, end=span.end):
            plain[-1] = replace(last, end=span.end)  # 2019 and 2020
        else:
            plain.append(span)
    return " or ".join(dict.fromkeys(map(_span, plain)))


def _span(span: TimeSpan) -> str:
    parts = []
    if span.start is not None and span.end is not None:
        last = span.end - timedelta(days=1)
        first = date_text(span.start, time=False)
        parts.append(
            first if last.date() == span.start.date() else f"{first} to {date_text(last, time=False)}"
        )
    elif span.start is not None:
        parts.append(f"from {date_text(span.start, time=False)} on")
    elif span.end is not None:
        parts.append(f"before {date_text(span.end, time=False)}")
    if span.months:
        parts.append(joined(calendar.month_name[month] for month in sorted(span.months)))
    if span.days:
        parts.append(joined(f"{int(day[3:])} {calendar.month_name[int(day[:2])]}" for day, _ in span.days))
    if span.weekdays:
        parts.append(joined(f"{calendar.day_name[day]}s" for day in sorted(span.weekdays)))
    if span.hours:
        parts.append(f"{span.hours[0]}:00 to {span.hours[1]}:00")
    return ", ".join(parts)


def _not_understood(part: Part, names: Sequence[str]) -> str:
    if part.kind == "time":
        return f"I can't tell which time “{part.typed}” is."
    if part.perhaps_name is not None:
        similar = similar_names(part.perhaps_name, names)
        meant = f" Did you mean {joined(similar, 'or')}?" if similar else ""
        if similar:
            return f"I don't know anyone called {part.perhaps_name}.{meant}"
    return f"I found nothing for “{part.typed}”: no name, place, folder, title or word that I know."


def _nothing(seen: Seen) -> str:
    if len(seen.parts) == 1:
        return f"I found no photo{_what(seen.parts)}."
    each = joined(_counted_part(part) for part in seen.parts)
    return f"I found no photo for all of it: {each}."


def _counted_part(part: Part) -> str:
    photos = counted(part.count, "photo") if part.count else "no photo"
    return f"{photos}{_of(part)}{' to leave out' if part.negated else ''}"


def _what(parts: Sequence[Part]) -> str:
    """What was searched for, as the parts were understood."""
    wanted = [part for part in parts if not part.negated]
    named = [part.typed for part in wanted if part.kind == "name"]
    words = [part for part in wanted if part.kind == "words"]
    text = f" of {_listed(named)}" if named else ""
    if words:
        text += f" for {joined(_quoted(part) for part in words)}"
    text += "".join(_of(part) for part in wanted if part.kind not in {"name", "words"})
    unwanted = [part for part in parts if part.negated and part.kind != "time"]
    if unwanted:
        text += f" without {joined((_unwanted(part) for part in unwanted), 'or')}"
    return text + "".join(f", not{_of(part)}" for part in parts if part.negated and part.kind == "time")


def _unwanted(part: Part) -> str:
    return _quoted(part) if part.kind == "words" else part.typed


def _listed(names: Sequence[str]) -> str:
    """Those of whom each must be there, and those of whom one is enough: "Carla and either Bo or Minka"."""
    if len(names) < 2:
        return joined(names)
    certain = [name for name in names if " or " not in name]
    return joined([*certain, *(f"either {name}" for name in names if name not in certain)])


def _of(part: Part) -> str:
    if part.kind == "name":
        return f" of {part.typed}"
    if part.kind == "time":
        span = part.span or part.typed
        if span.startswith(("from", "before")):
            return f" {span}"
        return f" on {span}" if all(span.weekdays for span in part.spans) else f" from {span}"
    if part.kind == "alone":
        return " with nobody else"
    if part.kind == "people":
        return f" with {part.typed}"
    return f" for {_quoted(part)}"


def _quoted(part: Part) -> str:
    return f"“{part.typed}”" + (f" (taken for {part.taken_for})" if part.taken_for else "")


def _southern(seen: Seen) -> str:
    """When a season is in the south, where photos of it fit."""
    for part in seen.parts:
        south = [span.south for span in part.spans if span.south is not None]
        oldest, newest = seen.count.oldest, seen.count.newest
        if part.negated or not south or oldest is None or newest is None:
            continue
        northern = [
            (span.start, span.end) for span in part.spans if span.start is not None and span.end is not None
        ]
        if any(start <= oldest and newest < end for start, end in northern):
            continue
        return f" (south of the equator: {span_text(south)})"
    return ""


def _dates(seen: Seen) -> str:
    """When they were taken, of as many as have a date."""
    count = seen.count
    if count.newest is None or count.oldest is None:
        return ""
    first, last = date_text(count.oldest, time=False), date_text(count.newest, time=False)
    if count.dated == count.photos and any(first == last == part.span for part in seen.parts):
        return ""  # the day was said already
    when = f"on {last}" if first == last else f"between {first} and {last}"
    some = "" if count.dated == count.photos else f"{count.dated:,} of them "
    return f", {some}taken {when}"


def _waiting(seen: Seen) -> str:
    if not seen.perhaps:
        return ""
    names = joined(
        dict.fromkeys(part.typed for part in seen.parts if part.kind == "name" and not part.negated), "or"
    )
    may = "photo may" if seen.perhaps == 1 else "photos may"
    return f" {seen.perhaps} more {may} show {names}: familiar suggestions"


def _where(seen: Seen) -> str:
    if not seen.places or seen.asks in {"last", "first"}:
        return ""
    listed = joined(f"{words} ({counted(count, 'photo')})" for words, count in seen.places[:PLACES_SAID])
    if len(seen.places) == 1:
        return f" Taken {listed}."
    return (
        f" {'Most of those' if len(seen.places) > PLACES_SAID else 'Those'} with a place were taken {listed}."
    )


def _not_read(seen: Seen) -> str:
    if not seen.unread:
        return ""
    photos = counted(seen.unread, "photo")
    return f" What is written in {photos} was not read yet: familiar watch does it, with the extra `ocr` installed."


def _left_out(seen: Seen) -> str:
    if not seen.opinions:
        return ""
    words = joined((f"“{word}”" for word in dict.fromkeys(seen.opinions)), "or")
    return f" I can't judge what is {words}, so I left that out."


def _has_time(at: datetime) -> bool:
    return (at.hour, at.minute, at.second) != (0, 0, 0)

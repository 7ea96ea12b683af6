"""What is said about a search: how many photos fit, from when; where nothing fits, for how many each part holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assistant.answers.wording import date_text, joined
from assistant.language.similar_names import similar_names
from assistant.search.query import Asks
from personalizer.errors import counted
from personalizer.library.photos.search import FoundCount, TimeSpan

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What a search came to."""

    text: str
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


def answer(seen: Seen, now: datetime) -> str:
    """The answer in a sentence or two, all of them facts of the library."""
    if seen.is_empty:
        return "Say who or what to look for, where or when: “Bo on a beach last summer”."
    unknown = [part for part in seen.parts if not part.understood]
    if unknown:
        return " ".join(_not_understood(part, seen.names) for part in unknown) + _not_read(seen)
    more = _waiting(seen) + _not_read(seen)
    if not seen.count.photos:
        return _nothing(seen) + more
    what = _what(seen.parts)
    if seen.asks in {"last", "first"} and (
        at := seen.count.newest if seen.asks == "last" else seen.count.oldest
    ):
        which = "newest" if seen.asks == "last" else "oldest"
        where = f", {seen.place}" if seen.place else ""
        return f"The {which} photo that I know{what} was taken on {date_text(at, time=_has_time(at))}{where}.{more}"
    dates = _dates(seen)
    if seen.asks == "count":
        return f"I know {counted(seen.count.photos, 'photo')}{what}{dates}.{more}"
    return f"I found {counted(seen.count.photos, 'photo')}{what}{dates}.{more}"


def span_text(spans: Sequence[TimeSpan]) -> str:
    """Which time it is: `1 June 2026 to 31 August 2026`."""
    return " or ".join(dict.fromkeys(_span(span) for span in spans[-3:]))


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
        parts.append(joined(_MONTHS[month - 1] for month in sorted(span.months)))
    if span.days:
        parts.append(joined(f"{int(day[3:])} {_MONTHS[int(day[:2]) - 1]}" for day, _ in span.days))
    if span.weekdays:
        parts.append(joined(_WEEKDAYS[day] for day in sorted(span.weekdays)))
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
    parts = [part for part in seen.parts if not part.negated]
    if len(parts) == 1 and len(seen.parts) == 1:
        return f"I found no photo{_of(parts[0])}."
    each = joined(_counted_part(part) for part in seen.parts)
    return f"I found no photo for all of it: {each}."


def _counted_part(part: Part) -> str:
    photos = counted(part.count, "photo") if part.count else "no photo"
    if part.negated:
        return f"{photos} with {part.typed} left out"
    return f"{photos}{_of(part)}"


def _what(parts: Sequence[Part]) -> str:
    """What was searched for, as the parts were understood."""
    named = [part for part in parts if part.kind == "name" and not part.negated]
    text = f" of {joined(part.typed for part in named)}" if named else ""
    for part in parts:
        if part not in named:
            text += f" without {part.typed}" if part.negated else _of(part)
    return text


def _of(part: Part) -> str:
    if part.kind == "name":
        return f" of {part.typed}"
    if part.kind == "time":
        return (
            f" from {part.span}"
            if part.span and not part.span.startswith(("from", "before"))
            else f" {part.span}"
        )
    if part.kind == "alone":
        return " with nobody else in it"
    if part.kind == "people":
        return f" with {part.typed}"
    return f" for “{part.typed}”" + (f" (taken for {part.taken_for})" if part.taken_for else "")


def _dates(seen: Seen) -> str:
    """When they were taken, of as many as have a date."""
    count = seen.count
    if count.newest is None or count.oldest is None:
        return ""
    first, last = date_text(count.oldest, time=False), date_text(count.newest, time=False)
    when = f"on {last}" if first == last else f"between {first} and {last}"
    some = "" if count.dated == count.photos else f"{count.dated} of them "
    return f", {some}taken {when}"


def _waiting(seen: Seen) -> str:
    if not seen.perhaps:
        return ""
    names = joined(
        dict.fromkeys(part.typed for part in seen.parts if part.kind == "name" and not part.negated), "or"
    )
    may = "photo may" if seen.perhaps == 1 else "photos may"
    return f" {seen.perhaps} more {may} show {names}: familiar suggestions"


def _not_read(seen: Seen) -> str:
    if not seen.unread:
        return ""
    photos = counted(seen.unread, "photo")
    return f" What is written in {photos} was not read yet: familiar watch does it, with the extra `ocr` installed."


def _has_time(at: datetime) -> bool:
    return (at.hour, at.minute, at.second) != (0, 0, 0)

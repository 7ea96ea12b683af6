"""Dates as cameras and programs write them → local time where the photo was taken. Knows no file and no tag."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Precision = Literal["year", "month", "day", "second"]

_OLDEST_YEAR = 1826
"""Of the oldest photograph that is kept."""
_WRITTEN = datetime(2026, 1, 1)
"""When this was written: a machine that says that it is earlier does not know the time itself."""
_AHEAD = timedelta(days=1)
"""A clock may run ahead of this machine's, or be set for a zone further east."""
_FORENOON = frozenset({"am", "上午", "午前", "오전"})
_AFTERNOON = frozenset({"pm", "下午", "午後", "오후"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HALF = r"([ap]\.?m\b\.?|[上下]午|午[前後]|오[전후])?"
_CLOCK = r"(\d{1,2}(?=\s*[:.h])|\d\d)\s*[:.h]?\s*(\d{1,2})(?:\s*[:.]?\s*(\d{1,2})(?:[.,]\d+)?)?"
_TIME = rf"{_HALF}\s*{_CLOCK}\s*{_HALF}"
# `2015:08:22 10:37:28` in all its spellings, and any beginning of it: what is unknown may be blank or zero.
_NO_MORE = r"(?!\s*[-:/.]\s*\d)"
_NUMERIC = re.compile(
    rf"(\d{{4}})(?:\s*[-:/.年]\s*(\d{{1,2}})(?:\s*[-:/.月]\s*(\d{{1,2}})日?"
    rf"(?:[T\s,:]\s*{_TIME})?|{_NO_MORE})|{_NO_MORE})(?!\d)",
    re.I,
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T\s]?(\d\d):?(\d\d):?(\d\d)?(?:[.,]\d+)?)?(?!\d)", re.I)
_IN_WORDS = re.compile(
    rf"(?:[a-z]{{3}},?\s+)?(?:([a-z]{{3}})[a-z]*\s+(\d{{1,2}})|(\d{{1,2}})\s+([a-z]{{3}})[a-z]*)"
    rf"(?:\s+{_TIME})?(?:\s+[a-z]{{3,4}})?,?\s+(\d{{4}})(?:\s+{_TIME})?(?:\s+[-+]\d{{4}})?",
    re.I,
)
# Zero of the clocks of old Macs (and of MP4) and of Unix, which a zone may have shifted. No camera wrote EXIF before
# 1995, so a file with these says that nobody knew. The few scans that somebody dated to that day lose their date: a
# photo without a date is less wrong than thousands in 1970.
_ZEROS = (datetime(1904, 1, 1), datetime(1970, 1, 1))
_WEST, _FIRST_DAY = timedelta(hours=12), timedelta(days=1)
_DEFAULT_DAYS = frozenset({(1980, 1, 1), (1980, 1, 6), (2000, 1, 1)})
"""Where clocks of MS-DOS, GPS and of many cameras begin; one that was never set runs on from there."""


@dataclass(frozen=True, slots=True)
class PhotoDate:
    """When a photo was taken: the beginning of a time that is as long as `precision`."""

    moment: datetime
    precision: Precision

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies in the year or the month that is meant."""
        same_month = self.precision == "year" or self.moment.month == moment.month
        return self.moment.year == moment.year and same_month


def parse_date(value: Any) -> PhotoDate | None:
    """A date in any spelling, or None for what is unset or impossible. A zone behind it is not applied.

    >>> parse_date("2012/12/22 10:37:28 PM")
    PhotoDate(moment=datetime.datetime(2012, 12, 22, 22, 37, 28), precision='second')
    """
    text = _as_text(value)
    if match := _COMPACT.match(text):
        year, month, day, hour, minute, second = match.groups()
        return _date(year, month, day, (None, hour, minute, second, None))
    if match := _NUMERIC.match(text):
        year, month, day, *time = match.groups()
        return _date(year, month, day, time)
    if match := _IN_WORDS.fullmatch(text):
        name, day, other_day, other_name, *rest = match.groups()
        before, year, after = rest[:5], rest[5], rest[6:]
        name = (name or other_name).lower()
        month = str(_MONTHS.index(name) + 1) if name in _MONTHS else "99"
        return _date(year, month, day or other_day, before if before[1] else after)
    return None


def believable(moment: datetime | None, now: datetime | None = None) -> datetime | None:
    """The moment, or None for one that cannot be true: before photography, in the future, or a clock's zero."""
    if moment is None or moment.year < _OLDEST_YEAR:
        return None
    now = max(datetime.now(), _WRITTEN) if now is None else now
    return None if moment > now + _AHEAD or _is_zero(moment) else moment


def _is_zero(moment: datetime) -> bool:
    return any(zero - _WEST <= moment < zero + _FIRST_DAY for zero in _ZEROS)


def may_be_unset(moment: datetime) -> bool:
    """Whether cameras write this while their clock was never set: New Year at midnight, or the day where clocks begin.

    People take photos at New Year too, so it stands unless somebody knows better.
    """
    new_year = moment.month == moment.day == 1 and moment.hour == moment.minute == 0
    default = (moment.year, moment.month, moment.day) in _DEFAULT_DAYS
    return new_year or default or _is_zero(moment)


def better_date(own: datetime | None, other: datetime | None) -> datetime | None:
    """`own`, unless it is missing or may be that of an unset clock and `other` is of quite another day."""
    if own is None or other is None:
        return other if own is None else own
    # Less than a day may be the zone, which some programs do not know.
    unset = may_be_unset(own) and not may_be_unset(other) and abs(own - other) > timedelta(days=1)
    return other if unset else own


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    if not value.isascii():
        # Pillow reads each byte as a letter; phones write digits and forenoon in the language of their owner.
        with suppress(ValueError):
            value = value.encode("latin-1").decode("utf-8")
    return str(value).replace("\0", " ").strip().strip("\"'")[:100]


def _date(
    year: str, month: str | None, day: str | None, time: list[str | None] | tuple[str | None, ...]
) -> PhotoDate | None:
    try:
        if int(month or 0) == 0:
            return PhotoDate(datetime(int(year), 1, 1), "year")
        if int(day or 0) == 0:
            return PhotoDate(datetime(int(year), int(month or 0), 1), "month")
        begin = datetime(int(year), int(month or 0), int(day or 0))
        before, hour, minute, second, after = time
        if hour is None:
            return PhotoDate(begin, "day")
        offset = timedelta(
            minutes=_minutes(int(hour), int(minute or 0), before or after), seconds=int(second or 0)
        )
        # 60 is a leap second.
        return PhotoDate(begin + offset, "second") if int(second or 0) <= 60 else None
    except (ValueError, OverflowError):
        return None


def _minutes(hour: int, minute: int, half: str | None) -> int:
    """Minutes since midnight."""
    word = (half or "").lower().replace(".", "")
    if hour > 24 or minute > 59:
        raise ValueError(f"no time of a day: {hour}:{minute}")
    if word in _FORENOON | _AFTERNOON and hour <= 12:
        hour = hour % 12 + (12 if word in _AFTERNOON else 0)
    # Some phones count the hours of a day from 1 to 24, and the first of a new day is their 24: `2019:01:01 24:04:20`
    # was written at four minutes past New Year, as that file's name says.
    return hour % 24 * 60 + minute

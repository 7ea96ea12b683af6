"""Times in the words of a search → spans of time: "last summer", "between May and July 2021", "the last 3 weeks".

Words are folded English ones. Counts from a given now; knows no photo.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from assistant.language.question_dates import MONTH_NUMBERS, WEEKDAYS, Period, period_in
from personalizer.library.photos.search import TimeSpan

_LONGEST = 7
"""Words of one time at most."""
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
            "nine": 9, "ten": 10, "twelve": 12, "couple": 2, "few": 3}  # fmt: skip
_NUMBER = rf"(?:\d{{1,3}}|{'|'.join(_NUMBERS)})"
_COUNTED = rf"(?P<count>{_NUMBER}) (?P<unit>day|week|month|year)s?"
_PAST = re.compile(rf"^(?:in |during |over |within |from )?(?:the )?(?:last|past) {_COUNTED}$")
_AGO = re.compile(rf"^(?:from )?{_COUNTED} ago$")
_BEFORE_LAST = re.compile(r"^(?:(?:in|from|during) )?(?:the )?(?P<unit>week|month|year) before last$")
_SHARES = {"first half": (0, 1, 2), "second half": (1, 2, 2), "early": (0, 1, 3), "beginning": (0, 1, 3),
           "start": (0, 1, 3), "mid": (1, 2, 3), "middle": (1, 2, 3), "late": (2, 3, 3), "end": (2, 3, 3)}  # fmt: skip
"""Of a year or a month: from which half or third of it to which."""
_SHARE = re.compile(
    rf"^(?:(?:in|from|during|at|around) )?(?:the )?(?P<share>{'|'.join(_SHARES)})(?: of)?(?: the)? (?P<whole>.+)$"
)
_BETWEEN = re.compile(
    r"""^(?:(?:between|from)\ (?P<first>.+?)\ (?:and|to|until|till)|(?P<year>(?:19|20)\d\d)\ (?:to|until|till))
    \ (?P<last>.+)$""",
    re.VERBOSE,
)
_WITHOUT_SENSE = re.compile(r"^(?:the )?(?:first|second|in|on|at|from)$")
_SEASON_STARTS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}
_OTHER_HALF = {"spring": "autumn", "autumn": "spring", "summer": "winter", "winter": "summer"}
_HOURS = {"morning": (5, 12), "noon": (11, 14), "afternoon": (12, 18), "evening": (17, 23), "night": (21, 5),
          "midnight": (23, 2), "daytime": (8, 18)}  # fmt: skip
_FEASTS = {
    "christmas": ((12, 24), (12, 26)),
    "halloween": ((10, 31), (10, 31)),
    "new years eve": ((12, 31), (12, 31)),
    "new years day": ((1, 1), (1, 1)),
    "new year": ((12, 31), (1, 1)),
}
_FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time in a search."""

    start: int
    end: int
    """Which words it is, the end exclusive."""
    spans: tuple[TimeSpan, ...]
    """Empty for a time that is none, such as the 31st of June, or that nobody can tell, such as "recently"."""


def times_in(words: Sequence[str], now: datetime) -> list[FoundTime]:
    """The times that these words say, from left to right; of times inside times the longest."""
    found: list[FoundTime] = []
    start = 0
    while start < len(words):
        for end in range(min(len(words), start + 2 * _LONGEST + 2), start, -1):
            spans = _spans(" ".join(words[start:end]), now) if end - start <= 2 * _LONGEST else None
            if spans is not None:
                found.append(FoundTime(start, end, spans))
                start = end
                break
        else:
            start += 1
    return _with_years(words, found)


def _with_years(words: Sequence[str], found: list[FoundTime]) -> list[FoundTime]:
    """ "March and April 2021": the year is said once."""
    for index in range(len(found) - 2, -1, -1):
        one, behind = found[index], found[index + 1]
        is_listed = behind.start - one.end == 1 and words[one.end] in {"and", "or", ","}
        months = one.spans[0].months if len(one.spans) == 1 else frozenset()
        start = behind.spans[0].start if len(behind.spans) == 1 else None
        if (
            is_listed
            and len(months) == 1
            and start is not None
            and behind.spans == (_month(start.year, start.month),)
        ):
            found[index] = replace(one, spans=(_month(start.year, *months),))
    return found


def _spans(words: str, now: datetime) -> tuple[TimeSpan, ...] | None:
    """The spans that the words are, and nothing else; None for other words."""
    if _WITHOUT_SENSE.match(words):
        return None
    counted = _PAST.match(words)
    if counted is not None:
        begin = _before(now, _count(counted["count"]), counted["unit"])
        return (TimeSpan(start=datetime.combine(begin, time()), end=_day_after(now.date())),)
    ago = _AGO.match(words)
    if ago is not None:
        return (_calendar_unit(_before(now, _count(ago["count"]), ago["unit"]), ago["unit"]),)
    before_last = _BEFORE_LAST.match(words)
    if before_last is not None:
        return (_calendar_unit(_before(now, 2, before_last["unit"]), before_last["unit"]),)
    share = _SHARE.match(words)
    if share is not None:
        return _share(share["share"], share["whole"], now)
    between = _BETWEEN.match(words)
    if between is not None:
        return _between(between["first"] or between["year"], between["last"], now)
    period = _period(words)
    return None if period is None else spans_of(period, now)


def _period(words: str) -> Period | None:
    """The period that the words are; None for other words, among them "beach last" and a bare "may"."""
    # "winter 2020/21" is the one that begins in 2020.
    said = re.sub(r"\b(winter (?:of )?(?:19|20)\d\d)[/-]\d\d$", r"\1", words)
    plain = re.sub(rf"\b({'|'.join([*WEEKDAYS, 'weekend'])})s\b", r"\1", _with_spaces(said))
    if re.match(r"(?:may|mar) \d{1,2}$", plain):
        plain = f"on {plain}"
    period = period_in(plain, words)
    if period is not None and period.relative == "recently":
        return None
    if period is not None and period.relative is not None and period.relative.endswith(" last"):
        unit = period.relative.removesuffix(" last")
        known = {
            "year",
            "month",
            "week",
            "weekend",
            "fall",
            *_SEASON_STARTS,
            *WEEKDAYS,
            *MONTH_NUMBERS,
            *_FEASTS,
        }
        return period if unit in known else None
    return period


def spans_of(period: Period, now: datetime) -> tuple[TimeSpan, ...]:
    """The spans that a period means; none for a day that is in no calendar, or words that say no plain time."""
    spans = _plain_spans(period, now)
    if period.relation == "in" or not spans:
        return spans
    span = spans[0]
    if span.start is None or span.end is None:
        return ()  # "before May" says no year
    words = period.text.split()
    if period.relation == "before":
        return (TimeSpan(end=span.end if words[0] == "until" else span.start),)
    return (TimeSpan(start=span.start if words[0] == "since" else span.end),)


def _plain_spans(period: Period, now: datetime) -> tuple[TimeSpan, ...]:
    if period.relative is not None:
        return _relative(period.relative, period.year, now)
    if period.weekday is not None:
        days = {5, 6} if period.weekday == "weekend" else {WEEKDAYS.index(period.weekday)}
        return (TimeSpan(weekdays=frozenset(days)),)
    if period.season is not None:
        return (_season(period.season, period.year),)
    return _by_calendar(period.year, period.month, period.day)


def _by_calendar(year: int | None, month: int | None, day: int | None) -> tuple[TimeSpan, ...]:
    if year is None:
        if day is None:
            return () if month is None else (TimeSpan(months=frozenset({month})),)
        if month is None or day > calendar.monthrange(2000, month)[1]:
            return ()
        text = f"{month:02d}-{day:02d}"
        return (TimeSpan(days=((text, text),)),)
    if month is None:
        return (_year(year),)
    if day is None:
        return (_month(year, month),)
    if day > calendar.monthrange(year, month)[1]:
        return ()
    return (_days(date(year, month, day), date(year, month, day)),)


def _relative(words: str, year: int | None, now: datetime) -> tuple[TimeSpan, ...]:
    today = now.date()
    if words in _HOURS:
        return (TimeSpan(hours=_HOURS[words]),)
    if words == "today":
        return (_days(today, today),)
    if words == "yesterday":
        return (_days(today - timedelta(1), today - timedelta(1)),)
    decade = re.fullmatch(r"(?P<century>19|20)?(?P<decade>\d)0s", words)
    if decade is not None:
        century = int(decade["century"] or ("20" if int(decade["decade"]) * 10 <= today.year % 100 else "19"))
        first = century * 100 + int(decade["decade"]) * 10
        return (TimeSpan(start=datetime(first, 1, 1), end=datetime(first + 10, 1, 1)),)
    ago = _AGO.match(words)
    if ago is not None:
        return (_calendar_unit(_before(now, _count(ago["count"]), ago["unit"]), ago["unit"]),)
    feast = _feast(words, year, today)
    if feast is not None:
        return feast
    which, _, what = words.removeprefix("the ").partition(" ")
    if what == "last":
        which, what = "last", which
    if which not in {"this", "last", "past"}:
        return ()
    return _this_or_last(what, which, today)


def _this_or_last(what: str, which: str, today: date) -> tuple[TimeSpan, ...]:
    last = which != "this"
    if what in {"year", "month", "week"}:
        unit = _before(datetime.combine(today, time()), 1, what) if last else today
        return (_calendar_unit(unit, what),)
    if what == "weekend":
        monday = today - timedelta(today.weekday()) - timedelta(7 if last else 0)
        return (_days(monday + timedelta(5), monday + timedelta(6)),)
    if what in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS.index(what)) % 7
        day = today - timedelta(back or (7 if last else 0))
        return (_days(day, day),)
    if what in MONTH_NUMBERS:
        month = MONTH_NUMBERS[what]
        year = today.year - (1 if last and month >= today.month else 0)
        return (_month(year, month),)
    season = "autumn" if what == "fall" else what
    if season in _SEASON_STARTS:
        return (_season_near(season, today, last=last),)
    feast = _feast(what, None, today)
    if feast is None:
        return ()
    past = [span for span in feast if span.start is not None and span.start.date() <= today]
    if not last:
        return tuple(span for span in feast if span.start is not None and span.start.year == today.year)
    return tuple(past[-1:])


def _season_near(season: str, today: date, *, last: bool) -> TimeSpan:
    """The season that is, or was last, in each half of the earth."""

    def of(name: str) -> TimeSpan:
        spans = [_one_season(name, year) for year in range(today.year - 2, today.year + 1)]
        begun = [span for span in spans if span.start is not None and span.start.date() <= today]
        ended = [span for span in begun if span.end is not None and span.end.date() <= today]
        if last:
            return ended[-1]
        running = [span for span in begun if span not in ended]
        return running[-1] if running else _one_season(name, today.year)

    south = of(_OTHER_HALF[season])
    span = of(season)
    return TimeSpan(start=span.start, end=span.end, south=TimeSpan(start=south.start, end=south.end))


def _season(season: str, year: int | None) -> TimeSpan:
    """Of a year, or of all years; a winter is in the year in which it begins."""
    if year is not None:
        north, south = _one_season(season, year), _one_season(_OTHER_HALF[season], year)
        return TimeSpan(start=north.start, end=north.end, south=south)
    months = {(_SEASON_STARTS[season] - 1 + step) % 12 + 1 for step in range(3)}
    other = {(month + 5) % 12 + 1 for month in months}
    return TimeSpan(months=frozenset(months), south=TimeSpan(months=frozenset(other)))


def _one_season(season: str, year: int) -> TimeSpan:
    start = _SEASON_STARTS[season]
    end = (year + 1, 3) if start == 12 else (year, start + 3)
    return TimeSpan(start=datetime(year, start, 1), end=datetime(*end, 1))


def _feast(name: str, year: int | None, today: date) -> tuple[TimeSpan, ...] | None:
    """Each year's days, the earliest first; None for what is no feast that is on the same days for all."""
    years = [year] if year is not None else range(_FIRST_YEAR, today.year + 1)
    if name == "easter":
        return tuple(_days(_easter(each) - timedelta(2), _easter(each) + timedelta(1)) for each in years)
    if name == "thanksgiving":
        return tuple(_days(_thanksgiving(each), _thanksgiving(each)) for each in years)
    if name not in _FEASTS:
        return None
    first, last = _FEASTS[name]
    return tuple(_days(date(each, *first), date(each + (last < first), *last)) for each in years)


def _easter(year: int) -> date:
    """Easter Sunday, by Gauss's rule as Meeus writes it (Gregorian calendar)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def _thanksgiving(year: int) -> date:
    first = date(year, 11, 1)
    return first + timedelta((3 - first.weekday()) % 7 + 21)


def _between(first: str, last: str, now: datetime) -> tuple[TimeSpan, ...] | None:
    """From the beginning of the one until the end of the other."""
    # With "in", which a bare "may" needs.
    end = _period(last) or _period(f"in {last}")
    begin = _period(first) or _period(f"in {first}")
    if begin is None or end is None:
        return None
    if begin.year is None and end.year is not None and begin.relative is None:
        # "from May to July 2023": the year is said once.
        begin = _period(f"{first} {end.year}") or begin
    starts, ends = _plain_spans(begin, now), _plain_spans(end, now)
    if len(starts) != 1 or len(ends) != 1:
        return ()
    if starts[0].start is not None and ends[0].end is not None:
        return (TimeSpan(start=starts[0].start, end=ends[0].end),)
    if starts[0].months and ends[0].months:
        (one,), (other,) = sorted(starts[0].months), sorted(ends[0].months)
        return (
            TimeSpan(months=frozenset((one - 1 + step) % 12 + 1 for step in range((other - one) % 12 + 1))),
        )
    return ()


def _share(share: str, whole: str, now: datetime) -> tuple[TimeSpan, ...] | None:
    """The first half of a year, the end of a month; no part of anything else."""
    period = _period(whole) or _period(f"in {whole}")
    spans = () if period is None or period.relation != "in" else spans_of(period, now)
    if len(spans) != 1 or spans[0].start is None or spans[0].end is None or spans[0].south is not None:
        return None
    start, end = spans[0].start, spans[0].end
    first, last, parts = _SHARES[share]
    months = (end.year - start.year) * 12 + end.month - start.month
    if start.day == end.day == 1 and months % parts == 0:
        at = [start.year * 12 + start.month - 1 + months * step // parts for step in (first, last)]
        begin, finish = (datetime(month // 12, month % 12 + 1, 1) for month in at)
        return (TimeSpan(start=begin, end=finish),)
    if start.day == end.day == 1 and months == 1:
        days = [start + timedelta((end - start).days * step // parts) for step in (first, last)]
        return (TimeSpan(start=days[0], end=days[1]),)
    return None


def _with_spaces(words: str) -> str:
    """Dates in numbers as the grammar of questions has them: year, month, day; or day, name of the month, year."""
    words = re.sub(r"\b((?:19|20)\d\d)[-./](\d\d?)[-./](\d\d?)\b", r"\1 \2 \3", words)

    def named(match: re.Match[str]) -> str:
        one, other = int(match[1]), int(match[3])
        # With slashes the month comes first in America; elsewhere, and wherever it cannot be one, the day does.
        day, month = (other, one) if match[2] == "/" and one <= 12 < other else (one, other)
        return f"{day} {calendar.month_name[month].casefold()} {match[4]}" if 1 <= month <= 12 else match[0]

    words = re.sub(r"\b(\d\d?)([./-])(\d\d?)[./-]((?:19|20)\d\d)\b", named, words)
    return re.sub(
        r"\b((?:19|20)\d\d)[-/](0\d|1[0-2])\b",
        lambda match: f"{calendar.month_name[max(int(match[2]), 1)].casefold()} {match[1]}",
        words,
    )


def _before(now: datetime, count: int, unit: str) -> date:
    today = now.date()
    if unit in {"day", "week"}:
        return today - timedelta(count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    year, month = max(months // 12, 1), months % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _calendar_unit(day: date, unit: str) -> TimeSpan:
    if unit == "year":
        return _year(day.year)
    if unit == "month":
        return _month(day.year, day.month)
    if unit == "week":
        monday = day - timedelta(day.weekday())
        return _days(monday, monday + timedelta(6))
    return _days(day, day)


def _year(year: int) -> TimeSpan:
    return TimeSpan(start=datetime(year, 1, 1), end=datetime(year + 1, 1, 1))


def _month(year: int, month: int) -> TimeSpan:
    return TimeSpan(start=datetime(year, month, 1), end=datetime(year + month // 12, month % 12 + 1, 1))


def _days(first: date, last: date) -> TimeSpan:
    return TimeSpan(start=datetime.combine(first, time()), end=_day_after(last))


def _day_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time())


def _count(text: str) -> int:
    return _NUMBERS.get(text) or int(text)

"""A time in a question → a period: "in May 2019", "before 2020", "last summer"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTH_NUMBERS = {month: number for number, month in enumerate(_MONTHS, 1)} | {
    month[:3]: number for number, month in enumerate(_MONTHS, 1)
}
_MONTH = rf"(?:{'|'.join(sorted(MONTH_NUMBERS, key=len, reverse=True))})"
_SEASONS = {"summer": "summer", "winter": "winter", "spring": "spring", "autumn": "autumn", "fall": "autumn"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = (*WEEKDAYS, "weekend")
_HOLIDAYS = r"christmas|easter|halloween|new\ years\ eve|new\ years\ day|new\ year|thanksgiving|my\ birthday"
_TIME_OF_DAY = "morning|afternoon|evening|night|noon|midnight|daytime"
_PERIOD = re.compile(
    rf"""^(?:(?P<relation>in|on|at|before|after|since|until|during|around|from|within)\ )?(?:the\ )?
    (?:
      (?P<relative>today|yesterday|(?:this|last|the\ last|past)\ (?:year|month|week|weekend|{"|".join(_SEASONS)}
         |{"|".join(_DAYS)}|{_HOLIDAYS}|{_MONTH})|(?:year|month|week|\w+)\ last
         |(?:a|one|two|three|four|five|ten|\d+)
         \ (?:years?|months?|weeks?|days?)\ ago|recently|long\ ago)
     |(?:year\ |month\ of\ )?(?P<decade>(?:19|20)?\d0s)
     |(?:year\ )?(?P<year>(?:19|20)\d\d)(?:\ (?P<month_3>\d\d?)\ (?P<day_3>\d\d?))?
     |(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\ (?:of\ )?)?(?P<month>{_MONTH})(?:\ (?P<day_2>\d{{1,2}})(?:st|nd|rd|th)?)?
         (?:\ (?:,\ )?(?:of\ |in\ )?(?P<year_2>(?:19|20)\d\d))?
     |(?P<season>{"|".join(_SEASONS)})(?:\ (?:of\ |in\ )?(?P<year_3>(?:19|20)\d\d))?
     |(?:a\ )?(?P<weekday>{"|".join(_DAYS)})
     |(?P<holiday>{_HOLIDAYS})(?:\ (?:of\ |in\ )?(?P<year_4>(?:19|20)\d\d))?
     |(?P<time_of_day>{_TIME_OF_DAY})
    )$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A time that is asked for; what was not said is None."""

    text: str
    """As typed."""
    relation: Literal["in", "before", "after"] = "in"
    year: int | None = None
    month: int | None = None
    day: int | None = None
    season: str | None = None
    weekday: str | None = None
    relative: str | None = None
    """Counted from today, or a feast or time of day: "last summer", "christmas", "evening"."""


def period_in(words: str, typed: str) -> Period | None:
    """The period that the folded `words` say, and nothing more; `typed` is how they were written."""
    match = _PERIOD.match(words)
    if match is None:
        return None
    group = match.groupdict()
    if group["month"] in {"mar", "may"} and not (group["relation"] or group["year_2"] or group["day"]):
        return None
    year = group["year"] or group["year_2"] or group["year_3"] or group["year_4"]
    month = MONTH_NUMBERS.get(group["month"] or "") or _number(group["month_3"])
    day = _number(group["day"] or group["day_2"] or group["day_3"])
    if (month or 1) > 12 or (day or 1) > 31:
        return None
    relation: Literal["in", "before", "after"] = "in"
    if group["relation"] in {"before", "until"}:
        relation = "before"
    elif group["relation"] in {"after", "since"}:
        relation = "after"
    return Period(
        typed,
        relation,
        _number(year),
        month,
        day,
        _SEASONS.get(group["season"] or ""),
        group["weekday"],
        group["relative"] or group["holiday"] or group["time_of_day"] or group["decade"],
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)

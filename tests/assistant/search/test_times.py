"""Times in the words of a search."""

from __future__ import annotations

from datetime import datetime

import pytest

from assistant.search.times import times_in
from personalizer.library.photos.search import TimeSpan

NOW = datetime(2026, 11, 30, 12)


def days(words: str) -> list[str]:
    """Each span as its first and its last day."""
    return [
        f"{span.start:%Y-%m-%d}..{span.end:%Y-%m-%d}"
        if span.start and span.end
        else f"{span.start:%Y-%m-%d}.."
        if span.start
        else f"..{span.end:%Y-%m-%d}"
        if span.end
        else "?"
        for span in spans(words)
    ]


def spans(words: str) -> tuple[TimeSpan, ...]:
    (found,) = times_in(words.split(), NOW)
    return found.spans


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2019", "2019-01-01..2020-01-01"),
        ("in march 2023", "2023-03-01..2023-04-01"),
        ("december 2023", "2023-12-01..2024-01-01"),
        ("14 july 2023", "2023-07-14..2023-07-15"),
        ("july 14 2023", "2023-07-14..2023-07-15"),
        ("29 february 2024", "2024-02-29..2024-03-01"),
        ("2023-07-14", "2023-07-14..2023-07-15"),
        ("14.07.2023", "2023-07-14..2023-07-15"),
        ("7/14/2023", "2023-07-14..2023-07-15"),
        ("14/7/2023", "2023-07-14..2023-07-15"),
        ("2023-05", "2023-05-01..2023-06-01"),
        ("before 2020", "..2020-01-01"),
        ("before may 2021", "..2021-05-01"),
        ("until 2019", "..2020-01-01"),
        ("since 2019", "2019-01-01.."),
        ("after 2019", "2020-01-01.."),
        ("between 2019 and 2021", "2019-01-01..2022-01-01"),
        ("2019 to 2021", "2019-01-01..2022-01-01"),
        ("from may to july 2023", "2023-05-01..2023-08-01"),
        ("between 3 may 2021 and 7 june 2021", "2021-05-03..2021-06-08"),
        ("today", "2026-11-30..2026-12-01"),
        ("yesterday", "2026-11-29..2026-11-30"),
        ("this year", "2026-01-01..2027-01-01"),
        ("last year", "2025-01-01..2026-01-01"),
        ("last month", "2026-10-01..2026-11-01"),
        ("last week", "2026-11-23..2026-11-30"),
        ("last weekend", "2026-11-28..2026-11-30"),
        ("two years ago", "2024-01-01..2025-01-01"),
        ("3 months ago", "2026-08-01..2026-09-01"),
        ("the last 3 weeks", "2026-11-09..2026-12-01"),
        ("past two years", "2024-11-30..2026-12-01"),
        ("last summer", "2026-06-01..2026-09-01"),
        ("last winter", "2025-12-01..2026-03-01"),
        ("this autumn", "2026-09-01..2026-12-01"),
        ("last autumn", "2025-09-01..2025-12-01"),
        ("summer of 2019", "2019-06-01..2019-09-01"),
        ("winter 2021", "2021-12-01..2022-03-01"),
        ("winter 2020/21", "2020-12-01..2021-03-01"),
        ("in winter 2011/12", "2011-12-01..2012-03-01"),
        ("the 90s", "1990-01-01..2000-01-01"),
        ("the 2010s", "2010-01-01..2020-01-01"),
        ("last may", "2026-05-01..2026-06-01"),
        ("last december", "2025-12-01..2026-01-01"),
        ("last christmas", "2025-12-24..2025-12-27"),
        ("christmas 2019", "2019-12-24..2019-12-27"),
        ("easter 2022", "2022-04-15..2022-04-19"),
        ("easter 2000", "2000-04-21..2000-04-25"),
        ("new years eve 2020", "2020-12-31..2021-01-01"),
        ("thanksgiving 2023", "2023-11-23..2023-11-24"),
        ("last monday", "2026-11-23..2026-11-24"),
        ("last sunday", "2026-11-29..2026-11-30"),
    ],
)
def test_times_with_a_beginning_and_an_end(words: str, expected: str) -> None:
    assert days(words) == [expected]


def test_times_of_every_year() -> None:
    assert spans("in may")[0].months == {5}
    assert spans("between may and july")[0].months == {5, 6, 7}
    assert spans("in winter")[0].months == {12, 1, 2}
    assert spans("may 4")[0].days == (("05-04", "05-04"),)
    assert spans("on sundays")[0].weekdays == {6}
    assert spans("weekend")[0].weekdays == {5, 6}
    assert spans("in the evening")[0].hours == (17, 23)
    assert len(spans("christmas")) > 100


def test_seasons_are_half_a_year_later_in_the_south() -> None:
    (summer,) = spans("last summer")
    assert summer.south is not None and summer.south.start == datetime(2025, 12, 1)
    (any_summer,) = spans("in summer")
    assert any_summer.south is not None and any_summer.south.months == {12, 1, 2}


@pytest.mark.parametrize(
    "words", ["31 february 2023", "31 june 2020", "29 february 2023", "31 april", "before may", "long ago"]
)
def test_a_time_that_is_none_has_no_spans(words: str) -> None:
    assert spans(words) == ()


@pytest.mark.parametrize("words", ["bo on a beach", "may", "first", "the second", "beach last", "recently"])
def test_other_words_are_no_times(words: str) -> None:
    assert times_in(words.split(), NOW) == []


def test_several_times_in_one_search() -> None:
    words = ["bo", "in", "2023", "on", "a", "beach", "last", "summer", "or", "at", "easter", "2022"]
    assert [(one.start, one.end) for one in times_in(words, NOW)] == [(1, 3), (6, 8), (9, 12)]

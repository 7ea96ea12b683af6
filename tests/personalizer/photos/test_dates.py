"""Dates in the spellings that cameras and programs write, and those that nobody should believe."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from personalizer.photos import dates
from personalizer.photos.dates import believable, better_date, parse_date

NOW = datetime(2026, 3, 4, 12)
USUAL = datetime(2012, 12, 22, 10, 37, 28)


@pytest.mark.parametrize(
    "text",
    [
        "2012:12:22 10:37:28",
        "2012-12-22 10:37:28",
        "2012/12/22 10:37:28",
        "2012.12.22 10.37.28",
        "2012:12:22:10:37:28",
        "2012-12-22T10:37:28",
        "2012:12:22 10:37:28.25",
        "2012-12-22T10:37:28,5+02:00",
        "2012:12:22 10:37:28Z",
        "2012:12:22 10:37:28 AM",
        "  2012:12:22 10:37:28\0\0 ",
        "20121222 103728",
        "20121222T103728-0500",
        "2012年12月22日 10:37:28",
        "Sat Dec 22 10:37:28 2012",
        "Sat, 22 Dec 2012 10:37:28 +0100",
        b"2012:12:22 10:37:28\0",
        "٢٠١٢:١٢:٢٢ ١٠:٣٧:٢٨",
        "٢٠١٢:١٢:٢٢ ١٠:٣٧:٢٨".encode().decode("latin-1"),
    ],
)
def test_one_moment_in_every_spelling(text: str | bytes) -> None:
    date = parse_date(text)
    assert date is not None and (date.moment, date.precision) == (USUAL, "second")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2012:12:22 10:37:28 PM", datetime(2012, 12, 22, 22, 37, 28)),
        ("2012:12:22 12:37:28 a.m.", datetime(2012, 12, 22, 0, 37, 28)),
        ("2012:12:22 12:37 pm", datetime(2012, 12, 22, 12, 37)),
        ("2018:01:02 下午3:04:05", datetime(2018, 1, 2, 15, 4, 5)),
        ("2012:1:2 3:4:5", datetime(2012, 1, 2, 3, 4, 5)),
        ("2012: 1: 2  3: 4: 5", datetime(2012, 1, 2, 3, 4, 5)),
        ("2012:12:22 10:37", datetime(2012, 12, 22, 10, 37)),
        ("2016:12:31 23:59:60", datetime(2017, 1, 1)),
    ],
)
def test_halves_of_the_day_and_short_parts(text: str, moment: datetime) -> None:
    date = parse_date(text)
    assert date is not None and date.moment == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2015:08:22 24:08:19", datetime(2015, 8, 22, 0, 8, 19)),
        ("2019:01:01 24:04:20", datetime(2019, 1, 1, 0, 4, 20)),
    ],
)
def test_hour_24_begins_the_day_it_stands_in(text: str, moment: datetime) -> None:
    """Phones that count hours from 1 to 24 write the new day; the second is of a file named IMG_20190101_000418."""
    date = parse_date(text)
    assert date is not None and date.moment == moment


@pytest.mark.parametrize(
    ("text", "begin", "precision"),
    [
        ("2019", datetime(2019, 1, 1), "year"),
        ("2019:00:00 00:00:00", datetime(2019, 1, 1), "year"),
        ("2019-05", datetime(2019, 5, 1), "month"),
        ("20190500", datetime(2019, 5, 1), "month"),
        ("2019:05:   :  :  ", datetime(2019, 5, 1), "month"),
        ("2019-05-06", datetime(2019, 5, 6), "day"),
        ("20190506", datetime(2019, 5, 6), "day"),
        ("2019-05-06T10", datetime(2019, 5, 6), "day"),
        ("2019:05:06   :  :  ", datetime(2019, 5, 6), "day"),
    ],
)
def test_what_is_unknown_of_a_date_is_not_made_up(text: str, begin: datetime, precision: str) -> None:
    date = parse_date(text)
    assert date is not None and (date.moment, date.precision) == (begin, precision)


@pytest.mark.parametrize(
    "value",
    [
        "", "soon", ":::", "    :  :     :  :  ", "0000:00:00 00:00:00", "9999:99:99 99:99:99", "2019:13:01 00:00:00",
        "2019:02:30 10:00:00", "2019:05:01 25:00:00", "2019:05:01 10:61:00", "12345", b"\xff\xfe\x00", 5, None,
        "9" * 10_000, "a" * 10_000, "2019:" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_date(value: object) -> None:
    assert parse_date(value) is None


@pytest.mark.parametrize(
    ("moment", "believed"),
    [
        (datetime(1826, 6, 1), True),
        (datetime(1825, 6, 1), False),
        (NOW + timedelta(hours=20), True),
        (NOW + timedelta(hours=30), False),
        (datetime(1904, 1, 1), False),
        (datetime(1970, 1, 1, 1), False),
        (datetime(1969, 12, 31, 19), False),
        (datetime(1970, 1, 2), True),
        (datetime(2000, 1, 1), True),
    ],
)
def test_which_dates_are_believed(moment: datetime, believed: bool) -> None:
    assert believable(moment, NOW) == (moment if believed else None)


def test_a_machine_that_lost_the_time_loses_no_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unset(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(1970, 1, 1)

    monkeypatch.setattr(dates, "datetime", Unset)
    assert believable(USUAL) == USUAL


@pytest.mark.parametrize(
    ("own", "other", "better"),
    [
        (None, USUAL, USUAL),
        (USUAL, None, USUAL),
        (USUAL, datetime(2013, 1, 5), USUAL),
        (datetime(2000, 1, 1), USUAL, USUAL),
        (datetime(1980, 1, 1, 0, 12, 3), USUAL, USUAL),
        (datetime(2011, 1, 1, 0, 0, 9), USUAL, USUAL),
        (datetime(2011, 1, 1, 0, 5), USUAL, datetime(2011, 1, 1, 0, 5)),
        (datetime(2011, 1, 1), datetime(2011, 1, 1, 9), datetime(2011, 1, 1)),
        (datetime(2000, 1, 1), datetime(2010, 1, 1), datetime(2000, 1, 1)),
        (datetime(1904, 1, 1, 9, 8, 7), USUAL, USUAL),
        (datetime(2000, 1, 1), None, datetime(2000, 1, 1)),
    ],
)
def test_an_unset_clock_makes_way_for_a_better_date(
    own: datetime | None, other: datetime | None, better: datetime
) -> None:
    assert better_date(own, other) == better

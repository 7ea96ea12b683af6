"""Whole sentences about when, where and with what a photo was taken, and about its file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from known_photos import photo_facts
from PIL import Image

from assistant.answers.occasion import is_in
from assistant.answers.sentences import answer
from assistant.language.question_dates import period_in
from assistant.language.question_types import Album, Camera, Describe, Part, Size, When, Where

NOW = datetime(2026, 3, 10, 12, 0)
EVENING = datetime(2024, 5, 4, 18, 30)
DAY = datetime(2024, 5, 4)
LISBON, SEA, SYDNEY, SINGAPORE = (38.71, -9.14), (30.0, -45.0), (-33.87, 151.21), (1.3, 103.8)
NO_DATE = "I can't tell when: I found no date for this photo."
NO_PLACE = "I can't tell where: I found no place for this photo."


def say(part: Part, **known: Any) -> str:
    return answer((part,), photo_facts(**known), [], lambda name: [], NOW).words


@pytest.mark.parametrize(
    ("part", "at", "said"),
    [
        (When(), None, NO_DATE),
        (When("time"), None, NO_DATE),
        (When(), EVENING, "It was taken on 4 May 2024 at 18:30."),
        # A date alone is kept as its midnight, and no time is made up.
        (When(), DAY, "It was taken on 4 May 2024."),
        (When("time"), DAY, "It was taken on 4 May 2024; the time of day is not known."),
        (When("time"), EVENING, "It was taken on 4 May 2024 at 18:30."),
        (When("weekday"), EVENING, "It was taken on Saturday, 4 May 2024 at 18:30."),
        (When("year"), DAY, "It was taken on 4 May 2024."),
        (When("age"), DAY, "It was taken on 4 May 2024, 22 months ago."),
        (When("age"), datetime(2026, 3, 10), "It was taken on 10 March 2026, today."),
        # By the calendar, though it is less than 24 hours ago.
        (When("age"), datetime(2026, 3, 9, 23, 0), "It was taken on 9 March 2026 at 23:00, yesterday."),
        (When("age"), datetime(2026, 3, 1), "It was taken on 1 March 2026, 9 days ago."),
        # Two years less a day are no two years.
        (When("age"), datetime(2024, 3, 11), "It was taken on 11 March 2024, 23 months ago."),
        (When("age"), datetime(2022, 3, 11), "It was taken on 11 March 2022, 3 years ago."),
        (When("age"), datetime(2022, 3, 10), "It was taken on 10 March 2022, 4 years ago."),
        (
            When("age"),
            datetime(2027, 1, 1),
            "It was taken on 1 January 2027, which is after today: a clock was set wrong.",
        ),
    ],
)
def test_when(part: When, at: datetime | None, said: str) -> None:
    assert say(part, taken_at=at) == said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("in 2024", True),
        ("in 2023", False),
        ("in may 2024", True),
        ("in may", True),
        ("in june", False),
        ("on 4 may 2024", True),
        ("on 5 may 2024", False),
        ("before 2025", True),
        ("after 2025", False),
        ("before may 2024", None),
        ("before june 2024", True),
        # "Since 2024" begins with that year, "after 2024" does not: nothing is said.
        ("since 2024", None),
        ("since 2023", True),
        ("before june", None),
        ("on a saturday", True),
        ("on a sunday", False),
        ("on the weekend", True),
        ("before sunday", None),
        ("this year", False),
        ("last year", False),
        # Twelve months or a calendar year? And "two years ago" is about, not to the year.
        ("in the past year", None),
        ("two years ago", None),
        ("today", False),
        ("yesterday", False),
        ("this month", False),
        ("last summer", None),
        ("at christmas", None),
        ("in the evening", None),
        ("in the 1990s", None),
        # Which season it was depends on where.
        ("in spring", None),
    ],
)
def test_whether_a_moment_is_in_a_period(words: str, expected: bool | None) -> None:
    period = period_in(words, words)
    assert period is not None
    assert is_in(EVENING, period, NOW) is expected
    said = say(When(period=period), taken_at=EVENING)
    assert said == {True: "Yes. ", False: "No. ", None: ""}[expected] + "It was taken on 4 May 2024 at 18:30."


@pytest.mark.parametrize(
    ("words", "place", "month", "expected"),
    [
        ("in summer", LISBON, 7, True),
        ("in summer", LISBON, 1, False),
        ("in summer", SYDNEY, 7, False),
        ("in summer", SYDNEY, 1, True),
        ("in spring", SYDNEY, 10, True),
        ("in winter", SINGAPORE, 1, None),
        ("in summer 2024", LISBON, 7, True),
        ("in summer 2023", LISBON, 7, False),
        # A winter is of two years.
        ("in winter 2023", LISBON, 1, None),
        ("in winter 2020", LISBON, 1, False),
    ],
)
def test_seasons_turn_with_the_hemisphere(
    words: str, place: tuple[float, float], month: int, expected: bool | None
) -> None:
    period = period_in(words, words)
    assert period is not None
    assert is_in(datetime(2024, month, 9), period, NOW, place[0]) is expected


def test_relative_periods_count_from_today() -> None:
    def asked(words: str, at: datetime) -> bool | None:
        period = period_in(words, words)
        assert period is not None
        return is_in(at, period, NOW)

    assert asked("today", datetime(2026, 3, 10, 1)) is True
    assert asked("yesterday", datetime(2026, 3, 9, 23)) is True
    assert asked("last year", datetime(2025, 12, 31)) is True
    assert asked("this month", datetime(2026, 3, 1)) is True


@pytest.mark.parametrize(
    ("part", "known", "said"),
    [
        (Where(), {}, NO_PLACE),
        (Where(), {"folder": "Lisbon 2024"}, f"{NO_PLACE} Its folder is called “Lisbon 2024”."),
        (Where(), {"coordinates": LISBON}, "It was taken near Lisbon, Portugal (38.7100° N, 9.1400° W)."),
        (Where("country"), {"coordinates": LISBON}, "It was taken near Lisbon, Portugal (38.7100° N, 9.1400° W)."),
        (Where("coordinates"), {"coordinates": LISBON},
         "It was taken at 38.7100° N, 9.1400° W, near Lisbon, Portugal."),
        # At sea there is no place to name.
        (Where(), {"coordinates": SEA}, "It was taken at 30.0000° N, 45.0000° W; which place that is I can't tell."),
        (
            Where(place="Portugal"),
            {"coordinates": SEA},
            "It was taken at 30.0000° N, 45.0000° W; which place that is I can't tell.",
        ),
        (Where(place="Lisbon"), {"coordinates": LISBON}, "Yes, it was taken near Lisbon, Portugal."),
        (Where(place="portugal"), {"coordinates": LISBON}, "Yes, it was taken near Lisbon, Portugal."),
        # 12 km out of a city is not in it.
        (
            Where(place="Lisbon"),
            {"coordinates": (38.62, -9.14)},
            None,
        ),
        (
            Where(place="Paris"),
            {"coordinates": LISBON},
            "It was taken near Lisbon, Portugal (38.7100° N, 9.1400° W).",
        ),
    ],
)  # fmt: skip
def test_where(part: Where, known: dict[str, Any], said: str | None) -> None:
    words = say(part, **known)
    if said is None:
        assert not words.startswith("Yes") and words.startswith("It was taken near ")
    else:
        assert words == said


@pytest.mark.parametrize(
    ("asked", "camera", "said"),
    [
        (None, None, "I can't tell with what: the file does not say so."),
        ("an iPhone", None, "I can't tell with what: the file does not say so."),
        (None, "Apple iPhone 12", "It was taken with Apple iPhone 12."),
        ("an iPhone", "Apple iPhone 12", "Yes. It was taken with Apple iPhone 12."),
        ("iPhone 1", "Apple iPhone 12", "It was taken with Apple iPhone 12."),
        ("a Nikon D3", "NIKON D300", "It was taken with NIKON D300."),
        ("a", "Canon EOS A", "It was taken with Canon EOS A."),
    ],
)
def test_camera(asked: str | None, camera: str | None, said: str) -> None:
    assert say(Camera(asked), camera=camera) == said


def test_album() -> None:
    assert say(Album()) == "Its file is called IMG_1.jpg."
    assert say(Album("file"), folder="Holidays") == "Its file is called IMG_1.jpg."
    assert say(Album(), folder="Holidays") == "It is in the folder “Holidays”, as IMG_1.jpg."


@pytest.mark.parametrize(
    ("asks", "size_px", "said"),
    [
        ("pixels", (4000, 3000), "It has 4000 × 3000 pixels (12.0 megapixels)."),
        ("pixels", (64, 64), "It has 64 × 64 pixels."),
        ("orientation", (4000, 3000), "It is landscape: 4000 × 3000 pixels."),
        ("orientation", (3000, 4000), "It is portrait: 3000 × 4000 pixels."),
        ("orientation", (64, 64), "It is square: 64 × 64 pixels."),
        ("bytes", (64, 64), "It has 64 × 64 pixels; the size of its file I can't tell."),
        ("format", (64, 64), "By its name it is a JPG file."),
    ],
)
def test_size(asks: Any, size_px: tuple[int, int], said: str) -> None:
    assert say(Size(asks), size_px=size_px) == said


def test_a_file_is_what_its_content_says(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path, format="PNG")
    assert say(Size("format"), path=path) == "It is a PNG file."
    size = path.stat().st_size
    assert say(Size("bytes"), path=path) == f"Its file has {size} bytes, 100 × 80 pixels."
    path.write_bytes(b"\0" * 5000)
    assert say(Size("bytes"), path=path) == "Its file has 5 KiB, 100 × 80 pixels."
    path.write_bytes(b"\0" * 3 * 2**20)
    assert say(Size("bytes"), path=path) == "Its file has 3.0 MiB, 100 × 80 pixels."
    assert say(Size("format"), path=tmp_path / "nothing") == "I can't tell what kind of file it is."


def test_a_description_says_when_and_where() -> None:
    nobody = "I don't recognise anyone or anything here."
    assert say(Describe()) == nobody
    assert say(Describe(), taken_at=DAY) == f"{nobody} Taken on 4 May 2024."
    assert say(Describe(), taken_at=EVENING, coordinates=LISBON) == (
        f"{nobody} Taken on 4 May 2024 at 18:30 near Lisbon, Portugal."
    )
    assert say(Describe(), coordinates=SEA) == f"{nobody} Taken at 30.0000° N, 45.0000° W."

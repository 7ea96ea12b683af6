"""Searches with their right answers in the made-up library, and searches for which nothing fits.

Each right answer is a condition on what is true of a photo, written without the code that searches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.evaluation.search.made_library import MadePhoto

Holds = Callable[[MadePhoto], bool]


@dataclass(frozen=True, slots=True)
class KnownSearch:
    """A search and for which photos it holds."""

    text: str
    holds: Holds


def _with(*names: str) -> Holds:
    return lambda p: p.people >= set(names)


def _in(*countries: str) -> Holds:
    return lambda p: p.country in countries


def _in_or_kept_as(country: str, album: str) -> Holds:
    """By its place; where that is not known, by its folder."""
    return lambda p: p.country == country or (p.place is None and p.album == album)


def _shows(*words: str) -> Holds:
    return lambda p: p.shows >= set(words)


def _days(first: str, last: str) -> Holds:
    return lambda p: p.taken_between(first, last)


def _both(*conditions: Holds) -> Holds:
    return lambda p: all(condition(p) for condition in conditions)


def _hour(first: int, last: int) -> Holds:
    return lambda p: p.taken_at is not None and first <= p.taken_at.hour < last


SEARCHES = tuple(
    KnownSearch(text, holds)
    for text, holds in (
        # Who.
        ("photos of Bo", _with("Bo")),
        ("show me all pictures of grandma ingrid", _with("Grandma Ingrid")),
        ("Amy and Ben together", _with("Amy", "Ben")),
        ("Zoe and Li Wei", _with("Zoë", "Li Wei")),
        ("Carla without David", lambda p: "Carla" in p.people and "David" not in p.people),
        ("pictures of Amy but not Bo", lambda p: "Amy" in p.people and "Bo" not in p.people),
        ("Noor or Minka", lambda p: bool(p.people & {"Noor", "Minka"})),
        ("Amy's photos", _with("Amy")),
        ("photos of my sister", _with("Carla")),
        ("Amy, Ben and Carla", _with("Amy", "Ben", "Carla")),
        ("photos without people", lambda p: p.faces == 0),
        ("three people", lambda p: p.faces == 3),
        ("group photos", lambda p: p.faces >= 3),
        ("Ben alone", lambda p: p.people == {"Ben"} and p.faces == 1),
        # When.
        ("photos from 2019", lambda p: p.year == 2019),
        ("March 2023", lambda p: (p.year, p.month) == (2023, 3)),
        ("before 2018", lambda p: p.year is not None and p.year < 2018),
        ("since 2025", lambda p: p.year is not None and p.year >= 2025),
        ("between 2019 and 2020", lambda p: p.year in {2019, 2020}),
        ("from May to July 2021", lambda p: p.year == 2021 and p.month in {5, 6, 7}),
        ("on 2023-07-14", _days("2023-07-14", "2023-07-14")),
        ("14.7.2023", _days("2023-07-14", "2023-07-14")),
        ("the last 7 days", _days("2026-11-23", "2026-11-30")),
        ("last month", lambda p: (p.year, p.month) == (2026, 10)),
        ("this year", lambda p: p.year == 2026),
        ("two years ago", lambda p: p.year == 2024),
        (
            "at christmas",
            lambda p: p.taken_at is not None and (p.month, p.taken_at.day) in {(12, 24), (12, 25), (12, 26)},
        ),
        ("easter 2022", _days("2022-04-15", "2022-04-18")),
        ("in the morning", _hour(5, 12)),
        (
            "on sundays in 2022",
            lambda p: p.year == 2022 and p.taken_at is not None and p.taken_at.weekday() == 6,
        ),
        (
            "last summer",
            lambda p: (
                p.taken_between("2025-12-01", "2026-02-28")
                if p.place == "Sydney"
                else p.taken_between("2026-06-01", "2026-08-31")
            ),
        ),
        # Where.
        ("photos taken in Lisbon", lambda p: p.place == "Lisbon"),
        ("Portugal", lambda p: p.country == "Portugal" or p.album == "Portugal 2019"),
        ("near Zurich", lambda p: p.place == "Zürich"),
        ("reykjavik", lambda p: p.place == "Reykjavík"),
        ("in Japan or Iceland", _in("Japan", "Iceland")),
        ("not in Germany", lambda p: p.country != "Germany"),
        # What.
        ("beach", _shows("beach")),
        ("castles in Germany", _both(_shows("castle"), _in("Germany"))),
        ("dogs or cats", lambda p: bool(p.shows & {"dog", "cat"})),
        ("a bike", _shows("bicycle")),
        ("ice cream on a beach", _shows("ice cream", "beach")),
        ("mountains without people", lambda p: "mountain" in p.shows and p.faces == 0),
        # In other words.
        ("a medieval fortress", _shows("castle")),
        ("a frozen dessert", _shows("ice cream")),
        ("somewhere to pray", _shows("church")),
        ("a place to go camping", _shows("tent")),
        # Written and kept.
        ("Harbour festival", lambda p: p.title == "Harbour festival"),
        ('"northern lights"', lambda p: p.title == "Northern lights"),
        ("sailing", lambda p: "sailing" in p.keywords),
        ("photos that say happy birthday", lambda p: p.lettering == "Happy Birthday"),
        ('text "platform 9"', lambda p: p.lettering == "Platform 9"),
        ("the album Portugal 2019", lambda p: p.album == "Portugal 2019"),
        ("in the ski trip folder", lambda p: p.album == "Ski trip"),
        ("fete de la musique", lambda p: p.album == "Fête de la Musique"),
        ("wedding of Carla and David", lambda p: p.album == "Wedding of Carla and David"),
        ("taken with the canon", lambda p: p.camera.startswith("Canon")),
        ("IMG_00042", lambda p: p.path.name == "IMG_00042.jpg"),
        # Together, and in other languages.
        (
            "Bo on a beach in Portugal",
            _both(_with("Bo"), _shows("beach"), _in_or_kept_as("Portugal", "Portugal 2019")),
        ),
        ("how many of Amy in 2023?", _both(_with("Amy"), lambda p: p.year == 2023)),
        (
            "Amy and Bo in Paris before 2020",
            _both(_with("Amy", "Bo"), lambda p: p.place == "Paris" and (p.year or 9999) < 2020),
        ),
        ("zeig mir Fotos von Bo am Strand", _both(_with("Bo"), _shows("beach"))),
        (
            "fotos de Amy en Lisbon sin Ben",
            lambda p: "Amy" in p.people and "Ben" not in p.people and p.place == "Lisbon",
        ),
        (
            "Fotos von Amy und Ben im Winter 2021",
            _both(
                _with("Amy", "Ben"),
                lambda p: (
                    p.taken_between("2021-12-01", "2022-02-28")
                    if p.place != "Sydney"
                    else p.taken_between("2021-06-01", "2021-08-31")
                ),
            ),
        ),
    )
)
"""64 searches. Of a winter the year is the one in which it begins."""

NOTHING_FITS = (
    "photos of Boris",
    "Amy in Tokyo",
    "elephants",
    "photos from 1987",
    "Bo in Brazil",
    "the album Honeymoon",
    "31 February 2023",
    "photos of Ludwig and Anna on a boat",
    "volcano",
    'text "all you need is love"',
    "qwertzuiop asdfgh",
    "' OR 1=1 --",
    "SELECT * FROM jobs; NEAR(title:*)",
    "Amy before 1990",
    "taken with a Hasselblad",
    "submarine races",
    "IMG_99999",
    "fotos de Amy en Argentina",
    "a penguin in Kyoto",
    "twelve people",
)
"""20 searches for which nothing fits."""

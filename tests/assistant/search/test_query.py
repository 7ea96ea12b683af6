"""What a search asks for, by its words."""

from __future__ import annotations

from datetime import datetime

import pytest

from assistant.search.query import Faces, Named, Query, Words, understand
from personalizer.errors import UsageError

NOW = datetime(2026, 11, 30, 12)
NAMES = ["Bo", "Amy", "Rex", "Grandma Ingrid", "Zoë"]


def read(text: str, *albums: str) -> Query:
    return understand(text, NAMES, NOW, albums)


def conditions(text: str, *albums: str) -> list[str]:
    found = []
    for condition in read(text, *albums).conditions:
        parts = []
        for one in condition.any_of:
            match one:
                case Named(name):
                    parts.append(name)
                case Faces(least, most):
                    parts.append(f"faces {least}-{most or ''}")
                case Words(words, _, role, _):
                    parts.append(words if role == "any" else f"{role}: {words}")
        found.append(("not " if condition.negated else "") + " or ".join(parts))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photos of Bo", ["Bo"]),
        ("show me all the pictures that I have of my dog Bo", ["Bo"]),
        ("Amy's photos", ["Amy"]),
        ("zoe and grandma ingrid together", ["Zoë", "Grandma Ingrid"]),
        ("Amy and Bo without Rex", ["Amy", "Bo", "not Rex"]),
        ("Amy but not Bo", ["Amy", "not Bo"]),
        ("Amy without Bo and Rex at the beach", ["Amy", "not Bo", "not Rex", "beach"]),
        ("Bo or Amy", ["Bo or Amy"]),
        ("dogs or cats in Lisbon", ["dogs or cats", "lisbon"]),
        ("sunset over the sea near Porto", ["sunset", "sea", "porto"]),
        ("photos without people", ["not faces 1-"]),
        ("nobody on the beach", ["not faces 1-", "beach"]),
        ("two people on a mountain", ["faces 2-2", "mountain"]),
        ("group photos", ["faces 3-"]),
        ("in the album Portugal 2019", ["album: portugal 2019"]),
        ("the Portugal album", ["album: portugal"]),
        ('photos saying "happy birthday"', ["text: happy birthday"]),
        ("photos that say happy birthday", ["text: happy birthday"]),
        ('"the old lighthouse"', ["quoted: the old lighthouse"]),
        ("titled graduation", ["title: graduation"]),
        ("file IMG_0001.jpg", ["file: img_0001.jpg"]),
        ("zeig mir Fotos von Bo am Strand ohne Amy", ["Bo", "beach", "not Amy"]),
        ("Fotos von Bo und Amy im Schnee", ["Bo", "Amy", "snow"]),
        ("fotos de Bo en la playa sin Amy", ["Bo", "beach", "not Amy"]),
        ("muéstrame fotos de Amy con perros", ["Amy", "dogs"]),
    ],
)
def test_who_and_what(text: str, expected: list[str]) -> None:
    assert conditions(text) == expected


def test_an_album_with_a_name_in_its_name() -> None:
    assert conditions("wedding of Amy and Rex") == ["wedding", "Amy", "Rex"]
    assert conditions("wedding of Amy and Rex", "Wedding of Amy and Rex") == [
        "quoted: wedding of amy and rex"
    ]
    assert conditions("Amy 2019", "Amy 2019") == ["Amy"], "a name and a year are a name and a year"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photos of Bo", "list"),
        ("the latest photos of Bo", "list"),
        ("Bo last summer", "list"),
        ("how many of Amy in 2023?", "count"),
        ("How many photos do I have?", "count"),
        ("when did I last see Bo?", "last"),
        ("the last photo of Amy", "last"),
        ("where did we last see Rex", "last"),
        ("wann habe ich Bo zuletzt gesehen", "last"),
        ("the first picture of Bo", "first"),
        ("the oldest photos of Bo", "first"),
        ("when did I first meet Amy", "first"),
    ],
)
def test_what_is_asked(text: str, expected: str) -> None:
    assert read(text).asks == expected


def test_alone_and_times() -> None:
    assert read("Bo alone").alone and not read("Bo").alone
    assert [time.typed for time in read("Bo on a beach last summer").times] == ["last summer"]
    assert [time.typed for time in read("fotos de Bo el verano pasado").times] == ["el verano pasado"]
    assert read("the album Portugal 2019").times == ()


@pytest.mark.parametrize("text", ["", "   ", "?!", "' OR 1=1 --", "photos", "\ud8ff\udc00", "⟦concept⟧"])
def test_nothing_to_choose_by(text: str) -> None:
    query = read(text)
    assert query.is_empty or query.conditions, "never an error"


def test_a_search_of_ten_thousand_letters_is_refused() -> None:
    with pytest.raises(UsageError, match="10000 characters"):
        read("a" * 10_000)

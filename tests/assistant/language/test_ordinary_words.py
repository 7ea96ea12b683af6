"""Names that are ordinary words: the cat Snow, the dog Rusty."""

from __future__ import annotations

import pytest

from assistant.language.parse import parse

NAMES = ["Snow", "Rusty", "Will", "May", "Rose", "Misty", "Bo", "Grandma Rose", "mug"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Snow sleeping", ("Snow",)),
        ("Snow on a sofa", ("Snow",)),
        ("is Snow here?", ("Snow",)),
        ("is snow here?", ("Snow",)),
        ("where is snow?", ("Snow",)),
        ("is my cat snow in it", ("Snow",)),
        ("draw Snow in the snow", ("Snow",)),
        ("draw Rusty on a beach", ("Rusty",)),
        ("draw rusty on a beach", ("Rusty",)),
        ("does rusty like cheese?", ("Rusty",)),
        ("do you see rose", ("Rose",)),
        ("is will in this photo", ("Will",)),
        ("a boat with Will on it", ("Will",)),
        ("draw grandma rose", ("Grandma Rose",)),
        ("is this Misty?", ("Misty",)),
        ("DRAW BO", ("Bo",)),
        ("draw the mug", ("mug",)),
        ("Is Snow Here?", ("Snow",)),
    ],
)
def test_the_name_is_meant(text: str, names: tuple[str, ...]) -> None:
    assert parse(text, NAMES).concepts == names


@pytest.mark.parametrize(
    "text",
    [
        "draw a cabin in the snow",
        "A Cabin In The Snow",
        "is there snow?",
        "Is there any snow in it?",
        "an old rusty car",
        "Rusty old car",
        "a misty morning in the hills",
        "Misty morning",
        "a red rose",
        "the rose garden",
        "a boat that will sail",
        "will you draw a boat",
        "may I see it",
        "May I see it?",
        "is it misty",
        "fresh snow on a roof",
    ],
)
def test_the_word_is_meant(text: str) -> None:
    assert parse(text, NAMES).concepts == ()

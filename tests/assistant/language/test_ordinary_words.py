"""Names that are ordinary words: the cat Snow, the dog Rusty."""

from __future__ import annotations

import pytest

from assistant.language.ordinary_words import overlooked_names
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


MORE_NAMES = [
    "Baker",
    "Piper",
    "Cheddar",
    "Wednesday",
    "Sienna",
    "Archer",
    "Hope",
    "Bill",
    "Sunny",
    "Zoë",
    "Rex",
]


@pytest.mark.parametrize(
    "text",
    [
        "draw a baker in his shop",
        "two young piper boys",
        "some cheddar on bread",
        "draw the archer",
        "an old archer with a bow",
        "no rex here",
        "it rained on wednesday",
        "a sienna sky",
        "hope for rain",
        "pay the bill",
        "a sunny day",
    ],
)
def test_a_word_with_an_article_is_no_name_whatever_it_is(text: str) -> None:
    assert parse(text, MORE_NAMES).concepts == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("draw Baker in a shop", "Baker"),
        ("draw piper on a hill", "Piper"),
        ("is rex in it?", "Rex"),
        ("the photo with zoe", "Zoë"),
        ("my dog cheddar", "Cheddar"),
        ("draw Hope on a hill", "Hope"),
        ("Bill at a bar", "Bill"),
        ("draw Sunny on a sunny day", "Sunny"),
        ("where is Wednesday?", "Wednesday"),
    ],
)
def test_a_name_without_an_article_is_the_name(text: str, name: str) -> None:
    assert parse(text, MORE_NAMES).concepts == (name,)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("draw snow on the sofa", ["Snow"]),
        ("an old rusty car in the snow", ["Rusty", "Snow"]),
        ("draw the mug", []),
        ("a red car", []),
    ],
)
def test_names_in_small_letters_are_pointed_out(text: str, names: list[str]) -> None:
    assert overlooked_names(text, NAMES) == names

"""What a question about a photo asks for, where no photo tells it, and what is left open."""

from __future__ import annotations

import time

import pytest
from photo_questions import NAMES

from assistant.language.parse import parse
from assistant.language.questions import Describe, Other, Presence, Told, asked_about, understand

# fmt: off
TOLD: list[tuple[str, tuple[str, ...], bool]] = [
    ("what does Bo like", ("Bo",), False),
    ("is Bo afraid of water", ("Bo",), False),
    ("how old is Amy", ("Amy",), False),
    ("what do you know about Bo", ("Bo",), True),
    ("who is Bo", ("Bo",), True),
    ("is Bo happy", ("Bo",), False),
    ("is Bo a dog?", ("Bo",), False),
    ("what breed is Bo", ("Bo",), True),
    ("what kind of dog is Bo?", ("Bo",), True),
    ("what did Bo eat", ("Bo",), False),
    ("does Bo like cheese?", ("Bo",), False),
    ("where does Bo sleep?", ("Bo",), False),
    ("what is Bo afraid of?", ("Bo",), False),
    ("when is Amy's birthday", ("Amy",), False),
    ("how tall is Amy?", ("Amy",), False),
    ("tell me about Bo", ("Bo",), True),
    ("what's Bo's favourite food", ("Bo",), False),
    ("is Bo larger than Mika, or is Bo smaller?", ("Bo", "Mika"), False),
    ("are Bo and Mika afraid of water?", ("Bo", "Mika"), False),
    ("why is Bo sad", ("Bo",), False),
    ("describe Bo", ("Bo",), True),
    ("how old is Bo in this photo", ("Bo",), False),
    ("is Amy's dress red", ("Amy",), False),
    ("does Bo look happy", ("Bo",), False),
    ("who lives with Bo", ("Bo",), False),
    ("who loves Bo", ("Bo",), False),
    ("who is Amy's husband?", ("Amy",), False),
    ("does Amy have a sister", ("Amy",), False),
    ("has Bo been to Spain", ("Bo",), False),
    ("can Bo swim?", ("Bo",), False),
    ("is Bo a corgi", ("Bo",), False),
    ("when was Bo born?", ("Bo",), False),
    ("who is Bo afraid of", ("Bo",), False),
    ("is Bo bigger than Misty", ("Bo", "Misty"), False),
    ("is Bo Amy's dog", ("Bo", "Amy"), False),
    ("is Amy Tom's sister", ("Amy",), False),
    ("is Bo dead", ("Bo",), False),
    ("do you know Bo", ("Bo",), True),
    ("do you remember Amy?", ("Amy",), True),
    ("what can you tell me about Amy", ("Amy",), True),
    ("tell me more about Bo", ("Bo",), True),
]
OTHER: list[tuple[str, tuple[str, ...]]] = [
    ("what is Bo doing", ("Bo",)),
    ("What is Amy wearing?", ("Amy",)),
    ("is it edited", ()),
    ("why?", ()),
    ("is this rex", ()),
    ("how many photos do I have", ()),
    ("how many legs has Bo", ("Bo",)),
    ("does this show Bo eating?", ("Bo",)),
    ("is Bo sleeping", ("Bo",)),
    ("is Bo eating", ("Bo",)),
    ("is Bo sitting on the grass", ("Bo",)),
    ("what are Mika and Bo doing?", ("Mika", "Bo")),
    ("how many lamps are behind Bea?", ()),
    ("who took this?", ()),
    ("is this photo any good", ()),
    ("should I delete it", ()),
    ("make it brighter", ()),
    ("delete this photo", ()),
    ("what's the weather like", ()),
    ("is it real?", ()),
    ("is it safe", ()),
    ("do you like it", ()),
    ("what is love", ()),
    ("hello", ()),
    ("thanks", ()),
    ("这是谁？", ()),
    ("кто это?", ()),
    ("בו גר בחיפה?", ()),
    ("is it the same dog as in the last photo", ()),
    ("what is she wearing", ()),
    ("is she smiling", ()),
    ("how is she feeling", ()),
    ("draw Bo on a beach", ("Bo",)),
    ("does it snow", ()),
    ("how many people are with Amy", ("Amy",)),
    ("how much snow", ()),
    ("is it older than 2015", ()),
    ("where in Spain is this", ()),
    ("was this taken by Amy", ("Amy",)),
    ("was this taken at Amy's house", ("Amy",)),
    ("was it taken abroad", ()),
    ("did you use an iPhone", ()),
    ("what color is her dress", ()),
    ("what type of photo is this", ()),
    ("what kind of photo is it", ()),
    ("what is Bo wearing?", ("Bo",)),
    ("what is he holding?", ()),
    ("what is on the table", ()),
    ("what is behind Bo?", ("Bo",)),
    ("what is next to Amy", ("Amy",)),
    ("what's that in the background", ()),
    ("Bo likes cheese", ("Bo",)),
    ("remember that Bo is brown", ("Bo",)),
    ("hi Bo", ("Bo",)),
    ("Bo sleeping on a sofa", ("Bo",)),
    ("Bo is cute", ("Bo",)),
    ("what do you think", ()),
    ("what do you think of this photo", ()),
    ("is this the same person", ()),
    ("is it you", ()),
    ("is it me", ()),
    ("am I in it", ()),
    ("am I in this photo?", ()),
    ("are we in it", ()),
    ("where am I", ()),
    ("is this a good photo", ()),
    ("is this photo mine", ()),
    ("can you see", ()),
    ("can you see anything", ()),
    ("is anything there", ()),
    ("does it have a title", ()),
    ("what are the keywords", ()),
    ("is this private", ()),
    ("is it a selfie", ()),
    ("is this edited?", ()),
    ("is it velvet", ()),
    ("is Paris nice", ()),
]
# fmt: on


@pytest.mark.parametrize(("question", "names", "is_open"), TOLD)
def test_what_no_photo_tells(question: str, names: tuple[str, ...], is_open: bool) -> None:
    assert understand(parse(question, NAMES)) == (Told(names, question, is_open),)


@pytest.mark.parametrize(("question", "names"), OTHER)
def test_nothing_is_guessed(question: str, names: tuple[str, ...]) -> None:
    [part] = understand(parse(question, NAMES))
    assert isinstance(part, Other) and part.names == names and part.text


@pytest.mark.parametrize("question", [None, "", "  ", "?", "?!"])
def test_nothing_asked_is_a_wish_for_a_description(question: str | None) -> None:
    assert understand(None if question is None else parse(question, NAMES)) == (Describe(),)


@pytest.mark.parametrize(
    "question",
    [
        "is the sky \udceb?",
        "\udceb",
        "a" * 10_000,
        "a " * 5_000,
        "is Bo and " * 1_000,
        "Bo here is " * 18,
        "in the photo " * 19,
        "who is " + "here " * 56 + "zz",
        "is there " + "here " * 56 + "zz",
        "can you tell me " * 14,
        "\\ " * 5_000 + " b.jpg",
        "x/" * 5_000 + ".jpgx",
        "这是谁" * 3_000,
        "🐶 " * 50,
        "\x00\x1b",
        "⟦concept⟧ ⟦photo⟧ @k0 @u7 @p",
    ],
)
def test_odd_text_is_left_open_at_once(question: str) -> None:
    times = []
    for _ in range(3):
        began_s = time.perf_counter()
        parts = understand(parse(question, NAMES))
        times.append(time.perf_counter() - began_s)
    assert all(isinstance(part, Other) for part in parts)
    assert min(times) < 0.2  # On a busy machine.


def test_bytes_that_are_no_letters_leave_the_rest_readable() -> None:
    request = parse("is Bo in caf\udce9.jpg \udceb?", NAMES)
    assert request.photos == ("caf\udce9.jpg",)
    request.text.encode()
    assert parse("is this \udcff Bo?", NAMES).concepts == ("Bo",)


def test_a_name_with_other_accents_is_the_name() -> None:
    assert parse("is zoe here?", ["Zoë"]).concepts == ("Zoë",)
    assert parse("is Bò here?", ["Bo"]).concepts == ("Bo",)
    assert parse("Zoe and Zoë", ["Zoë", "Zoe"]).concepts == ("Zoe", "Zoë")


def test_a_photo_in_the_question_is_this_photo() -> None:
    for question in ("is Bo in a.jpg?", "a.jpg: is Bo in it?", "is Bo in the photo a.jpg"):
        assert understand(parse(question, NAMES)) == (Presence(("Bo",)),), question


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("is Bo afraid of water?", "Bo"),
        ("what is the robot toy made of", "robot toy"),
        ("does mika like cheese", "Mika"),
        ("where does Bo sleep?", "Bo"),
        ("who is Bo", "Bo"),
        ("is Bo?", None),
        ("Bo is afraid of water", None),
        ("is it night?", None),
        ("how nice that Bo is here.", None),
        ("draw what Bo is afraid of", None),
    ],
)
def test_whom_a_question_is_about(text: str, name: str | None) -> None:
    assert asked_about(parse(text, [*NAMES, "robot toy"])) == name

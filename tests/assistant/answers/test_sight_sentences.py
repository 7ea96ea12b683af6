"""Whole sentences about what can be seen: things, colors, light, sharpness and text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from known_photos import person, photo_facts, thing
from PIL import Image, ImageDraw, ImageFilter

from assistant.answers.broader_words import KINDS, broader_word
from assistant.answers.sentences import answer
from assistant.answers.wording import joined, with_article
from assistant.language.question_types import Colors, Describe, Light, Part, Sharpness, Shown, Text, WhatIsIt
from assistant.presentation.printable import percent
from personalizer.analysis.labels import find_word
from personalizer.analysis.text import TextLine
from personalizer.errors import NotReadyError

NOW = datetime(2026, 3, 10, 12, 0)
CANNOT = "I can't tell that."
DOG = (("animal", 0.98), ("dog", 0.95))
DOG_ON_SOFA = (("animal", 0.98), ("dog", 0.97), ("sofa", 0.95))
BEACH_DOG = (("dog", 0.95), ("beach", 0.93))
AMY = person("Amy", 0.97, 60)


def say(part: Part, *people: Any, **known: Any) -> str:
    words = answer((part,), photo_facts(people, **known), ["Amy", "Bo"], lambda name: [], NOW).words
    assert "is not there" not in words and "100 %" not in words and " 0 %" not in words
    return words


@pytest.mark.parametrize(
    ("words", "labels", "said"),
    [
        (("dog",), DOG, "It looks like a dog (95 %)."),
        (("animal",), DOG, "It looks like an animal (98 %)."),
        (("dog", "beach"), BEACH_DOG, "It looks like a dog (95 %). It looks like a beach (93 %)."),
        (("cat",), DOG, "Whether there is a cat I can't tell. It looks like a dog (95 %)."),
        (("dog", "cat"), DOG, "It looks like a dog (95 %). Whether there is a cat I can't tell."),
        (("cat", "lamp"), (), "Whether there is a cat or a lamp I can't tell."),
        (("dog",), (("dog", 0.8),), "Whether there is a dog I can't tell."),
        (("snow",), (), "Whether there is snow I can't tell."),
        (("sunglasses",), (), "Whether there are sunglasses I can't tell."),
        (("unicorn",), (), "Whether there is a unicorn I can't tell."),
        (("couch",), (("sofa", 0.94),), "It looks like a sofa (94 %)."),
        # A lake is seen; that it is a river would be made up.
        (("river",), (("lake", 0.94),), "It looks like a lake (94 %)."),
        (("person",), (), "I see no face; people who look away show none."),
        (("person", "dog"), DOG, "I see no face; people who look away show none. It looks like a dog (95 %)."),
        (("dog",), (("dog", 1.0),), "It looks like a dog (99 %)."),
    ],
)  # fmt: skip
def test_whether_things_are_shown(words: tuple[str, ...], labels: Any, said: str) -> None:
    assert say(Shown(words), labels=labels) == said


@pytest.mark.parametrize(
    ("words", "labels", "whether", "looks_like"),
    [
        ("labrador", DOG_ON_SOFA, "a labrador", "It looks like a dog (97 %)."),
        ("border collie", DOG_ON_SOFA, "a border collie", "It looks like a dog (97 %)."),
        ("cat", DOG_ON_SOFA, "a cat", "It looks like a dog (97 %)."),
        ("table", DOG_ON_SOFA, "a table", "It looks like a sofa (95 %)."),
        (
            "cat/table",
            DOG_ON_SOFA,
            "a cat or a table",
            "It looks like a dog (97 %). It looks like a sofa (95 %).",
        ),
        ("labrador/beagle", DOG_ON_SOFA, "a labrador or a beagle", "It looks like a dog (97 %)."),
        ("labrador", (*DOG_ON_SOFA, ("poodle", 0.93)), "a labrador", "It looks like a poodle (93 %)."),
        ("espresso cup", (("cup", 0.97), ("table", 0.92)), "an espresso cup", "It looks like a cup (97 %)."),
        # Where nothing of the kind is seen, whatever says most.
        ("labrador", (("beach", 0.93),), "a labrador", "It looks like a beach (93 %)."),
        ("unicorn", DOG_ON_SOFA, "a unicorn", "It looks like a sofa (95 %)."),
        ("labrador", (), "a labrador", ""),
    ],
)
def test_what_cannot_be_told_is_answered_by_its_kind(
    words: str, labels: Any, whether: str, looks_like: str
) -> None:
    said = say(Shown(tuple(words.split("/"))), labels=labels)
    assert said == f"Whether there is {whether} I can't tell. {looks_like}".strip()


def test_what_was_asked_for_and_is_seen_is_enough() -> None:
    said = say(Shown(("sofa", "unicorn")), labels=DOG_ON_SOFA)
    assert said == "It looks like a sofa (95 %). Whether there is a unicorn I can't tell."


@pytest.mark.parametrize(
    "word", ["bear", "pig", "monkey", "toy", "weapon", "snail", "animal", "clothing", "crutch"]
)
def test_some_words_are_never_said_beside_a_face(word: str) -> None:
    labels = ((word, 0.999),)
    assert say(Describe(), AMY, labels=labels) == "That is Amy (97 % sure)."
    assert "I can't tell" in say(Shown((word,)), AMY, labels=labels)
    assert say(WhatIsIt("thing"), AMY, labels=labels) == CANNOT


def test_beside_a_face_a_word_has_to_be_surer() -> None:
    assert say(Describe(), AMY, labels=(("hat", 0.97),)) == "That is Amy (97 % sure)."
    assert (
        say(Describe(), AMY, labels=(("hat", 0.985),))
        == "That is Amy (97 % sure). It looks like a hat (98 %)."
    )
    assert (
        say(Describe(), AMY, labels=(("dog", 0.99),))
        == "That is Amy (97 % sure). It looks like a dog (99 %)."
    )


def test_where_nobody_looks_for_faces_one_may_be_there() -> None:
    for word in ("monkey", "hat"):
        said = say(Describe(), labels=((word, 0.97),), faces_are_on=False)
        assert word not in said
    # Somebody who looks away, whom the user named, as well.
    confirmed = person("Amy", 0.999, None)
    assert "monkey" not in say(Describe(), confirmed, labels=(("monkey", 0.97),))


@pytest.mark.parametrize(
    ("labels", "things", "said"),
    [
        ((), (), CANNOT),
        (DOG, (), "It looks like a dog (95 %)."),
        (DOG, (("Bo", 0.93),), "I think I see Bo (93 % sure). It looks like a dog (95 %)."),
        ((), (("Bo", 0.93),), "I think I see Bo (93 % sure)."),
        ((("animal", 0.99), ("dog", 0.98), ("corgi", 0.92)), (), "It looks like a corgi (92 %)."),
    ],
)
def test_what_it_is(labels: Any, things: Any, said: str) -> None:
    assert say(WhatIsIt("breed"), labels=labels, things=[thing(*one) for one in things]) == said


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("breed", "dog (97 %)"),
        ("dog breed", "dog (97 %)"),
        ("furniture", "sofa (95 %)"),
        ("logo", "sofa (95 %)"),
    ],
)
def test_what_it_is_goes_by_the_kind(kind: str, word: str) -> None:
    assert say(WhatIsIt(kind), labels=DOG_ON_SOFA) == f"It looks like a {word}."


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("labrador", "dog"),
        ("black Labrador", "dog"),
        ("golden retriever", "retriever"),
        ("corgi", "corgi"),
        ("tiger", "big cat"),
        ("convertible", "car"),
        ("teapot", "pot"),
    ],
)
def test_a_kind_belongs_to_a_broader_word(kind: str, word: str) -> None:
    found = broader_word(kind)
    assert found is not None and found.word == word


def test_every_kind_belongs_to_one_word_that_ships() -> None:
    assert broader_word("unicorn") is None
    assert all(find_word(word) is not None for word in KINDS)
    # Two words for one kind would be chance.
    kinds = [kind for kinds in KINDS.values() for kind in kinds]
    assert len(kinds) == len(set(kinds)) and not any(map(find_word, kinds))


def red_on_blue() -> Image.Image:
    image = Image.new("RGB", (100, 80), (20, 40, 220))
    ImageDraw.Draw(image).rectangle((10, 20, 50, 70), fill=(220, 10, 10))
    return image


@pytest.mark.parametrize(
    ("part", "known", "said"),
    [
        (Colors(), {}, "The main colors of this photo: blue and red."),
        (Colors(asked="red"), {}, "Yes. The main colors of this photo: blue and red."),
        (Colors(asked="green"), {}, "The main colors of this photo: blue and red."),
        (Colors("dog"), {}, CANNOT),
        (
            Colors("dog"),
            {"labels": DOG, "main_thing": "dog"},
            "The main color where it looks like a dog (95 %): red.",
        ),
        (Colors("dog"), {"labels": DOG}, "I can't tell which colors the dog has."),
        # The outline is the dog's, not the beach's, and the cup is not what stands out.
        (
            Colors("beach"),
            {"labels": BEACH_DOG, "main_thing": "dog"},
            "I can't tell which colors the beach has.",
        ),
        (
            Colors("cup"),
            {"labels": (*DOG, ("cup", 0.93)), "main_thing": "dog"},
            "I can't tell which colors the cup has.",
        ),
        (Colors("unicorn"), {"main_thing": "dog"}, CANNOT),
        (Colors("Bo", is_name=True), {}, "I don't see Bo here for sure, so I can't tell that."),
        (
            Colors("Bo", is_name=True),
            {"things": [thing("Bo", 0.4)], "main_thing": "dog"},
            "I don't see Bo here for sure, so I can't tell that.",
        ),
        (
            Colors("Bo", is_name=True, asked="red"),
            {"things": [thing("Bo", 0.9)], "main_thing": "dog", "outlined": "Bo"},
            "The main color where I see Bo (90 % sure): red.",
        ),
        (Colors("Bo", is_name=True), {"things": [thing("Bo", 0.9)]}, "I can't tell which colors Bo has."),
        # What is outlined beside Bo may be something else.
        (
            Colors("Bo", is_name=True),
            {"things": [thing("Bo", 0.9)], "main_thing": "dog", "outlined": "Bo", "parts": 2},
            "I can't tell which colors Bo has.",
        ),
        # There is an outline, and what is inside it is not known to be Bo.
        (
            Colors("Bo", is_name=True),
            {"things": [thing("Bo", 0.9), thing("Misty", 0.8)], "main_thing": "dog"},
            "I can't tell which colors Bo has.",
        ),
    ],
)
def test_colors(part: Colors, known: dict[str, Any], said: str) -> None:
    assert say(part, image=red_on_blue(), **known) == said


def test_a_photo_without_a_main_color_has_none_said() -> None:
    stripes = Image.new("RGB", (120, 80))
    paints = ("red", "yellow", "green", "blue", "purple", "white", "black")
    for number, paint in enumerate(paints):
        ImageDraw.Draw(stripes).rectangle((number * 18, 0, number * 18 + 17, 79), fill=paint)
    assert say(Colors(), image=stripes) == "It has many colors, and none of them is a main one."


def test_colors_of_a_person_are_not_told() -> None:
    assert say(Colors("Amy", is_name=True), AMY, image=red_on_blue()) == "I can't tell which colors Amy has."


def test_black_and_white() -> None:
    part = Colors(asked="black and white")
    gray = Image.linear_gradient("L").convert("RGB")
    assert say(part, image=gray) == "I see no colors in it."
    with_a_spot = gray.copy()
    ImageDraw.Draw(with_a_spot).ellipse((100, 100, 130, 130), fill="red")
    assert say(part, image=with_a_spot) == "It has colors, though little of them."
    assert say(part, image=red_on_blue()) == "It has colors: blue and red."


@pytest.mark.parametrize(
    ("asked", "level", "at", "said"),
    [
        ("dark", 20, None, "The photo is dark."),
        ("bright", 20, None, "The photo is dark."),
        ("bright", 220, None, "The photo is bright."),
        ("dark", 128, None, "The photo is neither dark nor bright."),
        ("night", 20, None, "The photo is dark. Whether it is night I can't tell."),
        (
            "sunny",
            220,
            datetime(2024, 5, 4, 14, 5),
            "The photo is bright. Whether it is sunny I can't tell. It was taken at 14:05.",
        ),
        ("day", 220, datetime(2024, 5, 4), "The photo is bright. Whether it is day I can't tell."),
    ],
)
def test_light(asked: str, level: int, at: datetime | None, said: str) -> None:
    assert say(Light(asked), image=Image.new("RGB", (60, 60), (level,) * 3), taken_at=at) == said


def test_sharpness() -> None:
    sharp = Image.effect_noise((300, 200), 90).convert("RGB")
    blurred = sharp.filter(ImageFilter.GaussianBlur(4)).point(lambda level: (level - 128) * 4 + 128)
    assert say(Sharpness("sharp"), image=sharp) == "Yes. Its edges are sharp."
    assert say(Sharpness("blurred"), image=sharp) == "No. Its edges are sharp."
    assert say(Sharpness("sharp"), image=blurred) == "No. Its edges are blurred."
    assert say(Sharpness("blurred"), image=blurred) == "Yes. Its edges are blurred."
    # What is looked at is a reduced copy.
    assert say(Sharpness("sharp"), image=sharp, size_px=(4000, 3000)) == (
        "Yes. Its edges are sharp, seen at a reduced size."
    )
    assert say(Sharpness("sharp")) == (
        "I can't tell whether it is sharp: it is neither plainly sharp nor plainly blurred."
    )


@pytest.mark.parametrize(
    ("lines", "contains", "said"),
    [
        ([], None, "I can't read any text in it."),
        ([], "EXIT", "I can't read any text in it."),
        (["EXIT", "push"], None, "I read: “EXIT” / “push”."),
        (["EXIT", "push"], "exit", "Yes, I read “exit”."),
        (["push"], "EXIT", "I don't read “EXIT” there. I read: “push”."),
    ],
)
def test_text(lines: list[str], contains: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from known_photos import face_box

    found = [TextLine(text, face_box(0), 0.9) for text in lines]
    monkeypatch.setattr("personalizer.analysis.text.read_text", lambda image: found)
    assert say(Text(contains)) == said


def test_text_that_cannot_be_read_without_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(image: Image.Image) -> list[TextLine]:
        raise NotReadyError(tried="reading", found="no model", fix="Install it.")

    monkeypatch.setattr("personalizer.analysis.text.read_text", missing)
    assert say(Text()) == "I can't tell that. Reading text in photos is not installed: Install it."


def test_pieces_of_sentences() -> None:
    assert [joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [percent(value) for value in (0.0, 0.004, 0.5, 0.996, 1.0)] == [
        "1 %",
        "1 %",
        "50 %",
        "99 %",
        "99 %",
    ]
    assert [with_article(word) for word in ("dog", "ape", "food", "hourglass", "unicycle")] == [
        "a dog", "an ape", "food", "an hourglass", "a unicycle",
    ]  # fmt: skip

"""What a picture is to show: place, light, style, size, and what a montage cannot show, in three languages."""

from __future__ import annotations

import pytest

from assistant.imagine.scenes import shipped_scenes
from assistant.imagine.wording import Wish, understand
from assistant.language.parse import parse

NAMES = ["Bo", "Kiwi", "Snow"]


def wish(text: str) -> Wish:
    return understand(parse(text, NAMES), shipped_scenes())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Bo on a beach", "beach"),
        ("Bo am Strand", "beach"),
        ("Bo en la playa", "beach"),
        ("a photo of Bo in the forest", "forest"),
        ("Bo im Wald", "forest"),
        ("Bo on the moon", "moon"),
        ("Bo in the desert please", "desert"),
        ("draw Kiwi and Bo in a garden", "garden"),
        ("Bo in the jungel", "jungle"),
        ("Bo in front of the Eiffel tower", "square"),
        ("a christmas card with Bo", "christmas"),
    ],
)
def test_places_with_a_scene_are_known_by_their_words(text: str, place: str) -> None:
    found = wish(text)
    assert place in found.place and found.scenes and found.left_out == ""
    assert {scene.place for scene in found.scenes} == {found.place}


@pytest.mark.parametrize(
    "text", ["a photo of Bo", "Bo", "draw me a picture of Bo and Kiwi", "ein Bild von Bo"]
)
def test_no_place_is_no_place(text: str) -> None:
    found = wish(text)
    assert (found.place, found.scenes, found.styles, found.light, found.left_out) == ("", (), (), None, "")


@pytest.mark.parametrize(
    ("text", "styles", "light"),
    [
        ("Bo on a beach as a painting", ("painting",), None),
        ("an oil painting of Bo", ("painting",), None),
        ("a pencil drawing of Bo on a beach", ("pencil",), None),
        ("Bo on a beach, pixel art", ("pixel art",), None),
        ("Bo in black and white at night", ("black and white",), "night"),
        ("watercolour of Bo at sunset", ("watercolor",), "sunset"),
        ("Bo am Strand bei Nacht als Aquarell", ("watercolor",), "night"),
        ("Bo en la playa de noche", (), "night"),
        ("Bo on a beach in winter", ("winter",), None),
        ("Bo on a beach in the rain", ("rain",), None),
        ("Bo on a beach at night by day", (), "day"),
    ],
)
def test_styles_and_light(text: str, styles: tuple[str, ...], light: str | None) -> None:
    found = wish(text)
    assert found.styles == styles and found.light == light and found.left_out == ""


@pytest.mark.parametrize(
    ("text", "left_out"),
    [("Bo sleeping on a beach", "sleeping"), ("Bo wearing a hat on a beach", "wearing hat")],
)
def test_what_a_montage_cannot_show_is_kept_to_be_said(text: str, left_out: str) -> None:
    assert wish(text).left_out == left_out


def test_a_place_without_a_scene_is_kept_in_words() -> None:
    found = wish("Bo on a volcano at night")
    assert (found.place, found.scenes, found.light) == ("volcano", (), "night")


def test_a_name_that_is_a_place_is_the_name() -> None:
    assert wish("Snow on a beach").place == wish("Bo on a beach").place
    assert wish("Snow").place == ""


def test_larger_and_smaller() -> None:
    assert wish("Bo on a beach bigger").scale == pytest.approx(1.25)
    assert wish("Bo on a beach bigger bigger").scale == pytest.approx(1.25**2)
    assert wish("Bo am Strand kleiner").scale == pytest.approx(0.8)
    assert wish("Bo on a beach").scale == 1


@pytest.mark.parametrize(
    "text",
    [
        "Bo naked",
        "nackt am Strand",
        "Bo with a gun",
        "Bo bleeding blood",
        "passport of Bo",
        "Bo im Gefängnis",
        "Bo shot dead",
    ],
)
def test_what_is_never_made_of_people_is_noticed(text: str) -> None:
    assert wish(text).forbidden


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Bo on a beach",
            "Bo in Essex",
            "a shot of Bo",
            "Bo at the Dead Sea",
            "Bo hanging out in the garden",
        ),
        *("Bo on a tennis court", "an executive Bo", "Bo the bloodhound", "Bo under a shooting star"),
    ],
)
def test_and_nothing_else(text: str) -> None:
    assert wish(text).forbidden == ""


@pytest.mark.parametrize(
    ("typed", "place"), [("jungel", "jungle"), ("forrest", "forest"), ("desrt", "desert")]
)
def test_a_misspelled_place_is_taken_for_one_and_kept_to_be_said(typed: str, place: str) -> None:
    assert (wish(f"Bo in the {typed}").place, wish(f"Bo in the {typed}").misspelled) == (place, typed)


def test_other_words_are_taken_for_nothing() -> None:
    for word in ("submarine", "stadium", "castor", "volcano", "desk lamp"):
        assert not wish(f"Bo in a {word}").misspelled, word

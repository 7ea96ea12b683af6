"""What is said behind a picture changes it on the same seed; everything else is no change of it."""

from __future__ import annotations

import pytest

from assistant.chat.router.refine import refined_picture
from assistant.chat.router.route import Route, route
from assistant.language.parse import parse

NAMES = ["Bo"]
LAST = Route("imagine", {"prompt": "Bo on a beach as a painting"}, 1.0, "rules")


def after(text: str, last: Route | None = LAST) -> Route | None:
    return refined_picture(parse(text, NAMES), last, 7, NAMES)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("make it night", "Bo on a beach as a painting at night"),
        ("at night please", "Bo on a beach as a painting at night"),
        ("bigger", "Bo on a beach as a painting bigger"),
        ("now as a pencil drawing", "Bo on a beach as a painting as a pencil drawing"),
        ("in the snow", "Bo as painting in the snow"),
        ("and now in the forest!", "Bo as painting in the forest"),
        ("make it rain", "Bo on a beach as a painting in the rain"),
        ("same but in winter", "Bo on a beach as a painting in winter"),
        ("day", "Bo on a beach as a painting by day"),
        ("make Bo bigger", "Bo on a beach as a painting bigger"),
        ("no, in the desert", "Bo as painting in the desert"),
        ("can you make it bigger?", "Bo on a beach as a painting bigger"),
        ("bei Nacht", "Bo on a beach as a painting at night"),
    ],
)
def test_changes_of_the_last_picture(text: str, prompt: str) -> None:
    found = after(text)
    assert found is not None and found.intent == "imagine" and found.slots["seed"] == 7
    assert found.slots["prompt"] == prompt
    assert found.words is not None and found.words.concepts == ("Bo",)


@pytest.mark.parametrize(
    "text", ["draw it yourself", "let the model draw it", "no montage", "your own drawing"]
)
def test_the_models_own_drawing_on_request(text: str) -> None:
    found = after(text)
    assert found is not None and found.slots["painter"] == "backbone"
    assert found.slots["prompt"] == LAST.slots["prompt"]


@pytest.mark.parametrize(
    "text",
    [
        "is it bigger?",
        "who was on the beach last night?",
        "thanks",
        "another one",
        "find photos on a beach",
        "draw Bo in the forest",
    ],
)
def test_other_requests_are_left_to_others(text: str) -> None:
    assert after(text) is None


def test_without_a_picture_before_nothing_is_refined() -> None:
    assert after("make it night", None) is None
    assert after("make it night", Route("find", {"query": "Bo"}, 1.0, "rules")) is None


@pytest.mark.parametrize(
    ("text", "prompt", "count"),
    [
        ("draw Bo on a beach as a painting", "Bo on a beach as a painting", 1),
        ("paint a watercolor of Bo", "watercolor of Bo", 1),
        ("draw two paintings of Bo", "paintings of Bo", 2),
        ("draw Bo on a beach three times", "Bo on a beach", 3),
    ],
)
def test_a_style_stays_in_the_prompt(text: str, prompt: str, count: int) -> None:
    found = route(parse(text, NAMES), [])
    assert found.slots["prompt"] == prompt and found.slots.get("count", 1) == count

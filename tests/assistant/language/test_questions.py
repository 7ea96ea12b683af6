"""What a question about a photo asks for."""

from __future__ import annotations

import pytest

from assistant.language.parse import Phrase, parse
from assistant.language.questions import (
    AsksForConcepts,
    AsksForUnknown,
    AsksSomething,
    AsksWhoOrWhat,
    WantsDescription,
    asked_about,
    understand,
)

NAMES = ["Bo", "Mika", "robot toy", "will"]


def parsed(question: str | None) -> Phrase | None:
    return None if question is None else parse(question, NAMES)


@pytest.mark.parametrize(
    "question", [None, "", "what is this?", "Who is in this photo?", "describe it", "who's that?"]
)
def test_open_questions_want_a_description(question: str | None) -> None:
    assert understand(parsed(question)) == WantsDescription()


@pytest.mark.parametrize(
    "question",
    [
        "is this Bo?",
        "Is Bo in this photo?",
        "is that bo",
        "Do you see Bo here?",
        "does this photo show Bo?",
        "Bo?",
        "is Bo here?",
        "is Bo in it",
        "is Bo in this picture?",
        "can you see Bo in the photo?",
        "is Bo visible in this one?",
        "isn't this Bo",
    ],
)
def test_asks_whether_a_known_concept_is_there(question: str) -> None:
    assert understand(parsed(question)) == AsksForConcepts(("Bo",))


def test_names_of_several_words() -> None:
    assert understand(
        parse("is the robot toy in this picture?", [*NAMES, "the robot toy"])
    ) == AsksForConcepts(("the robot toy",))


@pytest.mark.parametrize(
    "question",
    [
        "are Bo and Mika in this photo?",
        "is this Bo or Mika?",
        "do you see Bo, and Mika anywhere?",
        "are both Bo and Mika here?",
        "Bo, Mika?",
    ],
)
def test_asks_for_several_at_once(question: str) -> None:
    assert understand(parsed(question)) == AsksForConcepts(("Bo", "Mika"))


def test_a_name_nobody_gave_is_not_taken_for_another() -> None:
    assert understand(parsed("is this Rex?")) == AsksForUnknown("Rex")
    assert understand(parsed("is this Boris?")) == AsksForUnknown("Boris")


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("what colour is Bo?", ("Bo",)),
        ("is Bo wearing a hat?", ("Bo",)),
        ("what are Mika and Bo doing?", ("Mika", "Bo")),
        ("is Bo larger than Mika, or is Bo smaller?", ("Bo", "Mika")),
        ("what colour is the car?", ()),
        ("is it night?", ()),
        ("is Bo on a beach?", ("Bo",)),
        ("is Bo on the beach?", ("Bo",)),
        ("is Bo in the car?", ("Bo",)),
        ("is Bo in front of the house?", ("Bo",)),
        ("is this Bo on a sofa?", ("Bo",)),
        ("are Bo and Mika in the snow?", ("Bo", "Mika")),
        ("do you see Bo on a boat?", ("Bo",)),
        ("does this show Bo eating?", ("Bo",)),
    ],
)
def test_other_questions_ask_for_something_else(question: str, about: tuple[str, ...]) -> None:
    assert understand(parsed(question)) == AsksSomething(question, about)


@pytest.mark.parametrize(
    "question",
    [
        "who is Bo?",
        "What's Bo",
        "what breed is my Bo?",
        "what kind of dog is Bo?",
        "tell me about Bo",
        "what do you know about Bo?",
    ],
)
def test_asks_who_or_what_a_concept_is(question: str) -> None:
    assert understand(parsed(question)) == AsksWhoOrWhat(question, "Bo")


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
    assert asked_about(parse(text, NAMES)) == name

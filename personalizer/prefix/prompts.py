"""The wording and token order of every task, shared by training and serving so that both run the same text.

A prompt is a list of segments; a backbone turns text into ids and images into what it reads. This module knows no
tokenizer, no tensor and no model. `<sks>`, `<g1..gk>` and `<u1..uh>` follow arXiv 2504.20998.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

VirtualTokenKind = Literal["name", "generation", "understanding"]


@dataclass(frozen=True, slots=True)
class Text:
    """Literal words."""

    text: str


@dataclass(frozen=True, slots=True)
class ImageSlot:
    """Where an image that the model reads goes (begin and end markers included)."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class VirtualTokens:
    """Where virtual tokens go; `count` of None means all of that kind."""

    kind: VirtualTokenKind
    count: int | None = None
    concept: int = 0
    """Which concept's tokens: its index among the concepts of the context, from 0."""


@dataclass(frozen=True, slots=True)
class Separator:
    """The end of the user's turn: what follows is the model's answer."""


Segment = Text | ImageSlot | VirtualTokens | Separator

RECOGNITION_QUESTION = "is {name} in this photo?"
DESCRIBE_QUESTION = "what is in this photo?"
GENERATION_TEXT = "a photo of {name}."
YES = "yes."
NO = "no."


_NAME_SLOT = re.compile(r"\{name(?::(\d+))?\}")


def name_slot(concept: int = 0) -> str:
    """What stands in a text for the name of a concept of the context: `{name}`, `{name:1}`, `{name:2}`, …"""
    return f"{{name:{concept}}}" if concept else "{name}"


def personal_prompt() -> list[Segment]:
    """`<sks> is <g1..gk><u1..uh>.` — constant per concept, so its keys and values are computed once.

    With several concepts in a context, their personal prompts follow one another.
    """
    return [
        VirtualTokens("name"),
        Text(" is "),
        VirtualTokens("generation"),
        VirtualTokens("understanding"),
        Text("."),
    ]


def question_about_image(question: str) -> list[Segment]:
    """An image, a question about it and the end of the turn. Name slots in the question become name tokens."""
    return [ImageSlot(), *with_name(question), Separator()]


def question(text: str) -> list[Segment]:
    """A question without an image."""
    return [*with_name(text), Separator()]


def generation_request(text: str) -> list[Segment]:
    """A request for a picture; the answer is an image."""
    return [*with_name(text), Separator()]


def with_name(text: str) -> list[Segment]:
    """Split `text` at its name slots and put the name tokens of the concepts there."""
    segments: list[Segment] = []
    end = 0
    for slot in _NAME_SLOT.finditer(text):
        segments += [Text(text[end : slot.start()]), VirtualTokens("name", concept=int(slot[1] or 0))]
        end = slot.end()
    segments.append(Text(text[end:]))
    return [segment for segment in segments if segment != Text("")]

"""The wording and token order of every task, shared by training and serving so that both run the same text.

A prompt is a list of segments; a backbone turns text into ids and images into what it reads. This module knows no
tokenizer, no tensor and no model. `<sks>`, `<g1..gk>` and `<u1..uh>` follow arXiv 2504.20998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RowKind = Literal["name", "generation", "understanding"]


@dataclass(frozen=True, slots=True)
class Text:
    """Literal words."""

    text: str


@dataclass(frozen=True, slots=True)
class ImageSlot:
    """Where an image that the model reads goes (begin and end markers included)."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Where learned rows go; `count` of None means all rows of that kind."""

    kind: RowKind
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Separator:
    """The end of the user's turn: what follows is the model's answer."""


Segment = Text | ImageSlot | Rows | Separator

RECOGNITION_QUESTION = "is {name} in this photo?"
DESCRIBE_QUESTION = "what is in this photo?"
GENERATION_TEXT = "a photo of {name}."
YES = "yes."
NO = "no."


def personal_prompt(generation_rows: int | None = None) -> list[Segment]:
    """`<sks> is <g1..gk><u1..uh>.` — constant per concept, so its keys and values are computed once.

    `generation_rows` limits the generation rows, as soft positives need; 0 leaves them out.
    """
    segments: list[Segment] = [Rows("name"), Text(" is ")]
    if generation_rows != 0:
        segments.append(Rows("generation", generation_rows))
    return [*segments, Rows("understanding"), Text(".")]


def question_about_image(question: str) -> list[Segment]:
    """An image, a question about it and the end of the turn. `{name}` in the question becomes the name row."""
    return [ImageSlot(), *with_name(question), Separator()]


def question(text: str) -> list[Segment]:
    """A question without an image."""
    return [*with_name(text), Separator()]


def generation_request(text: str) -> list[Segment]:
    """A request for a picture; the answer is an image."""
    return [*with_name(text), Separator()]


def with_name(text: str) -> list[Segment]:
    """Split `text` at `{name}` and put the concept's name row there."""
    segments: list[Segment] = []
    for number, part in enumerate(text.split("{name}")):
        if number:
            segments.append(Rows("name"))
        if part:
            segments.append(Text(part))
    return segments

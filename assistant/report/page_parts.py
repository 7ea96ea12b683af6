"""The parts of the people page: cards, and sections of them. Knows no library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.presentation.printable import percent
from assistant.presentation.suggestion_lines import answer_commands
from assistant.report.page_pictures import Picture
from assistant.report.wording import alt_text
from personalizer.concepts.suggestions import Suggestion


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody or something with pictures, words and commands."""

    title: str
    photos: str
    span: str
    chips: list[tuple[str, str]]
    commands: list[str]
    letter: str
    cover: Picture | None
    cover_alt: str
    more: list[tuple[Picture, str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A headed list of cards."""

    key: str
    title: str
    about: str
    small: bool
    cards: Iterator[Card]
    left: str


def suggestion_card(suggestion: Suggestion, picture: Picture, reference: str) -> Card:
    """What is asked about one photo, which the commands know by `reference`."""
    name = suggestion.concept.name or str(suggestion.concept.id)
    likeness = suggestion.likeness
    return Card(
        title=f"Is this {name}?",
        photos="not sure" if likeness is None else f"{percent(likeness.probability)} sure",
        span="",
        chips=[],
        commands=answer_commands(name, reference),
        letter="?",
        cover=picture,
        cover_alt=alt_text(f"A photo that may show {name}", 1, 1, None),
        more=[],
    )

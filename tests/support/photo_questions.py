"""The names that the questions of tests are about, and what a question is understood as."""

from __future__ import annotations

from assistant.language.parse import parse
from assistant.language.questions import Part, understand

NAMES = ["Bo", "Amy", "Brad", "Tom", "Mika", "Misty", "Snow"]


def parts_of(question: str) -> list[Part]:
    """The parts of a question by somebody who knows `NAMES`."""
    return list(understand(parse(question, NAMES)))

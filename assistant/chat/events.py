"""The events of a request, which each front end shows in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personalizer.errors import FamiliarError
from personalizer.schemas import BoundingBox, Progress


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of what a language model writes; the pieces add up to the `Answer`."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark that is not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began. `title` says what it does, in words for the user."""

    tool: str
    title: str


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """Progress of a tool."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool's result.

    `text` for people and models, `artifact` the record of `assistant.results` behind it.
    """

    text: str
    artifact: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. Ends the request, unless a question comes right behind it."""

    text: str
    by_model: str | None = None
    """The language model whose words these are; None for the program's. With a model's words nothing was done."""


@dataclass(frozen=True, slots=True)
class Question:
    """The program asks; the next request may be the answer. Ends the request; an answer may stand before it."""

    text: str
    photo: Path | None = None
    """What it is about."""
    box: BoundingBox | None = None
    """Which part of the photo; None for all of it."""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """A language model wants something done that changes or deletes; the request waits for `Assistant.reply`."""

    text: str
    answers: tuple[str, ...]
    """Words that count; the last means no."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed: what was tried, what was found, what to do."""

    tried: str
    found: str
    fix: str

    @classmethod
    def from_error(cls, error: BaseException, doing: str) -> Failed:
        """From an expected error, or from one that nobody expected (the log has its traceback)."""
        if isinstance(error, FamiliarError):
            return cls(error.tried, error.found, error.fix)
        found = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return cls(doing, found, "This is a fault of the program; `familiar doctor` may show more.")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The user stopped the request."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The user asked to leave."""


Event = (
    Token
    | Notice
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | NeedsApproval
    | Answer
    | Question
    | Failed
    | Cancelled
    | Quit
)

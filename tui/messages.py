"""Messages between the widgets of the chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from assistant.chat.agent import Assistant
    from assistant.results import Status


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to try: what it says on the card and what it asks."""

    label: str
    request: str
    send: bool = True
    """False: only put into the input line, for the user to complete."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the screen shows of the library, read in one go by a background thread."""

    status: Status
    names: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]


class Asked(Message):
    """The user sent a request."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class LibraryOpened(Message):
    """The library is open and can be asked."""

    def __init__(self, assistant: Assistant, snapshot: Snapshot) -> None:
        super().__init__()
        self.assistant = assistant
        self.snapshot = snapshot


class LibraryChanged(Message):
    """A newer look at the library."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class LibraryFailed(Message):
    """The library could not be opened."""

    def __init__(self, tried: str, found: str, fix: str) -> None:
        super().__init__()
        self.tried, self.found, self.fix = tried, found, fix


class SuggestionChosen(Message):
    """A card of the empty conversation was chosen."""

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__()
        self.suggestion = suggestion

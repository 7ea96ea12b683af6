"""What was said so far, cut to what a small context can hold.

Knows no model: the caller counts the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from assistant.chat.router.route import Route
from personalizer.concepts.name_mentions import NameMentions

MAX_TURNS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's words."""

    role: Literal["user", "assistant"]
    text: str
    by_model: bool
    """Whether the turn is part of an exchange that the chat model answered. What tools and the program said is never
    given to the model as its own words: it would go on in the same voice."""


@dataclass
class Conversation:
    """A running conversation, in memory only: nothing of it is written to disk."""

    turns: list[Turn] = field(default_factory=list)
    last_photos: tuple[Path, ...] = ()
    """The photos that the last description was about: "is this Bo?" means these."""
    last_route: Route | None = None
    """The last request that a tool answered, for "another one"."""
    waiting: Route | None = None
    """A request that lacks something the user was asked for."""

    def add(self, role: Literal["user", "assistant"], text: str, *, by_model: bool) -> None:
        """Append a turn; empty ones are left out."""
        if text.strip():
            self.turns.append(Turn(role, text.strip(), by_model))
            del self.turns[:-MAX_TURNS_KEPT]

    def forget(self, mentions: NameMentions) -> None:
        """Remove the turns that say a name, and what was remembered of requests."""
        self.turns = [turn for turn in self.turns if not mentions.in_text(turn.text)]
        self.last_route, self.waiting = None, None

    def clear(self) -> None:
        """Forget everything that was said."""
        self.turns.clear()
        self.last_photos, self.last_route, self.waiting = (), None, None

    def window(self, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Turn]:
        """The newest turns of the chat model and its user that fit into `max_tokens`, oldest first, a user's first."""
        kept: list[Turn] = []
        left = max_tokens
        for turn in reversed([turn for turn in self.turns if turn.by_model]):
            # A chat template puts a handful of tokens around each turn.
            left -= count_tokens(turn.text) + 8
            if left < 0:
                break
            kept.append(turn)
        kept.reverse()
        while kept and kept[0].role == "assistant":
            kept.pop(0)
        return kept

"""The conversation so far, truncated to a small context.

Knows no model: the caller counts the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.chat.router.route import Route
from assistant.results import Description
from personalizer.concepts.name_mentions import NameMentions

if TYPE_CHECKING:
    from assistant.chat.questions import Pending

MAX_TURNS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's words."""

    role: Literal["user", "assistant"]
    text: str


@dataclass
class Conversation:
    """A running conversation, in memory only: nothing of it is written to disk."""

    turns: list[Turn] = field(default_factory=list)
    """What the chat model was asked and said. Words of tools and of the program are never among them: it would go on in
    the same voice, as if they were its own."""
    last_photos: tuple[Path, ...] = ()
    """The photos that the last description was about, or what was drawn last: "is this Bo?" means these."""
    found_photos: tuple[Path, ...] = ()
    """What the last search listed: "who is in the second one?" means one of these."""
    last_name: str | None = None
    """Whom or what the last request named: "draw him in the snow" means this one."""
    last_description: Description | None = None
    """The last answer about a photo, for "/why"."""
    last_route: Route | None = None
    """The last request that a tool answered, for "another one"."""
    last_seed: int | None = None
    """Of the last picture, which "make it night" keeps."""
    changed_before: bool = False
    """Whether the request before changed something, which "no, wait" is about."""
    changed_now: bool = False
    """Whether this request did."""
    waiting: Route | None = None
    """A request that lacks something the user was asked for."""
    question: Pending | None = None
    """A question of the program that stands."""

    def add(self, request: str, answer: str) -> None:
        """Append what the chat model was asked and what it said."""
        self.turns += [Turn("user", request.strip()), Turn("assistant", answer.strip())]
        del self.turns[:-MAX_TURNS_KEPT]

    def forget(self, mentions: NameMentions) -> None:
        """Remove the turns that say a name, and what was remembered of requests."""
        self.turns = [turn for turn in self.turns if not mentions.in_text(turn.text)]
        self.last_description, self.last_route, self.waiting, self.question = None, None, None, None
        self.last_name, self.last_photos, self.found_photos = None, (), ()

    def clear(self) -> None:
        """Forget everything that was said."""
        self.turns.clear()
        self.last_photos, self.last_description, self.last_route = (), None, None
        self.waiting, self.question, self.last_name, self.found_photos = None, None, None, ()

    def window(self, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Turn]:
        """The newest turns that fit into `max_tokens`, oldest first, beginning with a user's."""
        kept: list[Turn] = []
        left = max_tokens
        for turn in reversed(self.turns):
            # A chat template puts a handful of tokens around each turn.
            left -= count_tokens(turn.text) + 8
            if left < 0:
                break
            kept.append(turn)
        kept.reverse()
        while kept and kept[0].role == "assistant":
            kept.pop(0)
        return kept

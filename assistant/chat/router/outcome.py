"""What a rule sees and what it makes of it: a sentence of a request in, an intent with its slots out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from assistant.chat.router.words import ASKING, TRAILING
from assistant.language.parse import Phrase, Request

Intent = Literal[
    "describe",
    "imagine",
    "find",
    "list_concepts",
    "name_concept",
    "confirm",
    "reject",
    "merge",
    "split",
    "undo",
    "train",
    "remember",
    "forget",
    "help",
    "chat",
    "clarify",
]
Slots = dict[str, Any]
EDGES = " \t\"'`,;:!.?"
SURE = 0.95
LIKELY = 0.8
LOOSE = 0.65
"""The confidence of words that point to a tool without the shape of a request."""
UNDECIDED = 0.5
"""The confidence of a request that no pattern recognised."""


_EXPLAINS = re.compile(
    r"[,;:] | (?:while|because|since|so that|so (?:i|we|you|he|she)|when (?:i|we|you)|before (?:i|we|you)"
    r"|after (?:i|we|you)|weil|während|damit|denn|porque|mientras|para que|ya que)\b| [-–—] ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the skeleton, without the courtesies in front of it."""

    text: str
    start: int
    spoken: str
    """The same with "can you" and "please" still in front: "can you draw?" is a question, "draw" is not."""
    request: Request
    photos: tuple[str, ...]

    @property
    def bare(self) -> tuple[str, ...]:
        """The sentence without courtesies at its end, without and with those in front."""
        return tuple(dict.fromkeys(_bare(text) for text in (self.text, self.spoken)))

    @property
    def head(self) -> tuple[str, ...]:
        """What is in front of a clause that explains: "train Bo while I sleep"; nothing where there is none."""
        match = _EXPLAINS.search(self.text)
        shorter = "" if match is None else _bare(self.text[: match.start()].rstrip(" ,;"))
        return (shorter,) if len(shorter.split()) > 1 else ()

    @property
    def tail(self) -> tuple[str, ...]:
        """What is behind the last comma: "that was a mistake, undo it"; nothing where that is no clause."""
        _, _, last = self.text.rpartition(", ")
        shorter = ASKING.sub("", _bare(last))
        return (shorter,) if len(shorter.split()) > 1 and last != self.text else ()

    def part(self, match: re.Match[str], group: str) -> Phrase:
        """The words of a group, without trailing courtesy and punctuation."""
        return self.cut(match[group], self.start + match.start(group))

    def cut(self, fragment: str, skeleton_start: int) -> Phrase:
        """The same for a fragment of the skeleton."""
        return self.request.part(TRAILING.sub("", fragment).strip(EDGES), skeleton_start)


def _bare(text: str) -> str:
    """ "undo please!" → "undo"; a question keeps its mark."""
    shorter = TRAILING.sub("", text)
    return f"{shorter}?" if shorter != text and text.rstrip().endswith("?") else shorter


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule makes of a sentence."""

    intent: Intent
    slots: Slots
    confidence: float
    words: Phrase | None = None
    """What the tool is to act on: the question, or what is to be drawn."""


OutcomeOf = Callable[[Sentence, re.Match[str]], Outcome | None]
Rule = tuple[re.Pattern[str], OutcomeOf]


def photo_slots(photos: tuple[str, ...]) -> Slots:
    slots: Slots = {"photo": photos[0]}
    if len(photos) > 1:
        slots["photos"] = list(photos)
    return slots


def compiled(*rules: tuple[str, OutcomeOf]) -> tuple[Rule, ...]:
    """Rules with their patterns compiled; case does not matter."""
    return tuple((re.compile(pattern, re.IGNORECASE), outcome) for pattern, outcome in rules)


def simple(intent: Intent, confidence: float = SURE) -> OutcomeOf:
    """A rule's outcome without slots; of a search, with the whole sentence as its query."""

    def outcome(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
        if intent == "list_concepts" and sentence.photos:
            return None
        if intent != "find":
            return Outcome(intent, {}, confidence)
        query = sentence.request.part(sentence.text, sentence.start)
        return Outcome(intent, {"query": query.text}, confidence, query)

    return outcome

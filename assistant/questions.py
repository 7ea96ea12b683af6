"""Tells what a question about a photo asks for, by its words. Knows the names in the library and no photo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.mentions import CONCEPT, find_mentions

_PRESENCE = re.compile(
    rf"""^(?:is|are|isn't|was|were)\ (?:this|that|it|there|these|he|she)?\ ?(?:really\ |a\ photo\ of\ |my\ )*
    {CONCEPT}
    (?:\ (?:here|there|in|on|visible|shown|present)\b.*)?\W*$
    |^(?:do|can|could)\ (?:you|i|we)\ (?:see|recogni[sz]e|find|spot)\ {CONCEPT}.*$
    |^(?:does|do)\ (?:this|that|it|these)(?:\ \w+)?\ (?:show|contain|have|include)\ {CONCEPT}.*$
    |^(?:which|where)?\ ?{CONCEPT}\ ?\?$""",
    re.IGNORECASE | re.VERBOSE,
)
_UNKNOWN_PRESENCE = re.compile(r"^(?:[Ii]s|[Aa]re) (?:this|that|it) (?P<name>[A-Z][\w'-]*)\s*\?*$")
_OPEN_DESCRIPTION = re.compile(
    r"^(?:who|what)(?:'s|\ is|\ are|\ do\ you\ see)(?:\ (?:this|that|it|these|they|here|there))?"
    r"(?:\ ?(?:in|on)(?:\ (?:this|the|that|my))?(?:\ (?:photo|picture|image|pic))?)?\s*\?*$|^describe\b.*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WantsDescription:
    """Who and what is in the photo."""


@dataclass(frozen=True, slots=True)
class AsksForConcept:
    """Whether this named concept is in the photo."""

    name: str


@dataclass(frozen=True, slots=True)
class AsksForUnknown:
    """Whether somebody is in the photo whom the library does not know."""

    name: str


@dataclass(frozen=True, slots=True)
class AsksSomething:
    """Anything else: the backbone answers. `about` is the named concept in the question, if any."""

    text: str
    about: str | None


Question = WantsDescription | AsksForConcept | AsksForUnknown | AsksSomething


def understand(question: str | None, names: Sequence[str]) -> Question:
    """What `question` asks for; None and "what is this?" ask for a description."""
    plain = " ".join((question or "").split())
    if not plain or _OPEN_DESCRIPTION.match(plain):
        return WantsDescription()
    mentions = find_mentions(plain, names)
    if mentions.concepts and _PRESENCE.match(mentions.skeleton):
        return AsksForConcept(mentions.concepts[0])
    unknown = _UNKNOWN_PRESENCE.match(plain)
    if not mentions.concepts and unknown:
        return AsksForUnknown(unknown["name"])
    return AsksSomething(plain, mentions.concepts[0] if mentions.concepts else None)

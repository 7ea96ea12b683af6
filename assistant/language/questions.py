"""Tells what a question about a photo asks for, by its parsed words. Knows no library and no photo."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.language.parse import CONCEPT, PHOTO, Phrase

_CONCEPTS = rf"(?:(?:both|either)\ )?{CONCEPT}(?:(?:,|,?\ (?:and|or))\ {CONCEPT})*"
_HERE = (
    r"(?:here|there|anywhere|somewhere|visible|shown|present"
    r"|(?:in|on)\ (?:it|(?:this|the|that|my|these|those|any\ of\ (?:these|the))"
    r"(?:\ (?:last|latest|new|attached))?(?:\ (?:photos?|pictures?|images?|pics?|shots?|snaps?|selfies?|one|file))?)"
    r"|in\ (?:here|there)|"
    + PHOTO
    + r"|(?:in|on)\ (?:the\ |this\ )?(?:photo\ |picture\ )?"
    + PHOTO
    + r")(?:\ at\ all)?"
)
"""In the photo, and nothing more: "on a beach" asks for something else as well."""
_PRESENCE = re.compile(
    rf"""^(?:is|are|isn't|was|were)\ (?:this|that|it|there|these|he|she)?\ ?(?:really\ |a\ photo\ of\ |my\ )*
    {_CONCEPTS}
    (?:\ (?:both\ )?(?:visible\ |shown\ |present\ |to\ be\ seen\ )?{_HERE})?\W*$
    |^(?:do|can|could)\ (?:you|i|we)\ (?:see|recogni[sz]e|find|spot)\ {_CONCEPTS}(?:\ {_HERE})?\W*$
    |^(?:does|do)\ (?:this|that|it|these)(?:\ \w+)?\ (?:show|contain|have|include)\ {_CONCEPTS}(?:\ {_HERE})?\W*$
    |^(?:which|where)?\ ?{_CONCEPTS}\ ?\?$""",
    re.IGNORECASE | re.VERBOSE,
)
_UNKNOWN_PRESENCE = re.compile(r"^(?:[Ii]s|[Aa]re) (?:this|that|it) (?P<name>[A-Z][\w'-]*)\s*\?*$")
_OPEN_DESCRIPTION = re.compile(
    r"^(?:who|what)(?:'s|\ is|\ are|\ do\ you\ see)(?:\ (?:this|that|it|these|they|here|there))?"
    r"(?:\ ?(?:in|on)(?:\ (?:this|the|that|my))?(?:\ (?:photo|picture|image|pic))?)?\s*\?*$|^describe\b.*$",
    re.IGNORECASE,
)
_WHO_OR_WHAT = re.compile(
    rf"""^(?:who|what)(?:'s|\ is|\ was|\ are)\ {CONCEPT}\W*$
    |^(?:what|which)\ (?:breed|kind|sort|type|species|race)(?:\ of\ \w+)?\ (?:is|was|are)\ {CONCEPT}\W*$
    |^(?:please\ |can\ you\ |could\ you\ )*(?:tell\ me|remind\ me|say)
    (?:\ (?:more|something|everything|anything|all|what\ you\ know))*\ (?:about|of)\ {CONCEPT}\W*$
    |^(?:what|anything|everything)\ (?:else\ )?(?:do|did|can|have)?\ ?(?:you|i)\ (?:know|remember|tell|told|say)
    (?:\ me|\ you)?\ (?:about|of)\ {CONCEPT}\W*$""",
    re.IGNORECASE | re.VERBOSE,
)
_QUESTION_ABOUT = re.compile(
    rf"""^(?!.*[.!]$)(?:
    (?:is|isn't|was|wasn't|does|doesn't|did|didn't|has|hasn't|can|can't|will|would|should)\ {CONCEPT}\ ?\w
    |(?:who|what|which|how|where|when|why|whose)\b.*\b(?:is|was|does|did|has|can|will|would|should|are|were|'s)
    \ {CONCEPT}
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class WantsDescription:
    """Who and what is in the photo."""


@dataclass(frozen=True, slots=True)
class AsksForConcepts:
    """Whether these named concepts are in the photo."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AsksForUnknown:
    """Whether somebody is in the photo whom the library does not know."""

    name: str


@dataclass(frozen=True, slots=True)
class AsksWhoOrWhat:
    """Who or what a named concept is, or what is known about it."""

    text: str
    about: str


@dataclass(frozen=True, slots=True)
class AsksSomething:
    """Anything else. `about` are the named concepts in the question."""

    text: str
    about: tuple[str, ...]


Question = WantsDescription | AsksForConcepts | AsksForUnknown | AsksWhoOrWhat | AsksSomething


def understand(question: Phrase | None) -> Question:
    """What `question` asks for; None and "what is this?" ask for a description."""
    if question is None or not question.text or _OPEN_DESCRIPTION.match(question.text):
        return WantsDescription()
    named = tuple(dict.fromkeys(question.concepts))
    if named and _PRESENCE.match(question.skeleton):
        return AsksForConcepts(named)
    unknown = _UNKNOWN_PRESENCE.match(question.text)
    if not named and unknown:
        return AsksForUnknown(unknown["name"])
    if named and _WHO_OR_WHAT.match(question.skeleton):
        return AsksWhoOrWhat(question.text, named[0])
    return AsksSomething(question.text, named)


def asked_about(question: Phrase) -> str | None:
    """The named concept that a question is about; None for what is no question about one."""
    asks = question.concepts and (
        _QUESTION_ABOUT.match(question.skeleton) or _WHO_OR_WHAT.match(question.skeleton)
    )
    return question.concepts[0] if asks else None

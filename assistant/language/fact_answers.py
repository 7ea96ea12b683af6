"""Finds what the user told about a concept that answers a question, and says it as the user's words.

Knows words and no library. Nothing is concluded from a fact: it is quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# fmt: off
_EMPTY_WORDS = frozenset({
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "had", "has", "have", "he", "her", "hers", "him", "his", "how", "i", "if", "in",
    "is", "it", "its", "kind", "kinds", "me", "much", "my", "of", "on", "or", "our", "please", "she", "should",
    "so", "some", "sort", "tell", "that", "the", "their", "them", "there", "these", "they", "this", "to", "type",
    "was", "we", "were", "what", "when", "where", "which", "who", "whose", "why", "will", "with", "would", "you",
    "your", "breed", "species", "isn't", "doesn't", "didn't", "can't", "what's", "who's", "really", "very", "say",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Told:
    """Facts that answer a question, in the order of telling."""

    facts: list[str]
    whole: bool
    """Whether they have every word that the question turns on, so that nobody else need answer."""

    @property
    def words(self) -> str:
        """The facts as the user's words."""
        return quoted(self.facts)


def told_about(question: str, name: str, facts: Sequence[str]) -> Told:
    """The facts that share the most content words with `question` about `name`; none where none shares any."""
    wanted = _content(question) - _content(name)
    shared = [len(wanted & _content(fact)) for fact in facts]
    most = max(shared, default=0)
    if not most:
        return Told([], whole=False)
    found = [fact for fact, count in zip(facts, shared, strict=True) if count == most]
    return Told(found, whole=most == len(wanted))


def who_or_what(question: str, name: str, facts: Sequence[str]) -> Told:
    """The facts for a question that asks what was told: those that share its words, or all of them."""
    found = told_about(question, name, facts)
    return Told(found.facts or list(facts), whole=bool(facts))


def quoted(facts: Sequence[str]) -> str:
    """Facts, of which there are some, as a sentence that says whose words they are."""
    ended = facts[-1].endswith((".", "!", "?", "…"))
    return f"You told me: {'; '.join(f'“{fact}”' for fact in facts)}{'' if ended else '.'}"


def nothing_told(name: str, facts: Sequence[str]) -> str:
    """What to say where no fact answers."""
    known = " about that" if facts else ""
    return f"You have told me nothing{known} about {name}. “remember that {name} …” does."


def _content(text: str) -> set[str]:
    """The words that matter, in one form for singular, plural and third person."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    words = (word.removesuffix("'s") for word in re.findall(r"\w+(?:'\w+)?", plain))
    return {_singular(word) for word in words if word not in _EMPTY_WORDS}


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word

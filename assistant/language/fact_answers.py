"""Finds what the user told about a concept that answers a question, and says it as the user's words.

Knows words and no library. Nothing is concluded from a fact: it is quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# fmt: off
_EMPTY_WORDS = frozenset({
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "had", "has", "have", "he", "her", "hers", "him", "his", "how", "i", "if", "in",
    "is", "it", "its", "kind", "kinds", "me", "much", "my", "of", "on", "or", "our", "please", "she", "should",
    "so", "some", "sort", "tell", "that", "the", "their", "them", "there", "these", "they", "this", "to", "type",
    "was", "we", "were", "what", "when", "where", "which", "who", "whose", "why", "will", "with", "would", "you",
    "your", "breed", "species", "isn't", "doesn't", "didn't", "can't", "what's", "who's", "really", "very", "say",
    # German and Spanish ones that are no English word with a meaning of its own.
    "bei", "das", "der", "ein", "eine", "einen", "er", "für", "haben", "ich", "ihr", "ihre", "ist", "mein", "meine",
    "oder", "sich", "sie", "und", "vom", "von", "vor", "wann", "welche", "welchem", "welchen", "welcher", "welches",
    "wem", "wen", "wer", "wie", "wird", "wo", "wovor", "zu", "cuál", "cuándo", "cuánto", "cuántos", "cuántas", "cómo",
    "de", "del", "dónde", "el", "ella", "es", "está", "las", "los", "por", "qué", "quién", "su", "sus", "tiene", "un",
    "una",
})
# fmt: on


ByMeaning = Callable[[str, str, Sequence[str]], str | None]
"""A question, the name in it, and facts → the one that answers it by what it means, where one does."""


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """Facts that answer a question, in the order of telling."""

    facts: list[str]
    whole: bool
    """Whether they have every word that the question turns on, so that nobody else need answer."""

    @property
    def words(self) -> str:
        """The facts as the user's words."""
        return quoted(self.facts)


def told_about(
    question: str, name: str, facts: Sequence[str], by_meaning: ByMeaning | None = None
) -> ToldFacts:
    """The facts that answer `question` about `name`; none where none does.

    First those that have all its content words; then the one that answers it by its meaning; then those that share the
    most of its words, at least half.
    """
    wanted = content_words(question) - content_words(name)
    shared = [len(wanted & content_words(fact)) for fact in facts]
    most = max(shared, default=0)
    alike = [fact for fact, count in zip(facts, shared, strict=True) if count == most]
    if wanted and most == len(wanted):
        return ToldFacts(alike, whole=True)
    closest = by_meaning(question, name, facts) if wanted and facts and by_meaning else None
    if closest is not None:
        return ToldFacts([closest], whole=False)
    return ToldFacts(alike if most and 2 * most >= len(wanted) else [], whole=False)


def who_or_what(
    question: str, name: str, facts: Sequence[str], by_meaning: ByMeaning | None = None
) -> ToldFacts:
    """The facts for a question that asks what was told: those that answer it, or all of them."""
    found = told_about(question, name, facts, by_meaning)
    return ToldFacts(found.facts or list(facts), whole=bool(facts))


def quoted(facts: Sequence[str]) -> str:
    """Facts, of which there are some, as a sentence that says whose words they are."""
    ended = facts[-1].endswith((".", "!", "?", "…"))
    return f"You told me: {'; '.join(f'“{fact}”' for fact in facts)}{'' if ended else '.'}"


def nothing_told(name: str, facts: Sequence[str]) -> str:
    """What to say where no fact answers."""
    if facts:
        return f"You have not told me that about {name}. “remember that {name} …” does."
    return f"You have told me nothing about {name}. “remember that {name} …” does."


def content_words(text: str) -> set[str]:
    """The words that matter, in one form for number, tense and person."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    words = (word.removesuffix("'s") for word in re.findall(r"\w+(?:'\w+)?", plain))
    return {_stem(_singular(word)) for word in words if word not in _EMPTY_WORDS}


def _stem(word: str) -> str:
    """Without the ending of a verb; "hopped" and "hop", "loving" and "love" get one form."""
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            word = word.removesuffix(ending)
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word

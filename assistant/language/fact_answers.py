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
class ToldFacts:
    """Facts that answer a question, in the order of telling."""

    facts: list[str]
    whole: bool
    """Whether they have every word that the question turns on, so that nobody else need answer."""

    @property
    def words(self) -> str:
        """The facts as the user's words."""
        return quoted(self.facts)


def told_about(question: str, name: str, facts: Sequence[str]) -> ToldFacts:
    """The facts that share the most content words with `question` about `name`; none where none shares any."""
    wanted = _content(question) - _content(name)
    shared = [len(wanted & _content(fact)) for fact in facts]
    most = max(shared, default=0)
    if not most:
        return ToldFacts([], whole=False)
    found = [fact for fact, count in zip(facts, shared, strict=True) if count == most]
    return ToldFacts(found, whole=most == len(wanted))


def who_or_what(question: str, name: str, facts: Sequence[str]) -> ToldFacts:
    """The facts for a question that asks what was told: those that share its words, or all of them."""
    found = told_about(question, name, facts)
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


def _content(text: str) -> set[str]:
    """The words that matter, in one form for number, tense and person, and for words that mean the same."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    words = (word.removesuffix("'s") for word in re.findall(r"\w+(?:'\w+)?", plain))
    content = {_meaning(word) for word in words if word not in _EMPTY_WORDS}
    if re.search(r"\bhow old\b|\b\d+ (?:years?|months?) old\b", plain):
        content.discard("year")
    return content


def _meaning(word: str) -> str:
    """The form under which a word is compared."""
    stem = _stem(_singular(word))
    return _SAME_MEANING.get(word) or _SAME_MEANING.get(stem) or stem


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


_SYNONYMS = (
    "like love enjoy adore prefer favourite favorite fond crazy",
    "afraid scared fear frightened terrified scary anxious",
    "hate dislike loathe detest",
    "age old born birth birthday aged young birthdate",
    "food eat ate eaten feed fed diet meal snack treat munch",
    "live home reside house dwell lived",
    "sleep slept nap asleep bed snooze",
    "work job profession occupation employed career",
    "weigh weight heavy kilo kg pound",
    "tall height high",
    "colour color",
    "wife husband spouse married marry",
    "ill sick sickness illness disease",
    "play plaything toy",
    "fur coat hair",
    "run ran", "swim swam", "go went gone", "buy bought", "give gave given", "find found", "get got", "bite bit bitten",
    "make made", "come came", "speak spoke spoken", "wear wore worn", "drink drank drunk", "allergic allergy",
    "mum mother mom", "dad father", "big large", "small little tiny", "car automobile", "bike bicycle",
)  # fmt: skip
"""Words of one line answer for each other."""
_SAME_MEANING = {
    form: group.split()[0]
    for group in _SYNONYMS
    for word in group.split()
    for form in (word, _stem(_singular(word)))
}

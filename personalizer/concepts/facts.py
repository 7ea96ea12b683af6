"""What the user told about a concept, in the user's own words: kept and taken back. Knows the library, no model."""

from __future__ import annotations

from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library
from personalizer.names import LineRules, visible_line
from personalizer.schemas import Fact

MAX_FACT_CHARACTERS = 500
MAX_FACTS = 100
"""Of one concept; a merge may leave more."""
# Control characters and lone surrogates. Unassigned ones are allowed: an emoji may be newer than this Python.
_FACT = LineRules(
    "text",
    MAX_FACT_CHARACTERS,
    "Say at least one word about it.",
    long_fix="; several short facts work better than a long one",
    needed="LNS",
    refused=frozenset({"Cc", "Cs"}),
    allowed="\t\r\n",
)


def valid_fact(text: str) -> str:
    """`text` as it is stored: normalised (NFC), on one line, with single spaces and none at the ends.

    Any script and emoji are allowed. Raises `UsageError` when nothing visible remains, when it is longer than
    `MAX_FACT_CHARACTERS`, or when it holds control characters or marks that reorder text.
    """
    return visible_line(text, "remembering a fact", _FACT)


def remember(library: Library, concept_id: int, text: str) -> Fact | None:
    """Keep `text` about a concept; None when it was told before. A trained prefix becomes stale.

    Raises `UsageError` for a text that is not allowed or one too many, `NotFoundError` for the id.
    """
    fact_text = valid_fact(text)
    with library.transaction():
        concept = library.concept(concept_id)
        fact = library.add_fact(concept_id, fact_text)
        if fact is None:
            return None
        told = len(library.facts(concept_id))
        if told > MAX_FACTS:
            raise UsageError(
                tried=f"remembering a fact about {concept.name}",
                found=f"{told - 1} are kept already",
                fix=f"Take one back first: familiar profile {concept.name!r} --remove NUMBER",
            )
        # A prefix learns from facts as well as from photos.
        library.mark_stale(concept.id)
        library.append_operation("remember", {"concept": concept_id, "fact": fact.id})
    return fact


def take_back(library: Library, concept_id: int, number: int) -> Fact:
    """Remove the fact with this number in the order of telling, from 1; returns what was removed.

    A trained prefix becomes stale. Raises `NotFoundError` for the number and for the id.
    """
    with library.transaction():
        concept = library.concept(concept_id)
        facts = library.facts(concept_id)
        if not 1 <= number <= len(facts):
            raise NotFoundError(
                tried=f"taking back fact {number} about {concept.name}",
                found=f"there are {len(facts)}" if facts else "nothing was told",
                fix=f"List them with: familiar profile {concept.name!r}",
            )
        fact = facts[number - 1]
        library.delete_fact(fact.id)
        # A prefix learns from facts as well as from photos.
        library.mark_stale(concept.id)
        library.append_operation("take_back", {"concept": concept_id, "fact": fact.id, "text": fact.text})
    return fact

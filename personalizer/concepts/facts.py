"""What the user told about a concept, in the user's own words: kept, changed, taken back; each can be undone.

Answers quote facts from the library at once. A trained prefix stays in use as it is: what is told waits for the next
training (`personalizer/training/outdated.py` says when). Of a prefix the product asks only "is this NAME?" and for
pictures, so that it never says in words what it was taught. What was taken back or changed is still in its numbers
until it is trained anew: that is due at the next quiet moment, and not after a day as for additions.
Knows the library, no model.
"""

from __future__ import annotations

from personalizer.concepts.change_log import recorded
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
    """Keep `text` about a concept; None when it was told before.

    Raises `UsageError` for a text that is not allowed or one too many, `NotFoundError` for the id.
    """
    fact_text = valid_fact(text)
    with library.transaction():
        concept = library.concept(concept_id)
        if library.has_fact(concept_id, fact_text):
            return None
        told = len(library.facts(concept_id))
        if told >= MAX_FACTS:
            raise UsageError(
                tried=f"remembering a fact about {concept.name}",
                found=f"{told} are kept already",
                fix=f"Take one back first: familiar profile {concept.name!r} --remove NUMBER",
            )
        with recorded(library, "remember", [concept_id], regroups=False) as operation:
            fact = library.add_fact(concept_id, fact_text)
            assert fact is not None
            operation.payload = {"concept": concept_id, "fact": fact.id}
    return fact


def take_back(library: Library, concept_id: int, number: int) -> Fact:
    """Remove the fact with this number in the order of telling, from 1; returns what was removed.

    Raises `NotFoundError` for the number and for the id.
    """
    with library.transaction():
        fact = _numbered(library, concept_id, number, "taking back")
        with recorded(library, "take_back", [concept_id], regroups=False) as operation:
            library.delete_fact(fact.id)
            operation.payload = {"concept": concept_id, "fact": fact.id}
    return fact


def change(library: Library, concept_id: int, number: int, text: str) -> tuple[Fact, Fact]:
    """Put `text` in the place of the fact with this number; returns it as it was and as it is.

    Raises `NotFoundError` for the number and the id, `UsageError` for a text that is not allowed or another fact's.
    """
    fact_text = valid_fact(text)
    with library.transaction():
        fact = _numbered(library, concept_id, number, "changing")
        with recorded(library, "change_fact", [concept_id], regroups=False) as operation:
            changed = library.change_fact(fact, fact_text)
            if changed is None:
                raise UsageError(
                    tried=f"changing fact {number} about {library.concept(concept_id).name}",
                    found="you told me these words already",
                    fix="Take one of the two back instead.",
                )
            operation.payload = {"concept": concept_id, "fact": fact.id}
    return fact, changed


def _numbered(library: Library, concept_id: int, number: int, doing: str) -> Fact:
    concept = library.concept(concept_id)
    facts = library.facts(concept_id)
    if not 1 <= number <= len(facts):
        raise NotFoundError(
            tried=f"{doing} fact {number} about {concept.name}",
            found=f"there are {len(facts)}" if facts else "nothing was told",
            fix=f"List them with: familiar profile {concept.name!r}",
        )
    return facts[number - 1]

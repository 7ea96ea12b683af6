"""The user's people, pets and things, listed and found by name. Knows the library; no vector."""

from __future__ import annotations

from personalizer.errors import NotFoundError
from personalizer.library.library import Library
from personalizer.schemas import Concept, ConceptSummary


def summaries(library: Library, *, with_hidden: bool = False) -> list[ConceptSummary]:
    """The concepts, hidden ones only where asked: named ones by name, then the others, largest first."""
    counts = library.member_counts()
    examples = library.example_paths()
    listed = [
        ConceptSummary(
            id=concept.id,
            name=concept.name,
            kind=concept.kind,
            members=counts.get((concept.id, "confirmed"), 0),
            suggested=counts.get((concept.id, "suggested"), 0),
            state=concept.state,
            example=examples.get(concept.id),
        )
        for concept in library.concepts()
        if with_hidden or concept.state != "hidden"
    ]
    return sorted(listed, key=lambda c: (c.name is None, (c.name or "").casefold(), -c.members, c.id))


def find_concept(library: Library, reference: str) -> Concept:
    """The concept with this name (any case) or, when no name matches, this number; else `NotFoundError`."""
    concept = library.concept_by_name(reference)
    if concept is None and reference.strip().isdecimal():
        return library.concept(int(reference))
    if concept is None:
        names = library.names()
        raise NotFoundError(
            tried=f"looking for {reference!r}",
            found=f"the known names are {', '.join(names)}" if names else "nothing is named yet",
            fix="List them with: familiar concepts",
        )
    return concept

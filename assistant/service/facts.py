"""What the user told about a concept, in the user's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.results import (
    Profile,
)
from assistant.service.base import Core
from personalizer.schemas import Concept

if TYPE_CHECKING:
    pass


class Facts(Core):
    """Facts of one library."""

    def remember(self, name: str, text: str) -> Profile:
        """Keep something that the user tells about a concept; words that were told before are kept once.

        Raises NotFoundError for the concept, UsageError for a text that is not allowed.
        """
        from personalizer.concepts.facts import remember

        concept = self._named(name, "remembering a fact about")
        fact = remember(self.library, concept.id, text)
        return self._profile(concept, added=None if fact is None else fact.text)

    def profile(self, name: str) -> Profile:
        """What the user told about a concept. Raises NotFoundError."""
        return self._profile(self._named(name, "listing what was told about"))

    def take_back(self, name: str, number: int) -> Profile:
        """Remove what `profile` lists under `number`, from 1. Raises NotFoundError."""
        from personalizer.concepts.facts import take_back

        concept = self._named(name, "taking back a fact about")
        return self._profile(concept, removed=take_back(self.library, concept.id, number).text)

    def _profile(self, concept: Concept, added: str | None = None, removed: str | None = None) -> Profile:
        facts = [fact.text for fact in self.library.facts(concept.id)]
        return Profile(concept.name or str(concept.id), facts, added, removed)

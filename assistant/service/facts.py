"""What the user told about a concept, in the user's own words."""

from __future__ import annotations

from assistant.results import Profile
from assistant.service.base import Core
from personalizer.schemas import Concept


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

    def take_back(self, name: str, which: int | str) -> Profile:
        """Remove what `profile` lists under a number, from 1, or what words such as "the thing about thunder" mean.

        Raises NotFoundError for what is not there, UsageError where several could be meant.
        """
        from personalizer.concepts.facts import take_back

        concept = self._named(name, "taking back a fact about")
        number = self._number_of(concept, which)
        return self._profile(concept, removed=take_back(self.library, concept.id, number).text)

    def change_fact(self, name: str, which: int | str, text: str) -> Profile:
        """Put `text` in the place of the fact that `which` means, as for `take_back`."""
        from personalizer.concepts.facts import change

        concept = self._named(name, "changing a fact about")
        before, after = change(self.library, concept.id, self._number_of(concept, which), text)
        return self._profile(concept, added=after.text, removed=before.text)

    def _number_of(self, concept: Concept, which: int | str) -> int:
        from assistant.answers.which_fact import which_fact

        facts = [fact.text for fact in self.library.facts(concept.id)]
        return which_fact(concept.name or str(concept.id), facts, which)

    def _profile(self, concept: Concept, added: str | None = None, removed: str | None = None) -> Profile:
        facts = [fact.text for fact in self.library.facts(concept.id)]
        return Profile(concept.name or str(concept.id), facts, added, removed)

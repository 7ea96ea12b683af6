"""What waits for a person's word: photos that may show somebody named, and groups without a name."""

from __future__ import annotations

from assistant.results import Suggestion, UnnamedGroup
from assistant.service.base import Core


class Suggestions(Core):
    """Questions of one library to its user."""

    def suggestions(self, name: str | None = None) -> list[Suggestion]:
        """Photos that may show a named concept, or this one: by name, the likeliest first."""
        from personalizer.concepts.lookup import short_reference
        from personalizer.concepts.suggestions import waiting

        if name is not None:
            chosen = [self._named(name, "asking about")]
        else:
            known = [concept for concept in self.library.concepts() if concept.is_spoken_of]
            chosen = sorted(known, key=lambda concept: (concept.name or "").casefold())
        found = []
        for one in waiting(self.library, chosen):
            photo = self.library.photo(one.detection.photo_id)
            face = one.concept.kind == "face"
            likeness = one.likeness
            why = "it can be compared with nothing now"
            if likeness is not None:
                looks = "face" if face else "appearance"
                why = f"{looks} {likeness.similarity:.2f}, needs {likeness.threshold:.2f}"
            found.append(
                Suggestion(
                    concept=one.concept.name or str(one.concept.id),
                    photo=photo.path,
                    probability=None if likeness is None else round(likeness.probability, 4),
                    why=why,
                    reference=short_reference(self.library, photo.id),
                    box=one.detection.box if face else None,
                )
            )
        return found

    def still_waits(self, suggestion: Suggestion) -> bool:
        """Whether nobody has answered it since, and it still follows from what is known."""
        photo = self.library.photo_by_path(suggestion.photo)
        concept = self.library.concept_by_name(suggestion.concept)
        if photo is None or concept is None:
            return False
        return any(m.photo_id == photo.id for m in self.library.members(concept.id, "suggested"))

    def largest_unnamed(self, limit: int) -> list[UnnamedGroup]:
        """The groups without a name that are in most photos, each with a picture of it."""
        from personalizer.library.concepts.overview import examples, largest_unnamed

        faces = largest_unnamed(self.library, "face", limit) if self.library.faces_are_on() else []
        groups = [*faces, *largest_unnamed(self.library, "object", limit)]
        found = []
        for group in sorted(groups, key=lambda one: (-one.photos, one.id))[:limit]:
            shown = next(iter(next(examples(self.library, group, 1), [])), None)
            face = group.kind == "face"
            found.append(
                UnnamedGroup(
                    id=group.id,
                    kind=group.kind,
                    photos=group.photos,
                    photo=None if shown is None else shown.path,
                    box=shown.box if shown is not None and face else None,
                )
            )
        return found

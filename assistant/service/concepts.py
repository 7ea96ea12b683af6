"""The façade of what a person does to concepts: by names and paths, with results as front ends show them."""

from __future__ import annotations

from dataclasses import dataclass

from personalizer.concepts import operations as concept_operations
from personalizer.concepts.learn import find_concept, summaries
from personalizer.concepts.operations import Done, find_photo
from personalizer.concepts.undo import HistoryEntry, history, undo
from personalizer.library.library import Library
from personalizer.schemas import Concept, ConceptSummary


@dataclass(frozen=True, slots=True)
class Changed:
    """What an operation left."""

    operation: int
    """Its number, for `undo`."""
    concepts: list[ConceptSummary]
    says: str
    """What was done, in a sentence."""


class ConceptOperations:
    """Each method is one operation that can be undone. All raise NotFoundError and UsageError with what to do."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def split(self, name: str, photos: list[str]) -> Changed:
        """What these photos show is somebody or something else."""
        concept = self._concept(name)
        done = concept_operations.split_concept(
            self._library, concept, [find_photo(self._library, photo).id for photo in photos]
        )
        made = done.concepts[-1].id
        return self._changed(done, f"Split: number {made} is new. To name it: familiar name {made} NAME")

    def reject(self, name: str, photo: str) -> Changed:
        """That photo does not show it."""
        concept = self._concept(name)
        done = concept_operations.reject(self._library, concept, find_photo(self._library, photo).id)
        return self._changed(
            done, f"{_title(concept)} is not in {photo}, and will not be suggested there again."
        )

    def confirm(self, name: str, photo: str | None, face: int | None = None) -> Changed:
        """That photo shows it; without a photo, all that is suggested does."""
        concept = self._concept(name)
        if photo is None:
            done = concept_operations.confirm_all(self._library, concept)
        else:
            photo_id = find_photo(self._library, photo).id
            done = concept_operations.confirm(self._library, concept, photo_id, face)
        return self._changed(done, f"{_title(concept)} is in {photo or 'all suggested photos'}.")

    def hide(self, name: str, hidden: bool = True) -> Changed:
        """Recognise and list it no more, or again."""
        concept = self._concept(name)
        if hidden:
            done = concept_operations.hide(self._library, concept)
            return self._changed(
                done, f"{_title(concept)} is hidden. To show it: familiar unhide {concept.id}"
            )
        return self._changed(
            concept_operations.unhide(self._library, concept), f"{_title(concept)} is shown again."
        )

    def feature(self, name: str, photo: str) -> Changed:
        """That photo stands for it."""
        concept = self._concept(name)
        done = concept_operations.feature(self._library, concept, find_photo(self._library, photo).id)
        return self._changed(done, f"{_title(concept)} is shown by {photo}.")

    def show_twice(self, photo: str, twice: bool = True) -> Changed:
        """That photo may show one person more than once."""
        done = concept_operations.show_twice(self._library, find_photo(self._library, photo).id, twice)
        can = "may" if twice else "does not"
        return self._changed(done, f"{photo} {can} show one person more than once.")

    def undo(self, operation_id: int | None = None) -> Changed:
        """Take back that operation, or the last."""
        undone = undo(self._library, operation_id)
        said = f"Undone: {undone.undone.kind} (operation {undone.undone.id})."
        return self._changed(Done(undone.operation, undone.concepts), said)

    def history(self, limit: int | None = None) -> list[HistoryEntry]:
        """What was done, newest first."""
        return history(self._library, limit)

    def _concept(self, name: str) -> Concept:
        return find_concept(self._library, name)

    def _changed(self, done: Done, says: str) -> Changed:
        ids = [concept.id for concept in done.concepts]
        found = {summary.id: summary for summary in summaries(self._library, with_hidden=True)}
        return Changed(done.operation, [found[one] for one in ids if one in found], says)


def _title(concept: Concept) -> str:
    return concept.name or f"number {concept.id}"

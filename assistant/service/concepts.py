"""People, pets and things: listed, named, put right, forgotten."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.results import (
    Forgotten,
)
from assistant.service.base import UNREACHABLE, Core, unreachable
from personalizer.errors import UsageError, counted
from personalizer.jobs.kinds import JobKind
from personalizer.names import name_key
from personalizer.schemas import Concept, ConceptSummary, OnProgress

if TYPE_CHECKING:
    from assistant.report.people_page import PeoplePage

from dataclasses import dataclass, replace

from personalizer.concepts import operations as concept_operations
from personalizer.concepts.lookup import find_photo, summaries
from personalizer.concepts.operations import Done
from personalizer.concepts.undo import HistoryEntry, history, undo


@dataclass(frozen=True, slots=True)
class Changed:
    """What an operation left."""

    operation: int
    """Its number, for `undo`."""
    concepts: list[ConceptSummary]
    says: str
    """What was done, in a sentence."""
    undone: str | None = None
    """The kind of operation that was taken back, where that was done."""


class Concepts(Core):
    """Concepts of one library, by names and paths."""

    def concepts(self) -> list[ConceptSummary]:
        """The people, pets and things of the library."""
        from personalizer.concepts.lookup import summaries

        return summaries(self.library)

    def name(self, concept: int | str, name: str) -> ConceptSummary:
        """Give a concept, by its number or the name it has, a name."""
        from personalizer.concepts.operations import name_concept

        found = self.concept(concept)
        name_concept(self.library, found.id, name)
        return self._summary(found.id)

    def merge(self, first: int | str, second: int | str) -> ConceptSummary:
        """Say that two concepts, by id or name, are one; the first, or the one with a name, stays."""
        from personalizer.concepts.operations import merge_concepts

        kept, joining = self.concept(first), self.concept(second)
        target = kept.id if kept.name and joining.name else None
        [merged] = merge_concepts(self.library, kept.id, joining.id, target).concepts
        return self._summary(merged.id)

    def recluster(self, *, apply: bool, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """What grouping everything anew would change; with `apply` it is done."""
        return self._run(JobKind.RECLUSTER, "apply" if apply else "preview", {"apply": apply}, on_progress)

    def report(
        self, out: Path | None = None, *, force: bool = False, on_progress: OnProgress | None = None
    ) -> PeoplePage:
        """Write the page of people, pets and things, to `out` or into the home. Raises `UsageError` for the place."""
        from assistant.report.people_page import write_people_page

        try:
            path = None if out is None else out.expanduser().absolute()
        except UNREACHABLE as error:
            raise unreachable(f"writing a page to {out}", error) from error
        return write_people_page(self.library, self.home, path, force=force, on_progress=on_progress)

    def forget(
        self, name: str, typed: str, on_progress: OnProgress | None = None, *, backups: bool = False
    ) -> Forgotten:
        """Remove a concept and every trace of it below the home, for good; photos are not touched.

        `typed` is its name, typed again (its number for one that has no name): UsageError for anything else.
        `backups`: delete those that hold it as well.
        """
        from assistant.forget.concept import request_forgetting, stop_jobs_about
        from assistant.forget.known_backups import left_in_backups
        from personalizer.concepts.forget import identity_of

        started = time.monotonic()
        concept = self.concept(name)
        confirm_forgetting(concept, typed)
        with self.library.said_when_locked():
            identity = identity_of(self.library, concept)
            uids = [
                uid for known, uid in self.library.concept_uids().items() if known in identity.concept_ids
            ]
            stop_jobs_about(self.queue, identity)
            job_id = request_forgetting(self.queue, concept.id)
        result = self._client.wait(job_id, on_progress)
        if "_serving" in self.__dict__:
            self._serving.forget(concept.id)
        if "_describer" in self.__dict__:
            self._describer.forget(concept.id)
        left = left_in_backups(self.library, uids, delete=backups)
        return Forgotten(**result, elapsed_s=round(time.monotonic() - started, 3), backups=left)

    # --- operations that can be undone

    def split(self, name: str, photos: list[str]) -> Changed:
        """What these photos show is somebody or something else."""
        concept = self.concept(name)
        done = concept_operations.split_concept(
            self.library, concept, [find_photo(self.library, photo).id for photo in photos]
        )
        made = done.concepts[-1].id
        return self._changed(done, f"Split: number {made} is new. To name it: familiar name {made} NAME")

    def reject(self, name: str, photo: str) -> Changed:
        """That photo does not show it."""
        concept = self.concept(name)
        done = concept_operations.reject(self.library, concept, find_photo(self.library, photo).id)
        return self._changed(
            done, f"{_title(concept)} is not in {photo}, and will not be suggested there again."
        )

    def confirm(self, name: str, photo: str | None, face: int | None = None) -> Changed:
        """That photo shows it; without a photo, all that is suggested does."""
        concept = self.concept(name)
        if photo is None:
            done = concept_operations.confirm_all(self.library, concept)
        else:
            photo_id = find_photo(self.library, photo).id
            done = concept_operations.confirm(self.library, concept, photo_id, face)
        return self._changed(done, f"{_title(concept)} is in {photo or 'all suggested photos'}.")

    def hide(self, name: str, hidden: bool = True) -> Changed:
        """Recognise and list it no more, or again."""
        concept = self.concept(name)
        if hidden:
            done = concept_operations.hide(self.library, concept)
            removed = self._remove_montages()
            gone = f" {counted(removed, 'montage')} with it removed." if removed else ""
            return self._changed(
                done, f"{_title(concept)} is hidden.{gone} To show it: familiar unhide {concept.id}"
            )
        return self._changed(
            concept_operations.unhide(self.library, concept), f"{_title(concept)} is shown again."
        )

    def _remove_montages(self) -> int:
        from assistant.forget.montages import remove_montages

        return remove_montages(self.home, self.library)

    def feature(self, name: str, photo: str) -> Changed:
        """That photo stands for it."""
        concept = self.concept(name)
        done = concept_operations.feature(self.library, concept, find_photo(self.library, photo).id)
        return self._changed(done, f"{_title(concept)} is shown by {photo}.")

    def show_twice(self, photo: str, twice: bool = True) -> Changed:
        """That photo may show one person more than once."""
        done = concept_operations.show_twice(self.library, find_photo(self.library, photo).id, twice)
        can = "may" if twice else "does not"
        return self._changed(done, f"{photo} {can} show one person more than once.")

    def undo(self, operation_id: int | None = None) -> Changed:
        """Take back that operation, or the last."""
        undone = undo(self.library, operation_id)
        said = f"Undone: {undone.undone.kind} (operation {undone.undone.id})."
        return replace(
            self._changed(Done(undone.operation, undone.concepts), said), undone=undone.undone.kind
        )

    def history(self, limit: int | None = None) -> list[HistoryEntry]:
        """What was done, newest first."""
        return history(self.library, limit)

    def _changed(self, done: Done, says: str) -> Changed:
        ids = [concept.id for concept in done.concepts]
        found = {summary.id: summary for summary in summaries(self.library, with_hidden=True)}
        return Changed(done.operation, [found[one] for one in ids if one in found], says)

    def _summary(self, concept_id: int) -> ConceptSummary:
        return next(summary for summary in self.concepts() if summary.id == concept_id)


def _title(concept: Concept) -> str:
    return concept.name or f"number {concept.id}"


def confirm_forgetting(concept: Concept, typed: str) -> None:
    """Raise UsageError unless `typed` is the concept's name, or its number where it has none."""
    wanted = concept.name or str(concept.id)
    if name_key(typed) != name_key(wanted):
        raise UsageError(
            tried=f"forgetting {wanted}",
            found=f"{typed.strip()!r} was typed" if typed.strip() else "its name was not typed again",
            fix=f"Nothing was removed. Ask again and type exactly: {wanted}",
        )

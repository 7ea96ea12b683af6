"""Teaching a concept and training its prefix."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.results import (
    Learning,
    Trained,
)
from assistant.service.base import Core, existing
from personalizer.errors import UsageError
from personalizer.jobs.kinds import JobKind
from personalizer.names import valid_name
from personalizer.schemas import ConceptKind, ConceptSummary, OnProgress


class Training(Core):
    """Trainings of one library."""

    def learn(
        self,
        name: str,
        photos: Sequence[Path],
        on_progress: OnProgress | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        kind: ConceptKind | None = None,
    ) -> Trained:
        """Make a concept from these photos (or give an existing one more of them) and train it.

        Photos without a matching face are under `skipped` in the details. `settings` are JSON values of the trainer's
        that differ from what ships. `kind`: it is a person or a thing, whatever was found in the photos.
        """
        begun = self.begin_learning(name, photos, on_progress, settings=settings, kind=kind)
        trained = _trained(self._client.wait(begun.training_job, on_progress))
        skipped = [*begun.skipped, *trained.details.get("skipped", [])]
        return dataclasses.replace(trained, details={**trained.details, "skipped": skipped})

    def begin_learning(
        self,
        name: str,
        photos: Sequence[Path],
        on_progress: OnProgress | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        kind: ConceptKind | None = None,
    ) -> Learning:
        """`learn` without waiting for the training: from now on the concept is recognised by its photos.

        The worker trains its prefix, whether or not anybody waits for it.
        """
        name = valid_name(name)
        if not photos:
            raise UsageError(
                tried=f"learning {name}", found="no photo", fix="Give three to five photos of it."
            )
        resolved = [str(existing(photo, f"learning {name} from")) for photo in photos]
        payload: dict[str, Any] = {"name": name, "photos": resolved}
        if kind is not None:
            payload["kind"] = kind
        if settings:
            payload["settings"] = dict(settings)
        made = self._run(JobKind.LEARN, name, payload, on_progress)
        concept = self.library.concept(made["concept"])
        members = len(self.library.members(concept.id))
        return Learning(concept.name or name, members, made["train_job"], made["skipped"])

    def change_kind(self, name: str, kind: ConceptKind) -> ConceptSummary:
        """Say that a concept, by its name or number, is a person or a thing. Raises UsageError where it is so."""
        from personalizer.concepts.kinds import change_kind
        from personalizer.concepts.lookup import summaries

        concept = self.concept(name)
        change_kind(self.library, concept, kind)
        return next(one for one in summaries(self.library, with_hidden=True) if one.id == concept.id)

    def train(self, name: str, on_progress: OnProgress | None = None) -> Trained:
        """Train the prefix of a named concept and export what serving needs."""
        concept = self._named(name, "training")
        return _trained(self._run(JobKind.TRAIN, str(concept.id), {"concept": concept.id}, on_progress))


def _trained(result: dict[str, Any]) -> Trained:
    """A training job's result; what is no field of its own goes under `details`."""
    names = {field.name for field in dataclasses.fields(Trained)} - {"details"}
    known = {key: value for key, value in result.items() if key in names}
    return Trained(**known, details={key: value for key, value in result.items() if key not in names})

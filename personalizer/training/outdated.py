"""Chooses the named concepts that automatic training should train, and records earlier attempts.

A new fact does not make a prefix stale. It is learned in the next training, and is a reason for one after a day without
further changes. A removed or changed fact, which the prefix still knows, is a reason for training as soon as the
machine is idle.

Reads names, confirmed photos and records of trainings from the library. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from personalizer.errors import UsageError
from personalizer.library.concepts.trainings import TrainingRecord
from personalizer.library.library import Library
from personalizer.schemas import Concept

Why = Literal["never trained", "stale", "changed", "told"]


@dataclass(frozen=True, slots=True)
class TrainingRules:
    """When a concept is trained automatically; photos are those of its confirmed members."""

    photos: int = 3
    """The least number of photos, not counting missing files."""
    changed_share: float = 0.3
    """Trained again if at least this share of photos was added or removed, relative to the last training…"""
    changed_photos: int = 5
    """… or at least so many photos, if they are at least the share `changed_least`."""
    changed_least: float = 0.1
    told_wait_s: float = 86_400.0
    """Trained again for new facts after so long without any change of facts."""
    attempts: int = 3
    """Failed trainings with the same photos; then it waits for a change, or for the user."""
    retry_after_s: float = 900.0
    """After a failed training, and four times as long after each further one."""

    def __post_init__(self) -> None:
        counts = self.photos >= 1 and self.changed_photos >= 1 and self.attempts >= 1
        shares = 0 < self.changed_share <= 1 and 0 <= self.changed_least <= 1
        if not (counts and shares and self.retry_after_s >= 0 and self.told_wait_s >= 0):
            raise UsageError(
                tried=f"configuring automatic training with {self}",
                found="photos, changed_photos and attempts must be at least 1, changed_share in 0..1 without 0, "
                "changed_least in 0..1, retry_after_s and told_wait_s not negative",
                fix="Leave the defaults.",
            )


@dataclass(frozen=True, slots=True)
class Due:
    """A concept that is due for training, and the reason."""

    concept: Concept
    why: Why
    photos: frozenset[int]
    """Of its confirmed members, also those whose file is missing at the moment."""
    wanted: str
    """Identifies the input of the training; failed attempts are counted per input."""


def due_trainings(
    library: Library, backbone: str, rules: TrainingRules | None = None, *, now: datetime | None = None
) -> list[Due]:
    """The concepts that should be trained for `backbone`: first those that never were, then those with most photos.

    Leaves out what failed too often, or a moment ago, with the same photos and words.
    """
    rules, now = rules or TrainingRules(), now or datetime.now(UTC)
    records = library.training_records()
    found = []
    for concept, photos, present in _candidates(library):
        record = records.get(concept.id)
        why = _why(concept, photos, record, rules) or _told_since(library, concept, record, rules, now)
        if why is None or len(present) < rules.photos:
            continue
        wanted = _identity(library, concept, photos, backbone)
        if record is not None and record.wanted == wanted and not _may_try(record, rules, now):
            continue
        found.append(Due(concept, why, photos, wanted))
    order: dict[Why, int] = {"never trained": 0, "stale": 1, "changed": 2, "told": 3}
    return sorted(found, key=lambda due: (order[due.why], -len(due.photos), due.concept.id))


def _why(
    concept: Concept, photos: frozenset[int], record: TrainingRecord | None, rules: TrainingRules
) -> Why | None:
    if concept.state in ("named", "training") or concept.prefix_dir is None:
        return "never trained"
    if concept.state == "stale":
        return "stale"
    if record is None or record.photos is None:
        # Trained before this was recorded: taken as trained with what it has.
        return None
    changed = len(record.photos ^ photos)
    before = max(len(record.photos), 1)
    enough = changed >= rules.changed_photos and changed >= rules.changed_least * before
    return "changed" if changed >= rules.changed_share * before or enough else None


def _told_since(
    library: Library, concept: Concept, record: TrainingRecord | None, rules: TrainingRules, now: datetime
) -> Why | None:
    if concept.state != "ready" or record is None or record.told_changed_at is None:
        return None
    told = library.told_keys(concept.id)
    if record.told is None or record.told - told:
        # Something that it knows may have been taken back; where it is not known with what it was trained, too.
        return "told"
    if told == record.told:
        return None
    waited = now - record.told_changed_at
    # A clock that was moved back must not make it wait for years.
    return None if timedelta(0) <= waited < timedelta(seconds=rules.told_wait_s) else "told"


def _may_try(record: TrainingRecord, rules: TrainingRules, now: datetime) -> bool:
    if record.attempts >= rules.attempts:
        return False
    if record.attempts == 0 or record.tried_at is None:
        return True
    wait_s = rules.retry_after_s * 4 ** (record.attempts - 1)
    # A clock that was moved back must not make it wait for years.
    return not timedelta(0) <= now - record.tried_at < timedelta(seconds=wait_s)


def photos_of(library: Library, concept_id: int) -> frozenset[int]:
    """The photos of a concept's confirmed members, for `note_trained`."""
    return frozenset(member.photo_id for member in library.members(concept_id))


def note_trained(library: Library, concept_id: int, photos: Collection[int], told: Collection[str]) -> None:
    """Record the photos and the `told_keys` that a concept was trained with; earlier failures no longer count."""
    library.record_training(concept_id, photos, told)


def begin_attempt(library: Library, due: Due) -> int:
    """Count an automatic training before it is made, so that one that takes the worker down counts; its number."""
    return library.begin_training_attempt(due.concept.id, due.wanted)


def take_back_attempt(library: Library, due: Due) -> None:
    """Undo `begin_attempt`: the training was interrupted, which is no failure."""
    library.take_back_training_attempt(due.concept.id, due.wanted)


def give_up(library: Library, due: Due, rules: TrainingRules | None = None) -> None:
    """Let the training of these photos wait for a change: somebody cancelled it."""
    library.set_training_attempts(due.concept.id, due.wanted, (rules or TrainingRules()).attempts)


def given_up(library: Library, rules: TrainingRules | None = None) -> int:
    """How many concepts wait for a change after failures."""
    return library.trainings_with_attempts((rules or TrainingRules()).attempts)


def failing(library: Library) -> int:
    """How many concepts failed at least once since they were trained last; tried again or given up."""
    return library.trainings_with_attempts(1)


def _candidates(library: Library) -> list[tuple[Concept, frozenset[int], frozenset[int]]]:
    """Named concepts that are not hidden: (concept, photos, those of them whose file is there)."""
    return [
        (
            library.concept(concept_id),
            frozenset(photos),
            frozenset(photo_id for photo_id, there in photos.items() if there),
        )
        for concept_id, photos in library.photos_of_named().items()
    ]


def _identity(library: Library, concept: Concept, photos: frozenset[int], backbone: str) -> str:
    facts = sorted(library.told_keys(concept.id))
    return hashlib.sha256(json.dumps([sorted(photos), facts, backbone]).encode()).hexdigest()[:32]

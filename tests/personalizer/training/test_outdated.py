"""Which concepts are trained without being asked, on a real library without pictures."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, store_photo

from personalizer.errors import UsageError
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Concept, Embedding, NewDetection
from personalizer.training.outdated import (
    TrainingRules,
    begin_attempt,
    due_trainings,
    give_up,
    given_up,
    note_trained,
    photos_of,
    take_back_attempt,
)


def photo(library: Library, name: str) -> int:
    """A photo; returns the detection that is the whole of it."""
    found = NewDetection("photo", BoundingBox(0, 0, 10, 10), 1.0, "drawn")
    vector = Embedding(np.ones(4, np.float32) / 2, "model", "1")
    recorded = store_photo(
        library,
        content_hash=hashlib.sha256(name.encode()).hexdigest(),
        path=Path("/photos") / name,
        width_px=10,
        height_px=10,
        detections=[(found, vector)],
    )
    return library.detections(recorded.id)[0].id


def concept(library: Library, photos: int, name: str | None = "Bo") -> Concept:
    made = library.create_concept("object", name)
    grow(library, made, photos)
    return made


def grow(library: Library, which: Concept, photos: int) -> list[int]:
    before = len(library.members(which.id))
    added = [photo(library, f"{which.id}-{before + number}.jpg") for number in range(photos)]
    library.add_members(which.id, added, source="cluster", status="confirmed")
    return added


def trained(library: Library, which: Concept) -> None:
    library.set_prefix(which.id, backbone="v1", directory=Path("/prefix"), state="ready")
    note_trained(library, which.id, photos_of(library, which.id))


def due(library: Library, **rules: float) -> list[tuple[int, str]]:
    found = due_trainings(library, "pocket", TrainingRules(**rules))  # type: ignore[arg-type]
    return [(one.concept.id, one.why) for one in found]


def test_a_named_concept_with_three_photos_is_due_and_others_are_not(library: Library) -> None:
    enough = concept(library, 3, "Bo")
    concept(library, 2, "Few")
    concept(library, 9, None)
    hidden = concept(library, 9, "Gone")
    library.set_state(hidden.id, "hidden")
    assert due(library) == [(enough.id, "never trained")]


def test_three_faces_in_one_photo_are_one_photo_and_missing_files_do_not_count(library: Library) -> None:
    which = concept(library, 3)
    mark_missing(library, [Path("/photos/1-0.jpg")])
    assert due(library) == []
    grow(library, which, 1)
    assert due(library) == [(which.id, "never trained")]


@pytest.mark.parametrize(
    ("trained_with", "more", "is_due"),
    [
        (10, 2, False),
        (10, 3, True),
        (3, 1, True),
        (40, 4, False),
        (40, 5, True),
        (100, 5, False),
        (100, 10, True),
    ],
)
def test_it_is_due_again_when_enough_changed(
    library: Library, trained_with: int, more: int, is_due: bool
) -> None:
    which = concept(library, trained_with)
    trained(library, which)
    assert due(library) == []
    grow(library, which, more)
    assert due(library) == ([(which.id, "changed")] if is_due else [])


def test_photos_that_left_count_like_those_that_came(library: Library) -> None:
    which = concept(library, 6)
    trained(library, which)
    library.remove_members(which.id, [library.members(which.id)[0].id])
    assert due(library) == []
    library.remove_members(which.id, [library.members(which.id)[0].id])
    assert due(library) == [(which.id, "changed")]


def test_files_that_are_unmounted_are_no_change(library: Library) -> None:
    which = concept(library, 12)
    trained(library, which)
    mark_missing(library, [Path(f"/photos/{which.id}-{number}.jpg") for number in range(8)])
    assert due(library) == []


def test_stale_is_due_and_one_trained_before_this_was_recorded_is_not(library: Library) -> None:
    which = concept(library, 4)
    library.set_prefix(which.id, backbone="v1", directory=Path("/prefix"), state="ready")
    assert due(library) == []
    library.set_state(which.id, "stale")
    assert due(library) == [(which.id, "stale")]


def test_the_never_trained_come_first_then_the_largest(library: Library) -> None:
    stale, small, large = (concept(library, number, f"C{number}") for number in (9, 3, 5))
    trained(library, stale)
    library.set_state(stale.id, "stale")
    assert [concept_id for concept_id, _ in due(library)] == [large.id, small.id, stale.id]


def test_failures_wait_longer_each_time_and_then_for_a_change(library: Library) -> None:
    which = concept(library, 3)
    rules = TrainingRules(attempts=3, retry_after_s=100)
    now = datetime.now(UTC)

    def is_due(after_s: float) -> bool:
        return bool(due_trainings(library, "pocket", rules, now=now + timedelta(seconds=after_s)))

    [first] = due_trainings(library, "pocket", rules)
    assert begin_attempt(library, first) == 1
    assert (is_due(50), is_due(110)) == (False, True)
    assert begin_attempt(library, first) == 2
    assert (is_due(110), is_due(350), is_due(450)) == (False, False, True)
    assert is_due(-3600), "a clock that was moved back is no reason to wait"
    assert begin_attempt(library, first) == 3
    assert not is_due(10**9)
    assert given_up(library) == 1
    grow(library, which, 1)
    assert is_due(0), "other photos are another training"
    [second] = due_trainings(library, "pocket", rules)
    assert begin_attempt(library, second) == 1


def test_an_interruption_is_no_failure_and_a_cancellation_is_final(library: Library) -> None:
    concept(library, 3)
    [one] = due_trainings(library, "pocket")
    for _ in range(5):
        begin_attempt(library, one)
        take_back_attempt(library, one)
    assert due(library)
    begin_attempt(library, one)
    give_up(library, one)
    assert not due_trainings(library, "pocket", now=datetime.now(UTC) + timedelta(days=99))


def test_training_by_hand_forgives_earlier_failures(library: Library) -> None:
    which = concept(library, 3)
    [one] = due_trainings(library, "pocket")
    for _ in range(3):
        begin_attempt(library, one)
    trained(library, which)
    assert given_up(library) == 0
    library.set_state(which.id, "stale")
    assert due(library) == [(which.id, "stale")]


def test_what_was_trained_goes_with_the_concept(library: Library) -> None:
    which = concept(library, 3)
    trained(library, which)
    library.delete_concept(which.id)
    assert library.connection.execute("SELECT COUNT(*) FROM trainings").fetchone()[0] == 0


@pytest.mark.parametrize(
    "wrong", [{"photos": 0}, {"changed_share": 0}, {"attempts": 0}, {"retry_after_s": -1}]
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        TrainingRules(**wrong)  # type: ignore[arg-type]

"""Which concepts are trained without being asked, on a real library without pictures."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, store_photo

from personalizer.concepts.facts import change, remember, take_back
from personalizer.concepts.undo import undo
from personalizer.errors import UsageError
from personalizer.library.library import Library
from personalizer.library.schema.chat_tables import CHAT_TABLES
from personalizer.library.schema.migrations import MIGRATIONS
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
    note_trained(library, which.id, photos_of(library, which.id), library.told_keys(which.id))


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


def told_due(library: Library, hours: float) -> list[str]:
    """Why anything is due so many hours from now."""
    return [
        one.why for one in due_trainings(library, "pocket", now=datetime.now(UTC) + timedelta(hours=hours))
    ]


def test_what_was_added_waits_for_a_day_without_changes(library: Library) -> None:
    which = concept(library, 3)
    remember(library, which.id, "afraid of water")
    trained(library, which)
    assert told_due(library, 99) == [], "it was trained with that"
    remember(library, which.id, "loves cheese")
    assert (told_due(library, 23), told_due(library, 25), told_due(library, -9)) == ([], ["told"], ["told"])
    # Any training learns it.
    note_trained(library, which.id, photos_of(library, which.id), library.told_keys(which.id))
    assert told_due(library, 25) == []
    assert library.concept(which.id).state == "ready"


def test_what_was_taken_back_or_changed_is_unlearned_at_the_next_quiet_moment(library: Library) -> None:
    which = concept(library, 3)
    remember(library, which.id, "afraid of water")
    trained(library, which)
    change(library, which.id, 1, "afraid of deep water")
    assert told_due(library, 0) == ["told"] and library.concept(which.id).state == "ready"
    undo(library)
    assert told_due(library, 99) == [], "it is what it was trained with"
    take_back(library, which.id, 1)
    assert told_due(library, 0) == ["told"]
    [one] = due_trainings(library, "pocket")
    for _ in range(3):
        begin_attempt(library, one)
    assert told_due(library, 99) == [], "given up as any other training"
    remember(library, which.id, "loves cheese")
    assert told_due(library, 0) == ["told"], "another one"


def test_told_but_never_trained_or_forgotten_is_nothing_special(library: Library) -> None:
    which = concept(library, 2)
    remember(library, which.id, "afraid of water")
    assert told_due(library, 99) == []
    remember(library, (other := concept(library, 3, "Rex")).id, "loves cheese")
    library.delete_concept(other.id)
    assert library.training_records().keys() == {which.id}
    assert library.connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_was_ready_before_facts_were_noted_is_not_trained_at_once(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    old = sqlite3.connect(path, isolation_level=None)
    with_chats = next(number for number, step in enumerate(MIGRATIONS) if step is CHAT_TABLES)
    for statement in (statement for step in MIGRATIONS[:with_chats] for statement in step):
        old.execute(statement)
    old.execute(f"PRAGMA user_version = {with_chats}")
    old.execute(
        """INSERT INTO concepts(id, name, name_key, kind, state, created_at)
           VALUES (5, 'Bo', 'bo', 'object', 'ready', '')"""
    )
    old.execute("INSERT INTO facts(concept_id, text, text_key, created_at) VALUES (5, 'one', 'one', '2024')")
    old.execute("INSERT INTO trainings(concept_id, photos) VALUES (5, '[1]')")
    old.close()
    with Library.open(path) as library:
        record = library.training_records()[5]
        assert record.told == library.told_keys(5) != frozenset() and record.told_changed_at is None
        assert not library.was_asked_about_chats() and library.chats() == []

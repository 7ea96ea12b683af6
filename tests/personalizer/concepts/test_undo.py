"""What a person does to concepts is logged with all it changed, and undoing it leaves no trace in the tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.analysis.analyzer import whole_photo
from personalizer.concepts import operations
from personalizer.concepts.learn import learn_members
from personalizer.concepts.lookup import summaries
from personalizer.concepts.undo import history, undo
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Concept, Embedding, NewDetection

TABLES = ("concepts", "memberships", "facts", "links")


def record(library: Library, name: str, faces: int = 0) -> int:
    """A photo with the whole picture and some faces side by side; returns its id."""
    found = [(whole_photo((400, 300)), Embedding(np.ones(4, np.float32), "things", "1"))]
    for number in range(faces):
        box = BoundingBox(number * 100.0, 0.0, number * 100.0 + 80, 80.0)
        vector = np.full(128, number + 1, np.float32) / 20
        found.append((NewDetection("face", box, 1.0, "test"), Embedding(vector, "faces", "1")))
    return store_photo(
        library,
        content_hash=name,
        path=Path(f"/photos/{name}.jpg"),
        width_px=400,
        height_px=300,
        detections=found,
    ).id


def state_of(library: Library) -> dict[str, list[Any]]:
    """All rows of the tables that operations change."""
    rows = {
        table: sorted(map(tuple, library.connection.execute(f"SELECT * FROM {table}")), key=repr)
        for table in TABLES
    }
    # When a link was made is no part of what it says.
    rows["links"] = [row[:3] for row in rows["links"]]
    return rows | {"shows_twice": sorted(library.photos_that_show_twice())}


@pytest.fixture
def mug(library: Library) -> Concept:
    concept = learn_members(library, "mug", [record(library, f"mug {n}") for n in range(4)]).concept
    library.add_fact(concept.id, "a present")
    library.set_prefix(concept.id, backbone="b", directory=Path("/home/prefix"), state="ready")
    return library.concept(concept.id)


@pytest.fixture
def cup(library: Library) -> Concept:
    concept = learn_members(library, "cup", [record(library, f"cup {n}") for n in range(2)]).concept
    library.add_fact(concept.id, "chipped")
    return concept


def photos_of(library: Library, concept: Concept) -> list[int]:
    return [member.photo_id for member in library.members(concept.id)]


def suggest(library: Library, concept: Concept) -> int:
    photo = record(library, "suggested")
    whole = library.detections(photo, "photo")[0].id
    library.add_members(concept.id, [whole], source="cluster", status="suggested")
    return photo


OPERATIONS: dict[str, Callable[[Library, Concept, Concept], object]] = {
    "name": lambda library, mug, cup: operations.name_concept(library, mug.id, "beaker"),
    "merge": lambda library, mug, cup: operations.merge_concepts(library, mug.id, cup.id, mug.id),
    "split": lambda library, mug, cup: operations.split_concept(library, mug, photos_of(library, mug)[:2]),
    "reject": lambda library, mug, cup: operations.reject(library, mug, photos_of(library, mug)[0]),
    "confirm": lambda library, mug, cup: operations.confirm(library, mug, photos_of(library, cup)[0]),
    "hide": lambda library, mug, cup: operations.hide(library, mug),
    "feature": lambda library, mug, cup: operations.feature(library, mug, photos_of(library, mug)[1]),
    "together": lambda library, mug, cup: operations.show_twice(library, photos_of(library, mug)[0], True),
}


@pytest.mark.parametrize("kind", OPERATIONS)
def test_undo_puts_everything_back_and_undoing_that_does_it_again(
    library: Library, mug: Concept, cup: Concept, kind: str
) -> None:
    before = state_of(library)
    OPERATIONS[kind](library, mug, cup)
    done = state_of(library)
    assert done != before
    assert library.operations(1)[0].kind == kind
    undone = undo(library)
    assert (undone.undone.kind, state_of(library)) == (kind, before)
    undo(library, undone.operation)
    assert state_of(library) == done


def test_everything_can_be_taken_back_one_after_the_other(
    library: Library, mug: Concept, cup: Concept
) -> None:
    states = []
    for kind in ("name", "feature", "reject", "split", "merge"):
        states.append(state_of(library))
        OPERATIONS[kind](library, library.concept(mug.id), cup)
    for expected in reversed(states):
        undo(library)
        assert state_of(library) == expected
    with pytest.raises(UsageError, match="cannot be taken back"):
        undo(library)  # how the concepts were learned


def test_nothing_was_done(library: Library) -> None:
    with pytest.raises(NotFoundError):
        undo(library)
    with pytest.raises(NotFoundError):
        undo(library, 7)


def test_what_a_person_did_since_has_to_be_undone_first(library: Library, mug: Concept, cup: Concept) -> None:
    split = operations.split_concept(library, mug, photos_of(library, mug)[:1])
    operations.name_concept(library, split.concepts[1].id, "glass")
    before = state_of(library)
    with pytest.raises(UsageError, match="named or told about since"):
        undo(library, split.operation)
    assert state_of(library) == before, "refused as a whole"
    undo(library)
    undo(library)
    assert [one.name for one in summaries(library)] == ["cup", "mug"]


def test_what_clustering_did_since_gives_way(library: Library, mug: Concept, cup: Concept) -> None:
    photo = suggest(library, mug)
    before = state_of(library)
    confirmed = operations.confirm_all(library, mug)
    whole = library.detections(photo, "photo")[0].id
    library.remove_members(mug.id, [whole])
    undo(library, confirmed.operation)
    assert state_of(library) == before


def test_a_name_that_was_given_away_is_not_taken_again(library: Library, mug: Concept, cup: Concept) -> None:
    renamed = operations.name_concept(library, mug.id, "beaker")
    operations.name_concept(library, cup.id, "mug")
    with pytest.raises(UsageError, match="another concept is called 'mug'"):
        undo(library, renamed.operation)


def test_a_split_is_for_good_and_makes_a_trained_concept_stale(library: Library, mug: Concept) -> None:
    away, *stay = photos_of(library, mug)
    kept, made = operations.split_concept(library, mug, [away]).concepts
    assert (kept.state, made.name, photos_of(library, made)) == ("stale", None, [away])
    assert photos_of(library, kept) == stay
    assert len(library.links()) == len(stay) and set(library.links().values()) == {"cannot"}
    with pytest.raises(UsageError, match="all of its photos"):
        operations.split_concept(library, kept, stay)
    with pytest.raises(NotFoundError):
        operations.split_concept(library, kept, [away])


def test_merging_takes_back_what_kept_them_apart(library: Library, mug: Concept) -> None:
    _, made = operations.split_concept(library, mug, photos_of(library, mug)[:2]).concepts
    operations.merge_concepts(library, mug.id, made.id)
    assert set(library.links().values()) == {"must"}
    assert len(photos_of(library, mug)) == 4


def test_a_photo_with_several_faces_needs_to_be_told_which(library: Library) -> None:
    one, two = record(library, "alone", faces=1), record(library, "both", faces=2)
    amy = learn_members(library, "Amy", [one], kind="face").concept
    with pytest.raises(UsageError, match="2 faces"):
        operations.confirm(library, amy, two)
    with pytest.raises(UsageError, match="2 faces were found"):
        operations.confirm(library, amy, two, face=3)
    operations.confirm(library, amy, two, face=2)
    assert [member.box.left for member in library.members(amy.id)] == [0.0, 100.0]
    operations.reject(library, amy, two)
    assert photos_of(library, amy) == [one]


def test_hidden_ones_are_listed_nowhere_until_they_are_shown_again(library: Library, cup: Concept) -> None:
    operations.hide(library, cup)
    assert summaries(library) == []
    with pytest.raises(UsageError, match="it is hidden"):
        operations.hide(library, library.concept(cup.id))
    operations.unhide(library, library.concept(cup.id))
    assert [one.state for one in summaries(library)] == ["named"]


def test_history_says_what_was_done_and_undone(library: Library, mug: Concept) -> None:
    operations.hide(library, mug)
    undo(library)
    told = [(one.kind, one.about, one.undone, one.can_be_undone) for one in history(library)]
    assert told == [
        ("undo", ["mug"], False, True),
        ("hide", ["mug"], True, False),
        ("learn", ["mug"], False, False),
    ]
    assert json.dumps([one.payload for one in library.operations()])

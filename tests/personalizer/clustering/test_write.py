"""Which clusters keep their ids, and what an assignment leaves in the library."""

from __future__ import annotations

import numpy as np
import pytest
from stored_photos import store_faces

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.state import KindState
from personalizer.clustering.write import matching_ids, write_assignment
from personalizer.library.library import Library


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ({7: {1, 2, 3}}, [{1, 2, 3, 4}], {0: 7}),
        ({7: {1, 2, 3}}, [{1}, {2, 3}], {1: 7}),
        ({7: {1, 2, 3, 4}}, [{1, 2}, {3, 4}], {}),
        ({7: {1, 2}, 8: {3, 4, 5}}, [{1, 2, 3, 4, 5}], {0: 8}),
        ({7: {1, 2}, 8: {3, 4}}, [{3, 4}, {1, 2}], {0: 8, 1: 7}),
        ({}, [{1, 2}], {}),
        ({7: {1, 2}}, [], {}),
    ],
    ids=["grown", "split", "halves", "merged", "each", "nothing before", "nothing now"],
)
def test_a_cluster_goes_on_where_most_of_it_is(
    old: dict[int, set[int]], new: list[set[int]], kept: dict[int, int]
) -> None:
    assert matching_ids(old, new) == kept


@pytest.fixture
def ids(library: Library) -> list[int]:
    random = np.random.default_rng(2)
    return [store_faces(library, random.normal(size=6).tolist())[0] for _ in range(8)]


def read(library: Library) -> KindState:
    state = KindState("face")
    state.read_groups(library)
    return state


def members(library: Library, concept_id: int, status: str = "confirmed") -> list[int]:
    found = [m for m in library.memberships() if (m.concept_id, m.status) == (concept_id, status)]
    return sorted(m.detection_id for m in found)


def clusters(library: Library) -> dict[int, list[int]]:
    return {concept.id: members(library, concept.id) for concept in library.concepts()}


def test_groups_are_created_changed_and_deleted(library: Library, ids: list[int]) -> None:
    grown, gone = (library.create_concept("face").id for _ in range(2))
    library.add_members(grown, ids[:3], source="cluster", status="confirmed")
    library.add_members(gone, ids[3:5], source="cluster", status="confirmed")
    assignment = Assignment(old={grown: {0, 1, 2}, gone: {3, 4}}, new=[{0, 1, 5}, {6, 7}])
    with library.transaction():
        written = write_assignment(library, read(library), assignment)
    found = clusters(library)
    (created,) = found.keys() - {grown}
    assert found == {grown: [ids[0], ids[1], ids[5]], created: ids[6:]}
    assert written == {grown: {0, 1, 5}, gone: set(), created: {6, 7}}


def test_a_group_that_stayed_is_not_reported(library: Library, ids: list[int]) -> None:
    group = library.create_concept("face").id
    library.add_members(group, ids[:2], source="cluster", status="confirmed")
    with library.transaction():
        assert write_assignment(library, read(library), Assignment(old={group: {0, 1}}, new=[{0, 1}])) == {}
    assert clusters(library) == {group: ids[:2]}


def test_what_joins_a_labeled_concept_is_noted_as_clusterings(library: Library, ids: list[int]) -> None:
    amy = library.create_concept("face", name="Amy").id
    library.add_members(amy, ids[:2], source="user", status="confirmed")
    library.add_members(amy, [ids[3]], source="cluster", status="suggested")
    state = read(library)
    with library.transaction():
        written = write_assignment(library, state, Assignment(assigned=[(amy, 2), (amy, 3)]))
    assert written == {amy: {0, 1, 2, 3}} and state.assigned == {amy: {2, 3}}
    assert members(library, amy) == ids[:4] and members(library, amy, "suggested") == []
    by_cluster = {m.detection_id for m in library.memberships() if m.source == "cluster"}
    assert by_cluster == {ids[2], ids[3]} and state.suggested == {}


def test_suggestions_are_replaced_only_around_what_was_looked_at(library: Library, ids: list[int]) -> None:
    amy, ben = (library.create_concept("face", name=name).id for name in ("Amy", "Ben"))
    library.add_members(amy, ids[:1], source="user", status="confirmed")
    library.add_members(ben, ids[1:2], source="user", status="confirmed")
    for concept in (amy, ben):
        library.add_members(concept, ids[2:4], source="cluster", status="suggested")
    state = read(library)
    # Item 2 was looked at and 3 was not; of Ben nothing was known there.
    assignment = Assignment(around={2, 4}, concepts={amy})
    assignment.suggested[amy] = {4}
    with library.transaction():
        assert write_assignment(library, state, assignment) == {}
    assert members(library, amy, "suggested") == [ids[3], ids[4]]
    assert members(library, ben, "suggested") == ids[2:4]
    assert state.suggested == {amy: {3, 4}, ben: {2, 3}}


def test_a_member_is_never_suggested(library: Library, ids: list[int]) -> None:
    amy = library.create_concept("face", name="Amy").id
    library.add_members(amy, ids[:2], source="user", status="confirmed")
    assignment = Assignment(assigned=[(amy, 2)])
    assignment.suggested[amy] = {0, 2, 3}
    with library.transaction():
        write_assignment(library, read(library), assignment)
    assert members(library, amy) == ids[:3] and members(library, amy, "suggested") == [ids[3]]

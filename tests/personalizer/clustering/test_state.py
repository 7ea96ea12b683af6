"""What clustering remembers between two runs, compared with the library and with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from stored_photos import store_faces

from personalizer.clustering.state import UNASSIGNED, GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import Float32Array

VECTORS: Float32Array = np.random.default_rng(5).normal(size=(8, 6)).astype(np.float32)


@pytest.fixture
def ids(library: Library) -> list[int]:
    """Eight faces, each of a photo of its own."""
    return [store_faces(library, vector.tolist())[0] for vector in VECTORS]


def read(library: Library) -> KindState:
    state = KindState("face")
    state.read_groups(library)
    return state


def test_memberships_are_read_by_what_they_say(library: Library, ids: list[int]) -> None:
    amy = library.create_concept("face", name="Amy").id
    group = library.create_concept("face").id
    library.add_members(amy, ids[:2], source="user", status="confirmed")
    library.add_members(amy, [ids[2]], source="cluster", status="confirmed")
    library.add_members(amy, [ids[3]], source="cluster", status="suggested")
    library.add_members(amy, [ids[4]], source="user", status="rejected")
    library.add_members(group, ids[5:7], source="cluster", status="confirmed")
    state = read(library)
    assert state.labeled == {amy} and state.unlabeled == [group]
    assert {concept: members.tolist() for concept, members in state.members.items()} == {
        amy: [0, 1, 2],
        group: [5, 6],
    }
    assert (state.assigned, state.suggested, state.refused) == ({amy: {2}}, {amy: {3}}, {amy: {4}})
    assert state.group_of.tolist() == [*[UNASSIGNED] * 5, group, group, UNASSIGNED]
    assert state.in_labeled.tolist() == [True] * 3 + [False] * 5
    assert state.unassigned.tolist() == [3, 4, 7]


def test_new_items_are_in_no_group(library: Library, ids: list[int]) -> None:
    group = library.create_concept("face").id
    library.add_members(group, ids[:2], source="cluster", status="confirmed")
    state = read(library)
    store_faces(library, [9.0] * 6)
    assert state.read_items(library) is True
    assert state.group_of.tolist() == [group, group, *[UNASSIGNED] * 7]
    assert state.unassigned.tolist() == list(range(2, 9))


def test_members_that_were_written_are_taken_over(library: Library, ids: list[int]) -> None:
    amy = library.create_concept("face", name="Amy").id
    state = read(library)
    state.set_members(100, [2, 1], labeled=False)
    assert state.members[100].tolist() == [1, 2] and state.unlabeled == [100]
    state.set_members(100, [2, 3], labeled=False)
    assert state.group_of.tolist() == [-1, -1, 100, 100, -1, -1, -1, -1]
    state.set_members(amy, [0], labeled=True)
    assert state.in_labeled.tolist() == [True] + [False] * 7
    state.suggested[100] = {5}
    state.set_members(100, [], labeled=False)
    assert 100 not in state.members and 100 not in state.suggested
    assert state.unassigned.tolist() == list(range(1, 8))


def test_centres_are_the_means_of_the_members(library: Library, ids: list[int]) -> None:
    state = read(library)
    state.set_members(100, [0, 1, 2], labeled=False)
    state.set_members(200, [3, 4], labeled=False)
    state.rough_centers()
    state.set_members(100, [0, 5], labeled=False)
    concepts, centers, squares = state.rough_centers()
    assert sorted(concepts) == [100, 200]
    for row, concept in enumerate(concepts):
        of_members = VECTORS[[0, 5] if concept == 100 else [3, 4]]
        np.testing.assert_allclose(centers[row], of_members.mean(0), atol=0.02)
        assert squares[row] == pytest.approx((of_members**2).sum(1).mean(), rel=1e-5)
    state.set_members(200, [], labeled=False)
    concepts, _, squares = state.rough_centers()
    assert squares[concepts.index(200)] == np.inf, "a group that is gone is near nothing"


def test_measures_are_those_of_scipy(library: Library, ids: list[int]) -> None:
    state = read(library)
    state.set_members(100, [0, 1, 2, 3], labeled=False)
    state.set_members(200, [4, 5], labeled=False)
    first, second = (state.measures(library, concept) for concept in (100, 200))
    between = cdist(VECTORS[:4], VECTORS[4:6], "sqeuclidean").mean()
    assert first.features.mean_squared_distance(second.features)[0, 0] == pytest.approx(between, rel=1e-5)
    assert first.dispersion.mean == pytest.approx(pdist(VECTORS[:4], "sqeuclidean").mean(), rel=1e-5)
    assert state.measures(library, 100) is first
    state.set_members(100, [0, 1], labeled=False)
    changed = state.measures(library, 100).dispersion
    assert changed.mean == pytest.approx(pdist(VECTORS[:2], "sqeuclidean")[0], rel=1e-5)


def test_memberships_are_read_again_only_when_they_changed(library: Library, ids: list[int]) -> None:
    state = GroupingState()
    assert state.refresh(library) is True
    assert state.refresh(library) is False
    store_faces(library, [1.0] * 6)
    assert state.refresh(library) is False, "new photos change no membership"
    assert len(state.kinds["face"].store) == len(state.kinds["face"].group_of) == 9
    amy = library.create_concept("face", name="Amy").id
    library.add_members(amy, ids[:1], source="user", status="confirmed")
    assert state.refresh(library) is True
    assert state.kinds["face"].members[amy].tolist() == [0]
    library.add_links([(ids[0], ids[1])], "must")
    assert state.refresh(library) is True
    assert state.constraints.root(ids[0]) == state.constraints.root(ids[1])

"""Which new items form clusters, join those that are there or wait; every distance is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from stored_photos import store_faces

from personalizer.clustering.assign_unlabeled import UnlabeledAssignment
from personalizer.clustering.assignment import Assignment
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.library.library import Library
from personalizer.schemas import Float32Array

FACES = ClusterSettings().face


def point(*coordinates: float) -> Float32Array:
    return np.array([*coordinates, *[0.0] * (12 - len(coordinates))], np.float32)


def add(library: Library, *coordinates: float, quality: float = 1.0) -> int:
    return store_faces(library, point(*coordinates), quality=quality)[0]


def cluster_of(library: Library, *ids: int) -> int:
    made = library.create_concept("face").id
    library.add_members(made, ids, source="cluster", status="confirmed")
    return made


class Grouped:
    """What became of these faces, with detections instead of positions."""

    def __init__(self, library: Library, *new: int) -> None:
        state = GroupingState()
        state.refresh(library)
        faces = state.kinds["face"]
        near = Neighborhood(library, state, faces, faces.store.positions(np.array(new, np.int64)), FACES)
        assignment = Assignment()
        UnlabeledAssignment(near, assignment).group(np.arange(len(near.positions), dtype=np.int64))

        def detections(positions: set[int]) -> frozenset[int]:
            return frozenset(int(near.store.ids[position]) for position in positions)

        self.clusters = {detections(group) for group in assignment.new}
        self.old = {concept: detections(group) for concept, group in assignment.old.items()}
        self.suggested = {c: detections(found) for c, found in assignment.suggested.items() if found}


def test_what_is_alike_is_a_cluster_and_one_alone_waits(library: Library) -> None:
    first, second = add(library), add(library, 0.4)
    other, another = add(library, 0, 3.0), add(library, 0, 3.4)
    alone = add(library, 0, 0, 5.0)
    found = Grouped(library, first, second, other, another, alone)
    assert found.clusters == {frozenset({first, second}), frozenset({other, another})}
    assert found.old == {} and found.suggested == {}


@pytest.mark.parametrize(("distance", "together"), [(0.53, True), (0.57, False)])
def test_the_threshold_is_a_distance_of_055(library: Library, distance: float, together: bool) -> None:
    pair = add(library), add(library, distance)
    assert Grouped(library, *pair).clusters == ({frozenset(pair)} if together else set())


def test_a_cluster_that_is_there_grows(library: Library) -> None:
    members = [add(library), add(library, 0.3)]
    group = cluster_of(library, *members)
    new = add(library, 0, 0.3)
    found = Grouped(library, new)
    assert found.old == {group: frozenset(members)}
    assert found.clusters == {frozenset([*members, new])}


def test_two_faces_of_one_photo_stay_apart(library: Library) -> None:
    first, second = store_faces(library, point(), point(0.1))
    assert Grouped(library, first, second).clusters == set()


def test_a_poor_face_joins_and_founds_nothing(library: Library) -> None:
    poor = FACES.min_quality / 2
    blurred = add(library, quality=poor), add(library, 0.1, quality=poor)
    assert Grouped(library, *blurred).clusters == set()
    sharp = add(library, 0, 0.1), add(library, 0, 0.2)
    assert Grouped(library, *blurred, *sharp).clusters == {frozenset([*blurred, *sharp])}


def test_one_that_resembles_two_clusters_nearly_as_much_waits(library: Library) -> None:
    """0.4 from the one and 0.42 from the other, which are 0.82 apart."""
    left = cluster_of(library, *(add(library, 0.4, 0, y) for y in (0.0, 0.02)))
    right = cluster_of(library, *(add(library, -0.42, 0, y) for y in (0.0, 0.02)))
    between = add(library)
    found = Grouped(library, between)
    assert found.clusters == set(found.old.values()) and found.old.keys() == {left, right}
    assert found.suggested == {left: frozenset({between})}


def test_a_cluster_like_somebody_with_a_name_is_asked_about_as_a_whole(library: Library) -> None:
    amy = library.create_concept("face", name="Amy").id
    members = [add(library, x) for x in (0.0, 0.02, 0.04)]
    library.add_members(amy, members, source="user", status="confirmed")
    pair = add(library, 0, 0.5), add(library, 0, 0.52)
    found = Grouped(library, *pair)
    assert found.clusters == {frozenset(pair)}
    assert found.suggested == {amy: frozenset(pair)}


def test_a_no_between_them_keeps_two_apart_and_a_yes_joins_them(library: Library) -> None:
    first, second, far = add(library), add(library, 0.1), add(library, 4.0)
    library.add_links([(first, second)], "cannot")
    library.add_links([(first, far)], "must")
    assert Grouped(library, first, second, far).clusters == {frozenset({first, far})}

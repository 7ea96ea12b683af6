"""Clustering all unlabeled items at once, against scipy's average linkage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from stored_photos import store_faces

from personalizer.clustering.cluster_features import squared_distance
from personalizer.clustering.from_scratch import cluster_from_scratch
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.library.library import Library
from personalizer.schemas import Float32Array, Progress

FACES = ClusterSettings().face


def people(seed: int, count: int = 12, each: int = 5) -> Float32Array:
    """People about 0.85 apart, whose photos are about 0.4 apart."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 32)) * 0.6 / 32**0.5
    noise = random.normal(size=(count * each, 32)) * 0.28 / 32**0.5
    return (np.repeat(centres, each, axis=0) + noise).astype(np.float32)


def by_scipy(vectors: Float32Array, threshold: float, least: int) -> set[frozenset[int]]:
    tree = linkage(pdist(vectors, "sqeuclidean"), "average")
    labels = fcluster(tree, squared_distance("face", threshold), "distance")
    found = (frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist()))
    return {group for group in found if len(group) >= least}


def clusters(library: Library) -> set[frozenset[int]]:
    """As positions in the order in which the faces came."""
    state = GroupingState()
    state.refresh(library)
    found = cluster_from_scratch(library, state, state.kinds["face"], FACES)
    return {frozenset(group) for group in found}


@pytest.mark.parametrize("seed", range(4))
def test_clusters_are_those_of_scipy(library: Library, seed: int) -> None:
    vectors = people(seed)
    for vector in vectors:
        store_faces(library, vector.tolist())
    expected = by_scipy(vectors, FACES.threshold, FACES.min_size)
    assert 8 <= len(expected) <= 14
    assert clusters(library) == expected


def test_two_faces_of_one_photo_never_share_a_cluster(library: Library) -> None:
    """All so close that nothing else would keep them apart."""
    for number in range(3):
        store_faces(library, [number / 1000, 0.0], [number / 1000, 0.001])
    found = clusters(library)
    assert sorted(map(len, found)) == [3, 3]
    assert all(len({position // 2 for position in group}) == 3 for group in found)


def test_members_of_a_labeled_concept_are_left_alone(library: Library) -> None:
    ids = [store_faces(library, [number / 100, 0.0])[0] for number in range(5)]
    amy = library.create_concept("face", name="Amy").id
    library.add_members(amy, ids[:3], source="user", status="confirmed")
    assert clusters(library) == {frozenset({3, 4})}


def test_poor_faces_found_no_cluster_and_join_one_afterwards(library: Library) -> None:
    for number in range(2):
        store_faces(library, [0.0, number / 100], quality=FACES.min_quality / 2)
    assert clusters(library) == set()
    for number in range(2):
        store_faces(library, [0.1, number / 100])
    assert clusters(library) == {frozenset(range(4))}


def test_what_somebody_said_counts_for_more_than_distances(library: Library) -> None:
    first, second, far = (store_faces(library, [x, 0.0])[0] for x in (0.0, 0.1, 5.0))
    assert clusters(library) == {frozenset({0, 1})}
    library.add_links([(first, second)], "cannot")
    library.add_links([(second, far)], "must")
    assert clusters(library) == {frozenset({1, 2})}


def test_it_says_how_far_it_is(library: Library) -> None:
    with library.transaction():
        store_faces(library, *([float(number), 0.0] for number in range(1100)))
    state, seen = GroupingState(), list[Progress]()
    state.refresh(library)
    assert cluster_from_scratch(library, state, state.kinds["face"], FACES, seen.append) == []
    assert [(one.done, one.total) for one in seen] == [(1024, 1100)]

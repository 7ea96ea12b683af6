"""Average linkage on small vectors, against `scipy.cluster.hierarchy`."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from personalizer.clustering.average_linkage import average_linkage, components_of_edges
from personalizer.clustering.cluster_features import ClusterFeatures, JoinLimits, join
from personalizer.schemas import BoolArray, Float32Array, Int64Array

Clusters = set[frozenset[int]]


def _unit(vectors: np.ndarray) -> Float32Array:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _blobs(identities: int, each: int, noise: float, seed: int = 0) -> tuple[Float32Array, Int64Array]:
    generator = np.random.default_rng(seed)
    centers = _unit(generator.normal(size=(identities, 32)))
    identity = np.repeat(np.arange(identities), each)
    return _unit(centers[identity] + noise * generator.normal(size=(len(identity), 32))), identity


def _clusters(parts: list[Int64Array]) -> Clusters:
    return {frozenset(part.tolist()) for part in parts}


def _of_labels(labels: Int64Array) -> Clusters:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def _linked(vectors: Float32Array, threshold: float, apart: BoolArray | None = None) -> Clusters:
    matrix = (vectors @ vectors.T).astype(np.float32)
    if apart is not None:
        matrix[apart] = -np.inf
    return _clusters(average_linkage(matrix, threshold))


def _by_scipy(vectors: Float32Array, metric: str, limit: float) -> Clusters:
    return _of_labels(fcluster(linkage(pdist(vectors, metric), "average"), limit, "distance"))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("noise", [0.05, 0.15, 0.25])
def test_clusters_are_those_of_scipy(seed: int, noise: float) -> None:
    vectors, _ = _blobs(8, 8, noise, seed)
    for threshold in (0.2, 0.4, 0.7):
        expected = _by_scipy(vectors, "cosine", 1 - threshold)
        assert _linked(vectors, threshold) == expected
        # The same from sums alone, and without holding more than what hangs together.
        squared = 2 - 2 * threshold
        limits = JoinLimits(squared, close_squared=squared)
        found = join(ClusterFeatures.of_items(vectors), lambda chosen: None, limits)
        assert _clusters(found) == expected == _by_scipy(vectors, "sqeuclidean", squared)


def test_pairs_that_cannot_link_are_as_far_apart_as_scipy_can_be_told() -> None:
    vectors, _ = _blobs(5, 7, 0.2, seed=3)
    photo = np.random.default_rng(5).integers(0, 9, len(vectors))
    apart = (photo[:, None] == photo[None]) & ~np.eye(len(vectors), dtype=bool)
    distance = np.where(apart, 1e6, 1 - (vectors @ vectors.T).astype(np.float64))
    np.fill_diagonal(distance, 0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), 0.6, "distance")
    found = _linked(vectors, 0.4, apart)
    assert found == _of_labels(labels) and max(map(len, found)) > 1
    for cluster in found:
        assert len({int(photo[item]) for item in cluster}) == len(cluster)


def test_clusters_that_come_in_count_as_many_as_they_are() -> None:
    """The average over pairs weighs a cluster of three three times: c is near a, and not near the three of b."""
    matrix = np.array([[1, 0.9, 0.2], [0.9, 1, 0.7], [0.2, 0.7, 1]], np.float32)
    alone = average_linkage(matrix.copy(), 0.44, sizes=np.array([1, 1, 1]))
    weighted = average_linkage(matrix.copy(), 0.44, sizes=np.array([3, 1, 1]))
    assert _clusters(alone) == {frozenset({0, 1, 2})}
    assert _clusters(weighted) == {frozenset({0, 1}), frozenset({2})}


def test_one_look_alike_does_not_join_two_people() -> None:
    # Two tight clusters at right angles and one vector half-way: single linkage would make them one.
    axis = np.eye(3)
    found = _linked(_unit(np.array([axis[0]] * 3 + [axis[1]] * 3 + [axis[0] + axis[1]])), 0.6)
    (first,) = [cluster for cluster in found if 0 in cluster]
    assert {1, 2} <= first and not {3, 4, 5} & first


def test_a_pair_that_is_refused_stays_apart() -> None:
    vectors, _ = _blobs(1, 4, 0.02)
    asked: list[tuple[int, int]] = []

    def refuses(first: int, second: int, similarity: float) -> bool:
        asked.append((first, second))
        return first == 0

    found = _clusters(average_linkage(vectors @ vectors.T, 0.5, refuses=refuses))
    assert found == {frozenset({0}), frozenset({1, 2, 3})} and all(first < second for first, second in asked)


def test_order_of_items_does_not_matter() -> None:
    vectors, _ = _blobs(5, 5, 0.1, seed=2)
    order = np.random.default_rng(1).permutation(len(vectors))
    shuffled = {frozenset(int(order[item]) for item in cluster) for cluster in _linked(vectors[order], 0.6)}
    assert shuffled == _linked(vectors, 0.6)


def test_components_hang_together_by_edges_of_any_block() -> None:
    edges = [(0, 4), (4, 2), (5, 6), (2, 7)]
    blocks = [(np.array([first]), np.array([second])) for first, second in edges]
    expected = {frozenset({0, 2, 4, 7}), frozenset({5, 6}), frozenset({1}), frozenset({3})}
    assert _clusters(components_of_edges(8, blocks)) == expected
    whole = [(np.array([pair[0] for pair in edges]), np.array([pair[1] for pair in edges]))]
    assert _clusters(components_of_edges(8, whole)) == expected
    assert components_of_edges(0, []) == []

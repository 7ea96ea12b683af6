"""Average linkage from sums, and what must not become one."""

import numpy as np
import pytest

from personalizer.clustering.cluster_features import (
    ClusterFeatures,
    Dispersion,
    JoinLimits,
    join,
    similarity_at,
    squared_distance,
)
from personalizer.schemas import Float32Array, Int64Array

FACES = JoinLimits(squared_distance("face", 0.45), squared_distance("face", 0.55))


def _around(center: np.ndarray, count: int, within: float, seed: int) -> Float32Array:
    """Vectors whose pairs are `within` of each other, as a root mean square."""
    noise = np.random.default_rng(seed).normal(size=(count, len(center)))
    return (center + within / np.sqrt(2 * len(center)) * noise).astype(np.float32)


def _groups(vectors: Float32Array, limits: JoinLimits = FACES) -> set[frozenset[int]]:
    found = join(ClusterFeatures.of_items(vectors), lambda _: None, limits)
    return {frozenset(group.tolist()) for group in found}


def test_averages_from_sums_are_those_over_all_pairs() -> None:
    random = np.random.default_rng(0)
    first, second = (random.normal(size=(n, 16)).astype(np.float32) for n in (5, 9))
    pairs = ((first[:, None].astype(np.float64) - second[None]) ** 2).sum(axis=2)
    found = ClusterFeatures.of_group(first).mean_squared_distance(ClusterFeatures.of_group(second))
    assert found[0, 0] == pytest.approx(pairs.mean(), rel=1e-5)
    inside = ((first[:, None].astype(np.float64) - first[None]) ** 2).sum(axis=2)
    assert ClusterFeatures.of_group(first).pair_sums()[0] == pytest.approx(inside.sum() / 2, rel=1e-5)


@pytest.mark.parametrize("kind", ["face", "object"])
def test_similarities_and_squared_distances_are_each_others_inverse(kind: str) -> None:
    for similarity in (0.2, 0.45, 0.9):
        assert similarity_at(kind, squared_distance(kind, similarity)) == pytest.approx(similarity)  # type: ignore[arg-type]


def test_order_and_parts_do_not_matter() -> None:
    random = np.random.default_rng(2)
    vectors = np.concatenate([_around(0.6 * random.normal(size=64) / 8 * 1.4, 6, 0.4, n) for n in range(30)])
    whole = _groups(vectors)
    assert len(whole) == 30
    order = random.permutation(len(vectors))
    assert {frozenset(order[list(group)].tolist()) for group in _groups(vectors[order])} == whole


def test_two_look_alikes_are_not_joined_although_they_are_within_the_threshold() -> None:
    # 0.52 apart and 0.3 wide: the average alone would join them, at 0.55.
    first = np.zeros(128)
    second = np.eye(128)[0] * np.sqrt(0.52**2 - 0.3**2)
    vectors = np.concatenate([_around(first, 8, 0.3, 0), _around(second, 8, 0.3, 1)])
    found = _groups(vectors)
    assert found == {frozenset(range(8)), frozenset(range(8, 16))}
    assert len(_groups(vectors, JoinLimits(FACES.squared, FACES.squared))) == 1


def test_one_person_in_two_bursts_is_joined() -> None:
    second = np.eye(128)[0] * np.sqrt(0.42**2 - 0.15**2)
    vectors = np.concatenate([_around(np.zeros(128), 8, 0.15, 0), _around(second, 8, 0.15, 1)])
    assert len(_groups(vectors)) == 1


def test_a_chain_of_look_alikes_does_not_become_one_group() -> None:
    # Each is 0.4 from the next; the ends are 4 apart.
    chain = np.zeros((11, 8), np.float32)
    chain[:, 0] = 0.4 * np.arange(11)
    for group in _groups(chain):
        members = np.array(sorted(group))
        assert chain[members, 0].max() - chain[members, 0].min() <= 0.81


def test_what_must_stay_apart_does_through_every_join() -> None:
    vectors = _around(np.zeros(32), 12, 0.2, 4)

    def apart(part: Int64Array) -> np.ndarray:
        marked = np.zeros((len(part), len(part)), np.bool_)
        for first, second in ((0, 1), (1, 2), (0, 2)):
            where = [np.flatnonzero(part == n) for n in (first, second)]
            marked[where[0], where[1]] = marked[where[1], where[0]] = True
        return marked

    found = join(ClusterFeatures.of_items(vectors), apart, FACES)
    assert sorted(len({0, 1, 2} & set(group.tolist())) for group in found) == [1, 1, 1]


def test_more_than_a_matrix_holds_is_cut_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("personalizer.clustering.cluster_features.MAX_DENSE_ENTRIES", 8)
    vectors = np.concatenate([_around(np.eye(16)[n] * 2, 6, 0.3, n) for n in range(4)])
    assert len(_groups(vectors)) == 4
    copies = np.repeat(vectors[:1], 30, axis=0)
    found = _groups(copies)
    assert sorted(n for group in found for n in group) == list(range(30))


def test_the_spread_of_few_members_is_not_trusted() -> None:
    two = Dispersion.of_members(_around(np.zeros(64), 2, 0.4, 0))
    many = Dispersion.of_members(_around(np.zeros(64), 200, 0.4, 0))
    assert two.usual(0.08) == pytest.approx(1.08 * two.mean)
    assert many.usual(0.0) > many.mean + 0.9 * many.deviation
    assert Dispersion.of_members(np.ones((1, 4), np.float32)).count == 1

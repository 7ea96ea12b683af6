import numpy as np
import pytest

from personalizer.clustering import average_linkage as clustering
from personalizer.clustering.average_linkage import UNCLUSTERED, LinkageSettings
from personalizer.schemas import Float32Array, Int64Array


def _unit(vectors: np.ndarray) -> Float32Array:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _blobs(identities: int, each: int, noise: float, seed: int = 0) -> tuple[Float32Array, Int64Array]:
    generator = np.random.default_rng(seed)
    centres = _unit(generator.normal(size=(identities, 32)))
    identity = np.repeat(np.arange(identities), each)
    return _unit(centres[identity] + noise * generator.normal(size=(len(identity), 32))), identity


def _link(vectors: Float32Array, settings: LinkageSettings, apart: Int64Array | None = None) -> Int64Array:
    def cosines(rows: Int64Array, columns: Int64Array) -> Float32Array:
        return vectors[rows] @ vectors[columns].T

    return clustering.link(cosines, len(vectors), settings, apart)


def _partition(labels: Int64Array) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels) - {UNCLUSTERED}}


def test_separate_groups_are_found_and_strangers_left_alone() -> None:
    vectors, identity = _blobs(4, 5, 0.03)
    strangers = _unit(np.random.default_rng(9).normal(size=(6, 32)))
    labels = _link(np.concatenate([vectors, strangers]), LinkageSettings(0.6))
    assert _partition(labels) == {frozenset(np.flatnonzero(identity == i).tolist()) for i in range(4)}
    assert (labels[-6:] == UNCLUSTERED).all()


def test_one_look_alike_does_not_join_two_people() -> None:
    # Two tight groups at right angles and one vector half-way: single linkage would make them one.
    axis = np.eye(3)
    vectors = _unit(np.array([axis[0]] * 3 + [axis[1]] * 3 + [axis[0] + axis[1]]))
    labels = _link(vectors, LinkageSettings(0.6))
    assert labels[0] != labels[3]
    assert len(set(labels[:3].tolist())) == 1


def test_two_faces_of_one_photo_never_share_a_group() -> None:
    vectors, _ = _blobs(1, 6, 0.02)
    apart = np.array([0, 0, 1, 2, 3, 3])
    labels = _link(vectors, LinkageSettings(0.6), apart)
    for group in _partition(labels):
        photos = apart[list(group)]
        assert len(set(photos.tolist())) == len(photos)


@pytest.mark.parametrize("block_items", [1, 7, 1000])
def test_block_size_changes_memory_and_nothing_else(block_items: int) -> None:
    vectors, _ = _blobs(6, 6, 0.12, seed=4)
    expected = _link(vectors, LinkageSettings(0.55))
    assert (_link(vectors, LinkageSettings(0.55, block_items=block_items)) == expected).all()


def test_order_of_items_does_not_matter() -> None:
    vectors, _ = _blobs(5, 5, 0.1, seed=2)
    order = np.random.default_rng(1).permutation(len(vectors))
    labels, shuffled = _link(vectors, LinkageSettings(0.6)), _link(vectors[order], LinkageSettings(0.6))
    again = np.empty_like(shuffled)
    again[order] = shuffled
    assert _partition(labels) == _partition(again)


def test_average_linkage_agrees_with_scipy() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    vectors, _ = _blobs(8, 8, 0.25, seed=7)
    labels = _link(vectors, LinkageSettings(0.4))
    reference = fcluster(linkage(pdist(vectors, "cosine"), "average"), 0.6, "distance")
    expected = {frozenset(np.flatnonzero(reference == c).tolist()) for c in set(reference)}
    assert _partition(labels) == {group for group in expected if len(group) > 1}


def test_sets_too_large_for_one_matrix_are_cut_not_lost() -> None:
    vectors, identity = _blobs(4, 10, 0.02)
    labels = _link(vectors, LinkageSettings(-0.5, max_dense_items=12))
    for group in _partition(labels):
        assert len(set(identity[list(group)].tolist())) == 1
    copies = np.repeat(vectors[:1], 20, axis=0)
    assert (_link(copies, LinkageSettings(0.5, max_dense_items=8)) != UNCLUSTERED).all()


def test_groups_below_the_minimum_stay_unclustered() -> None:
    vectors, _ = _blobs(3, 2, 0.02)
    assert (_link(vectors, LinkageSettings(0.6, min_size=3)) == UNCLUSTERED).all()


def test_nothing_in_nothing_out() -> None:
    empty = np.zeros((0, 32), dtype=np.float32)
    assert len(_link(empty, LinkageSettings(0.5))) == 0


def test_face_similarity_is_one_minus_the_distance() -> None:
    vectors = np.array([[0, 0], [0.3, 0.4]], dtype=np.float32)
    block = clustering.face_similarities(vectors)(np.arange(2), np.arange(2))
    assert block == pytest.approx(np.array([[1, 0.5], [0.5, 1]]))


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="min_size"):
        LinkageSettings(0.5, min_size=1)

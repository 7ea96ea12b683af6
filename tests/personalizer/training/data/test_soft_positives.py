from __future__ import annotations

import numpy as np
import pytest

from personalizer.training.data.soft_positives import SoftPositive, rank_soft_positives


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def at_angles(*degrees: float) -> np.ndarray:
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def rank(positives: np.ndarray, candidates: np.ndarray, **options: int) -> list[SoftPositive]:
    settings = {"count": 1000, "groups": 4, "generation_tokens": 16} | options
    return rank_soft_positives(positives, candidates, **settings)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("rows", "groups", "count"), [(16, 4, 64), (16, 16, 30), (5, 3, 1000), (2, 8, 7)])
def test_the_more_similar_the_more_rows(seed: int, rows: int, groups: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    positives, candidates = unit(rng.normal(size=(3, 8))), unit(rng.normal(size=(50, 8)))
    ranked = rank(positives, candidates, generation_tokens=rows, groups=groups, count=count)
    assert len(ranked) == min(count, 50) == len({soft.index for soft in ranked})
    prototype = positives.mean(axis=0) / np.linalg.norm(positives.mean(axis=0))
    for soft in ranked:
        assert soft.similarity == pytest.approx(float(candidates[soft.index] @ prototype), abs=1e-5)
        assert 1 <= soft.tokens < rows, "only true positives use all rows"
    similarities = [soft.similarity for soft in ranked]
    assert similarities == sorted(similarities, reverse=True)
    counts = [soft.tokens for soft in ranked]
    assert counts == sorted(counts, reverse=True)
    left_out = set(range(50)) - {soft.index for soft in ranked}
    assert all(float(candidates[index] @ prototype) <= similarities[-1] + 1e-6 for index in left_out)


def test_groups_are_even_and_end_with_the_fewest() -> None:
    ranked = rank(at_angles(0), at_angles(*range(10, 90, 10)))
    assert [soft.tokens for soft in ranked] == [12, 12, 9, 9, 6, 6, 3, 3]
    assert [soft.index for soft in ranked] == list(range(8))


def test_ties_and_duplicates_keep_the_candidates_order() -> None:
    ranked = rank(at_angles(0), at_angles(30, 10, 30, 10, -10), groups=2)
    assert [soft.index for soft in ranked] == [1, 3, 4, 0, 2]


def test_opposite_candidates_come_last_not_first() -> None:
    ranked = rank(at_angles(0), at_angles(180, 0, 90))
    assert [soft.index for soft in ranked] == [1, 2, 0]
    assert ranked[-1].similarity == pytest.approx(-1)


def test_nothing_to_rank() -> None:
    empty = np.zeros((0, 2), np.float32)
    assert rank(at_angles(0), empty) == []
    assert rank(empty, at_angles(0)) == []
    assert rank(at_angles(0), at_angles(0), count=0) == []


def test_positives_that_cancel_out_give_numbers() -> None:
    ranked = rank(at_angles(0, 180), at_angles(0, 90))
    assert len(ranked) == 2 and all(np.isfinite(soft.similarity) for soft in ranked)


def test_inputs_are_left_alone() -> None:
    positives, candidates = at_angles(0, 20), at_angles(10, 30)
    before = positives.copy(), candidates.copy()
    rank(positives, candidates)
    np.testing.assert_array_equal(positives, before[0])
    np.testing.assert_array_equal(candidates, before[1])


def test_one_row_cannot_be_divided() -> None:
    # With a single row a lookalike would train as much as the thing itself.
    assert rank(at_angles(0), at_angles(10, 20), generation_tokens=1) == []

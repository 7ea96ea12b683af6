"""Average linkage, stopped at a threshold, and the components that bound it. Knows similarities and what must stay
apart; knows no library, no names and no models.

Average linkage (Sokal and Michener, 1958) does not chain: two clusters join only when their members are similar on
average, so one look-alike cannot pull two people into one cluster. Of three vectors with similarities a-b 0.9, b-c 0.5
and a-c 0.1, at a threshold of 0.4 `a` and `b` join, and `c`, with an average of 0.3 to them, stays alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from personalizer.schemas import Float32Array, Int64Array

Edges = tuple[Int64Array, Int64Array]
"""Pairs of numbers, `[n]` and `[n]`."""


def components_of_edges(count: int, blocks: Iterable[Edges]) -> list[Int64Array]:
    """The numbers below `count` in the sets that hang together by edges, which come in blocks.

    Only what hangs together is kept from block to block: all pairs would not fit where many photos show the same.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # Item i hangs together with item `root[i]`.
    root = np.arange(count, dtype=np.int64)
    for first, second in blocks:
        edges = (np.concatenate([first, np.arange(count)]), np.concatenate([second, root]))
        graph = coo_matrix((np.ones(len(edges[0]), dtype=np.bool_), edges), shape=(count, count))
        _, component = connected_components(graph, directed=False)
        root = np.unique(component, return_index=True)[1][component]
    order = np.argsort(root, kind="stable")
    _, sizes = np.unique(root, return_counts=True)
    return np.split(order, np.cumsum(sizes)[:-1]) if count else []


def average_linkage(
    matrix: Float32Array,
    threshold: float,
    *,
    sizes: Int64Array | None = None,
    refuses: Callable[[int, int, float], bool] | None = None,
) -> list[Int64Array]:
    """Join the two clusters with the highest average similarity until none reaches `threshold`.

    Averages are updated by the formula of Lance and Williams (1967).

    `matrix` `[m, m]` is used up; its items may be groups of `sizes` `[m]` already. A pair at -inf keeps its groups
    apart for ever, since no average repairs it. `refuses` is asked about each pair that would be joined, and called
    with the smaller number first, which stands for both from then on; a pair that it refuses stays apart.
    """
    count = len(matrix)
    np.fill_diagonal(matrix, -np.inf)
    members: list[list[int]] = [[number] for number in range(count)]
    weights = np.ones(count, np.float32) if sizes is None else sizes.astype(np.float32)
    nearest = matrix.argmax(axis=1)
    best = matrix[np.arange(count), nearest]
    while count > 1:
        first = int(best.argmax())
        if not best[first] >= threshold:
            break
        second = int(nearest[first])
        first, second = min(first, second), max(first, second)
        if refuses is not None and refuses(first, second, float(matrix[first, second])):
            matrix[first, second] = matrix[second, first] = -np.inf
            stale = np.array([first, second])
        else:
            weight = weights[[first, second]] / weights[[first, second]].sum()
            joined = weight[0] * matrix[first] + weight[1] * matrix[second]
            joined[[first, second]] = -np.inf
            matrix[first], matrix[:, first] = joined, joined
            matrix[second], matrix[:, second] = -np.inf, -np.inf
            members[first] += members[second]
            members[second] = []
            weights[first] += weights[second]
            best[second] = -np.inf
            # Only rows that pointed at either group, or are now nearest to the joined one, can have changed.
            stale = np.flatnonzero((nearest == first) | (nearest == second))
            stale = np.union1d(stale[best[stale] > -np.inf], [first])
            closer = (joined > best) & (best > -np.inf)
            nearest[closer], best[closer] = first, joined[closer]
        nearest[stale] = matrix[stale].argmax(axis=1)
        best[stale] = matrix[stale, nearest[stale]]
    return [np.array(sorted(group), dtype=np.int64) for group in members if group]

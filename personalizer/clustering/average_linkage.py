"""Groups vectors so that each group is one person or thing. Knows similarities and what must stay apart;
knows no library, no names and no models.

Average linkage over exact similarities, stopped at a threshold, because it does not chain: two groups join
only when their members are similar on average, so one look-alike cannot pull two people into one group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from personalizer.schemas import Float32Array, Int64Array

Similarities = Callable[[Int64Array, Int64Array], Float32Array]
"""Called with the numbers of some items `[a]` and of others `[b]`; returns how alike they are, `[a, b]`."""

Edges = tuple[Int64Array, Int64Array]
"""Pairs of numbers, `[n]` and `[n]`."""

UNCLUSTERED = -1


@dataclass(frozen=True, slots=True)
class LinkageSettings:
    """Groups form at an average similarity of `threshold` and are kept from `min_size` items up."""

    threshold: float
    min_size: int = 2
    block_items: int = 1024
    """Rows of similarities in memory at a time."""
    max_dense_items: int = 4096
    """The largest linked set whose whole similarity matrix is held (64 MiB); larger ones are cut first."""

    def __post_init__(self) -> None:
        if self.min_size < 2:
            raise ValueError(f"min_size must be at least 2, found {self.min_size}")
        if self.block_items < 1 or self.max_dense_items < 2:
            raise ValueError(
                f"block_items {self.block_items} or max_dense_items {self.max_dense_items} too small"
            )


def face_similarities(vectors: Float32Array) -> Similarities:
    """1 - Euclidean distance between face vectors `[n, 128]`: the scale of faces everywhere."""
    squared = np.einsum("nd,nd->n", vectors, vectors)

    def compare(rows: Int64Array, columns: Int64Array) -> Float32Array:
        distance = squared[rows, None] + squared[None, columns] - 2 * (vectors[rows] @ vectors[columns].T)
        similarity: Float32Array = 1 - np.sqrt(np.maximum(distance, 0))
        return similarity

    return compare


def link(
    similarities: Similarities,
    count: int,
    settings: LinkageSettings,
    apart: Sequence[int] | Int64Array | None = None,
) -> Int64Array:
    """Group labels `[count]`, 0 for the largest group, `UNCLUSTERED` for items in no group.

    Items with equal numbers in `apart` `[count]` never share a group: two faces in one photo are two people.
    """
    labels = np.full(count, UNCLUSTERED, dtype=np.int64)
    if count < settings.min_size:
        return labels
    photo = None if apart is None else np.asarray(apart, dtype=np.int64)
    groups: list[Int64Array] = []
    # Two groups whose average reaches the threshold contain a pair that does, so groups never cross the
    # components of the graph of such pairs, and linking each component alone is exact.
    pending = [(np.arange(count, dtype=np.int64), settings.threshold)]
    while pending:
        items, cut = pending.pop()
        for component in _components(similarities, items, cut, settings.block_items):
            if len(component) < settings.min_size:
                continue
            if len(component) > settings.max_dense_items:
                # Too much for one matrix: cut it along weaker pairs. This can only leave groups smaller.
                stricter = cut + (1 - cut) * 0.1
                if stricter < 0.999:
                    pending.append((component, stricter))
                else:
                    # Copies of one thing: any cut is as good as another.
                    pieces = np.array_split(component, -(-len(component) // settings.max_dense_items))
                    pending += [(piece, settings.threshold) for piece in pieces]
                continue
            matrix = similarities(component, component)
            if photo is not None:
                matrix[photo[component][:, None] == photo[component][None, :]] = -np.inf
            groups += [component[group] for group in join_most_similar(matrix, settings.threshold)]
    kept = sorted((g for g in groups if len(g) >= settings.min_size), key=lambda g: (-len(g), int(g[0])))
    for number, group in enumerate(kept):
        labels[group] = number
    return labels


def _components(
    similarities: Similarities, items: Int64Array, threshold: float, block_items: int
) -> list[Int64Array]:
    """The connected components of `items` where pairs of at least `threshold` are linked."""

    def edges() -> Iterator[Edges]:
        for start in range(0, len(items), block_items):
            row, column = np.nonzero(similarities(items[start : start + block_items], items) >= threshold)
            yield row + start, column

    return [items[part] for part in connected_parts(len(items), edges())]


def connected_parts(count: int, blocks: Iterable[Edges]) -> list[Int64Array]:
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


def join_most_similar(
    matrix: Float32Array,
    threshold: float,
    *,
    sizes: Int64Array | None = None,
    refuses: Callable[[int, int, float], bool] | None = None,
) -> list[Int64Array]:
    """Join the two groups with the highest average similarity until none reaches `threshold`.

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

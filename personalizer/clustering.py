"""Groups vectors so that each group is one person or thing. Knows similarities and what must stay apart;
knows no library, no names and no models.

Average linkage over exact similarities, stopped at a threshold, because it does not chain: two groups join
only when their members are similar on average, so one look-alike cannot pull two people into one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from personalizer.schemas import Float32Array, Int64Array

SimilarityBlock = Callable[[int, int], Float32Array]
"""`block(start, stop)` returns the similarities of items `start..stop` to all items, `[stop - start, n]`."""

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


def face_similarities(vectors: Float32Array) -> SimilarityBlock:
    """1 - Euclidean distance between face vectors `[n, 128]`: the scale of faces everywhere."""
    squared = np.einsum("nd,nd->n", vectors, vectors)

    def block(start: int, stop: int) -> Float32Array:
        rows = vectors[start:stop]
        distance = squared[start:stop, None] + squared[None, :] - 2 * (rows @ vectors.T)
        similarity: Float32Array = 1 - np.sqrt(np.maximum(distance, 0))
        return similarity

    return block


def photo_similarities(whole: Float32Array, region: Float32Array) -> SimilarityBlock:
    """How alike photos are: the mean of the cosines of the whole pictures and of their regions.

    `whole` and `region` are unit vectors `[n, dim]`; a photo without a region repeats its whole picture.
    """

    def block(start: int, stop: int) -> Float32Array:
        both = whole[start:stop] @ whole.T + region[start:stop] @ region.T
        similarity: Float32Array = both * np.float32(0.5)
        return similarity

    return block


def link(
    similarities: SimilarityBlock,
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
            matrix = _matrix(similarities, component, settings.block_items)
            if photo is not None:
                matrix[photo[component][:, None] == photo[component][None, :]] = -np.inf
            groups += [component[group] for group in _average_linkage(matrix, settings.threshold)]
    kept = sorted((g for g in groups if len(g) >= settings.min_size), key=lambda g: (-len(g), int(g[0])))
    for number, group in enumerate(kept):
        labels[group] = number
    return labels


def _components(
    similarities: SimilarityBlock, items: Int64Array, threshold: float, block_items: int
) -> list[Int64Array]:
    """The connected components of `items` where pairs of at least `threshold` are linked."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    position = np.full(int(items.max()) + 1, -1, dtype=np.int64)
    position[items] = np.arange(len(items))
    rows: list[Int64Array] = []
    columns: list[Int64Array] = []
    for start, stop in _runs(items, block_items):
        block = similarities(start, stop)[items[(items >= start) & (items < stop)] - start][:, items]
        row, column = np.nonzero(block >= threshold)
        rows.append(row + position[items[(items >= start) & (items < stop)][0]])
        columns.append(column.astype(np.int64))
    row_ids, column_ids = np.concatenate(rows), np.concatenate(columns)
    graph = coo_matrix(
        (np.ones(len(row_ids), dtype=np.bool_), (row_ids, column_ids)), shape=(len(items), len(items))
    )
    number, component = connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    return np.split(items[order], np.cumsum(np.bincount(component, minlength=number))[:-1])


def _runs(items: Int64Array, block_items: int) -> list[tuple[int, int]]:
    """Ranges of at most `block_items` that contain all of the ascending `items`."""
    starts = np.unique(items // block_items) * block_items
    last = int(items[-1]) + 1
    return [(int(start), min(int(start) + block_items, last)) for start in starts]


def _matrix(similarities: SimilarityBlock, items: Int64Array, block_items: int) -> Float32Array:
    """The similarities among `items`, `[m, m]`."""
    matrix = np.empty((len(items), len(items)), dtype=np.float32)
    filled = 0
    for start, stop in _runs(items, block_items):
        chosen = items[(items >= start) & (items < stop)]
        matrix[filled : filled + len(chosen)] = similarities(start, stop)[chosen - start][:, items]
        filled += len(chosen)
    return matrix


def _average_linkage(matrix: Float32Array, threshold: float) -> list[Int64Array]:
    """Join the two groups with the highest average similarity until none reaches `threshold`.

    `matrix` `[m, m]` is used up. A pair at -inf keeps its groups apart for ever, since no average repairs it.
    """
    count = len(matrix)
    np.fill_diagonal(matrix, -np.inf)
    members: list[list[int]] = [[number] for number in range(count)]
    sizes = np.ones(count, dtype=np.float32)
    nearest = matrix.argmax(axis=1)
    best = matrix[np.arange(count), nearest]
    while count > 1:
        first = int(best.argmax())
        if not best[first] >= threshold:
            break
        second = int(nearest[first])
        joined = (sizes[first] * matrix[first] + sizes[second] * matrix[second]) / (
            sizes[first] + sizes[second]
        )
        joined[[first, second]] = -np.inf
        matrix[first], matrix[:, first] = joined, joined
        matrix[second], matrix[:, second] = -np.inf, -np.inf
        members[first] += members[second]
        members[second] = []
        sizes[first] += sizes[second]
        best[second] = -np.inf
        # Only rows that pointed at either group, or are now nearest to the joined one, can have changed.
        stale = np.flatnonzero((nearest == first) | (nearest == second))
        stale = np.union1d(stale[best[stale] > -np.inf], [first])
        nearest[stale] = matrix[stale].argmax(axis=1)
        best[stale] = matrix[stale, nearest[stale]]
        closer = (joined > best) & (best > -np.inf)
        nearest[closer], best[closer] = first, joined[closer]
    return [np.array(sorted(group), dtype=np.int64) for group in members if group]

"""Average linkage of clusters by cluster features (BIRCH; Zhang et al., 1996): number, sum and squared lengths.

Knows distances, what must stay apart and when a group is too wide; knows no library and no concepts.

The average of the squared distances between two groups needs only their numbers, their sums and their sums of squared
lengths, so a group of a thousand members is compared as fast as one of two, and as exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from personalizer.clustering.average_linkage import Edges, average_linkage, components_of_edges
from personalizer.schemas import BoolArray, ConceptKind, Float32Array, Float64Array, Int64Array

MAX_DENSE_ENTRIES = 4096
"""Rows of the largest matrix of distances (64 MiB)."""
_BLOCK_CELLS = 1 << 22


def squared_distance(kind: ConceptKind, similarity: float) -> float:
    """The squared distance at a similarity: 1 - distance for faces, the cosine for things."""
    return (1 - similarity) ** 2 if kind == "face" else 2 - 2 * similarity


def similarity_at(kind: ConceptKind, squared: float) -> float:
    """The inverse of `squared_distance`."""
    return 1 - max(squared, 0.0) ** 0.5 if kind == "face" else 1 - squared / 2


@dataclass(frozen=True, slots=True, eq=False)
class ClusterFeatures:
    """Clusters by what they add up to: `counts` `[m]`, `vectors` `[m, dim]` and `squares` `[m]`, of squared lengths."""

    counts: Float64Array
    vectors: Float32Array
    squares: Float64Array

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def of_items(cls, vectors: Float32Array) -> ClusterFeatures:
        """Every one of the vectors `[m, dim]` a group of its own."""
        squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        return cls(np.ones(len(vectors)), vectors.astype(np.float32), squares)

    @classmethod
    def of_group(cls, vectors: Float32Array) -> ClusterFeatures:
        """All of the vectors `[n, dim]` one group."""
        return cls.of_items(vectors).joined([np.arange(len(vectors), dtype=np.int64)])

    @classmethod
    def concatenated(cls, parts: list[ClusterFeatures]) -> ClusterFeatures:
        return cls(
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.squares for part in parts]),
        )

    def taken(self, chosen: Int64Array) -> ClusterFeatures:
        return ClusterFeatures(self.counts[chosen], self.vectors[chosen], self.squares[chosen])

    def joined(self, groups: list[Int64Array]) -> ClusterFeatures:
        """One entry for each of `groups` of entries."""
        return ClusterFeatures(
            np.array([self.counts[group].sum() for group in groups]),
            np.stack([self.vectors[group].sum(axis=0) for group in groups])
            if groups
            else np.zeros((0, self.vectors.shape[1]), np.float32),
            np.array([self.squares[group].sum() for group in groups]),
        )

    def mean_squared_distance(self, others: ClusterFeatures) -> Float64Array:
        """The mean squared distance of every group to every one of `others`, `[m, others]`."""
        mine, theirs = (one.vectors / one.counts[:, None].astype(np.float32) for one in (self, others))
        lengths = (self.squares / self.counts)[:, None] + (others.squares / others.counts)[None]
        distance: Float64Array = np.maximum(lengths - 2 * mine @ theirs.T, 0)
        return distance

    def pair_sums(self) -> Float64Array:
        """The sum of the squared distances over the pairs inside each group, `[m]`."""
        lengths = np.einsum("nd,nd->n", self.vectors, self.vectors, dtype=np.float64)
        features: Float64Array = self.counts * self.squares - lengths
        return np.maximum(features, 0)


@dataclass(frozen=True, slots=True)
class JoinLimits:
    """When two groups become one: squared distances, as means over the pairs between them or inside them."""

    squared: float
    """Groups join up to this mean over the pairs between them."""
    close_squared: float
    """Up to here they join however they are spread."""
    separation: float = 1.7
    """Beyond, not where the pairs between them are this many times as far (squared) as those inside: two clouds that
    lie further apart than they are wide are two people who look alike, and must not become one by and by."""
    least: int = 3
    """The number of members from which on a group's own width says something."""


def join(
    features: ClusterFeatures, apart: Callable[[Int64Array], BoolArray | None], limits: JoinLimits
) -> list[Int64Array]:
    """Which entries of `features` are one group. `apart` says of some entries `[m]` which pairs must not come together.

    Two groups whose average is within the limit contain two entries whose average is, so groups never cross what hangs
    together by such pairs, and each part can be linked alone.
    """
    found: list[Int64Array] = []
    for part in _parts(features, np.arange(len(features), dtype=np.int64), limits.squared):
        found += (
            [part]
            if len(part) == 1
            else [part[group] for group in _join(features.taken(part), apart(part), limits)]
        )
    return found


def _parts(features: ClusterFeatures, entries: Int64Array, squared: float) -> list[Int64Array]:
    """The sets of entries that hang together by pairs within `squared`; too large ones by closer pairs."""
    chosen = features.taken(entries)
    rows = max(1, _BLOCK_CELLS // max(len(entries), 1))

    def blocks() -> Iterator[Edges]:
        for start in range(0, len(entries), rows):
            block = chosen.taken(np.arange(start, min(start + rows, len(entries)), dtype=np.int64))
            row, column = np.nonzero(block.mean_squared_distance(chosen) <= squared)
            yield row + start, column

    found: list[Int64Array] = []
    for part in (entries[numbers] for numbers in components_of_edges(len(entries), blocks())):
        if len(part) <= MAX_DENSE_ENTRIES:
            found.append(part)
        elif squared > 1e-3:
            found += _parts(features, part, squared * 0.8)
        else:
            # Copies of one thing: any cut is as good as another.
            found += np.array_split(part, -(-len(part) // MAX_DENSE_ENTRIES))
    return found


def _join(features: ClusterFeatures, apart: BoolArray | None, limits: JoinLimits) -> list[Int64Array]:
    matrix = (-features.mean_squared_distance(features)).astype(np.float32)
    if apart is not None:
        matrix[apart] = -np.inf
    counts, inside = features.counts.copy(), features.pair_sums()

    def refuses(first: int, second: int, similarity: float) -> bool:
        if is_separated(counts[[first, second]], inside[[first, second]], -similarity, limits):
            return True
        inside[first] += inside[second] + counts[first] * counts[second] * -similarity
        counts[first] += counts[second]
        return False

    sizes = features.counts.astype(np.int64)
    return average_linkage(matrix, -limits.squared, sizes=sizes, refuses=refuses)


def is_separated(counts: Float64Array, inside: Float64Array, between: float, limits: JoinLimits) -> bool:
    """Whether two groups are further apart, `between` them on average, than they are wide.

    `counts` `[2]` and `inside` `[2]` are their numbers and sums over pairs, as in `ClusterFeatures`.
    """
    if between <= limits.close_squared or counts.min() < limits.least:
        return False
    width = inside.sum() / (counts * (counts - 1) / 2).sum()
    return bool(between > limits.separation * width)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Mean distance of each member to the other members of its cluster: the limit for another member."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of_members(cls, vectors: Float32Array) -> Dispersion:
        """Of the members' vectors `[n, dim]`."""
        count = len(vectors)
        if count < 2:
            return cls(0.0, 0.0, count)
        group, items = ClusterFeatures.of_group(vectors), ClusterFeatures.of_items(vectors)
        each = items.mean_squared_distance(group)[:, 0] * count / (count - 1)
        return cls(float(each.mean()), float(each.std()), count)

    def usual(self, least_deviation: float) -> float:
        """The squared distance up to which one more member would be nothing unusual.

        The estimate of the deviation is only trusted as far as the number of members allows.
        """
        trust = max(self.count - 2, 0) / (max(self.count - 2, 0) + 4)
        least = least_deviation * self.mean
        return self.mean + max(trust * self.deviation, least)

"""Re-clusters all unlabeled items from scratch in bounded memory. Writes nothing.

Each connected component of the similarity graph gets exact average linkage if its distance matrix fits into memory.
Larger components are first split at a stricter threshold, and the resulting clusters are then joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from personalizer.clustering.assign import assign_items
from personalizer.clustering.average_linkage import Edges, components_of_edges
from personalizer.clustering.cluster_features import (
    MAX_DENSE_ENTRIES,
    ClusterFeatures,
    JoinLimits,
    join,
    squared_distance,
)
from personalizer.clustering.constraints import cannot_link_matrix, join_must_links
from personalizer.clustering.settings import CHUNK_ITEMS, KindSettings
from personalizer.clustering.state import GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import BoolArray, Int64Array, OnProgress, Progress

_BLOCK_ITEMS = 1024
_COLUMNS = 8192
Groups = list[set[int]]
"""Clusters as sets of positions in the store."""


def cluster_from_scratch(
    library: Library,
    state: GroupingState,
    kind: KindState,
    settings: KindSettings,
    progress: OnProgress | None = None,
) -> Groups:
    """Clusters of at least `min_size` items among those in no labeled concept, as positions in the store.

    Items below `min_quality` form no cluster; afterwards they may join one.
    """
    free = np.flatnonzero(~kind.in_labeled)
    core = free[kind.store.quality[free] >= settings.min_quality]
    linkage = _FromScratch(library, state, kind, settings, progress)
    groups = join_must_links(
        state.constraints, kind.store, [set(entry.tolist()) for entry in linkage.entries(core)]
    )
    groups = [group for group in groups if len(group) > 1]
    scratch = _scratch(kind, groups)
    rest = np.setdiff1d(free, np.array(sorted(set().union(*groups)) if groups else [], np.int64))
    poor = rest[kind.store.quality[rest] < settings.min_quality]
    chunk = CHUNK_ITEMS[kind.kind]
    for start in range(0, len(poor), chunk):
        _assign_on(library, state, scratch, poor[start : start + chunk], settings)
    clusters = [set(members.tolist()) for c, members in scratch.members.items() if c not in scratch.labeled]
    return [group for group in clusters if len(group) >= settings.min_size]


def _scratch(kind: KindState, groups: Groups) -> KindState:
    """A temporary state with the same items and labeled concepts, and `groups` as its unlabeled clusters.

    Cluster ids count down from -2, since -1 means unassigned.
    """
    made = KindState(kind.kind)
    made.store = kind.store
    made.labeled = set(kind.labeled)
    made.refused = {concept: items for concept, items in kind.refused.items() if concept in kind.labeled}
    made.group_of = np.full(len(kind.store), -1, np.int64)
    made.in_labeled = np.zeros(len(kind.store), np.bool_)
    for concept_id in kind.labeled:
        made.set_members(concept_id, kind.members.get(concept_id, np.zeros(0, np.int64)), labeled=True)
    for number, group in enumerate(groups):
        made.set_members(-2 - number, group, labeled=False)
    return made


def _assign_on(
    library: Library, state: GroupingState, scratch: KindState, items: Int64Array, settings: KindSettings
) -> None:
    """Assign `items` to unlabeled clusters of `scratch`, in place; labeled concepts get none of them."""
    assigned = assign_items(library, state, scratch, items, settings, assign=False)
    number = min([*scratch.members, -1]) - 1
    changed = [group for group in assigned.new if group not in assigned.old.values()]
    for concept_id, old in assigned.old.items():
        if old not in assigned.new:
            scratch.set_members(concept_id, [], labeled=False)
    for group in changed:
        scratch.set_members(number, group, labeled=False)
        number -= 1


@dataclass(frozen=True, slots=True)
class _FromScratch:
    """One run. An entry is a sorted array of store positions that form one cluster, or a single item."""

    library: Library
    state: GroupingState
    kind: KindState
    settings: KindSettings
    progress: OnProgress | None

    @property
    def limits(self) -> JoinLimits:
        kind, settings = self.kind.kind, self.settings
        return JoinLimits(squared_distance(kind, settings.threshold), squared_distance(kind, settings.close))

    def entries(self, items: Int64Array) -> list[Int64Array]:
        """All `items` as entries: clusters and single items."""
        done: list[Int64Array] = []
        batch: list[list[Int64Array]] = []
        unassigned = 0
        for component in self._components(items, self.settings.threshold - self.kind.store.slack):
            if len(component) > MAX_DENSE_ENTRIES:
                done += self._large(component, self.settings.threshold)
                continue
            batch.append(_singletons(component))
            unassigned += len(component)
            if unassigned >= MAX_DENSE_ENTRIES:
                done += self._joined(batch)
                batch, unassigned = [], 0
        return done + self._joined(batch)

    def _joined(self, batch: list[list[Int64Array]]) -> list[Int64Array]:
        """Exact average linkage within each list of entries; the vectors of all are read together."""
        flat = [entry for entries in batch for entry in entries if len(entries) > 1]
        joined = [entries[0] for entries in batch if len(entries) == 1]
        if not flat:
            return joined
        features = self._features(flat)
        start = 0
        for entries in batch:
            if len(entries) == 1:
                continue
            chosen = features.taken(np.arange(start, start + len(entries)))
            start += len(entries)
            sets = [set(entry.tolist()) for entry in entries]
            groups = join(chosen, partial(self._cannot_link, sets), self.limits)
            joined += [np.sort(np.concatenate([entries[n] for n in group.tolist()])) for group in groups]
        return joined

    def _cannot_link(self, sets: Groups, chosen: Int64Array) -> BoolArray | None:
        """The cannot-link matrix of the `chosen` sets; see `cannot_link_matrix`."""
        return cannot_link_matrix(
            self.state.constraints, self.kind.store, [sets[number] for number in chosen.tolist()]
        )

    def _features(self, entries: list[Int64Array]) -> ClusterFeatures:
        """One cluster feature per entry; vectors are read in blocks."""
        parts = []
        block: list[Int64Array] = []
        size = 0
        for number, entry in enumerate(entries):
            block.append(entry)
            size += len(entry)
            if size >= _BLOCK_ITEMS or number == len(entries) - 1:
                features = ClusterFeatures.of_items(
                    self.kind.store.vectors(self.library, np.concatenate(block))
                )
                ends = np.cumsum([len(members) for members in block])
                parts.append(
                    features.joined(
                        [np.arange(end - len(members), end) for end, members in zip(ends, block, strict=True)]
                    )
                )
                block, size = [], 0
        return ClusterFeatures.concatenated(parts)

    def _large(self, items: Int64Array, cut: float) -> list[Int64Array]:
        """Cluster a component too large for one matrix: split it above `cut`, cluster the pieces, join the results."""
        stricter = cut + (1 - cut) * 0.1
        clusters: list[Int64Array] = []
        small: list[list[Int64Array]] = []
        for piece in self._components(items, stricter):
            if len(piece) <= MAX_DENSE_ENTRIES:
                small.append(_singletons(piece))
            elif stricter < 0.98:
                clusters += self._large(piece, stricter)
            else:
                # Nearly identical items: an arbitrary split does no harm.
                small += [
                    _singletons(piece[start : start + MAX_DENSE_ENTRIES])
                    for start in range(0, len(piece), MAX_DENSE_ENTRIES)
                ]
        for entries in small:
            clusters += self._joined([entries])
        fits = len(clusters) <= MAX_DENSE_ENTRIES
        return self._joined([clusters]) if fits else self._by_neighborhoods(clusters)

    def _by_neighborhoods(self, entries: list[Int64Array]) -> list[Int64Array]:
        """Assign the single items among `entries` to its clusters incrementally, as new items are assigned."""
        scratch = _scratch(self.kind, [set(entry.tolist()) for entry in entries if len(entry) > 1])
        alone = np.array(sorted(int(entry[0]) for entry in entries if len(entry) == 1), np.int64)
        # Items of other components are too far away: mark them as labeled so that they are not candidates.
        outside = np.ones(len(self.kind.store), np.bool_)
        outside[np.concatenate(entries)] = False
        scratch.in_labeled |= outside
        chunk = CHUNK_ITEMS[self.kind.kind]
        for start in range(0, len(alone), chunk):
            part = alone[start : start + chunk]
            part = part[scratch.group_of[part] == -1]
            if len(part):
                _assign_on(self.library, self.state, scratch, part, self.settings)
        groups = [m for c, m in scratch.members.items() if c not in scratch.labeled]
        grouped = np.concatenate(groups) if groups else np.zeros(0, np.int64)
        return [*groups, *(np.array([p], np.int64) for p in np.setdiff1d(alone, grouped).tolist())]

    def _components(self, items: Int64Array, threshold: float) -> list[Int64Array]:
        """Connected components of the graph of pairs whose approximate similarity reaches `threshold`."""
        count = len(items)
        reach = squared_distance(self.kind.kind, threshold)

        def blocks() -> Iterator[Edges]:
            for start in range(0, count, _BLOCK_ITEMS):
                if self.progress is not None and start:
                    self.progress(Progress(start, count, "Comparing"))
                rows = items[start : start + _BLOCK_ITEMS]
                edges: list[Edges] = []
                # The matrix is symmetric: earlier columns were compared as rows.
                for begin in range(start, count, _COLUMNS):
                    near = self.kind.store.rough_squared(rows, items[begin : begin + _COLUMNS]) <= reach
                    row, column = np.nonzero(near)
                    edges.append((row + start, column + begin))
                first, second = (np.concatenate(part) for part in zip(*edges, strict=True))
                yield first, second

        return [items[part] for part in components_of_edges(count, blocks())]


def _singletons(items: Int64Array) -> list[Int64Array]:
    """Each item as an entry."""
    return [items[number : number + 1] for number in range(len(items))]

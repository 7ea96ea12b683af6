"""Groups all items that nobody decided about from the start, in bounded memory. Computes and writes nothing.

Where all that hangs together fits into one matrix, that is exact average linkage. Only of larger sets the tight parts
are joined first, and then what became of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from personalizer.clustering.assign import place_items
from personalizer.clustering.assignment import CHUNK_ITEMS, PlacementSettings
from personalizer.clustering.average_linkage import Edges, connected_parts
from personalizer.clustering.cannot_link import entries_apart, unite
from personalizer.clustering.cluster_sums import MAX_DENSE_ENTRIES, JoinLimits, Sums, join, squared_distance
from personalizer.clustering.state import GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import BoolArray, Int64Array, OnProgress, Progress

_BLOCK_ITEMS = 1024
_COLUMNS = 8192
Groups = list[set[int]]


def link_all(
    library: Library,
    state: GroupingState,
    kind: KindState,
    settings: PlacementSettings,
    progress: OnProgress | None = None,
) -> Groups:
    """The groups of at least `min_size` items among those that are in no decided concept; positions in the store."""
    free = np.flatnonzero(~kind.claimed)
    core = free[kind.store.quality[free] >= settings.min_quality]
    linkage = _FullLinkage(library, state, kind, settings, progress)
    groups = unite(state, kind, [set(entry.tolist()) for entry in linkage.entries(core)])
    groups = [group for group in groups if len(group) > 1]
    scratch = _scratch(kind, groups)
    rest = np.setdiff1d(free, np.array(sorted(set().union(*groups)) if groups else [], np.int64))
    poor = rest[kind.store.quality[rest] < settings.min_quality]
    chunk = CHUNK_ITEMS[kind.kind]
    for start in range(0, len(poor), chunk):
        _place_on(library, state, scratch, poor[start : start + chunk], settings)
    found = [set(members.tolist()) for c, members in scratch.members.items() if c not in scratch.decided]
    return [group for group in found if len(group) >= settings.min_size]


def _scratch(kind: KindState, groups: Groups) -> KindState:
    """A state with the same items and decided concepts, and these groups."""
    made = KindState(kind.kind)
    made.store = kind.store
    made.decided = set(kind.decided)
    made.refused = {concept: items for concept, items in kind.refused.items() if concept in kind.decided}
    made.group_of = np.full(len(kind.store), -1, np.int64)
    made.claimed = np.zeros(len(kind.store), np.bool_)
    for concept_id in kind.decided:
        made.set_members(concept_id, kind.members.get(concept_id, np.zeros(0, np.int64)), decided=True)
    for number, group in enumerate(groups):
        made.set_members(-2 - number, group, decided=False)
    return made


def _place_on(
    library: Library, state: GroupingState, scratch: KindState, items: Int64Array, settings: PlacementSettings
) -> None:
    """Let items of a scratch state find their groups; decided concepts are left alone."""
    placed = place_items(library, state, scratch, items, settings, attach=False)
    number = min([*scratch.members, -1]) - 1
    changed = [group for group in placed.new if group not in placed.old.values()]
    for concept_id, old in placed.old.items():
        if old not in placed.new:
            scratch.set_members(concept_id, [], decided=False)
    for group in changed:
        scratch.set_members(number, group, decided=False)
        number -= 1


class _FullLinkage:
    """One run. An entry is an array of positions that are together."""

    def __init__(
        self,
        library: Library,
        state: GroupingState,
        kind: KindState,
        settings: PlacementSettings,
        progress: OnProgress | None,
    ) -> None:
        self.library, self.state, self.kind, self.settings = library, state, kind, settings
        self.progress = progress
        self.limits = JoinLimits(
            squared_distance(kind.kind, settings.threshold), squared_distance(kind.kind, settings.close)
        )

    def entries(self, items: Int64Array) -> list[Int64Array]:
        """What belongs together, and what is alone."""
        found: list[Int64Array] = []
        batch: list[list[Int64Array]] = []
        waiting = 0
        for component in self._components(items, self.settings.threshold - self.kind.store.slack):
            if len(component) > MAX_DENSE_ENTRIES:
                found += self._large(component, self.settings.threshold)
                continue
            batch.append(_alone(component))
            waiting += len(component)
            if waiting >= MAX_DENSE_ENTRIES:
                found += self._joined(batch)
                batch, waiting = [], 0
        return found + self._joined(batch)

    def _joined(self, batch: list[list[Int64Array]]) -> list[Int64Array]:
        """Exact average linkage in each of the sets of entries; their vectors are read at once."""
        flat = [entry for entries in batch for entry in entries if len(entries) > 1]
        found = [entries[0] for entries in batch if len(entries) == 1]
        if not flat:
            return found
        sums = self._sums(flat)
        start = 0
        for entries in batch:
            if len(entries) == 1:
                continue
            chosen = sums.taken(np.arange(start, start + len(entries)))
            start += len(entries)
            sets = [set(entry.tolist()) for entry in entries]
            groups = join(chosen, partial(self._apart, sets), self.limits)
            found += [np.sort(np.concatenate([entries[n] for n in group.tolist()])) for group in groups]
        return found

    def _apart(self, sets: Groups, chosen: Int64Array) -> BoolArray | None:
        return entries_apart(self.state, self.kind, [sets[number] for number in chosen.tolist()])

    def _sums(self, entries: list[Int64Array]) -> Sums:
        parts = []
        block: list[Int64Array] = []
        size = 0
        for number, entry in enumerate(entries):
            block.append(entry)
            size += len(entry)
            if size >= _BLOCK_ITEMS or number == len(entries) - 1:
                each = Sums.of_items(self.kind.store.vectors(self.library, np.concatenate(block)))
                ends = np.cumsum([len(one) for one in block])
                parts.append(
                    each.joined(
                        [np.arange(end - len(one), end) for end, one in zip(ends, block, strict=True)]
                    )
                )
                block, size = [], 0
        return Sums.concatenated(parts)

    def _large(self, items: Int64Array, cut: float) -> list[Int64Array]:
        """Too much for one matrix: first what hangs together more tightly, then what became of it."""
        stricter = cut + (1 - cut) * 0.1
        found: list[Int64Array] = []
        small: list[list[Int64Array]] = []
        for piece in self._components(items, stricter):
            if len(piece) <= MAX_DENSE_ENTRIES:
                small.append(_alone(piece))
            elif stricter < 0.98:
                found += self._large(piece, stricter)
            else:
                # Copies of one thing: any cut is as good as another.
                small += [
                    _alone(piece[start : start + MAX_DENSE_ENTRIES])
                    for start in range(0, len(piece), MAX_DENSE_ENTRIES)
                ]
        for entries in small:
            found += self._joined([entries])
        return self._joined([found]) if len(found) <= MAX_DENSE_ENTRIES else self._by_neighbourhoods(found)

    def _by_neighbourhoods(self, entries: list[Int64Array]) -> list[Int64Array]:
        """What is left over finds its groups as new items do."""
        scratch = _scratch(self.kind, [set(entry.tolist()) for entry in entries if len(entry) > 1])
        alone = np.array(sorted(int(entry[0]) for entry in entries if len(entry) == 1), np.int64)
        # Items of other sets are nowhere near, and are not to be looked at again.
        outside = np.ones(len(self.kind.store), np.bool_)
        outside[np.concatenate(entries)] = False
        scratch.claimed |= outside
        chunk = CHUNK_ITEMS[self.kind.kind]
        for start in range(0, len(alone), chunk):
            part = alone[start : start + chunk]
            part = part[scratch.group_of[part] == -1]
            if len(part):
                _place_on(self.library, self.state, scratch, part, self.settings)
        groups = [m for c, m in scratch.members.items() if c not in scratch.decided]
        grouped = np.concatenate(groups) if groups else np.zeros(0, np.int64)
        return [*groups, *(np.array([p], np.int64) for p in np.setdiff1d(alone, grouped).tolist())]

    def _components(self, items: Int64Array, threshold: float) -> list[Int64Array]:
        """The sets that hang together by pairs which may be at least this similar."""
        count = len(items)
        reach = squared_distance(self.kind.kind, threshold)

        def blocks() -> Iterator[Edges]:
            for start in range(0, count, _BLOCK_ITEMS):
                if self.progress is not None and start:
                    self.progress(Progress(start, count, "Comparing"))
                rows = items[start : start + _BLOCK_ITEMS]
                edges: list[Edges] = []
                # What comes before was compared already.
                for begin in range(start, count, _COLUMNS):
                    near = self.kind.store.rough_squared(rows, items[begin : begin + _COLUMNS]) <= reach
                    row, column = np.nonzero(near)
                    edges.append((row + start, column + begin))
                first, second = (np.concatenate(part) for part in zip(*edges, strict=True))
                yield first, second

        return [items[part] for part in connected_parts(count, blocks())]


def _alone(items: Int64Array) -> list[Int64Array]:
    return [items[number : number + 1] for number in range(len(items))]

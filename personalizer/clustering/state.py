"""Clustering's state between two runs: the cluster of each item, and approximate cluster centers.

Reads the library and writes nothing. It can be discarded at any time; any change but new photos makes it reload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from personalizer.clustering.cluster_features import ClusterFeatures, Dispersion
from personalizer.clustering.constraints import LinkConstraints
from personalizer.clustering.items import ItemStore
from personalizer.library.library import Library
from personalizer.schemas import BoolArray, ConceptKind, Float32Array, Int64Array

_CACHED_GROUPS = 256
"""Of each kind: clusters whose exact features are kept."""
UNASSIGNED = -1


@dataclass(frozen=True, slots=True)
class GroupMeasures:
    """Exact cluster feature and dispersion of a cluster."""

    features: ClusterFeatures
    dispersion: Dispersion


class KindState:
    """Items and groups of one kind. Positions are those of `store`."""

    def __init__(self, kind: ConceptKind) -> None:
        self.kind = kind
        self.store = ItemStore(kind)
        self.members: dict[int, Int64Array] = {}
        """Confirmed members by concept."""
        self.labeled: set[int] = set()
        self.assigned: dict[int, set[int]] = {}
        """By labeled concept: members that only clustering put there."""
        self.suggested: dict[int, set[int]] = {}
        self.refused: dict[int, set[int]] = {}
        self.group_of: Int64Array = np.zeros(0, np.int64)
        """`[n]`: the unlabeled cluster that the item is in, or `UNASSIGNED`."""
        self.in_labeled: BoolArray = np.zeros(0, np.bool_)
        """`[n]`: whether it is in a labeled concept."""
        self._row_of: dict[int, int] = {}
        self._centers: Float32Array = np.zeros((0, 0), np.float32)
        self._squares: Float32Array = np.zeros(0, np.float32)
        self._dirty: set[int] = set()
        self._measures: OrderedDict[int, GroupMeasures] = OrderedDict()

    def read_items(self, library: Library) -> bool:
        """Take in new items, which are in no group; False when all were read anew and nothing is known of groups."""
        if not self.store.refresh(library):
            return False
        missing = len(self.store) - len(self.group_of)
        self.group_of = np.concatenate([self.group_of, np.full(missing, UNASSIGNED, np.int64)])
        self.in_labeled = np.concatenate([self.in_labeled, np.zeros(missing, np.bool_)])
        return True

    def read_groups(self, library: Library) -> None:
        """Read all memberships again."""
        store = self.store
        store.keep_valid(library)
        store.refresh(library)
        self.members, self.labeled = {}, set()
        self.assigned, self.suggested, self.refused = {}, {}, {}
        self.group_of = np.full(len(store), UNASSIGNED, np.int64)
        self.in_labeled = np.zeros(len(store), np.bool_)
        concepts = library.concepts_with_label(self.kind)
        self.labeled = {concept_id for concept_id, labeled in concepts.items() if labeled}
        rows = library.cluster_memberships(self.kind)
        position_of = np.array([row.detection_id for row in rows], np.int64)
        place = np.searchsorted(store.ids, position_of) if len(store) else np.zeros(len(rows), np.int64)
        confirmed: dict[int, list[int]] = {concept_id: [] for concept_id in concepts}
        for row, position in zip(rows, place.tolist(), strict=True):
            if position >= len(store) or store.ids[position] != row.detection_id:
                continue
            concept_id, status = row.concept_id, row.status
            if status == "confirmed":
                confirmed[concept_id].append(position)
                if row.by_cluster and concept_id in self.labeled:
                    self.assigned.setdefault(concept_id, set()).add(position)
            elif status == "suggested":
                self.suggested.setdefault(concept_id, set()).add(position)
            else:
                self.refused.setdefault(concept_id, set()).add(position)
        for concept_id, positions in confirmed.items():
            chosen = np.array(positions, np.int64)
            self.members[concept_id] = chosen
            if concept_id in self.labeled:
                self.in_labeled[chosen] = True
            else:
                self.group_of[chosen] = concept_id
        self._row_of = {}
        self._centers = np.zeros((0, 0), np.float32)
        self._dirty = set(self.members)
        self._measures.clear()

    def read_suggestions(self, library: Library) -> None:
        """Take over what is suggested now, of items that are known."""
        self.suggested = {}
        for row in library.cluster_memberships(self.kind):
            if row.status == "suggested":
                for position in self.store.positions(np.array([row.detection_id], np.int64)).tolist():
                    self.suggested.setdefault(row.concept_id, set()).add(position)

    def set_members(self, concept_id: int, positions: Iterable[int] | Int64Array, *, labeled: bool) -> None:
        """Take over what was written of a concept; without members it is gone."""
        chosen = np.array(sorted(int(position) for position in positions), np.int64)
        before = self.members.pop(concept_id, np.zeros(0, np.int64))
        if labeled:
            self.labeled.add(concept_id)
            self.in_labeled[chosen] = True
        else:
            leaving = before[self.group_of[before] == concept_id]
            self.group_of[leaving] = UNASSIGNED
            self.group_of[chosen] = concept_id
        if len(chosen) or labeled:
            self.members[concept_id] = chosen
        else:
            self.suggested.pop(concept_id, None)
            self.refused.pop(concept_id, None)
        self._measures.pop(concept_id, None)
        self._dirty.add(concept_id)

    @property
    def source_name(self) -> str:
        """The model whose vectors are compared, as the library records it."""
        return "/".join(self.store.source or ())

    @property
    def unlabeled(self) -> list[int]:
        """Unlabeled clusters."""
        return [concept_id for concept_id in self.members if concept_id not in self.labeled]

    @property
    def unassigned(self) -> Int64Array:
        """Positions of the items that are in no group and no concept."""
        return np.flatnonzero((self.group_of == UNASSIGNED) & ~self.in_labeled)

    def rough_centers(self) -> tuple[list[int], Float32Array, Float32Array]:
        """Concepts with members, their mean sketches `[groups, sketch]` and mean squared lengths `[groups]`."""
        for concept_id in self._dirty:
            positions = self.members.get(concept_id, np.zeros(0, np.int64))
            row = self._row_of.get(concept_id)
            if not len(positions):
                if row is not None:
                    self._squares[row] = np.inf
                continue
            sketch = self.store.rough(positions)
            if row is None:
                row = self._row_of[concept_id] = len(self._row_of)
                if row >= len(self._centers):
                    room = max(64, len(self._centers) // 4)
                    empty = np.zeros((room, sketch.shape[1]), np.float32)
                    self._centers = np.concatenate([self._centers, empty]) if len(self._centers) else empty
                    far = np.full(len(self._centers) - min(row, len(self._squares)), np.inf, np.float32)
                    self._squares = np.concatenate([self._squares[:row], far])
            self._centers[row] = sketch.mean(axis=0)
            self._squares[row] = self.store.squares(positions).mean()
        self._dirty.clear()
        count = len(self._row_of)
        return list(self._row_of), self._centers[:count], self._squares[:count]

    def measures(self, library: Library, concept_id: int) -> GroupMeasures:
        """The group exactly, from its members' vectors."""
        known = self._measures.get(concept_id)
        if known is None:
            vectors = self.store.vectors(library, self.members[concept_id])
            known = GroupMeasures(ClusterFeatures.of_group(vectors), Dispersion.of_members(vectors))
            self._measures[concept_id] = known
            if len(self._measures) > _CACHED_GROUPS:
                self._measures.popitem(last=False)
        self._measures.move_to_end(concept_id)
        return known


class GroupingState:
    """The state of both kinds, the links, and the library's change counter that they belong to."""

    def __init__(self) -> None:
        self.kinds: dict[ConceptKind, KindState] = {"face": KindState("face"), "object": KindState("object")}
        self.constraints = LinkConstraints()
        self.stamp: int | None = None
        """Of the last change that is known of; None makes all memberships be read again."""
        self._removals: int | None = None

    def refresh(self, library: Library) -> bool:
        """Bring it up to date; True when more than new photos had changed and all memberships were read."""
        found = library.clustering_changes()
        if found == self.stamp:
            # Both, also when the first already says that all has to be read.
            went_on = [kind.read_items(library) for kind in self.kinds.values()]
            if all(went_on):
                return False
        removals = library.clustering_removals()
        if removals != self._removals:
            # An id that is known may stand for something else by now.
            for kind in self.kinds.values():
                kind.store.clear()
            self._removals = removals
        self.constraints = LinkConstraints.from_links(
            library.links_newest_first(), library.photos_that_show_twice()
        )
        for kind in self.kinds.values():
            kind.read_groups(library)
        self.stamp = found
        return True

    def take_over_suggestions(self, library: Library, change: Callable[[], bool]) -> None:
        """Let `change` change what is suggested, and nothing else; what is known of groups stays known.

        `change` says whether it did.
        """
        with library.transaction():
            was_known = library.clustering_changes() == self.stamp
            if change() and was_known:
                for kind in self.kinds.values():
                    kind.read_suggestions(library)
                self.stamp = library.clustering_changes()

"""Collects similar unassigned items, clusters and concepts around new items, with exact distances.

Candidates come from sketches, distances from the members' vectors. Decides nothing.
"""

from __future__ import annotations

import numpy as np

from personalizer.clustering.cluster_features import ClusterFeatures, similarity_at, squared_distance
from personalizer.clustering.settings import CHUNK_ITEMS, KindSettings
from personalizer.clustering.state import UNASSIGNED, GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import BoolArray, Float64Array, Int64Array

_GROUPS_AROUND = 24
_ITEMS_AROUND = 48
"""Candidates per new item. More than that many equally similar groups would leave no margin anyway."""
_MAX_AROUND = 3
"""Unassigned items in one neighborhood, for each new one."""
_LOOSE_MEMBERS = 24
"""Groups up to this size that new items touch are linked anew with them: how they began was chance."""
_BLOCK = 8192


class Neighborhood:
    """New items with what is around them. `items` are new and unassigned ones, `groups` the concepts around them.

    `squared` and `blocked` are `[items, groups]`. At `positions` are the items and, behind them, the members of `loose`
    groups; `features` are theirs, and `index` numbers them.
    """

    def __init__(
        self,
        library: Library,
        state: GroupingState,
        kind: KindState,
        new: Int64Array,
        settings: KindSettings,
    ) -> None:
        self.library, self.kind, self.settings = library, kind, settings
        self.constraints = state.constraints
        self.items, self.groups = self._gather(new)
        self.store = kind.store
        self.features = ClusterFeatures.of_items(self.store.vectors(library, self.items))
        measures = [kind.measures(library, concept_id) for concept_id in self.groups]
        self.group_features = [measure.features for measure in measures]
        self.dispersions = [measure.dispersion for measure in measures]
        self.is_labeled = np.array([concept_id in kind.labeled for concept_id in self.groups], np.bool_)
        shape = (len(self.items), len(self.groups))
        self.squared: Float64Array = (
            self.features.mean_squared_distance(ClusterFeatures.concatenated(self.group_features))
            if self.groups
            else np.zeros(shape)
        )
        self.blocked = self._blocked()
        self.loose = self._loose()
        self.positions = self.items
        if self.loose:
            # Behind the items, whose numbers stay what they are.
            members = np.concatenate([kind.members[self.groups[column]] for column in self.loose])
            self.positions = np.concatenate([self.items, members])
            self.features = ClusterFeatures.concatenated(
                [self.features, ClusterFeatures.of_items(self.store.vectors(library, members))]
            )
        self.index = {int(position): number for number, position in enumerate(self.positions)}

    def concepts_of(self, position: int) -> list[int]:
        """The concept or group that the item at this position is in; of several labeled ones all."""
        if self.kind.group_of[position] != UNASSIGNED:
            return [int(self.kind.group_of[position])]
        if not self.kind.in_labeled[position]:
            return []
        return [c for c in self.kind.labeled if c in self.kind.members and position in self.kind.members[c]]

    def exclusive_photos(self, positions: Int64Array) -> Int64Array:
        """The photos of items; -1 for those that may show one person twice."""
        photos = self.store.photos[positions]
        if self.constraints.shows_twice:
            photos = np.where(np.isin(photos, list(self.constraints.shows_twice)), -1, photos)
        return photos

    def similarity(self, squared: float) -> float:
        """What a squared distance is on the scale of the kind."""
        return similarity_at(self.kind.kind, squared)

    def _gather(self, new: Int64Array) -> tuple[Int64Array, list[int]]:
        reach = squared_distance(
            self.kind.kind, min(self.settings.suggest, self.settings.threshold) - self.kind.store.slack
        )
        around = [new]
        found = new
        # Two items that resemble a third become a group with it although neither resembles the other's.
        for _ in range(self.settings.min_size - 1):
            known = np.concatenate(around)
            room = _MAX_AROUND * CHUNK_ITEMS[self.kind.kind] - len(known) + len(new)
            found = self._unassigned_near(found, known, reach)[: max(room, 0)]
            if not len(found):
                break
            around.append(found)
        items = np.concatenate(around)
        groups = self._groups_near(items, reach)
        if self.constraints:
            tied = {
                int(position)
                for detection_id in self.kind.store.ids[items].tolist()
                for position in self.kind.store.positions(
                    np.array(self.constraints.must_links_of(detection_id), np.int64)
                )
            }
            groups |= {concept_id for position in tied for concept_id in self.concepts_of(position)}
            unassigned = [
                p for p in tied if self.kind.group_of[p] == UNASSIGNED and not self.kind.in_labeled[p]
            ]
            items = np.concatenate([items, np.setdiff1d(np.array(unassigned, np.int64), items)])
        return items, sorted(groups)

    def _unassigned_near(self, near: Int64Array, known: Int64Array, reach: float) -> Int64Array:
        """Unassigned items within `reach` of one of `near`, nearest first."""
        store, unassigned = self.kind.store, self.kind.unassigned
        unassigned = unassigned[~np.isin(unassigned, known)]
        nearest: dict[int, float] = {}
        rows = max(1, _BLOCK * 1024 // max(min(len(unassigned), _BLOCK), 1))
        for begin in range(0, len(near), rows):
            part = near[begin : begin + rows]
            hits: list[list[tuple[float, int]]] = [[] for _ in part]
            for start in range(0, len(unassigned), _BLOCK):
                columns = unassigned[start : start + _BLOCK]
                distance = store.rough_squared(part, columns)
                for row, column in zip(*np.nonzero(distance <= reach), strict=True):
                    hits[row].append((float(distance[row, column]), int(columns[column])))
            for found in hits:
                for distance_to, position in sorted(found)[:_ITEMS_AROUND]:
                    nearest[position] = min(distance_to, nearest.get(position, np.inf))
        return np.array(sorted(nearest, key=lambda position: (nearest[position], position)), np.int64)

    def _groups_near(self, items: Int64Array, reach: float) -> set[int]:
        store = self.kind.store
        concepts, centers, squares = self.kind.rough_centers()
        chosen: set[int] = set()
        if not concepts:
            return chosen
        rows = max(1, _BLOCK * 512 // len(concepts))
        for start in range(0, len(items), rows):
            part = items[start : start + rows]
            distance = store.squares(part)[:, None] + squares[None] - 2 * store.rough(part) @ centers.T
            if len(concepts) > _GROUPS_AROUND:
                limit = np.partition(distance, _GROUPS_AROUND - 1, axis=1)[:, _GROUPS_AROUND - 1 :][:, :1]
                distance = np.where(distance <= limit, distance, np.inf)
            chosen |= {concepts[column] for column in np.flatnonzero((distance <= reach).any(axis=0))}
        return chosen

    def _loose(self) -> list[int]:
        """Columns of the small unlabeled clusters that one of the items may join."""
        reach = squared_distance(self.kind.kind, self.settings.threshold - self.settings.margin)
        small = [
            column
            for column, concept_id in enumerate(self.groups)
            if not self.is_labeled[column]
            and len(self.kind.members[concept_id]) <= _LOOSE_MEMBERS
            and (self.squared[:, column] <= reach).any()
        ]
        small.sort(key=lambda column: float(self.squared[:, column].min()))
        room = np.cumsum([len(self.kind.members[self.groups[column]]) for column in small])
        return [
            column
            for column, used in zip(small, room.tolist(), strict=True)
            if used <= _MAX_AROUND * CHUNK_ITEMS[self.kind.kind]
        ]

    def _blocked(self) -> BoolArray:
        """`[items, groups]`: what a photo, a person's no or a link forbids."""
        blocked = np.zeros((len(self.items), len(self.groups)), np.bool_)
        photos = self.exclusive_photos(self.items)
        column_of = {concept_id: column for column, concept_id in enumerate(self.groups)}
        for column, concept_id in enumerate(self.groups):
            refused = self.kind.refused.get(concept_id)
            if refused:
                blocked[:, column] = np.isin(self.items, list(refused))
            if self.kind.kind == "face":
                taken = self.exclusive_photos(self.kind.members[concept_id])
                blocked[:, column] |= np.isin(photos, taken[taken >= 0])
        if self.constraints:
            for row, detection_id in enumerate(self.store.ids[self.items].tolist()):
                cannot_links = self.store.positions(
                    np.array(self.constraints.cannot_links_of(detection_id), np.int64)
                )
                for concept_id in {
                    c for cannot_link in cannot_links.tolist() for c in self.concepts_of(cannot_link)
                }:
                    if concept_id in column_of:
                        blocked[row, column_of[concept_id]] = True
        return blocked

"""Clusters new items with each other and with unlabeled clusters; items that fit nowhere wait.

A cluster that resembles a labeled concept becomes a question to the user and is never merged. Writes nothing.
"""

from __future__ import annotations

import numpy as np

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.cluster_features import ClusterFeatures, JoinLimits, join, squared_distance
from personalizer.clustering.constraints import cannot_link_matrix, join_must_links
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.schemas import BoolArray, Int64Array


class UnlabeledAssignment:
    """The assignment of one neighborhood to unlabeled clusters; adds to `result`."""

    def __init__(self, near: Neighborhood, result: Assignment) -> None:
        self.near = near
        self.result = result

    def group(self, rest: Int64Array) -> None:
        """Groups among the items `rest` and the unlabeled clusters around; then what only fits in."""
        settings = self.near.settings
        quality = self.near.store.quality[self.near.positions[rest]]
        core, poor = rest[quality >= settings.min_quality], rest[quality < settings.min_quality]
        unlabeled = [int(column) for column in np.flatnonzero(~self.near.is_labeled)]
        columns = [column for column in unlabeled if column not in self.near.loose]
        members = [{int(position)} for position in self.near.positions[core]]
        members += [set(self.near.kind.members[self.near.groups[column]].tolist()) for column in columns]
        if not members:
            return
        features = ClusterFeatures.concatenated(
            [self.near.features.taken(core), *(self.near.group_features[column] for column in columns)]
        )
        limits = JoinLimits(
            squared_distance(self.near.kind.kind, settings.threshold),
            squared_distance(self.near.kind.kind, settings.close),
        )
        joined = join(features, lambda part: self._apart([members[n] for n in part.tolist()]), limits)
        groups = join_must_links(
            self.near.constraints,
            self.near.store,
            [set().union(*(members[n] for n in group.tolist())) for group in joined],
        )
        for column in unlabeled:
            self.result.old[self.near.groups[column]] = set(
                self.near.kind.members[self.near.groups[column]].tolist()
            )
        lone = [group for group in groups if len(group) < settings.min_size]
        groups = [group for group in groups if len(group) >= settings.min_size]
        self._take_back_close_calls(groups)
        grouped = set().union(*groups) if groups else set()
        unassigned = np.array(
            [number for number in rest.tolist() if int(self.near.positions[number]) not in grouped], np.int64
        )
        self._fit(unassigned, groups, set(poor.tolist()))
        self._suggest_groups(groups)
        self.result.new = groups
        # A pair that nobody may take apart is a group although it is small.
        self.result.new += [group for group in lone if len(group) > 1 and self._was_group(group)]

    def _was_group(self, group: set[int]) -> bool:
        return any(group & old for old in self.result.old.values())

    def _apart(self, members: list[set[int]]) -> BoolArray | None:
        """`[m, m]`: which entries must not come together."""
        return cannot_link_matrix(self.near.constraints, self.near.store, members)

    def _take_back_close_calls(self, groups: list[set[int]]) -> None:
        """Let items wait that joined a group which was there, and resemble another one nearly as much."""
        column_of = {concept_id: column for column, concept_id in enumerate(self.near.groups)}
        threshold = squared_distance(self.near.kind.kind, self.near.settings.threshold)
        home: dict[int, int] = {}
        for number, group in enumerate(groups):
            for concept_id, old in self.result.old.items():
                if 2 * len(old & group) > len(old):
                    home[column_of[concept_id]] = number
        for number, group in enumerate(groups):
            inside = [column for column, place in home.items() if place == number]
            if not inside:
                continue
            outside = [c for c in range(len(self.near.groups)) if c not in inside]
            if not outside:
                continue
            for position in [
                p for p in group if self.near.index.get(p, len(self.near.items)) < len(self.near.items)
            ]:
                row = self.near.index[position]
                open_squared = np.where(self.near.blocked[row], np.inf, self.near.squared[row])
                other = float(open_squared[outside].min())
                gap = self.near.similarity(
                    float(self.near.squared[row, inside].min())
                ) - self.near.similarity(other)
                tied = (
                    self.near.constraints
                    and len(self.near.constraints.must_links_of(int(self.near.store.ids[position]))) > 1
                )
                if other <= threshold and gap < self.near.settings.margin and not tied:
                    group.discard(position)

    def _fit(self, unassigned: Int64Array, groups: list[set[int]], poor: set[int]) -> None:
        """Poor items join the group that they resemble clearly; whatever may belong to a group is suggested."""
        if not len(unassigned) or not groups:
            return
        settings = self.near.settings
        targets = ClusterFeatures.concatenated([self._features_of(group) for group in groups])
        entries = [{int(self.near.positions[number])} for number in unassigned] + groups
        apart = cannot_link_matrix(self.near.constraints, self.near.store, entries)
        squared = self.near.features.taken(unassigned).mean_squared_distance(targets)
        if apart is not None:
            squared[apart[: len(unassigned), len(unassigned) :]] = np.inf
        order = np.argsort(squared.min(axis=1), kind="stable")
        taken: set[tuple[int, int]] = set()
        for row in order.tolist():
            number = int(unassigned[row])
            position = int(self.near.positions[number])
            best = int(squared[row].argmin())
            similarity = self.near.similarity(float(squared[row, best]))
            second = np.partition(squared[row], 1)[1] if squared.shape[1] > 1 else np.inf
            clear = similarity - self.near.similarity(float(second)) >= settings.margin
            photo = int(self.near.exclusive_photos(self.near.positions[[number]])[0])
            place = (best, photo)
            free = self.near.kind.kind != "face" or photo < 0 or place not in taken
            if number in poor and similarity >= settings.threshold + settings.margin and clear and free:
                taken.add(place)
                groups[best].add(position)
            elif similarity >= settings.suggest and free:
                concept = self._concept_of_group(groups[best])
                if concept is not None:
                    self.result.suggested[concept].add(position)

    def _suggest_groups(self, groups: list[set[int]]) -> None:
        """Ask whether a whole group belongs to a labeled concept: none is taken in silently."""
        columns = np.flatnonzero(self.near.is_labeled)
        if not len(columns) or not groups:
            return
        squared = ClusterFeatures.concatenated(
            [self._features_of(group) for group in groups]
        ).mean_squared_distance(
            ClusterFeatures.concatenated([self.near.group_features[column] for column in columns])
        )
        limit = squared_distance(self.near.kind.kind, self.near.settings.suggest)
        for group, distances in zip(groups, squared, strict=True):
            self.result.around |= group
            best = int(distances.argmin())
            if distances[best] <= limit:
                concept_id = self.near.groups[columns[best]]
                self.result.suggested[concept_id] |= group - self.near.kind.refused.get(concept_id, set())

    def _concept_of_group(self, group: set[int]) -> int | None:
        held = [c for c, old in self.result.old.items() if 2 * len(old & group) > len(old)]
        return max(held, key=lambda c: (len(self.result.old[c] & group), -c)) if held else None

    def _features_of(self, group: set[int]) -> ClusterFeatures:
        parts, known = [], set()
        for column, concept_id in enumerate(self.near.groups):
            old = self.result.old.get(concept_id)
            if old is not None and column not in self.near.loose and old <= group:
                parts.append(self.near.group_features[column])
                known |= old
        parts.append(
            self.near.features.taken(np.array([self.near.index[p] for p in sorted(group - known)], np.int64))
        )
        whole = ClusterFeatures.concatenated(parts)
        return whole.joined([np.arange(len(whole), dtype=np.int64)])

"""Assigns new items to labeled concepts: the sure ones without asking, doubtful ones as suggestions to the user.

An item that another group could claim as well is never assigned without asking. Forms no clusters, writes nothing.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.cluster_features import ClusterFeatures, Dispersion, squared_distance
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.schemas import Float64Array, Int64Array


class LabeledAssignment:
    """The assignment of one neighborhood to its labeled concepts; adds to `result`.assigned and `.suggested`.

    "Numbers" index the neighborhood's items, "columns" its groups, "positions" the store.
    """

    def __init__(self, near: Neighborhood, result: Assignment) -> None:
        self.near = near
        self.result = result

    def assign(self) -> set[int]:
        """Assign sure items to labeled concepts and suggest doubtful ones.

        Returns the numbers of the assigned items, and of those so probable that they should not form an unlabeled
        cluster until the user answers.
        """
        tied = self._tied_to_labeled()
        assigned: set[int] = set(tied)
        self.result.assigned += [
            (concept_id, int(self.near.items[number])) for number, concept_id in tied.items()
        ]
        columns = np.flatnonzero(self.near.is_labeled)
        if not len(columns):
            return assigned
        open_squared = np.where(self.near.blocked, np.inf, self.near.squared)
        best = columns[open_squared[:, columns].argmin(axis=1)]
        value = open_squared[np.arange(len(self.near.items)), best]
        rivals = self._rivals(open_squared, best)
        runner_up = rivals.min(axis=1)
        probable: set[int] = set()
        suggest = squared_distance(self.near.kind.kind, self.near.settings.suggest)
        sure: dict[int, list[int]] = defaultdict(list)
        doubtful: dict[int, list[int]] = defaultdict(list)
        for number in np.argsort(value, kind="stable").tolist():
            if value[number] > suggest or number in assigned:
                continue
            column = int(best[number])
            usual = self._is_usual(float(value[number]), self.near.dispersions[column])
            margin = self.near.similarity(float(value[number])) - self.near.similarity(
                float(runner_up[number])
            )
            close = usual and self._is_close_enough(number, float(value[number]))
            if close and margin >= self.near.settings.margin:
                sure[column].append(number)
                continue
            if not usual:
                doubtful[column].append(number)
            if value[number] <= self._hardly_odd(column) and value[number] < runner_up[number]:
                probable.add(number)
            # If it is nearer to an unlabeled cluster, the user is asked about that cluster as a whole.
            if runner_up[number] >= value[number] or self.near.is_labeled[int(rivals[number].argmin())]:
                self.result.suggested[self.near.groups[column]].add(int(self.near.items[number]))
        for column, numbers in sure.items():
            self._assign_sure(column, numbers, doubtful[column], assigned, probable)
        return assigned | probable

    def _assign_sure(
        self, column: int, numbers: list[int], doubtful: list[int], assigned: set[int], probable: set[int]
    ) -> None:
        """Assign the items `numbers` to the concept in `column`, one face a photo; suggest those in doubt."""
        # One person has one face per photo, so each photo may give one item.
        taken_photos: set[int] = set()
        for number in self._without_doubt(column, numbers, doubtful):
            position, photo = (
                int(self.near.items[number]),
                int(self.near.exclusive_photos(self.near.items[[number]])[0]),
            )
            if self.near.kind.kind == "face" and photo >= 0 and photo in taken_photos:
                continue
            taken_photos.add(photo)
            assigned.add(number)
            self.result.assigned.append((self.near.groups[column], position))
        for number in set(numbers) - assigned:
            photo = int(self.near.exclusive_photos(self.near.items[[number]])[0])
            if self.near.kind.kind != "face" or photo < 0 or photo not in taken_photos:
                self.result.suggested[self.near.groups[column]].add(int(self.near.items[number]))
                probable.add(number)

    def _rivals(self, open_squared: Float64Array, best: Int64Array) -> Float64Array:
        """`open_squared` `[items, groups]` with infinity at each item's `best` concept and at clusters like that one.

        An unlabeled cluster that resembles the concept probably shows the same person, so it does not compete with it.
        """
        rivals = open_squared.copy()
        rivals[np.arange(len(self.near.items)), best] = np.inf
        unlabeled = np.flatnonzero(~self.near.is_labeled)
        if len(unlabeled):
            features = ClusterFeatures.concatenated(
                [self.near.group_features[column] for column in unlabeled]
            )
            for column in np.unique(best).tolist():
                similar = features.mean_squared_distance(self.near.group_features[column])[
                    :, 0
                ] <= self._hardly_odd(column)
                rivals[np.ix_(best == column, unlabeled[similar])] = np.inf
        return rivals

    def _hardly_odd(self, column: int) -> float:
        """The squared distance to the concept up to which an item probably belongs to it, if the user confirms."""
        return self.near.settings.odd * self.near.dispersions[column].usual(self.near.settings.unusual)

    def _is_usual(self, squared: float, dispersion: Dispersion) -> bool:
        """Whether this mean squared distance to a concept's members is similar and usual enough to join them."""
        similarity = self.near.similarity(squared)
        if similarity >= self.near.settings.same:
            return True
        if dispersion.count < 2:
            return similarity >= self.near.settings.sure + self.near.settings.alone
        return similarity >= self.near.settings.sure and squared <= dispersion.usual(
            self.near.settings.unusual
        )

    def _is_close_enough(self, number: int, squared: float) -> bool:
        """Whether a low-quality item is similar beyond what its flaws could explain; any other item passes."""
        if self.near.store.quality[self.near.items[number]] >= self.near.settings.min_quality:
            return True
        return self.near.similarity(squared) >= self.near.settings.sure + self.near.settings.poor

    def _without_doubt(self, column: int, numbers: list[int], doubtful: list[int]) -> list[int]:
        """Those of `numbers` that are at least as similar to the concept's members as to the `doubtful` items.

        Photos of somebody's brother arrive together: one that could pass for the person resembles the others of the
        brother even more.
        """
        if not doubtful:
            return numbers
        members = ClusterFeatures.of_items(
            self.near.store.vectors(
                self.near.library, self.near.kind.members[self.near.groups[column]][-512:]
            )
        )
        candidates = self.near.features.taken(np.array(numbers, np.int64))
        to_members = candidates.mean_squared_distance(members).min(axis=1)
        to_doubtful = candidates.mean_squared_distance(
            self.near.features.taken(np.array(doubtful, np.int64))
        ).min(axis=1)
        return [
            number
            for number, near, doubt in zip(numbers, to_members, to_doubtful, strict=True)
            if self.near.similarity(float(near)) >= self.near.similarity(float(doubt))
        ]

    def _tied_to_labeled(self) -> dict[int, int]:
        """Labeled concept by item number, for items with a must-link to a member of exactly one such concept."""
        tied: dict[int, int] = {}
        if not self.near.constraints:
            return tied
        for number, detection_id in enumerate(self.near.store.ids[self.near.items].tolist()):
            must_links = self.near.constraints.must_links_of(detection_id)
            if len(must_links) < 2:
                continue
            positions = self.near.store.positions(np.array(must_links, np.int64)).tolist()
            concepts = {c for p in positions for c in self.near.concepts_of(p) if c in self.near.kind.labeled}
            refused = {c for c in concepts if self.near.items[number] in self.near.kind.refused.get(c, ())}
            # Must-links to two labeled concepts contradict each other: leave that to the user.
            if len(concepts - refused) == 1:
                tied[number] = (concepts - refused).pop()
        return tied

"""Which new items belong to labeled concepts: what joins without asking, and what is asked about.

Nothing joins that could be somebody else as well. Computes on a neighborhood; groups nothing and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.cluster_features import ClusterFeatures, Dispersion, squared_distance
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.schemas import Float64Array, Int64Array


class LabeledAssignment:
    """One neighborhood; what is found goes into `result`."""

    def __init__(self, near: Neighborhood, result: Assignment) -> None:
        self.near = near
        self.result = result

    def attach(self) -> set[int]:
        """Items that join a labeled concept without asking; asks about others.

        Returns the numbers of those that joined, and of those that so probably will that they are no group of their own
        meanwhile.
        """
        tied = self._tied_to_labeled()
        attached: set[int] = set(tied)
        self.result.attached += [
            (concept_id, int(self.near.items[number])) for number, concept_id in tied.items()
        ]
        columns = np.flatnonzero(self.near.is_labeled)
        if not len(columns):
            return attached
        open_squared = np.where(self.near.blocked, np.inf, self.near.squared)
        best = columns[open_squared[:, columns].argmin(axis=1)]
        value = open_squared[np.arange(len(self.near.items)), best]
        others = self._rivals(open_squared, best)
        runner_up = others.min(axis=1)
        probable: set[int] = set()
        suggest = squared_distance(self.near.kind.kind, self.near.settings.suggest)
        sure: dict[int, list[int]] = defaultdict(list)
        doubtful: dict[int, list[int]] = defaultdict(list)
        for number in np.argsort(value, kind="stable").tolist():
            if value[number] > suggest or number in attached:
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
            # Where it rather belongs to a group, the group is asked about as a whole.
            if runner_up[number] >= value[number] or self.near.is_labeled[int(others[number].argmin())]:
                self.result.suggested[self.near.groups[column]].add(int(self.near.items[number]))
        for column, numbers in sure.items():
            filled: set[int] = set()
            for number in self._without_doubt(column, numbers, doubtful[column]):
                position, photo = (
                    int(self.near.items[number]),
                    int(self.near.exclusive_photos(self.near.items[[number]])[0]),
                )
                if self.near.kind.kind == "face" and photo >= 0 and photo in filled:
                    continue
                filled.add(photo)
                attached.add(number)
                self.result.attached.append((self.near.groups[column], position))
            for number in set(numbers) - attached:
                photo = int(self.near.exclusive_photos(self.near.items[[number]])[0])
                if self.near.kind.kind != "face" or photo < 0 or photo not in filled:
                    self.result.suggested[self.near.groups[column]].add(int(self.near.items[number]))
                    probable.add(number)
        return attached | probable

    def _rivals(self, open_squared: Float64Array, best: Int64Array) -> Float64Array:
        """`open_squared` `[items, groups]` without each item's best concept, and without groups like it.

        A few photos of a person that nobody was asked about yet are no rival of the person.
        """
        rivals = open_squared.copy()
        rivals[np.arange(len(self.near.items)), best] = np.inf
        unlabeled = np.flatnonzero(~self.near.is_labeled)
        if len(unlabeled):
            features = ClusterFeatures.concatenated(
                [self.near.group_features[column] for column in unlabeled]
            )
            for column in np.unique(best).tolist():
                like = features.mean_squared_distance(self.near.group_features[column])[
                    :, 0
                ] <= self._hardly_odd(column)
                rivals[np.ix_(best == column, unlabeled[like])] = np.inf
        return rivals

    def _hardly_odd(self, column: int) -> float:
        """The squared distance to a concept up to which something may well be it, though a person has to say so."""
        return self.near.settings.odd * self.near.dispersions[column].usual(self.near.settings.unusual)

    def _is_usual(self, squared: float, dispersion: Dispersion) -> bool:
        """Whether an item this far from a concept's members, on average, is one more of them beyond doubt."""
        similarity = self.near.similarity(squared)
        if similarity >= self.near.settings.same:
            return True
        if dispersion.count < 2:
            return similarity >= self.near.settings.sure + self.near.settings.alone
        return similarity >= self.near.settings.sure and squared <= dispersion.usual(
            self.near.settings.unusual
        )

    def _is_close_enough(self, number: int, squared: float) -> bool:
        """Whether a poor item is so close that its flaws cannot be what makes it alike; any other is."""
        if self.near.store.quality[self.near.items[number]] >= self.near.settings.min_quality:
            return True
        return self.near.similarity(squared) >= self.near.settings.sure + self.near.settings.poor

    def _without_doubt(self, column: int, numbers: list[int], doubtful: list[int]) -> list[int]:
        """Those of `numbers` that resemble the concept's members more than what was found not to be one for sure.

        Photos of somebody's brother come in together: the one that could pass for a photo of the person resembles
        the others, which could not, even more.
        """
        if not doubtful:
            return numbers
        members = ClusterFeatures.of_items(
            self.near.store.vectors(
                self.near.library, self.near.kind.members[self.near.groups[column]][-512:]
            )
        )
        chosen = self.near.features.taken(np.array(numbers, np.int64))
        to_members = chosen.mean_squared_distance(members).min(axis=1)
        to_doubtful = chosen.mean_squared_distance(
            self.near.features.taken(np.array(doubtful, np.int64))
        ).min(axis=1)
        return [
            number
            for number, near, doubt in zip(numbers, to_members, to_doubtful, strict=True)
            if self.near.similarity(float(near)) >= self.near.similarity(float(doubt))
        ]

    def _tied_to_labeled(self) -> dict[int, int]:
        """Concepts by number of item, where a person said that the item and a member are one."""
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
            # Two labeled concepts at once is a question for a person.
            if len(concepts - refused) == 1:
                tied[number] = (concepts - refused).pop()
        return tied

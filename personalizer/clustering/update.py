"""Clusters the new faces and photos of things of a library, consistently with the user's decisions.

Never overwrites a decision of the user. Knows no image and no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from personalizer.clustering.assign import assign_items
from personalizer.clustering.assignment import Assignment
from personalizer.clustering.cluster_features import squared_distance
from personalizer.clustering.constraints import Contradiction
from personalizer.clustering.from_scratch import cluster_from_scratch
from personalizer.clustering.settings import CHUNK_ITEMS, ClusterSettings, KindSettings
from personalizer.clustering.state import UNASSIGNED, GroupingState, KindState
from personalizer.clustering.write import write_assignment
from personalizer.library.library import Library
from personalizer.schemas import Int64Array, OnProgress, Progress


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What clustering found. `faces` and `objects` are groups without a name; `unassigned` counts items."""

    faces: int
    objects: int
    unassigned: int
    assigned: int
    """Items that joined a labeled concept, without asking."""
    suggested: int
    """Items that may belong to such a concept and wait for the user."""
    contradictions: list[Contradiction] = field(default_factory=list)
    """What people said about pairs and what does not hold, because of what they said later."""


class LibraryChangedError(Exception):
    """The library changed during the computation; nothing was written."""


def cluster(
    library: Library,
    settings: ClusterSettings | None = None,
    state: GroupingState | None = None,
    progress: OnProgress | None = None,
) -> ClusterReport:
    """Assign what is new to the groups and concepts that are there; labeled concepts keep theirs.

    `state` is what an earlier call has read of the same library, which spares reading it again. Nothing is written
    before it is computed, so the library is locked only for a moment, and nothing that was computed before somebody
    changed the library is written.
    """
    settings = settings or ClusterSettings()
    state = state or GroupingState()
    assigned = 0
    while True:
        try:
            read_anew = state.refresh(library)
            for kind in state.kinds.values():
                update = _Update(library, state, kind, settings.for_kind(kind.kind), progress)
                try:
                    update.run(read_anew)
                finally:
                    assigned += update.assigned
            break
        except LibraryChangedError:
            continue
    groups = {kind.kind: len(kind.unlabeled) for kind in state.kinds.values()}
    return ClusterReport(
        faces=groups["face"],
        objects=groups["object"],
        unassigned=sum(len(kind.unassigned) for kind in state.kinds.values()),
        assigned=assigned,
        suggested=sum(
            len(items)
            for kind in state.kinds.values()
            for concept_id, items in kind.suggested.items()
            if concept_id in kind.labeled
        ),
        contradictions=list(state.constraints.contradictions),
    )


@dataclass(slots=True)
class _Update:
    """Bringing one kind up to date."""

    library: Library
    state: GroupingState
    kind: KindState
    settings: KindSettings
    progress: OnProgress | None
    assigned: int = 0
    former: dict[int, set[int]] = field(default_factory=dict)
    """Groups that cannot stay as they are, with the members that they had."""

    def run(self, read_anew: bool) -> None:
        again = self._repair() | self._near_labeled() if read_anew else set()
        chunk_items = CHUNK_ITEMS[self.kind.kind]
        assigned_to = self.library.clustered_to(self.kind.kind, self.kind.source_name)
        unassigned = self.kind.unassigned
        new = unassigned[self.kind.store.ids[unassigned] > assigned_to]
        known = np.array(sorted(again - set(new.tolist())), np.int64)
        if len(new) > chunk_items and not self.kind.unlabeled:
            # A first import: nobody has seen a group yet, so all of it is grouped at once.
            groups = cluster_from_scratch(self.library, self.state, self.kind, self.settings, self.progress)
            self._write(Assignment(new=groups), None)
        for start in range(0, len(known), chunk_items):
            self._assign(known[start : start + chunk_items], None)
        for start in range(0, len(new), chunk_items):
            if self.progress is not None and len(new) > chunk_items:
                self.progress(Progress(start, len(new), "Grouping"))
            chunk = new[start : start + chunk_items]
            self._assign(chunk, int(self.kind.store.ids[chunk[-1]]))
        if self.former:
            self._write(Assignment(old=dict(self.former)), None)
        if read_anew:
            self._suggest_groups()

    def _assign(self, items: Int64Array, assigned_to: int | None) -> None:
        items = items[(self.kind.group_of[items] == UNASSIGNED) & ~self.kind.in_labeled[items]]
        if len(items) or assigned_to is not None:
            assignment = (
                assign_items(self.library, self.state, self.kind, items, self.settings)
                if len(items)
                else Assignment()
            )
            self._write(assignment, assigned_to)

    # --- what a person's word has made wrong

    def _repair(self) -> set[int]:
        """Take apart what must not be together; returns the items that have to be assigned again."""
        kind, store = self.kind, self.kind.store
        broken = self._showing_one_twice() if kind.kind == "face" else set()
        again: set[int] = set()
        leaving: list[tuple[int, int]] = []
        for concept_id in kind.unlabeled:
            # A person has said whose these are.
            spoken_for = kind.members[concept_id][kind.in_labeled[kind.members[concept_id]]]
            leaving += [(concept_id, int(position)) for position in spoken_for]
        constraints = self.state.constraints
        mentioned = store.positions(np.array(sorted(constraints.mentioned()), np.int64)).tolist()
        for position in mentioned:
            detection_id = int(store.ids[position])
            cannot_links = store.positions(
                np.array(sorted(constraints.cannot_links_of(detection_id)), np.int64)
            )
            must_links = store.positions(np.array(sorted(constraints.must_links_of(detection_id)), np.int64))
            group = int(kind.group_of[position])
            if group != UNASSIGNED:
                if (kind.group_of[cannot_links] == group).any() or kind.in_labeled[must_links].any():
                    broken.add(group)
                elif len(set(kind.group_of[must_links].tolist()) - {UNASSIGNED, group}):
                    again |= set(must_links[kind.group_of[must_links] == UNASSIGNED].tolist())
                    broken.add(group)
            elif not kind.in_labeled[position]:
                again.add(position)
            for concept_id, items in kind.assigned.items():
                # What clustering alone has put there goes; what a person put there stays.
                if position in items and np.isin(cannot_links, kind.members[concept_id]).any():
                    leaving.append((concept_id, position))
        for concept_id in broken:
            members = set(kind.members[concept_id].tolist())
            self.former[concept_id] = members
            again |= members
            kind.set_members(concept_id, [], labeled=False)
        if leaving:
            with self.library.transaction():
                self._check_unchanged()
                for concept_id, position in leaving:
                    self.library.remove_members(concept_id, [int(store.ids[position])])
                self.state.stamp = self.library.clustering_changes()
            for concept_id, position in leaving:
                if concept_id not in kind.members:
                    continue
                labeled = concept_id in kind.labeled
                kind.set_members(
                    concept_id, set(kind.members[concept_id].tolist()) - {position}, labeled=labeled
                )
                if labeled:
                    kind.assigned[concept_id].discard(position)
                    kind.in_labeled[position] = any(
                        position in kind.members[other] for other in kind.labeled if other in kind.members
                    )
                    again |= set() if kind.in_labeled[position] else {position}
        return again

    def _showing_one_twice(self) -> set[int]:
        """Groups with two faces of a photo that is not said to show one person twice."""
        kind = self.kind
        grouped = np.flatnonzero(kind.group_of != UNASSIGNED)
        if self.state.constraints.shows_twice:
            grouped = grouped[~np.isin(kind.store.photos[grouped], list(self.state.constraints.shows_twice))]
        pairs = np.stack([kind.group_of[grouped], kind.store.photos[grouped]], axis=1)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        same = (pairs[order][1:] == pairs[order][:-1]).all(axis=1)
        found: set[int] = set()
        for number in np.flatnonzero(same).tolist():
            first, second = (int(kind.store.ids[grouped[order[n]]]) for n in (number, number + 1))
            if self.state.constraints.root(first) != self.state.constraints.root(second):
                found.add(int(pairs[order[number], 0]))
        return found

    def _near_labeled(self) -> set[int]:
        """Unassigned items that a labeled concept may have become a place for."""
        kind, store = self.kind, self.kind.store
        unassigned = kind.unassigned
        concepts, centers, squares = kind.rough_centers()
        rows = [n for n, concept_id in enumerate(concepts) if concept_id in kind.labeled]
        found = {p for c, items in kind.suggested.items() if c in kind.labeled for p in items}
        found = {p for p in found if kind.group_of[p] == UNASSIGNED and not kind.in_labeled[p]}
        if not rows:
            return found
        reach = self._squared(self.settings.suggest - store.slack)
        for start in range(0, len(unassigned), 4096):
            part = unassigned[start : start + 4096]
            distance = store.squares(part)[:, None] + squares[rows][None]
            distance = distance - 2 * store.rough(part) @ centers[rows].T
            found |= set(part[(distance <= reach).any(axis=1)].tolist())
        return found

    def _squared(self, similarity: float) -> float:
        return squared_distance(self.kind.kind, similarity)

    def _suggest_groups(self) -> None:
        """Ask about whole groups that resemble a labeled concept, and stop asking about those that do not."""
        kind, store = self.kind, self.kind.store
        concepts, centers, _ = kind.rough_centers()
        labeled = [n for n, c in enumerate(concepts) if c in kind.labeled and len(kind.members[c])]
        groups = [n for n, c in enumerate(concepts) if c not in kind.labeled and c in kind.members]
        grouped = set(np.flatnonzero(kind.group_of != UNASSIGNED).tolist())
        assignment = Assignment(around=grouped, concepts=set(kind.labeled))
        if labeled and groups:
            # Of two centres; spreading adds to the distance between members.
            gap = (centers[groups] ** 2).sum(axis=1)[:, None] + (centers[labeled] ** 2).sum(axis=1)[None]
            gap = gap - 2 * centers[groups] @ centers[labeled].T
            reach = self._squared(self.settings.suggest - store.slack)
            limit = self._squared(self.settings.suggest)
            for row, column in zip(*np.nonzero(gap <= reach), strict=True):
                group, concept = concepts[groups[row]], concepts[labeled[column]]
                exact = kind.measures(self.library, group).features.mean_squared_distance(
                    kind.measures(self.library, concept).features
                )
                if float(exact[0, 0]) <= limit:
                    refused = kind.refused.get(concept, set())
                    assignment.suggested[concept] |= set(kind.members[group].tolist()) - refused
        self._write(assignment, None)

    # --- writing

    def _check_unchanged(self) -> None:
        if self.library.clustering_changes() != self.state.stamp:
            raise LibraryChangedError

    def _write(self, assignment: Assignment, assigned_to: int | None) -> None:
        """Store all of an assignment or, when the library has changed since it was computed, nothing."""
        if assignment.new:
            for concept_id in [c for c, members in self.former.items() if _most(members, assignment.new)]:
                assignment.old[concept_id] = self.former.pop(concept_id)
        try:
            with self.library.transaction():
                self._check_unchanged()
                written = write_assignment(self.library, self.kind, assignment)
                if assigned_to is not None:
                    self.library.set_clustered_to(self.kind.kind, self.kind.source_name, assigned_to)
                self.state.stamp = self.library.clustering_changes()
        except BaseException:
            # What is known may be half of one and half of the other.
            self.state.stamp = None
            raise
        self.assigned += len(assignment.assigned)
        for concept_id, members in written.items():
            self.kind.set_members(concept_id, members, labeled=concept_id in self.kind.labeled)


def _most(members: set[int], groups: list[set[int]]) -> bool:
    return any(2 * len(members & group) > len(members) for group in groups)

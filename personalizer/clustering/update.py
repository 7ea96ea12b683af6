"""Finds groups of faces and of photos of things in a library, and fits new ones to what people decided.

What a person decided is never overwritten. Knows the library and settings; knows no image and no model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from personalizer.clustering.assign import place_items
from personalizer.clustering.assignment import CHUNK_ITEMS, Placement, PlacementSettings
from personalizer.clustering.average_linkage import LinkageSettings
from personalizer.clustering.cluster_sums import squared_distance
from personalizer.clustering.constraints import Contradiction
from personalizer.clustering.from_scratch import link_all
from personalizer.clustering.state import DECIDED, NONE, GroupingState, KindState, stamp
from personalizer.faces.quality import QUALITY_GATE
from personalizer.library.library import Library
from personalizer.schemas import Concept, ConceptKind, Int64Array, OnProgress, Progress


@dataclass(frozen=True, slots=True)
class AttachSettings:
    """New items join a decided concept as a suggestion from `suggest` up and without asking from `sure` up.

    Both are average similarities to the concept's confirmed members. To join without asking, an item also has to be
    no further from them than they are from each other, and further from everything else by a margin.
    """

    suggest: float
    sure: float

    def __post_init__(self) -> None:
        if self.sure < self.suggest:
            raise ValueError(f"sure {self.sure} must not be below suggest {self.suggest}")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Similarities are 1 - distance for faces and cosine for things.

    Faces join at an average distance of 0.55, a little under the 0.6 that dlib's authors publish for pairs; two groups
    that are tight and more than 0.45 apart stay two. Things join where two different ones hardly ever do: a wrong group
    costs the user more than a missed one.
    """

    face: LinkageSettings = field(default_factory=lambda: LinkageSettings(threshold=0.45, min_size=2))
    face_attach: AttachSettings = field(default_factory=lambda: AttachSettings(suggest=0.42, sure=0.5))
    face_close: float = 0.55
    min_face_quality: float = QUALITY_GATE
    """Of detections: smaller, blurred and turned faces join groups, and never found or link one."""
    poor_face_alike: float = 0.05
    """How much more than a good face such a one has to resemble somebody whom a person named."""
    thing: LinkageSettings = field(default_factory=lambda: LinkageSettings(threshold=0.55, min_size=3))
    thing_attach: AttachSettings = field(default_factory=lambda: AttachSettings(suggest=0.4, sure=0.6))
    thing_close: float = 0.6

    def of(self, kind: ConceptKind) -> PlacementSettings:
        """What placing items of one kind needs."""
        if kind == "face":
            return PlacementSettings(
                threshold=self.face.threshold,
                min_size=self.face.min_size,
                suggest=self.face_attach.suggest,
                sure=self.face_attach.sure,
                close=self.face_close,
                min_quality=self.min_face_quality,
                poor=self.poor_face_alike,
            )
        return PlacementSettings(
            threshold=self.thing.threshold,
            min_size=self.thing.min_size,
            suggest=self.thing_attach.suggest,
            sure=self.thing_attach.sure,
            close=self.thing_close,
            same=0.9,
        )


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What clustering found. `faces` and `objects` are groups without a name; `unassigned` counts items."""

    faces: int
    objects: int
    unassigned: int
    attached: int
    """Items that joined a concept the user had decided about, without asking."""
    suggested: int
    """Items that may belong to such a concept and wait for the user."""
    contradictions: list[Contradiction] = field(default_factory=list)
    """What people said about pairs and what does not hold, because of what they said later."""


class LibraryChangedError(Exception):
    """The library is not what was computed with; nothing was written."""


def cluster(
    library: Library,
    settings: ClusterSettings | None = None,
    state: GroupingState | None = None,
    progress: OnProgress | None = None,
) -> ClusterReport:
    """Place what is new among the groups and concepts that are there; concepts a person decided about keep theirs.

    `state` is what an earlier call has read of the same library, which spares reading it again. Nothing is written
    before it is computed, so the library is locked only for a moment, and nothing that was computed before somebody
    changed the library is written.
    """
    settings = settings or ClusterSettings()
    state = state or GroupingState()
    attached = 0
    while True:
        try:
            read_anew = state.refresh(library)
            for kind in state.kinds.values():
                placing = _Placing(library, state, kind, settings.of(kind.kind), progress)
                try:
                    placing.run(read_anew)
                finally:
                    attached += placing.attached
            break
        except LibraryChangedError:
            continue
    groups = {kind.kind: len(kind.undecided) for kind in state.kinds.values()}
    return ClusterReport(
        faces=groups["face"],
        objects=groups["object"],
        unassigned=sum(len(kind.deferred) for kind in state.kinds.values()),
        attached=attached,
        suggested=sum(
            len(items)
            for kind in state.kinds.values()
            for concept_id, items in kind.suggested.items()
            if concept_id in kind.decided
        ),
        contradictions=list(state.constraints.contradictions),
    )


def decided_concepts(library: Library, kind: ConceptKind) -> list[Concept]:
    """Concepts of one kind that a person named, hid or put together."""
    rows = library.connection.execute(
        f"SELECT id FROM concepts WHERE kind = ? AND {DECIDED} ORDER BY id", (kind,)
    )
    return [library.concept(row["id"]) for row in rows.fetchall()]


class _Placing:
    """Bringing one kind up to date."""

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
        self.attached = 0
        self.former: dict[int, set[int]] = {}
        """Groups that cannot stay as they are, with the members that they had."""

    def run(self, read_anew: bool) -> None:
        again = self._repair() | self._near_decided() if read_anew else set()
        chunk_items = CHUNK_ITEMS[self.kind.kind]
        placed_to = _placed_to(self.library, self.kind)
        waiting = self.kind.deferred
        new = waiting[self.kind.store.ids[waiting] > placed_to]
        known = np.array(sorted(again - set(new.tolist())), np.int64)
        if len(new) > chunk_items and not self.kind.undecided:
            # A first import: nobody has seen a group yet, so all of it is grouped at once.
            groups = link_all(self.library, self.state, self.kind, self.settings, self.progress)
            self._write(Placement(new=groups), None)
        for start in range(0, len(known), chunk_items):
            self._place(known[start : start + chunk_items], None)
        for start in range(0, len(new), chunk_items):
            if self.progress is not None and len(new) > chunk_items:
                self.progress(Progress(start, len(new), "Grouping"))
            chunk = new[start : start + chunk_items]
            self._place(chunk, int(self.kind.store.ids[chunk[-1]]))
        if self.former:
            self._write(Placement(old=dict(self.former)), None)
        if read_anew:
            self._suggest_groups()

    def _place(self, items: Int64Array, placed_to: int | None) -> None:
        items = items[(self.kind.group_of[items] == NONE) & ~self.kind.claimed[items]]
        if len(items) or placed_to is not None:
            placement = (
                place_items(self.library, self.state, self.kind, items, self.settings)
                if len(items)
                else Placement()
            )
            self._write(placement, placed_to)

    # --- what a person's word has made wrong

    def _repair(self) -> set[int]:
        """Take apart what must not be together; returns the items that have to be placed again."""
        kind, store = self.kind, self.kind.store
        broken = self._showing_one_twice() if kind.kind == "face" else set()
        again: set[int] = set()
        leaving: list[tuple[int, int]] = []
        for concept_id in kind.undecided:
            # A person has said whose these are.
            spoken_for = kind.members[concept_id][kind.claimed[kind.members[concept_id]]]
            leaving += [(concept_id, int(position)) for position in spoken_for]
        constraints = self.state.constraints
        mentioned = store.positions(np.array(sorted(constraints.mentioned()), np.int64)).tolist()
        for position in mentioned:
            detection_id = int(store.ids[position])
            foes = store.positions(np.array(sorted(constraints.foes_of(detection_id)), np.int64))
            friends = store.positions(np.array(sorted(constraints.together_with(detection_id)), np.int64))
            group = int(kind.group_of[position])
            if group != NONE:
                if (kind.group_of[foes] == group).any() or kind.claimed[friends].any():
                    broken.add(group)
                elif len(set(kind.group_of[friends].tolist()) - {NONE, group}):
                    again |= set(friends[kind.group_of[friends] == NONE].tolist())
                    broken.add(group)
            elif not kind.claimed[position]:
                again.add(position)
            for concept_id, items in kind.attached.items():
                # What clustering alone has put there goes; what a person put there stays.
                if position in items and np.isin(foes, kind.members[concept_id]).any():
                    leaving.append((concept_id, position))
        for concept_id in broken:
            members = set(kind.members[concept_id].tolist())
            self.former[concept_id] = members
            again |= members
            kind.set_members(concept_id, [], decided=False)
        if leaving:
            with self.library.transaction():
                self._check_unchanged()
                for concept_id, position in leaving:
                    self.library.remove_members(concept_id, [int(store.ids[position])])
                self.state.stamp = stamp(self.library)
            for concept_id, position in leaving:
                if concept_id not in kind.members:
                    continue
                decided = concept_id in kind.decided
                kind.set_members(
                    concept_id, set(kind.members[concept_id].tolist()) - {position}, decided=decided
                )
                if decided:
                    kind.attached[concept_id].discard(position)
                    kind.claimed[position] = any(
                        position in kind.members[other] for other in kind.decided if other in kind.members
                    )
                    again |= set() if kind.claimed[position] else {position}
        return again

    def _showing_one_twice(self) -> set[int]:
        """Groups with two faces of a photo that is not said to show one person twice."""
        kind = self.kind
        grouped = np.flatnonzero(kind.group_of != NONE)
        if self.state.shows_twice:
            grouped = grouped[~np.isin(kind.store.photos[grouped], list(self.state.shows_twice))]
        pairs = np.stack([kind.group_of[grouped], kind.store.photos[grouped]], axis=1)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        same = (pairs[order][1:] == pairs[order][:-1]).all(axis=1)
        found: set[int] = set()
        for number in np.flatnonzero(same).tolist():
            first, second = (int(kind.store.ids[grouped[order[n]]]) for n in (number, number + 1))
            if self.state.constraints.root(first) != self.state.constraints.root(second):
                found.add(int(pairs[order[number], 0]))
        return found

    def _near_decided(self) -> set[int]:
        """Waiting items that a decided concept may have become a place for."""
        kind, store = self.kind, self.kind.store
        waiting = kind.deferred
        concepts, centres, squares = kind.rough_centres()
        rows = [n for n, concept_id in enumerate(concepts) if concept_id in kind.decided]
        found = {p for c, items in kind.suggested.items() if c in kind.decided for p in items}
        found = {p for p in found if kind.group_of[p] == NONE and not kind.claimed[p]}
        if not rows:
            return found
        reach = self._squared(self.settings.suggest - store.slack)
        for start in range(0, len(waiting), 4096):
            part = waiting[start : start + 4096]
            distance = store.squares(part)[:, None] + squares[rows][None]
            distance = distance - 2 * store.rough(part) @ centres[rows].T
            found |= set(part[(distance <= reach).any(axis=1)].tolist())
        return found

    def _squared(self, similarity: float) -> float:
        return squared_distance(self.kind.kind, similarity)

    def _suggest_groups(self) -> None:
        """Ask about whole groups that resemble a decided concept, and stop asking about those that do not."""
        kind, store = self.kind, self.kind.store
        concepts, centres, _ = kind.rough_centres()
        decided = [n for n, c in enumerate(concepts) if c in kind.decided and len(kind.members[c])]
        groups = [n for n, c in enumerate(concepts) if c not in kind.decided and c in kind.members]
        grouped = set(np.flatnonzero(kind.group_of != NONE).tolist())
        placement = Placement(around=grouped, concepts=set(kind.decided))
        if decided and groups:
            # Of two centres; spreading adds to the distance between members.
            gap = (centres[groups] ** 2).sum(axis=1)[:, None] + (centres[decided] ** 2).sum(axis=1)[None]
            gap = gap - 2 * centres[groups] @ centres[decided].T
            reach = self._squared(self.settings.suggest - store.slack)
            limit = self._squared(self.settings.suggest)
            for row, column in zip(*np.nonzero(gap <= reach), strict=True):
                group, concept = concepts[groups[row]], concepts[decided[column]]
                exact = kind.measures(self.library, group).sums.to(kind.measures(self.library, concept).sums)
                if float(exact[0, 0]) <= limit:
                    refused = kind.refused.get(concept, set())
                    placement.suggested[concept] |= set(kind.members[group].tolist()) - refused
        self._write(placement, None)

    # --- writing

    def _check_unchanged(self) -> None:
        if stamp(self.library) != self.state.stamp:
            raise LibraryChangedError

    def _write(self, placement: Placement, placed_to: int | None) -> None:
        """Store all of a placement or, when the library has changed since it was computed, nothing."""
        if placement.new:
            for concept_id in [c for c, members in self.former.items() if _most(members, placement.new)]:
                placement.old[concept_id] = self.former.pop(concept_id)
        try:
            with self.library.transaction():
                self._check_unchanged()
                written = write_placement(self.library, self.kind, placement)
                if placed_to is not None:
                    _set_placed_to(self.library, self.kind, placed_to)
                self.state.stamp = stamp(self.library)
        except BaseException:
            # What is known may be half of one and half of the other.
            self.state.stamp = None
            raise
        self.attached += len(placement.attached)
        for concept_id, members in written.items():
            self.kind.set_members(concept_id, members, decided=concept_id in self.kind.decided)


def _most(members: set[int], groups: list[set[int]]) -> bool:
    return any(2 * len(members & group) > len(members) for group in groups)


def write_placement(library: Library, kind: KindState, placement: Placement) -> dict[int, set[int]]:
    """Store a placement, inside a transaction; returns the members of the concepts that changed, by position.

    Groups that were there before keep their ids when most of them is still together.
    """
    ids = kind.store.ids
    written: dict[int, set[int]] = {}

    def detections(positions: Iterable[int]) -> list[int]:
        return [int(ids[position]) for position in positions]

    kept = matching_ids(placement.old, placement.new)
    for concept_id in placement.old.keys() - set(kept.values()):
        library.delete_concept(concept_id)
        written[concept_id] = set()
    for number, group in enumerate(placement.new):
        concept_id = kept[number] if number in kept else library.create_concept(kind.kind).id
        before = placement.old.get(concept_id, set())
        library.remove_members(concept_id, detections(before - group))
        library.add_members(concept_id, detections(group - before), source="cluster", status="confirmed")
        if group != before or concept_id not in kind.members:
            written[concept_id] = group
    for concept_id, position in placement.attached:
        library.add_members(concept_id, detections([position]), source="cluster", status="confirmed")
        kind.attached.setdefault(concept_id, set()).add(position)
        members = written.setdefault(concept_id, set(kind.members[concept_id].tolist()))
        members.add(position)
    grouped = {position for group in placement.new for position in group}
    attached = {position for _, position in placement.attached}
    for concept_id in kind.suggested.keys() | placement.suggested.keys():
        standing = kind.suggested.get(concept_id, set())
        over = standing & attached if concept_id in kind.decided else standing & (attached | grouped)
        wanted = placement.suggested.get(concept_id, set()) - attached
        if wanted:
            wanted = wanted - set(kind.members.get(concept_id, np.zeros(0, np.int64)).tolist())
        if concept_id not in kind.decided:
            wanted -= grouped
        if concept_id in placement.concepts:
            over |= (standing & placement.around) - wanted
        if concept_id in written and not written[concept_id]:
            kind.suggested.pop(concept_id, None)
            continue
        # One that was confirmed meanwhile is no suggestion that could be taken back.
        library.remove_members(concept_id, detections(over - written.get(concept_id, set())))
        library.add_members(concept_id, detections(wanted - standing), source="cluster", status="suggested")
        left = (standing - over) | wanted
        if left:
            kind.suggested[concept_id] = left
        else:
            kind.suggested.pop(concept_id, None)
    return written


def matching_ids(old: dict[int, set[int]], new: list[set[int]]) -> dict[int, int]:
    """Which of the `old` ids each of the `new` groups goes on with, by its number; most of the old one is in it."""
    holder: dict[int, list[int]] = {}
    for concept_id, members in old.items():
        for member in members:
            holder.setdefault(member, []).append(concept_id)
    overlaps = []
    for number, group in enumerate(new):
        shared: dict[int, int] = {}
        for member in group:
            for concept_id in holder.get(member, ()):
                shared[concept_id] = shared.get(concept_id, 0) + 1
        overlaps += [
            (-count, number, concept_id)
            for concept_id, count in shared.items()
            if 2 * count > len(old[concept_id])
        ]
    kept: dict[int, int] = {}
    taken: set[int] = set()
    for _, number, concept_id in sorted(overlaps):
        if number not in kept and concept_id not in taken:
            kept[number] = concept_id
            taken.add(concept_id)
    return kept


def _placed_to(library: Library, kind: KindState) -> int:
    """The newest detection that was placed; 0 when what was placed was seen by another model."""
    row = library.connection.execute(
        "SELECT last_id FROM placed WHERE kind = ? AND source = ?", (kind.kind, _source(kind))
    ).fetchone()
    return 0 if row is None else int(row["last_id"])


def _set_placed_to(library: Library, kind: KindState, last_id: int) -> None:
    library.connection.execute(
        """INSERT INTO placed(kind, source, last_id) VALUES (?, ?, ?)
           ON CONFLICT(kind) DO UPDATE SET source = excluded.source, last_id = excluded.last_id""",
        (kind.kind, _source(kind), last_id),
    )


def _source(kind: KindState) -> str:
    return "/".join(kind.store.source or ())

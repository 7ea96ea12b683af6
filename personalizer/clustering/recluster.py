"""Re-clusters all unlabeled items of the library: a preview of the changes or, on request, applied.

Labeled concepts keep their names and members; clusters that persist keep their ids. Knows no command and no screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.constraints import Contradiction
from personalizer.clustering.from_scratch import cluster_from_scratch
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState, KindState
from personalizer.clustering.update import LibraryChangedError, cluster
from personalizer.clustering.write import matching_ids, write_assignment
from personalizer.errors import FamiliarError
from personalizer.library.library import Library
from personalizer.schemas import ConceptKind, OnProgress


@dataclass(frozen=True, slots=True)
class GroupChange:
    """One unlabeled cluster before and after re-clustering."""

    id: int | None
    """None for a new cluster."""
    kind: ConceptKind
    before: int
    """Number of items before."""
    after: int
    """Number of items after."""
    joined: int
    """Items that it gains, from other clusters or unassigned."""
    left: int
    """Items that it loses, to other clusters or to none."""
    photos: list[int]
    """Ids of a few photos in it after; of a vanishing cluster, before."""


@dataclass(frozen=True, slots=True)
class Reclustering:
    """What re-clustering would change or, if `applied`, has changed."""

    applied: bool
    appear: list[GroupChange] = field(default_factory=list)
    vanish: list[GroupChange] = field(default_factory=list)
    change: list[GroupChange] = field(default_factory=list)
    unchanged: int = 0
    """Number of clusters that keep exactly their items."""
    moved: int = 0
    """Number of items that change cluster, gain one or lose theirs."""
    names_kept: list[str] = field(default_factory=list)
    decided_kept: int = 0
    """Number of labeled concepts; none of their members changes."""
    contradictions: list[Contradiction] = field(default_factory=list)


_SHOWN_PHOTOS = 5
_ATTEMPTS = 5
"""How often clustering starts over because the library changed meanwhile."""


def recluster(
    library: Library,
    *,
    apply: bool = False,
    state: GroupingState | None = None,
    progress: OnProgress | None = None,
) -> Reclustering:
    """Re-cluster all unlabeled items from scratch; without `apply` only report what that would change.

    With `apply`, new items are assigned first. Raises `FamiliarError` where the library keeps changing meanwhile.
    """
    settings = ClusterSettings()
    state = state or GroupingState()
    if apply:
        # Assign new items first, so that the changes are those that the preview showed.
        cluster(library, settings, state, progress)
    for _ in range(_ATTEMPTS):
        state.refresh(library)
        assignments = {
            kind.kind: _assignment(library, state, kind, settings, progress) for kind in state.kinds.values()
        }
        changes = _compare(library, state, assignments, applied=apply)
        if not apply:
            return changes
        try:
            _apply(library, state, assignments)
        except LibraryChangedError:
            continue
        # The new clusters may resemble labeled concepts: compute suggestions for them.
        state.stamp = None
        cluster(library, settings, state, progress)
        return changes
    raise FamiliarError(
        tried="grouping everything anew",
        found="the library was changed each time before that was done",
        fix="Nothing was changed. Try again when no import is running: familiar recluster --apply",
    )


def _assignment(
    library: Library,
    state: GroupingState,
    kind: KindState,
    settings: ClusterSettings,
    progress: OnProgress | None,
) -> Assignment:
    clusters = cluster_from_scratch(library, state, kind, settings.for_kind(kind.kind), progress)
    old = {concept_id: set(kind.members[concept_id].tolist()) for concept_id in kind.unlabeled}
    return Assignment(old=old, new=clusters)


def _apply(library: Library, state: GroupingState, assignments: dict[ConceptKind, Assignment]) -> None:
    """Write all assignments in one transaction. Raises `LibraryChangedError` if `state` is out of date."""
    with library.transaction():
        if library.clustering_changes() != state.stamp:
            raise LibraryChangedError
        for kind, assignment in assignments.items():
            write_assignment(library, state.kinds[kind], assignment)


def _compare(
    library: Library, state: GroupingState, assignments: dict[ConceptKind, Assignment], *, applied: bool
) -> Reclustering:
    labeled = [c for kind in state.kinds.values() for c in sorted(kind.labeled)]
    names = [library.concept(concept_id).name for concept_id in labeled]
    appear: list[GroupChange] = []
    vanish: list[GroupChange] = []
    change: list[GroupChange] = []
    unchanged = moved = 0
    for name, assignment in assignments.items():
        kind = state.kinds[name]
        kept = matching_ids(assignment.old, assignment.new)
        for number, group in enumerate(assignment.new):
            concept_id = kept.get(number)
            before = assignment.old.get(concept_id, set()) if concept_id is not None else set()
            moved += len(group - before)
            if group == before:
                unchanged += 1
                continue
            group_change = _change(kind, concept_id, before, group)
            (appear if concept_id is None else change).append(group_change)
        for concept_id in sorted(assignment.old.keys() - set(kept.values())):
            vanish.append(_change(kind, concept_id, assignment.old[concept_id], set()))
        grouped = set().union(*assignment.new) if assignment.new else set()
        moved += len(set().union(*assignment.old.values()) - grouped) if assignment.old else 0
    return Reclustering(
        applied=applied,
        appear=appear,
        vanish=vanish,
        change=change,
        unchanged=unchanged,
        moved=moved,
        names_kept=sorted((name for name in names if name is not None), key=str.casefold),
        decided_kept=len(labeled),
        contradictions=list(state.constraints.contradictions),
    )


def _change(kind: KindState, concept_id: int | None, before: set[int], after: set[int]) -> GroupChange:
    examples = np.array(sorted(after or before)[:_SHOWN_PHOTOS], np.int64)
    return GroupChange(
        id=concept_id,
        kind=kind.kind,
        before=len(before),
        after=len(after),
        joined=len(after - before),
        left=len(before - after),
        photos=[int(photo) for photo in kind.store.photos[examples]],
    )

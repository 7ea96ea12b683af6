"""Groups everything anew, first as a preview of what would change, then for good when it is asked for.

Labeled concepts keep their names and members; groups that live on keep their ids. Knows the
library and no screen.
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
    """One unlabeled cluster, before and after; no id for one that would be new."""

    id: int | None
    kind: ConceptKind
    before: int
    after: int
    joined: int
    """Items that come in, from other groups or from none."""
    left: int
    """Items that go, to other groups or to none."""
    photos: list[int]
    """Some photos that it would show; of one that would vanish, that it shows."""


@dataclass(frozen=True, slots=True)
class Reclustering:
    """What grouping everything anew changes, or has changed."""

    applied: bool
    appear: list[GroupChange] = field(default_factory=list)
    vanish: list[GroupChange] = field(default_factory=list)
    change: list[GroupChange] = field(default_factory=list)
    unchanged: int = 0
    """Groups that stay as they are."""
    moved: int = 0
    """Items that would be in another group than before, or in one at all, or in none any more."""
    names_kept: list[str] = field(default_factory=list)
    decided_kept: int = 0
    """Labeled concepts; none of their members changes."""
    contradictions: list[Contradiction] = field(default_factory=list)


_SHOWN_PHOTOS = 5
_ATTEMPTS = 5


def recluster(
    library: Library,
    *,
    apply: bool = False,
    settings: ClusterSettings | None = None,
    state: GroupingState | None = None,
    progress: OnProgress | None = None,
) -> Reclustering:
    """Group all that is unlabeled from the start; without `apply` only say what that would change.

    Raises `FamiliarError` where the library keeps changing meanwhile.
    """
    settings = settings or ClusterSettings()
    state = state or GroupingState()
    if apply:
        # What is new finds its place first, so that the change is the one that the preview showed.
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
        # What became of the groups may resemble labeled concepts: ask about it.
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
    groups = cluster_from_scratch(library, state, kind, settings.for_kind(kind.kind), progress)
    old = {concept_id: set(kind.members[concept_id].tolist()) for concept_id in kind.unlabeled}
    return Assignment(old=old, new=groups)


def _apply(library: Library, state: GroupingState, assignments: dict[ConceptKind, Assignment]) -> None:
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
            one = _change(kind, concept_id, before, group)
            (appear if concept_id is None else change).append(one)
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
    shown = np.array(sorted(after or before)[:_SHOWN_PHOTOS], np.int64)
    return GroupChange(
        id=concept_id,
        kind=kind.kind,
        before=len(before),
        after=len(after),
        joined=len(after - before),
        left=len(before - after),
        photos=[int(photo) for photo in kind.store.photos[shown]],
    )

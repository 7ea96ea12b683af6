"""Stores an assignment in the library: clusters keep their ids where most of their members stay together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from personalizer.clustering.assignment import Assignment
from personalizer.clustering.state import KindState
from personalizer.library.library import Library


def write_assignment(library: Library, kind: KindState, assignment: Assignment) -> dict[int, set[int]]:
    """Store an assignment, inside a transaction; returns the members of the concepts that changed, by position.

    Groups that were there before keep their ids when most of them is still together.
    """
    ids = kind.store.ids
    written: dict[int, set[int]] = {}

    def detections(positions: Iterable[int]) -> list[int]:
        return [int(ids[position]) for position in positions]

    kept = matching_ids(assignment.old, assignment.new)
    for concept_id in assignment.old.keys() - set(kept.values()):
        library.delete_concept(concept_id)
        written[concept_id] = set()
    for number, group in enumerate(assignment.new):
        concept_id = kept[number] if number in kept else library.create_concept(kind.kind).id
        before = assignment.old.get(concept_id, set())
        library.remove_members(concept_id, detections(before - group))
        library.add_members(concept_id, detections(group - before), source="cluster", status="confirmed")
        if group != before or concept_id not in kind.members:
            written[concept_id] = group
    for concept_id, position in assignment.assigned:
        library.add_members(concept_id, detections([position]), source="cluster", status="confirmed")
        kind.assigned.setdefault(concept_id, set()).add(position)
        members = written.setdefault(concept_id, set(kind.members[concept_id].tolist()))
        members.add(position)
    grouped = {position for group in assignment.new for position in group}
    assigned = {position for _, position in assignment.assigned}
    for concept_id in kind.suggested.keys() | assignment.suggested.keys():
        standing = kind.suggested.get(concept_id, set())
        over = standing & assigned if concept_id in kind.labeled else standing & (assigned | grouped)
        wanted = assignment.suggested.get(concept_id, set()) - assigned
        if wanted:
            wanted = wanted - set(kind.members.get(concept_id, np.zeros(0, np.int64)).tolist())
        if concept_id not in kind.labeled:
            wanted -= grouped
        if concept_id in assignment.concepts:
            over |= (standing & assignment.around) - wanted
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

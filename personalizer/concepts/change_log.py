"""Records what an operation changes in the library, row by row, so that it can be undone exactly.

An operation is a block of code that changes concepts; what it changed is found by comparing. Knows rows, not what
they mean to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from personalizer.jobs.due import mark_due
from personalizer.library.concepts.rows import TABLES, Row, Table, snapshot
from personalizer.library.library import Library


@dataclass(slots=True)
class Recorded:
    """An operation under way; filled in by the block."""

    payload: dict[str, Any] = field(default_factory=dict)
    """What the operation is about, in the log's words."""
    operation_id: int = 0
    """Known after the block."""


@contextmanager
def recorded(
    library: Library,
    kind: str,
    concept_ids: Iterable[int],
    photo_ids: Iterable[int] = (),
    *,
    regroups: bool = True,
) -> Iterator[Recorded]:
    """One transaction whose changes to these concepts, to those made in it and to all links are logged.

    `regroups`: whether they can change which photos belong together; what is told in words cannot.

    The log's entry has the block's payload and, under `changes_TABLE`, a list of `{before, after}` with the rows as
    they were and are, None where there was or is none.
    """
    chosen, photos = frozenset(concept_ids), frozenset(photo_ids)
    with library.transaction():
        if regroups:
            # What a person decided about attracts similar photos, or others no longer, when it is grouped next.
            mark_due(library)
        newest = library.newest_concept_id()
        before = snapshot(library, chosen, photos)
        operation = Recorded()
        yield operation
        made = {concept.id for concept in library.concepts() if concept.id > newest}
        after = snapshot(library, chosen | made, photos)
        changes = {
            f"changes_{table}": _differences(before[table], after[table])
            for table in TABLES
            if before[table] != after[table]
        }
        operation.operation_id = library.append_operation(kind, operation.payload | changes)


def _differences(before: Table, after: Table) -> list[dict[str, Row | None]]:
    return [
        {"before": before.get(key), "after": after.get(key)}
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]

"""Records what an operation changes in the library, row by row, so that it can be undone exactly.

An operation is a block of code that changes concepts; what it changed is found by comparing. Knows rows, not what
they mean to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from personalizer.jobs.due import mark_due
from personalizer.library.library import Library

Row = dict[str, Any]
Key = tuple[int, ...]
Table = dict[Key, Row]

TABLES: Mapping[str, tuple[str, ...]] = {
    "concepts": ("id",),
    "facts": ("id",),
    "memberships": ("concept_id", "detection_id"),
    "links": ("first_id", "second_id"),
    "shows_twice": ("id",),
}
"""What is recorded, and what identifies a row. Concepts first: the others refer to them."""


@dataclass(slots=True)
class Recorded:
    """An operation under way; filled in by the block."""

    payload: dict[str, Any] = field(default_factory=dict)
    """What the operation is about, in the log's words."""
    operation_id: int = 0
    """Known after the block."""


@contextmanager
def recorded(
    library: Library, kind: str, concept_ids: Iterable[int], photo_ids: Iterable[int] = ()
) -> Iterator[Recorded]:
    """One transaction whose changes to these concepts, to those made in it and to all links are logged.

    The log's entry has the block's payload and, under `changes_TABLE`, a list of `{before, after}` with the rows as
    they were and are, None where there was or is none.
    """
    chosen, photos = frozenset(concept_ids), frozenset(photo_ids)
    with library.transaction() as connection:
        # What a person decided about attracts similar photos, or others no longer, when the library is grouped next.
        mark_due(library)
        newest = connection.execute("SELECT COALESCE(MAX(id), 0) FROM concepts").fetchone()[0]
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


def snapshot(library: Library, concept_ids: frozenset[int], photo_ids: frozenset[int]) -> dict[str, Table]:
    """The rows of `TABLES` about these concepts and photos, and all links."""
    connection = library.connection
    concepts = ",".join(map(str, sorted(concept_ids)))
    photos = ",".join(map(str, sorted(photo_ids)))
    queries = {
        "concepts": f"SELECT * FROM concepts WHERE id IN ({concepts})",
        "facts": f"SELECT * FROM facts WHERE concept_id IN ({concepts})",
        "memberships": f"SELECT * FROM memberships WHERE concept_id IN ({concepts})",
        "links": "SELECT first_id, second_id, kind FROM links",
        "shows_twice": f"SELECT id, shows_twice FROM photos WHERE id IN ({photos})",
    }
    return {
        table: {
            tuple(row[name] for name in TABLES[table]): storable(row) for row in connection.execute(query)
        }
        for table, query in queries.items()
    }


def storable(row: Mapping[str, Any] | Any) -> Row:
    """A row as JSON can hold it; paths that are stored as bytes become text and back by `bound`."""
    return {
        name: {"bytes": value.hex()} if isinstance(value, bytes) else value
        for name, value in zip(row.keys(), tuple(row), strict=True)
    }


def bound(value: Any) -> Any:
    """A value of a stored row as SQLite takes it."""
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def _differences(before: Table, after: Table) -> list[dict[str, Row | None]]:
    return [
        {"before": before.get(key), "after": after.get(key)}
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]

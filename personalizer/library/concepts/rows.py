"""Records rows of concepts and restores them exactly, for undo. Knows columns, not their meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from personalizer.library.database import Database

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


def snapshot(database: Database, concept_ids: frozenset[int], photo_ids: frozenset[int]) -> dict[str, Table]:
    """The rows of `TABLES` about these concepts and photos, and all links."""
    connection = database.connection
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


def put_back_concept(database: Database, row: Row) -> None:
    """Insert a concept that is gone, under the number that it had."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.connection.execute(
        f"INSERT INTO concepts({names}) VALUES ({marks})", [bound(value) for value in row.values()]
    )


def put_back_values(database: Database, row: Row, columns: Iterable[str]) -> None:
    """Give some columns of a concept the values that they have in `row`."""
    for name in columns:
        database.connection.execute(
            f"UPDATE concepts SET {name} = ? WHERE id = ?", (bound(row[name]), row["id"])
        )


def put_back_fact(database: Database, row: Row) -> None:
    """Insert a fact that is gone, unless its words are kept already."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.connection.execute(f"INSERT OR IGNORE INTO facts({names}) VALUES ({marks})", list(row.values()))


def put_back_fact_values(database: Database, row: Row) -> None:
    """Give a fact that is there the concept and the words of `row`, unless that concept has these words already."""
    database.connection.execute(
        "UPDATE OR IGNORE facts SET concept_id = ?, text = ?, text_key = ?, created_at = ? WHERE id = ?",
        (row["concept_id"], row["text"], row["text_key"], row["created_at"], row["id"]),
    )

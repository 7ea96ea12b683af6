"""Older libraries come to the present schema; newer ones are refused."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from personalizer.errors import FamiliarError, UsageError
from personalizer.library.library import Library
from personalizer.library.schema.migrations import CURRENT_VERSION, MIGRATIONS


def first_schema(path: Path) -> sqlite3.Connection:
    """A library as the first version wrote it, without rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    return connection


def test_a_library_of_the_first_schema_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    tables = {
        "photos": [(1, "hash", "/a.jpg", 4, 3, None, None, None, "Pixel", "2024")],
        "photo_files": [("/a.jpg", 1, 10, 20, None)],
        "detections": [
            (5, 1, "photo", 0.0, 0.0, 4.0, 3.0, 1.0, "whole"),
            (6, 1, "face", 1, 1, 2, 2, 0.5, "d"),
        ],
        "concepts": [
            (2, None, None, "object", "suggested", None, None, "2023"),
            (7, "Zoë", "zoë", "face", "ready", "pocket-1", "/home/concepts/7", "2024"),
        ],
        "memberships": [
            (2, 5, "cluster", "confirmed"),
            (7, 5, "user", "rejected"),
            (7, 6, "cluster", "suggested"),
        ],
        "operations": [
            (1, "2024", "merge", '{"kept": 7, "removed": 12, "removed_name": null}'),
            (2, "2024", "name", '{"concept": 9, "name": "Bo"}'),
        ],
        "settings": [("paused", "1")],
    }
    old = first_schema(path)
    for table, rows in tables.items():
        marks = ", ".join("?" * len(rows[0]))
        old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    old.close()

    with Library.open(path) as library:
        for table, rows in tables.items():
            found = library.connection.execute(f"SELECT * FROM {table}").fetchall()
            assert [tuple(row)[: len(rows[0])] for row in found] == rows, table
        zoe = library.concept_by_name("ZOË")
        assert zoe is not None and (zoe.id, zoe.state, zoe.backbone) == (7, "ready", "pocket-1")
        assert library.connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert library.create_concept("object").id == 13, "12 was a concept that somebody has merged"
        # The reference still leads to the concepts: it refuses nonsense and cleans up.
        with pytest.raises(sqlite3.IntegrityError):
            library.add_members(99, [5], source="user", status="confirmed")
        library.delete_concept(7)
        assert [member.concept_id for member in library.memberships()] == [2]
        with pytest.raises(UsageError, match="already called"):
            library.create_concept("object", "Mug")
            library.create_concept("object", "mug")


def test_an_empty_library_of_the_first_schema(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    first_schema(path).close()
    with Library.open(path) as library:
        assert library.create_concept("object").id == 1


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    Library.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT_VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(FamiliarError, match="Install a newer"):
            Library.open(path, read_only=read_only)


def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    errors: list[BaseException] = []

    def work() -> None:
        try:
            Library.open(path).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []

"""Brings a library's schema to the present version, step by step. Knows SQL, not the rows' meaning."""

from __future__ import annotations

import sqlite3

from personalizer.errors import FamiliarError
from personalizer.library.schema.first import FIRST
from personalizer.library.schema.steps import STEPS

MIGRATIONS = (FIRST, *STEPS)
CURRENT_VERSION = len(MIGRATIONS)


def schema_version(connection: sqlite3.Connection) -> int:
    """How many steps this library has run."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(version: int, where: str) -> None:
    """Raise when a newer Familiar has written this library: guessing at its schema could destroy data."""
    if version > CURRENT_VERSION:
        raise FamiliarError(
            tried=f"opening the library {where}",
            found=f"it has schema {version}, and this version of Familiar knows up to {CURRENT_VERSION}",
            fix="Install a newer familiar-assistant, or use another --home.",
        )


def migrate(connection: sqlite3.Connection, where: str) -> None:
    """Bring the schema to `CURRENT_VERSION`, each step in a transaction of its own.

    `connection` is in autocommit mode (`isolation_level=None`).
    """
    refuse_newer(schema_version(connection), where)
    while schema_version(connection) < CURRENT_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again under the lock: another process may have migrated while this one waited.
            version = schema_version(connection)
            refuse_newer(version, where)
            if version < CURRENT_VERSION:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

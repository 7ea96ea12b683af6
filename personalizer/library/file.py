"""Copies, inspects and checks the library's file as a whole.

Knows how SQLite uses files, and a few counts of a library.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from personalizer.library.schema.migrations import MIGRATIONS

_COPY_TIMEOUT_S = 30.0
_CHECK_TIMEOUT_S = 5.0


def copy_library(path: Path, target: Path) -> None:
    """Write the library as it is at this moment to a new file; whoever writes to it meanwhile is not held up."""
    # Created here so that it is private: SQLite takes a file that is empty.
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, timeout=_COPY_TIMEOUT_S, isolation_level=None)) as connection:
        # Lets Python look for Ctrl-C once in a while.
        connection.set_progress_handler(lambda: 0, 100_000)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise KeyboardInterrupt from error
            raise


class LibraryCopy:
    """A library file that no program writes to, of any schema version."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)

    def damage(self) -> str | None:
        """What is wrong with the file; None for one that is whole. Reads all of it."""
        verdict = str(self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        return None if verdict == "ok" else verdict

    def numbers(self) -> dict[str, int]:
        """What it holds: schema, photos, concepts (with a name), faces, last_photo, last_concept (ids)."""
        return {
            "schema": self._number("PRAGMA user_version"),
            "photos": self._number("SELECT COUNT(*) FROM photos"),
            "concepts": self._number("SELECT COUNT(*) FROM concepts WHERE name IS NOT NULL"),
            "faces": self._number("SELECT COUNT(*) FROM detections WHERE kind = 'face'"),
            "last_photo": self._number("SELECT COALESCE(MAX(id), 0) FROM photos"),
            "last_concept": self._number(
                "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'concepts'"
            ),
        }

    def trained_concepts(self) -> list[int]:
        """The ids of concepts that have a prefix."""
        rows = self._connection.execute("SELECT id FROM concepts WHERE prefix_dir IS NOT NULL ORDER BY id")
        return [int(row[0]) for row in rows]

    def forgotten_uids(self) -> set[str]:
        """What was forgotten by then."""
        return {row[0] for row in self._connection.execute("SELECT uid FROM forgotten_concepts")}

    def setting(self, key: str) -> str | None:
        """A stored setting, or None."""
        row = self._connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def refuse_foreign(self, schema: int, damaged: Callable[[str], Exception]) -> None:
        """Raise what `damaged` makes of the reason where this is no whole library of that schema.

        The file comes from elsewhere: nothing that stands in it is run before it has been looked at.
        """
        self._connection.execute("PRAGMA trusted_schema = OFF")
        version = self._number("PRAGMA user_version")
        if version != schema or version < 1:
            raise damaged(f"has schema {version}, and its manifest says {schema}")
        if _programs(self._connection) != _expected_programs(version):
            raise damaged("has triggers or views that Familiar did not make")
        damage = self.damage()
        if damage is not None:
            raise damaged(f"is damaged: {damage}")

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def _programs(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """What SQLite would run on its own."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
    # Renaming a table rewrites what refers to it, in the manner of the version of SQLite that does it.
    return {(kind, name, re.sub(r'[\s"]+', " ", sql or "").strip()) for kind, name, sql in rows}


def _expected_programs(version: int) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in MIGRATIONS[:version]:
            for statement in step:
                connection.execute(statement)
        return _programs(connection)


def quick_verdict(path: Path) -> str:
    """`ok`, or the first problems that SQLite's quick check finds; other programs may be writing."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_CHECK_TIMEOUT_S)) as connection:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])


def is_in_use(path: Path, patience_s: float) -> bool:
    """Whether any program has the library open. Where none has, all of it is in the one file afterwards.

    False for a damaged file.
    """
    try:
        with closing(sqlite3.connect(path, timeout=patience_s, isolation_level=None)) as connection:
            # Needs the file for itself, and empties the log.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    except sqlite3.DatabaseError:
        return False
    return False

"""What forgetting needs of the library's file beyond what everyone does: deleting for good. Decides nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from personalizer.errors import NotReadyError
from personalizer.library.database import Database

_BEGUN = "forgetting."


class ForgettingRecords(Database):
    """The part of the library that removes."""

    def begin_forgetting(self, concept_id: int) -> None:
        """Note that this concept is to go, whatever happens meanwhile, and let nothing be answered about it."""
        # Where the file cannot be compacted in the end, at least its free pages hold nothing.
        self.connection.execute("PRAGMA secure_delete = ON")
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO settings(key, value) VALUES (?, '1') ON CONFLICT DO NOTHING",
                (f"{_BEGUN}{concept_id}",),
            )
            connection.execute(
                "UPDATE concepts SET state = 'hidden', backbone = NULL, prefix_dir = NULL WHERE id = ?",
                (concept_id,),
            )

    def begun_forgetting(self) -> list[int]:
        """The concepts whose forgetting has begun and not ended."""
        rows = self.connection.execute(
            "SELECT key FROM settings WHERE key LIKE ? ORDER BY key", (f"{_BEGUN}%",)
        )
        return [int(row["key"].removeprefix(_BEGUN)) for row in rows]

    def end_forgetting(self, concept_id: int) -> None:
        """Undo the note of `begin_forgetting`."""
        self.connection.execute("DELETE FROM settings WHERE key = ?", (f"{_BEGUN}{concept_id}",))

    def mark_forgotten(self, photo_ids: Iterable[int]) -> None:
        """Note that nothing may be looked for in these photos on its own any more."""
        with self.transaction() as connection:
            chosen = [(photo_id,) for photo_id in photo_ids]
            connection.executemany("UPDATE photos SET forgotten = 1 WHERE id = ?", chosen)
            # The coarse picture as well: what they showed is not kept in any form.
            connection.executemany("DELETE FROM fingerprints WHERE photo_id = ?", chosen)

    def forgotten_photos(self) -> set[int]:
        """The photos of `mark_forgotten`."""
        return {row["id"] for row in self.connection.execute("SELECT id FROM photos WHERE forgotten = 1")}

    def delete_detections(self, detection_ids: Iterable[int]) -> tuple[int, int]:
        """Remove detections with their vectors and memberships; returns (detections, vectors)."""
        ids = json.dumps([int(detection_id) for detection_id in detection_ids])
        with self.transaction() as connection:
            chosen = "(SELECT value FROM json_each(?))"
            vectors = connection.execute(
                f"DELETE FROM vectors WHERE detection_id IN {chosen}", (ids,)
            ).rowcount
            detections = connection.execute(f"DELETE FROM detections WHERE id IN {chosen}", (ids,)).rowcount
        return detections, vectors

    def delete_operation(self, operation_id: int) -> None:
        """Remove an entry of the log, which only forgetting may do."""
        self.connection.execute("DELETE FROM operations WHERE id = ?", (operation_id,))

    def rewrite_operation(self, operation_id: int, payload: dict[str, Any]) -> None:
        """Replace what an entry of the log says, which only forgetting may do."""
        self.connection.execute(
            "UPDATE operations SET payload = ? WHERE id = ?",
            (json.dumps(payload, ensure_ascii=False), operation_id),
        )

    def delete_job(self, job_id: int) -> None:
        """Remove the record of a job that has ended."""
        self.connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def compact(self) -> None:
        """Write the file anew without what was deleted, and empty the write-ahead log.

        Raises `NotReadyError` when another program reads an older state for longer than the busy timeout.
        """
        self.connection.execute("VACUUM")
        busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise _in_use("another program keeps reading it")

    @contextmanager
    def said_when_locked(self) -> Iterator[None]:
        """Turn SQLite's "database is locked" (or its full disk) into a `NotReadyError`."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _in_use(str(error)) from error


def _in_use(found: str) -> NotReadyError:
    return NotReadyError(
        tried="removing from the library for good",
        found=found,
        fix="Close other programs that use the library, see that its disk has free space, and try again.",
    )

"""Secure deletion from the library's file, for forgetting. Decides nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from personalizer.errors import NotReadyError
from personalizer.library.chats import DELETED_CHATS, rebuild_chat_words
from personalizer.library.database import Database, now_text
from personalizer.library.photos.scope import FACES_OFF
from personalizer.library.photos.texts import rebuild_words

_BEGUN = "forgetting."
_ERASING = "faces.erasing"


class ErasureRecords(Database):
    """The part of the library that removes."""

    def begin_forgetting(self, concept_id: int) -> None:
        """Record that this concept is being forgotten: an interrupted run continues, and no answer mentions it."""
        self.overwrite_what_is_deleted()
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

    def overwrite_what_is_deleted(self) -> None:
        """Overwrite deleted content on this connection from now on, in case the file cannot be compacted later."""
        self.connection.execute("PRAGMA secure_delete = ON")

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

    def begin_erasing_faces(self) -> None:
        """Record that all faces are being erased: an interrupted run continues, and no answer mentions people."""
        self.overwrite_what_is_deleted()
        with self.transaction() as connection:
            self.set_setting(FACES_OFF, now_text())
            self.set_setting(_ERASING, "1")
            connection.execute("UPDATE concepts SET state = 'hidden' WHERE kind = 'face'")

    def is_erasing_faces(self) -> bool:
        """Whether erasing was begun and has not ended."""
        return self.setting(_ERASING) is not None

    def end_erasing_faces(self) -> None:
        """Undo `begin_erasing_faces`'s note."""
        self.set_setting(_ERASING, None)

    def delete_faces(self) -> tuple[int, int]:
        """Remove all faces with their vectors and memberships; returns (faces, vectors).

        They are looked for again once that is allowed.
        """
        with self.transaction() as connection:
            faces = connection.execute("SELECT id FROM detections WHERE kind = 'face'").fetchall()
            connection.execute(
                "INSERT INTO faceless_photos(photo_id) SELECT id FROM photos WHERE true ON CONFLICT DO NOTHING"
            )
            return self.delete_detections(row["id"] for row in faces)

    def compact(self) -> None:
        """Write the file anew without what was deleted, and empty the write-ahead log.

        Raises `NotReadyError` when another program reads an older state for longer than the busy timeout.
        """
        rebuild_words(self.connection)
        rebuild_chat_words(self.connection)
        self.connection.execute("VACUUM")
        busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise _in_use("another program keeps reading it")
        self.set_setting(DELETED_CHATS, None)

    def keep_all_in_one_file(self) -> None:
        """End the write-ahead log: from now on nothing stands beside the file once it is closed."""
        self.connection.execute("PRAGMA journal_mode = DELETE")

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

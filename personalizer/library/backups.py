"""Records the backups of a library, and which forgotten concepts they still contain. Reads no file.

A forgotten concept is identified by its random `uid`, which is never reused and does not reveal the name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from personalizer.library.database import Database, now_text, path_from, path_value

FACES = "faces"
"""Instead of a concept's uid: all faces."""
ERASED_AT = "faces.erased_at"
"""The setting that says when all faces were last erased."""


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """A backup as it was when it was written."""

    uid: str
    path: Path
    made_at: str
    size: int
    """0 while it is written."""
    faces: int
    last_photo: int
    """Photos and concepts with higher ids came later."""
    last_concept: int


class BackupRecords(Database):
    """The part of the library that knows of its backups."""

    def record_backup(self, backup: BackupRecord) -> None:
        """Record a backup."""
        self.connection.execute(
            """INSERT OR REPLACE INTO backups(uid, path, made_at, size, faces, last_photo, last_concept)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                backup.uid,
                path_value(backup.path),
                backup.made_at,
                backup.size,
                backup.faces,
                backup.last_photo,
                backup.last_concept,
            ),
        )

    def remove_backup(self, uid: str) -> None:
        """Remove the record of a deleted backup."""
        self.connection.execute("DELETE FROM backups WHERE uid = ?", (uid,))

    def remove_unfinished_backups(self) -> None:
        """Remove the records of interrupted backups."""
        self.connection.execute("DELETE FROM backups WHERE size = 0")

    def backups(self, path: Path | None = None) -> list[BackupRecord]:
        """All that were made of this library, or those at this path, oldest first.

        The user may have moved or deleted them since.
        """
        rows = self.connection.execute(
            "SELECT * FROM backups WHERE ?1 IS NULL OR path = ?1 ORDER BY made_at, rowid",
            (None if path is None else path_value(path),),
        )
        return [BackupRecord(row["uid"], path_from(row["path"]), *tuple(row)[2:]) for row in rows]

    def concept_uids(self) -> dict[int, str]:
        """By concept id; also of concepts with a name that are gone."""
        return {
            row["concept_id"]: row["uid"] for row in self.connection.execute("SELECT * FROM concept_uids")
        }

    def concept_ids_of(self, uids: Iterable[str]) -> list[int]:
        """The inverse of `concept_uids`, for the uids that are known here."""
        chosen = json.dumps(sorted(uids))
        rows = self.connection.execute(
            """SELECT concept_id FROM concept_uids WHERE uid IN (SELECT value FROM json_each(?))
               ORDER BY concept_id""",
            (chosen,),
        )
        return [int(row["concept_id"]) for row in rows]

    def note_forgotten(self, concept_ids: Iterable[int]) -> None:
        """Remember that these concepts are forgotten, and which backups hold them. For before anything is removed."""
        ids = json.dumps(sorted(int(concept_id) for concept_id in concept_ids))
        chosen = "(SELECT value FROM json_each(?))"
        with self.transaction() as connection:
            first_photo, first_concept = connection.execute(
                f"""SELECT (SELECT MIN(photo_id) FROM memberships JOIN detections ON detections.id = detection_id
                            WHERE concept_id IN {chosen} AND status != 'rejected'),
                           (SELECT MIN(value) FROM json_each(?))""",
                (ids, ids),
            ).fetchone()
            connection.execute(
                f"""INSERT OR IGNORE INTO forgotten_concepts(uid, forgotten_at)
                    SELECT uid, ? FROM concept_uids WHERE concept_id IN {chosen}""",
                (now_text(), ids),
            )
            connection.execute(
                f"""INSERT OR IGNORE INTO backups_holding(backup, uid)
                    SELECT backups.uid, concept_uids.uid FROM backups, concept_uids
                    WHERE concept_id IN {chosen} AND (last_photo >= ? OR last_concept >= ?)""",
                (ids, first_photo if first_photo is not None else 2**62, first_concept),
            )

    def note_faces_erased(self) -> None:
        """Remember that all faces are erased, and which backups hold some."""
        with self.transaction() as connection:
            self.set_setting(ERASED_AT, now_text())
            connection.execute(
                """INSERT OR IGNORE INTO backups_holding(backup, uid)
                   SELECT uid, ? FROM backups WHERE faces > 0""",
                (FACES,),
            )

    def faces_erased_at(self) -> str | None:
        """When all faces were last erased."""
        return self.setting(ERASED_AT)

    def forgotten_uids(self) -> dict[str, str]:
        """What was forgotten: when, by uid."""
        rows = self.connection.execute("SELECT uid, forgotten_at FROM forgotten_concepts")
        return {row["uid"]: row["forgotten_at"] for row in rows}

    def carry_over(self, forgotten: Mapping[str, str], held: Iterable[tuple[str, str]]) -> None:
        """Copy from another library what was forgotten and when, and which backups contain it."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO forgotten_concepts(uid, forgotten_at) VALUES (?, ?)", forgotten.items()
            )
            connection.executemany("INSERT OR IGNORE INTO backups_holding(backup, uid) VALUES (?, ?)", held)

    def held_in_backups(self) -> list[tuple[str, str]]:
        """What was forgotten and may still be in a backup: the backup's uid, and a concept's or `FACES`."""
        rows = self.connection.execute("SELECT backup, uid FROM backups_holding ORDER BY backup, uid")
        return [(row["backup"], row["uid"]) for row in rows]

    def backups_holding(self, uids: Iterable[str] | None = None) -> list[BackupRecord]:
        """The backups that may hold any of these uids, or anything that was forgotten."""
        wanted = None if uids is None else frozenset(uids)
        holding = {backup for backup, uid in self.held_in_backups() if wanted is None or uid in wanted}
        return [backup for backup in self.backups() if backup.uid in holding]

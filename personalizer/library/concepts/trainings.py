"""Records what concepts were trained with, and attempts at automatic training. Knows no trainer and no rule."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from personalizer.library.database import Database, now_text


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What is known of a concept's last training, and of attempts since."""

    photos: frozenset[int] | None
    """That it was trained with; None where that was not recorded."""
    told: frozenset[str] | None
    """The `told_keys` that it was trained with; None where that was not recorded."""
    told_changed_at: datetime | None
    """When a fact was told, changed or taken back last, since that is noted."""
    wanted: str | None
    """Identifies what the attempts are about."""
    attempts: int
    tried_at: datetime | None


class TrainingRecords(Database):
    """The part of the library that training fills."""

    def record_training(self, concept_id: int, photos: Collection[int], told: Collection[str]) -> None:
        """Record what a concept was trained with, facts by their keys; earlier attempts no longer count."""
        self.connection.execute(
            """INSERT INTO trainings(concept_id, photos, told, trained_at) VALUES (?, ?, ?, ?)
               ON CONFLICT(concept_id) DO UPDATE SET photos = excluded.photos, told = excluded.told,
                 trained_at = excluded.trained_at, wanted = NULL, attempts = 0, tried_at = NULL""",
            (concept_id, json.dumps(sorted(photos)), json.dumps(sorted(told)), now_text()),
        )

    def begin_training_attempt(self, concept_id: int, wanted: str) -> int:
        """Count an attempt before it is made; returns its number, from 1 for each `wanted`."""
        with self.transaction() as connection:
            row = connection.execute(
                """INSERT INTO trainings(concept_id, wanted, attempts, tried_at) VALUES (?1, ?2, 1, ?3)
                   ON CONFLICT(concept_id) DO UPDATE SET
                     attempts = CASE WHEN wanted IS ?2 THEN attempts + 1 ELSE 1 END,
                     wanted = ?2, tried_at = ?3
                   RETURNING attempts""",
                (concept_id, wanted, now_text()),
            ).fetchone()
            return int(row["attempts"])

    def take_back_training_attempt(self, concept_id: int, wanted: str) -> None:
        """Undo `begin_training_attempt`."""
        self.connection.execute(
            """UPDATE trainings SET attempts = MAX(attempts - 1, 0),
                 tried_at = CASE WHEN attempts <= 1 THEN NULL ELSE tried_at END
               WHERE concept_id = ? AND wanted = ?""",
            (concept_id, wanted),
        )

    def set_training_attempts(self, concept_id: int, wanted: str, attempts: int) -> None:
        """Let so many attempts count."""
        self.connection.execute(
            "UPDATE trainings SET attempts = ? WHERE concept_id = ? AND wanted = ?",
            (attempts, concept_id, wanted),
        )

    def trainings_with_attempts(self, attempts: int) -> int:
        """How many concepts have at least so many attempts since they were trained last."""
        row = self.connection.execute(
            "SELECT COUNT(*) FROM trainings WHERE attempts >= ?", (attempts,)
        ).fetchone()
        return int(row[0])

    def training_records(self) -> dict[int, TrainingRecord]:
        """By concept."""
        return {
            row["concept_id"]: TrainingRecord(
                None if row["photos"] is None else frozenset(json.loads(row["photos"])),
                None if row["told"] is None else frozenset(json.loads(row["told"])),
                _moment(row["told_changed_at"]),
                row["wanted"],
                row["attempts"],
                _moment(row["tried_at"]),
            )
            for row in self.connection.execute("SELECT * FROM trainings")
        }

    def photos_of_named(self) -> dict[int, dict[int, bool]]:
        """By concept with a name that is not hidden, by id: the photos of its confirmed members, and whether the file
        is there.
        """
        rows = self.connection.execute(
            """SELECT DISTINCT memberships.concept_id, detections.photo_id,
                 EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = detections.photo_id
                         AND missing_since IS NULL) AS there
               FROM memberships JOIN detections ON detections.id = memberships.detection_id
                 JOIN concepts ON concepts.id = memberships.concept_id
               WHERE memberships.status = 'confirmed' AND concepts.name IS NOT NULL
                 AND concepts.state != 'hidden'"""
        )
        photos: dict[int, dict[int, bool]] = {}
        for row in rows:
            photos.setdefault(row["concept_id"], {})[row["photo_id"]] = bool(row["there"])
        return dict(sorted(photos.items()))


def _moment(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)

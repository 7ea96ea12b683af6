"""The library: one SQLite file that is the authority over everything Familiar knows. Runs no model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from personalizer.library.backups import BackupRecords
from personalizer.library.chats import ChatRecords
from personalizer.library.concepts.clusters import ClusterRecords
from personalizer.library.concepts.concepts import ConceptRecords, Membership
from personalizer.library.concepts.links import LinkRecords
from personalizer.library.concepts.trainings import TrainingRecords
from personalizer.library.database import now_text
from personalizer.library.erasure import ErasureRecords
from personalizer.library.photos.analyses import AnalysisRecords
from personalizer.library.photos.companions import CompanionRecords
from personalizer.library.photos.failures import FailureRecord, FailureRecords, UnreadableFile
from personalizer.library.photos.photos import FileRecord
from personalizer.library.photos.scope import ScopeRecords
from personalizer.library.photos.search import SearchRecords
from personalizer.library.photos.shots import ShotRecords
from personalizer.library.photos.vectors import VectorRecords

__all__ = ["FailureRecord", "FileRecord", "Library", "Membership", "Operation", "UnreadableFile"]

_COUNTS = {
    "photos": "SELECT COUNT(*) FROM photos WHERE id IN (SELECT photo_id FROM photo_files)",
    "files": "SELECT COUNT(*) FROM photo_files WHERE missing_since IS NULL",
    "missing": "SELECT COUNT(*) FROM photo_files WHERE missing_since IS NOT NULL",
    "detections": "SELECT COUNT(*) FROM detections",
    "objects": "SELECT COUNT(*) FROM detections WHERE kind = 'object'",
    "faces": "SELECT COUNT(*) FROM detections WHERE kind = 'face'",
    "vectors": "SELECT COUNT(*) FROM vectors",
    "not_indexed": "SELECT COUNT(*) FROM vectors WHERE indexed = 0",
    "failures": "SELECT COUNT(*) FROM failures WHERE reason IS NOT NULL",
    "quarantined": "SELECT COUNT(*) FROM failures WHERE reason IS NOT NULL AND retry = 0",
    "concepts": "SELECT COUNT(*) FROM concepts",
    "named": "SELECT COUNT(*) FROM concepts WHERE name IS NOT NULL",
    "roots": "SELECT COUNT(*) FROM roots",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An entry of the append-only log of what people did."""

    id: int
    at: str
    kind: str
    payload: dict[str, Any]


class Library(
    ScopeRecords,
    AnalysisRecords,
    FailureRecords,
    VectorRecords,
    ShotRecords,
    CompanionRecords,
    SearchRecords,
    ConceptRecords,
    LinkRecords,
    ClusterRecords,
    TrainingRecords,
    ChatRecords,
    BackupRecords,
    ErasureRecords,
):
    """Photos, detections, vectors, concepts, operations, jobs and settings in one SQLite file.

    Thread-safe: every thread has a connection of its own. Methods that change several rows do so in one
    transaction; a caller that needs more than one method to be atomic uses `with library.transaction():`.
    """

    def append_operation(self, kind: str, payload: dict[str, Any]) -> int:
        """Add an entry to the log; returns its id."""
        row_id = self.connection.execute(
            "INSERT INTO operations(at, kind, payload) VALUES (?, ?, ?)",
            (now_text(), kind, json.dumps(payload, ensure_ascii=False)),
        ).lastrowid
        assert row_id is not None
        return row_id

    def operations(self, limit: int | None = None) -> list[Operation]:
        """The log, newest first."""
        rows = self.connection.execute(
            "SELECT * FROM operations ORDER BY id DESC LIMIT ?", (-1 if limit is None else limit,)
        )
        return [Operation(row["id"], row["at"], row["kind"], json.loads(row["payload"])) for row in rows]

    def counts(self) -> dict[str, int]:
        """How much there is: photos, files, missing, detections, objects, faces, vectors, not_indexed,
        failures, quarantined (left alone until they change), concepts, named, roots.
        """
        connection = self.connection
        return {name: int(connection.execute(query).fetchone()[0]) for name, query in _COUNTS.items()}

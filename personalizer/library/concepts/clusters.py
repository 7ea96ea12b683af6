"""Items and memberships as clustering reads them, and its progress. Knows no distance and no rule."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from personalizer.library.database import Database
from personalizer.schemas import ConceptKind, DetectionKind

Source = tuple[str, str]
"""A model and its version: only vectors of one and the same are compared."""
_BLOCK_ROWS = 512
_LABELED = """(name IS NOT NULL OR state != 'suggested'
    OR EXISTS (SELECT 1 FROM memberships WHERE concept_id = concepts.id AND source = 'user'))"""
_IN_USE = "EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = detections.photo_id)"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A detection that is clustered."""

    detection_id: int
    photo_id: int
    quality: float


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """One membership as clustering needs it."""

    concept_id: int
    detection_id: int
    by_cluster: bool
    """Whether clustering, not a person, put it there."""
    status: str


class ClusterRecords(Database):
    """The part of the library that clustering reads and keeps its place in.

    A concept is labeled once a person named, hid, taught or put it together.
    """

    def clustering_changes(self) -> int:
        """A counter that grows with every change that invalidates clustering's state."""
        return int(self.connection.execute("SELECT changes FROM grouping").fetchone()[0])

    def clustering_removals(self) -> int:
        """A counter that grows whenever detections are removed; their ids may be reused."""
        return int(self.connection.execute("SELECT removals FROM grouping").fetchone()[0])

    def concepts_with_label(self, kind: ConceptKind) -> dict[int, bool]:
        """Whether each concept of one kind is labeled, by id."""
        rows = self.connection.execute(
            f"SELECT id, {_LABELED} AS labeled FROM concepts WHERE kind = ? ORDER BY id", (kind,)
        )
        return {row["id"]: bool(row["labeled"]) for row in rows}

    def labeled_concepts(self, kind: ConceptKind) -> set[int]:
        """The ids of the concepts of one kind that a person named, hid or put together."""
        return {concept_id for concept_id, labeled in self.concepts_with_label(kind).items() if labeled}

    def cluster_memberships(self, kind: ConceptKind) -> list[MembershipRow]:
        """All memberships of concepts of one kind, by concept and detection."""
        rows = self.connection.execute(
            """SELECT concept_id, detection_id, source = 'cluster' AS by_cluster, status
               FROM memberships WHERE concept_id IN (SELECT id FROM concepts WHERE kind = ?)
               ORDER BY concept_id, detection_id""",
            (kind,),
        )
        return [
            MembershipRow(row["concept_id"], row["detection_id"], bool(row["by_cluster"]), row["status"])
            for row in rows
        ]

    def clustered_to(self, kind: ConceptKind, source: str) -> int:
        """The newest detection that was assigned; 0 where the last ones came from another `source`."""
        row = self.connection.execute(
            "SELECT last_id FROM placed WHERE kind = ? AND source = ?", (kind, source)
        ).fetchone()
        return 0 if row is None else int(row["last_id"])

    def set_clustered_to(self, kind: ConceptKind, source: str, last_id: int) -> None:
        """Record how far clustering came."""
        self.connection.execute(
            """INSERT INTO placed(kind, source, last_id) VALUES (?, ?, ?)
               ON CONFLICT(kind) DO UPDATE SET source = excluded.source, last_id = excluded.last_id""",
            (kind, source, last_id),
        )

    def newest_vector_source(self, kind: DetectionKind) -> Source | None:
        """The model that made the newest vector of a detection of this kind."""
        # CROSS: from the newest detection of the kind on. The other way round, a library without any of the kind would
        # be read from end to end for every new photo.
        row = self.connection.execute(
            """SELECT model, version FROM detections CROSS JOIN vectors ON detection_id = detections.id
               WHERE kind = ? ORDER BY detections.id DESC, vectors.rowid DESC LIMIT 1""",
            (kind,),
        ).fetchone()
        return None if row is None else (str(row["model"]), str(row["version"]))

    def newest_detection_id(self) -> int:
        """0 without any."""
        return int(self.connection.execute("SELECT COALESCE(MAX(id), 0) FROM detections").fetchone()[0])

    def first_photo_with_detections_after(self, detection_id: int) -> int | None:
        """The smallest id of a photo with a face or an object that is newer than this detection."""
        row = self.connection.execute(
            "SELECT MIN(photo_id) AS first FROM detections WHERE id > ? AND kind != 'photo'", (detection_id,)
        ).fetchone()
        return None if row["first"] is None else int(row["first"])

    def face_items(self, source: Source, after: int, last: int) -> Iterator[list[ItemRow]]:
        """Faces with vectors of `source`, of photos whose file still holds them, by id, in blocks."""
        return self._items("face", "", (after, last, *source))

    def photo_items(
        self, source: Source, after: int, last: int, portrait_share: float
    ) -> Iterator[list[ItemRow]]:
        """Whole photos likewise, without portraits: those that one face fills to at least `portrait_share`."""
        not_portrait = """AND NOT EXISTS (
            SELECT 1 FROM detections AS face WHERE face.photo_id = detections.photo_id AND face.kind = 'face'
            AND (face.box_right - face.box_left) * (face.box_bottom - face.box_top) >= ? *
                (detections.box_right - detections.box_left) * (detections.box_bottom - detections.box_top))"""
        return self._items("photo", not_portrait, (after, last, *source, portrait_share))

    def _items(
        self, kind: DetectionKind, condition: str, values: tuple[object, ...]
    ) -> Iterator[list[ItemRow]]:
        rows: sqlite3.Cursor = self.connection.execute(
            f"""SELECT detections.id, photo_id, score FROM detections
                JOIN vectors ON detection_id = detections.id
                WHERE kind = '{kind}' AND detections.id > ? AND detections.id <= ? AND model = ? AND version = ?
                AND {_IN_USE} {condition} ORDER BY detections.id""",
            values,
        )
        while block := rows.fetchmany(_BLOCK_ROWS):
            yield [ItemRow(row["id"], row["photo_id"], row["score"]) for row in block]

    def region_vectors(self, whole_ids: list[int], source: Source) -> dict[int, tuple[bytes, bytes | None]]:
        """Of each photo's surest region the vector, little-endian float32, and the one of its cut-out, float16.

        By the id of its whole picture. There is a cut-out only where a mask is clear.
        """
        best: dict[int, tuple[float, bytes, bytes | None]] = {}
        for start in range(0, len(whole_ids), _BLOCK_ROWS):
            rows = self.connection.execute(
                """SELECT whole.id AS whole_id, region.score AS score, vector, cutout FROM detections AS whole
                   JOIN detections AS region ON region.photo_id = whole.photo_id AND region.kind = 'object'
                   JOIN vectors ON detection_id = region.id AND model = ? AND version = ?
                   WHERE whole.id IN (SELECT value FROM json_each(?)) ORDER BY region.id""",
                (*source, json.dumps(whole_ids[start : start + _BLOCK_ROWS])),
            )
            for row in rows:
                if row["whole_id"] not in best or row["score"] > best[row["whole_id"]][0]:
                    best[row["whole_id"]] = (row["score"], row["vector"], row["cutout"])
        return {whole_id: (vector, cutout) for whole_id, (_, vector, cutout) in best.items()}

"""Photos, their files, failures, detections and vectors in the library. Knows no concept, job or model."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from personalizer.errors import NotFoundError
from personalizer.library.database import Database, now_text, path_from, path_value
from personalizer.library.shots import insert_fingerprint
from personalizer.photos.perceptual_hash import Fingerprint
from personalizer.schemas import (
    BoundingBox,
    Detection,
    DetectionKind,
    Embedding,
    Float32Array,
    Int64Array,
    NewDetection,
    Photo,
)

# The path of a photo: a file that is there, else one that was, else where it was first recorded.
_PHOTO_COLUMNS = """photos.*, COALESCE(
    (SELECT path FROM photo_files WHERE photo_id = photos.id
     ORDER BY missing_since IS NOT NULL, rowid LIMIT 1),
    photos.last_path) AS path"""
_DETECTION_COLUMNS = "id, photo_id, kind, box_left, box_top, box_right, box_bottom, score, flaw"

DEATHS_FORGIVEN = 10


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the library knows about a path without opening it."""

    photo_id: int
    size: int
    mtime_ns: int
    missing: bool


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A file that could not be read; `reason` is None while an attempt is under way (or crashed unseen)."""

    path: Path
    size: int
    mtime_ns: int
    reason: str | None
    attempts: int
    retry: bool


class PhotoRecords(Database):
    """The part of the library that scanning fills."""

    def add_root(self, path: Path) -> Path:
        """Register a folder; returns it resolved. Adding it again changes nothing."""
        resolved = Path(path).expanduser().resolve()
        self.connection.execute(
            "INSERT INTO roots(path, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (path_value(resolved), now_text()),
        )
        return resolved

    def roots(self) -> list[Path]:
        """The registered folders, in the order they were added."""
        rows = self.connection.execute("SELECT path FROM roots ORDER BY rowid")
        return [path_from(row["path"]) for row in rows]

    def photos(self, limit: int | None = None, *, include_missing: bool = False) -> list[Photo]:
        """Photos in the order of recording; those without a present file only with `include_missing`."""
        missing = "" if include_missing else "AND missing_since IS NULL"
        rows = self.connection.execute(
            f"""SELECT {_PHOTO_COLUMNS} FROM photos
                WHERE EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id {missing})
                ORDER BY id LIMIT ?""",
            (-1 if limit is None else limit,),
        )
        return [_photo(row) for row in rows]

    def photo(self, photo_id: int) -> Photo:
        """The photo with this id, or `NotFoundError`."""
        found = self._one_photo("id = ?", photo_id)
        if found is None:
            raise NotFoundError(
                tried=f"looking up photo {photo_id}",
                found="there is none",
                fix="List photos with: familiar status",
            )
        return found

    def photo_paths(self, photo_id: int) -> list[Path]:
        """Every place of this photo: files that are there, then missing ones, else where it was first."""
        rows = self.connection.execute(
            """SELECT path FROM photo_files WHERE photo_id = ? ORDER BY missing_since IS NOT NULL, rowid""",
            (photo_id,),
        )
        return [path_from(row["path"]) for row in rows] or [self.photo(photo_id).path]

    def photo_by_path(self, path: Path) -> Photo | None:
        """The photo last seen at `path` (made absolute, symlinks resolved), or None."""
        resolved = Path(path).expanduser().resolve()
        return self._one_photo("id = (SELECT photo_id FROM photo_files WHERE path = ?)", path_value(resolved))

    def photo_by_hash(self, content_hash: str) -> Photo | None:
        """The photo with this content, or None."""
        return self._one_photo("content_hash = ?", content_hash)

    def _one_photo(self, where: str, value: int | str | bytes) -> Photo | None:
        row = self.connection.execute(
            f"SELECT {_PHOTO_COLUMNS} FROM photos WHERE {where}", (value,)
        ).fetchone()
        return None if row is None else _photo(row)

    def files(self) -> dict[Path, FileRecord]:
        """All paths the library knows, missing ones included."""
        rows = self.connection.execute(
            "SELECT path, photo_id, size, mtime_ns, missing_since FROM photo_files"
        )
        return {
            path_from(row["path"]): FileRecord(
                row["photo_id"], row["size"], row["mtime_ns"], row["missing_since"] is not None
            )
            for row in rows
        }

    def record_photo(
        self,
        *,
        content_hash: str,
        path: Path,
        size: int,
        mtime_ns: int,
        width_px: int,
        height_px: int,
        taken_at: datetime | None,
        latitude: float | None,
        longitude: float | None,
        camera: str | None,
        detections: Sequence[tuple[NewDetection, Embedding]],
        fingerprint: Fingerprint | None = None,
        analysed_by: str = "",
    ) -> Photo:
        """Store a photo, its file, detections and vectors in one transaction.

        When the content is already known only the file is recorded: a photo is never analysed into the
        library twice, whatever was interrupted before.
        """
        with self.transaction() as connection:
            known = self.photo_by_hash(content_hash)
            if known is None:
                photo_id = connection.execute(
                    """INSERT INTO photos(content_hash, last_path, width_px, height_px, taken_at,
                         latitude, longitude, camera, added_at, analysed_by)
                         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                    (
                        content_hash,
                        path_value(path),
                        width_px,
                        height_px,
                        None if taken_at is None else taken_at.isoformat(),
                        latitude,
                        longitude,
                        camera,
                        now_text(),
                        analysed_by,
                    ),
                ).lastrowid
                assert photo_id is not None
                for detection, embedding in detections:
                    self._insert_detection(connection, photo_id, detection, embedding)
                if fingerprint is not None:
                    insert_fingerprint(connection, photo_id, fingerprint)
            else:
                photo_id = known.id
            self.record_file(path, photo_id, size, mtime_ns)
            return self.photo(photo_id)

    def add_detections(
        self, photo_id: int, detections: Sequence[tuple[NewDetection, Embedding]]
    ) -> list[int]:
        """Store what was found in a photo that is there already, as far as it is not stored; returns the new ids."""
        with self.transaction() as connection:
            stored = {(detection.kind, detection.box) for detection in self.detections(photo_id)}
            return [
                self._insert_detection(connection, photo_id, detection, embedding)
                for detection, embedding in detections
                if (detection.kind, detection.box) not in stored
            ]

    @staticmethod
    def _insert_detection(
        connection: sqlite3.Connection, photo_id: int, detection: NewDetection, embedding: Embedding
    ) -> int:
        box = detection.box
        detection_id = connection.execute(
            """INSERT INTO detections(photo_id, kind, box_left, box_top, box_right, box_bottom,
                 score, detector, flaw)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                photo_id,
                detection.kind,
                box.left,
                box.top,
                box.right,
                box.bottom,
                detection.score,
                detection.detector,
                detection.flaw,
            ),
        ).lastrowid
        blob = np.ascontiguousarray(embedding.vector, dtype="<f4").tobytes()
        connection.execute(
            "INSERT INTO vectors(detection_id, model, version, vector) VALUES (?, ?, ?, ?)",
            (detection_id, embedding.model, embedding.version, blob),
        )
        assert detection_id is not None
        return detection_id

    def record_file(self, path: Path, photo_id: int, size: int, mtime_ns: int) -> None:
        """Say that the file at `path` holds this photo now; clears its failure and its missing mark."""
        with self.transaction() as connection:
            connection.execute(
                """INSERT INTO photo_files(path, photo_id, size, mtime_ns) VALUES (?, ?, ?, ?)
                   ON CONFLICT(path) DO UPDATE SET photo_id = excluded.photo_id, size = excluded.size,
                   mtime_ns = excluded.mtime_ns, missing_since = NULL""",
                (path_value(path), photo_id, size, mtime_ns),
            )
            connection.execute("DELETE FROM failures WHERE path = ?", (path_value(path),))

    def move_file(self, old: Path, new: Path, *, size: int, mtime_ns: int) -> None:
        """Say that the file known at `old` is at `new` now."""
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT photo_id FROM photo_files WHERE path = ?", (path_value(old),)
            ).fetchone()
            if row is None:
                raise NotFoundError(
                    tried=f"moving the file {old}", found="the library does not know it", fix="Scan again."
                )
            connection.execute("DELETE FROM photo_files WHERE path = ?", (path_value(old),))
            self.record_file(new, row["photo_id"], size, mtime_ns)

    def mark_missing(self, paths: Iterable[Path]) -> None:
        """Note that these files are no longer there; their photos, vectors and memberships stay."""
        at = now_text()
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE photo_files SET missing_since = ? WHERE path = ? AND missing_since IS NULL",
                [(at, path_value(path)) for path in paths],
            )

    def begin_attempt(self, path: Path, size: int, mtime_ns: int) -> int:
        """Count an attempt to read this file before it is made; returns its number, from 1.

        A file whose size or time changed starts again at 1. The row goes away when the photo is recorded, so
        a row without a reason that is found later means that the attempt took the whole program down, not only
        the process that reads photos. That is hardly ever the file's doing (the machine was switched off), so
        the first `DEATHS_FORGIVEN` of these are not counted.
        """
        with self.transaction() as connection:
            row = connection.execute(
                """INSERT INTO failures(path, size, mtime_ns, reason, attempts, retry, failed_at)
                   VALUES (?1, ?2, ?3, NULL, 1, 1, ?4)
                   ON CONFLICT(path) DO UPDATE SET
                     attempts = CASE WHEN size != excluded.size OR mtime_ns != excluded.mtime_ns THEN 1
                                WHEN reason IS NULL AND deaths < ?5 THEN MAX(attempts, 1)
                                ELSE attempts + 1 END,
                     deaths = CASE WHEN size != excluded.size OR mtime_ns != excluded.mtime_ns THEN 0
                              WHEN reason IS NULL THEN deaths + 1 ELSE deaths END,
                     size = excluded.size, mtime_ns = excluded.mtime_ns, reason = NULL, retry = 1,
                     failed_at = excluded.failed_at
                   RETURNING attempts""",
                (path_value(path), size, mtime_ns, now_text(), DEATHS_FORGIVEN),
            ).fetchone()
            return int(row["attempts"])

    def record_failure(
        self, path: Path, size: int, mtime_ns: int, reason: str, *, retry: bool = False
    ) -> None:
        """Store why a file could not be read. It is left alone until it changes, unless `retry`."""
        self.connection.execute(
            """INSERT INTO failures(path, size, mtime_ns, reason, attempts, retry, failed_at)
               VALUES (?, ?, ?, ?, 1, ?, ?)
               ON CONFLICT(path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
               reason = excluded.reason, retry = excluded.retry, failed_at = excluded.failed_at""",
            (path_value(path), size, mtime_ns, reason, int(retry), now_text()),
        )

    def clear_failures(self, paths: Iterable[Path]) -> None:
        """Forget the failures of files that are gone."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM failures WHERE path = ?", [(path_value(path),) for path in paths]
            )

    def failures(self) -> list[FailureRecord]:
        """All files that could not be read, by path; `reason` is None for an attempt under way."""
        rows = self.connection.execute(
            "SELECT path, size, mtime_ns, reason, attempts, retry FROM failures ORDER BY path"
        )
        return [
            FailureRecord(
                path_from(row["path"]),
                row["size"],
                row["mtime_ns"],
                row["reason"],
                row["attempts"],
                bool(row["retry"]),
            )
            for row in rows
        ]

    def detections(self, photo_id: int | None = None, kind: DetectionKind | None = None) -> list[Detection]:
        """Detections by id, of one photo and one kind where given."""
        rows = self.connection.execute(
            f"""SELECT {_DETECTION_COLUMNS} FROM detections
                WHERE (?1 IS NULL OR photo_id = ?1) AND (?2 IS NULL OR kind = ?2) ORDER BY id""",
            (photo_id, kind),
        )
        return [detection_from(row) for row in rows]

    def detection(self, detection_id: int) -> Detection:
        """The detection with this id, or `NotFoundError`."""
        row = self.connection.execute(
            f"SELECT {_DETECTION_COLUMNS} FROM detections WHERE id = ?", (detection_id,)
        ).fetchone()
        if row is None:
            raise NotFoundError(
                tried=f"looking up detection {detection_id}", found="there is none", fix="Scan again."
            )
        return detection_from(row)

    def vectors(
        self, kind: DetectionKind, model: str | None = None, version: str | None = None
    ) -> tuple[Int64Array, Float32Array]:
        """Detection ids `[n]` and vectors `[n, dim]` of one kind, by id, made by one model in one version.

        Where `model` or `version` is not given it is that of the newest detection of the kind, since vectors
        of two models cannot be compared. Photos whose file now holds other content are left out; missing
        files are not.
        """
        newest = self.connection.execute(
            """SELECT model, version FROM vectors JOIN detections ON detections.id = detection_id
               WHERE kind = ?1 AND (?2 IS NULL OR model = ?2) AND (?3 IS NULL OR version = ?3)
               ORDER BY detection_id DESC, vectors.rowid DESC LIMIT 1""",
            (kind, model, version),
        ).fetchone()
        if newest is None:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        rows = self.connection.execute(
            """SELECT detection_id, vector FROM vectors JOIN detections ON detections.id = detection_id
               WHERE kind = ? AND model = ? AND version = ?
                 AND EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = detections.photo_id)
               ORDER BY detection_id""",
            (kind, newest["model"], newest["version"]),
        ).fetchall()
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        ids = np.array([row["detection_id"] for row in rows], np.int64)
        flat = np.frombuffer(b"".join(row["vector"] for row in rows), dtype="<f4")
        return ids, flat.astype(np.float32).reshape(len(rows), -1)

    def vectors_of(self, detection_ids: Iterable[int], model: str, version: str) -> dict[int, Float32Array]:
        """Vectors `[dim]` of some detections by id; those that this model has not embedded are left out."""
        ids = json.dumps([int(detection_id) for detection_id in detection_ids])
        rows = self.connection.execute(
            """SELECT detection_id, vector FROM vectors
               WHERE detection_id IN (SELECT value FROM json_each(?)) AND model = ? AND version = ?""",
            (ids, model, version),
        )
        return {
            row["detection_id"]: np.frombuffer(row["vector"], dtype="<f4").astype(np.float32) for row in rows
        }

    def comparable_vectors(
        self, detection_ids: Iterable[int]
    ) -> tuple[tuple[str, str] | None, dict[int, Float32Array]]:
        """The (model, version) that most of these detections have a vector of, and these vectors by id.

        Of two that made as many it is the one at work last. While photos are looked at again by newer models, some
        have vectors of the old ones only: these are left out.
        """
        ids = [int(detection_id) for detection_id in detection_ids]
        row = self.connection.execute(
            """SELECT model, version FROM vectors WHERE detection_id IN (SELECT value FROM json_each(?))
               GROUP BY model, version ORDER BY COUNT(*) DESC, MAX(rowid) DESC LIMIT 1""",
            (json.dumps(ids),),
        ).fetchone()
        if row is None:
            return None, {}
        source = (str(row["model"]), str(row["version"]))
        return source, self.vectors_of(ids, *source)

    def vectors_to_index(self, limit: int) -> list[tuple[int, DetectionKind, int, Embedding]]:
        """Up to `limit` vectors that the index lacks: (detection id, kind, photo id, embedding), by detection
        id.
        """
        rows = self.connection.execute(
            """SELECT detection_id, kind, photo_id, model, version, vector
               FROM vectors JOIN detections ON detections.id = detection_id
               WHERE indexed = 0 ORDER BY detection_id LIMIT ?""",
            (limit,),
        )
        return [
            (
                row["detection_id"],
                row["kind"],
                row["photo_id"],
                Embedding(np.frombuffer(row["vector"], dtype="<f4").copy(), row["model"], row["version"]),
            )
            for row in rows
        ]

    def note_indexed(self, vectors: Iterable[tuple[int, Embedding]]) -> None:
        """Note that the index holds these vectors of detections now."""
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE vectors SET indexed = 1 WHERE detection_id = ? AND model = ? AND version = ?",
                [(detection_id, embedding.model, embedding.version) for detection_id, embedding in vectors],
            )

    def index_removals(self, limit: int) -> list[tuple[int, str, str]]:
        """Up to `limit` vectors that are gone and that the index may still hold: (detection id, model, version)."""
        rows = self.connection.execute(
            "SELECT detection_id, model, version FROM index_removals ORDER BY detection_id LIMIT ?", (limit,)
        )
        return [(row["detection_id"], row["model"], row["version"]) for row in rows]

    def forget_index_removals(self, removals: Iterable[tuple[int, str, str]] | None) -> None:
        """Note that the index does not hold these any more; None means that it holds nothing.

        A new detection may have got the number of one that is gone: its vector, taken out with that, is indexed again.
        """
        with self.transaction() as connection:
            if removals is None:
                connection.execute("DELETE FROM index_removals")
            else:
                gone = list(removals)
                of_one = "WHERE detection_id = ? AND model = ? AND version = ?"
                connection.executemany(f"UPDATE vectors SET indexed = 0 {of_one}", gone)
                connection.executemany(f"DELETE FROM index_removals {of_one}", gone)

    def vector_models(self) -> dict[tuple[DetectionKind, str, str], int]:
        """The number of vectors by kind of detection, model and version."""
        rows = self.connection.execute(
            """SELECT kind, model, version, COUNT(*) AS number
               FROM vectors JOIN detections ON detections.id = detection_id GROUP BY kind, model, version"""
        )
        return {(row["kind"], row["model"], row["version"]): int(row["number"]) for row in rows}

    def vector_ids(self, kind: DetectionKind, model: str, version: str) -> list[int]:
        """The detections of one kind that this model has a vector of, whatever became of their photos."""
        rows = self.connection.execute(
            """SELECT detection_id FROM vectors JOIN detections ON detections.id = detection_id
               WHERE kind = ? AND model = ? AND version = ? ORDER BY detection_id""",
            (kind, model, version),
        )
        return [row["detection_id"] for row in rows]

    def set_indexed(self, detection_ids: Iterable[int] | None, indexed: bool) -> None:
        """Note which vectors the index holds; None means all of them."""
        with self.transaction() as connection:
            if detection_ids is None:
                connection.execute("UPDATE vectors SET indexed = ?", (int(indexed),))
            else:
                connection.executemany(
                    "UPDATE vectors SET indexed = ? WHERE detection_id = ?",
                    [(int(indexed), detection_id) for detection_id in detection_ids],
                )


def _photo(row: sqlite3.Row) -> Photo:
    return Photo(
        id=row["id"],
        content_hash=row["content_hash"],
        path=path_from(row["path"]),
        width_px=row["width_px"],
        height_px=row["height_px"],
        taken_at=None if row["taken_at"] is None else datetime.fromisoformat(row["taken_at"]),
        latitude=row["latitude"],
        longitude=row["longitude"],
        camera=row["camera"],
    )


def detection_from(row: sqlite3.Row) -> Detection:
    """A row with the detection columns as a record."""
    return Detection(
        id=row["id"],
        photo_id=row["photo_id"],
        kind=row["kind"],
        box=BoundingBox(row["box_left"], row["box_top"], row["box_right"], row["box_bottom"]),
        score=row["score"],
        flaw=row["flaw"],
    )

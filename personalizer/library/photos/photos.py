"""Photos, their files and what was detected in them. Knows no concept, job or model."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from personalizer.errors import NotFoundError
from personalizer.library.database import now_text, path_from, path_value
from personalizer.library.photos.labels import LabelRecords, replace_labels
from personalizer.library.photos.shots import insert_fingerprint
from personalizer.library.photos.texts import TextKind, insert_texts
from personalizer.library.photos.vectors import cutout_from, store_vector
from personalizer.photos.perceptual_hash import Fingerprint
from personalizer.schemas import (
    BoundingBox,
    Detection,
    DetectionKind,
    Embedding,
    NewDetection,
    Photo,
    PhotoLabel,
)

# The path of a photo: a file that is there, else one that was, else where it was first recorded.
_PHOTO_COLUMNS = """photos.*, COALESCE(
    (SELECT path FROM photo_files WHERE photo_id = photos.id
     ORDER BY missing_since IS NOT NULL, rowid LIMIT 1),
    photos.last_path) AS path"""
_DETECTION_COLUMNS = "id, photo_id, kind, box_left, box_top, box_right, box_bottom, score, flaw"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the library knows about a path without opening it."""

    photo_id: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """A photo to be stored, with the file that holds it and what was found in it."""

    content_hash: str
    path: Path
    size: int
    mtime_ns: int
    width_px: int
    height_px: int
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None
    detections: Sequence[tuple[NewDetection, Embedding]] = ()
    fingerprint: Fingerprint | None = None
    analysed_by: str = ""
    """By which models."""
    labels: Sequence[PhotoLabel] = ()
    """What it shows, in plain words."""
    texts: Mapping[TextKind, str] = field(default_factory=dict)
    """What its own file says about it."""


class PhotoRecords(LabelRecords):
    """The part of the library that scanning fills."""

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

    def files_named(self, file_name: str) -> list[tuple[Path, int]]:
        """The files with this name, whatever folder they are in: paths and photo ids, by path."""
        ending = path_value(f"/{file_name}")
        rows = self.connection.execute(
            """SELECT path, photo_id FROM photo_files WHERE substr(path, -length(?1)) = ?1 AND missing_since IS NULL
               ORDER BY path""",
            (ending,),
        )
        return [(path_from(row["path"]), int(row["photo_id"])) for row in rows]

    def photo_by_hash_beginning(self, letters: str) -> Photo | None:
        """The photo whose content's hash begins with at least 16 hexadecimal `letters`."""
        if len(letters) < 16 or not set(letters) <= set("0123456789abcdef"):
            return None
        return self._one_photo("content_hash >= ?1 AND content_hash < ?1 || 'g'", letters)

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
        rows = self.connection.execute("SELECT path, photo_id, size, mtime_ns FROM photo_files")
        return {
            path_from(row["path"]): FileRecord(row["photo_id"], row["size"], row["mtime_ns"]) for row in rows
        }

    def record_photo(self, new: NewPhoto) -> Photo:
        """Store a photo, its file, detections and vectors in one transaction.

        When the content is already known only the file is recorded: a photo is never analysed into the
        library twice, whatever was interrupted before.
        """
        with self.transaction() as connection:
            known = self.photo_by_hash(new.content_hash)
            photo_id = self._insert_photo(connection, new) if known is None else known.id
            self.record_file(new.path, photo_id, new.size, new.mtime_ns)
            return self.photo(photo_id)

    def _insert_photo(self, connection: sqlite3.Connection, new: NewPhoto) -> int:
        photo_id = connection.execute(
            """INSERT INTO photos(content_hash, last_path, width_px, height_px, taken_at,
                 latitude, longitude, camera, added_at, analysed_by)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                new.content_hash,
                path_value(new.path),
                new.width_px,
                new.height_px,
                None if new.taken_at is None else new.taken_at.isoformat(),
                new.latitude,
                new.longitude,
                new.camera,
                now_text(),
                new.analysed_by,
            ),
        ).lastrowid
        assert photo_id is not None
        for detection, embedding in new.detections:
            self._insert_detection(connection, photo_id, detection, embedding)
        if new.fingerprint is not None:
            insert_fingerprint(connection, photo_id, new.fingerprint)
        replace_labels(connection, photo_id, new.labels)
        insert_texts(connection, photo_id, new.texts)
        return photo_id

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
                 score, detector, flaw, colors)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
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
                detection.colors,
            ),
        ).lastrowid
        assert detection_id is not None
        store_vector(connection, detection_id, embedding)
        return detection_id

    def record_file(self, path: Path, photo_id: int, size: int, mtime_ns: int) -> None:
        """Say that the file at `path` holds this photo now; clears its failure and its missing mark.

        Its number and change time are what the scan saw: see `ScanTable.take_over`.
        """
        with self.transaction() as connection:
            connection.execute(
                """INSERT INTO photo_files(path, photo_id, size, mtime_ns) VALUES (?, ?, ?, ?)
                   ON CONFLICT(path) DO UPDATE SET photo_id = excluded.photo_id, size = excluded.size,
                   mtime_ns = excluded.mtime_ns, missing_since = NULL, inode = NULL, ctime_ns = NULL""",
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

    def detections(self, photo_id: int | None = None, kind: DetectionKind | None = None) -> list[Detection]:
        """Detections by id, of one photo and one kind where given."""
        rows = self.connection.execute(
            f"""SELECT {_DETECTION_COLUMNS} FROM detections
                WHERE (?1 IS NULL OR photo_id = ?1) AND (?2 IS NULL OR kind = ?2) ORDER BY id""",
            (photo_id, kind),
        )
        return [detection_from(row) for row in rows]

    def found_in(self, photo_id: int) -> list[tuple[NewDetection, Embedding]]:
        """What was found in a photo, with every vector of it, as it would be recorded anew."""
        rows = self.connection.execute(
            f"""SELECT {_DETECTION_COLUMNS}, detector, colors, model, version, vector, cutout FROM detections
                JOIN vectors ON detection_id = id WHERE photo_id = ? ORDER BY id""",
            (photo_id,),
        )
        found = []
        for row in rows:
            one = detection_from(row)
            new = NewDetection(one.kind, one.box, one.score, row["detector"], one.flaw, row["colors"])
            vector = np.frombuffer(row["vector"], dtype="<f4")
            cutout = None if row["cutout"] is None else cutout_from(row["cutout"])
            found.append((new, Embedding(vector, row["model"], row["version"], cutout)))
        return found

    def has_detection(self, detection_id: int) -> bool:
        """Whether there is a detection with this id."""
        row = self.connection.execute("SELECT 1 FROM detections WHERE id = ?", (detection_id,)).fetchone()
        return row is not None

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

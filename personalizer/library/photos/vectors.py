"""Vectors of detections, and which of them the index holds. Knows numbers and the models that made them; runs none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from personalizer.library.database import Database
from personalizer.schemas import BoolArray, DetectionKind, Embedding, Float32Array, Int64Array

_BLOCK_ROWS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class VectorBlock:
    """Some detections with their vectors, in the same order."""

    ids: Int64Array
    photos: Int64Array
    whole: BoolArray
    """Whether each is a whole picture."""
    vectors: Float32Array
    """`[n, dim]`"""


def unit_colors(stored: bytes) -> Float32Array:
    """Colors `[256]` as they are compared, from what is stored of them."""
    roots = np.frombuffer(stored, dtype=np.uint8).astype(np.float32)
    unit: Float32Array = roots / np.float32(max(float(np.linalg.norm(roots)), 1e-6))
    return unit


def cutout_from(stored: bytes) -> Float32Array:
    """The vector `[dim]` of a cut-out from what is stored of it."""
    return np.frombuffer(stored, dtype="<f2").astype(np.float32)


def store_vector(connection: sqlite3.Connection, detection_id: int, embedding: Embedding) -> None:
    """Store what one model made of a detection, in place of what it had made before."""
    cutout = None if embedding.cutout is None else np.asarray(embedding.cutout, dtype="<f2").tobytes()
    connection.execute(
        """INSERT INTO vectors(detection_id, model, version, vector, cutout) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT(detection_id, model, version) DO UPDATE
           SET vector = excluded.vector, cutout = excluded.cutout, indexed = 0""",
        (
            detection_id,
            embedding.model,
            embedding.version,
            np.ascontiguousarray(embedding.vector, dtype="<f4").tobytes(),
            cutout,
        ),
    )


class VectorRecords(Database):
    """The part of the library that clustering, recognition and the index read."""

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

    def vector_blocks(
        self, kinds: Sequence[DetectionKind], model: str, version: str, *, after: int = 0
    ) -> Iterator[VectorBlock]:
        """The vectors of one model, of detections whose photo has a file that is there, in blocks of bounded size.

        `after`: only of photos with a detection that is newer than this one.
        """
        newer = "AND photo_id IN (SELECT photo_id FROM detections WHERE id > ?5)" if after else "AND ?5 = 0"
        rows = self.connection.execute(
            f"""SELECT detection_id, photo_id, kind, vector FROM vectors
               JOIN detections ON detections.id = detection_id
               WHERE kind IN (?1, ?2) AND model = ?3 AND version = ?4 {newer}
                 AND EXISTS (SELECT 1 FROM photo_files
                             WHERE photo_files.photo_id = detections.photo_id AND missing_since IS NULL)""",
            (*[*kinds, *kinds][:2], model, version, after),
        )
        while block := rows.fetchmany(_BLOCK_ROWS):
            flat = np.frombuffer(b"".join(row["vector"] for row in block), dtype="<f4")
            yield VectorBlock(
                np.array([row["detection_id"] for row in block], np.int64),
                np.array([row["photo_id"] for row in block], np.int64),
                np.array([row["kind"] == "photo" for row in block], np.bool_),
                flat.astype(np.float32, copy=False).reshape(len(block), -1),
            )

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

    def colors_of(self, photo_ids: Iterable[int]) -> dict[int, Float32Array]:
        """The colors `[256]` of some photos' main things, by photo, to be multiplied with each other.

        As `thing_colors` made them, divided by their length. Photos without a clear main thing are left out.
        """
        rows = self.connection.execute(
            """SELECT photo_id, colors FROM detections WHERE colors IS NOT NULL
               AND photo_id IN (SELECT value FROM json_each(?)) ORDER BY id""",
            (json.dumps([int(photo_id) for photo_id in photo_ids]),),
        )
        return {row["photo_id"]: unit_colors(row["colors"]) for row in rows}

    def cutouts_of(self, photo_ids: Iterable[int], model: str, version: str) -> dict[int, Float32Array]:
        """Vectors `[dim]` of some photos' main things on another ground, by photo; by one model.

        Photos without a clear main thing are left out.
        """
        rows = self.connection.execute(
            """SELECT photo_id, cutout FROM vectors JOIN detections ON detections.id = detection_id
               WHERE cutout IS NOT NULL AND model = ?2 AND version = ?3
                 AND photo_id IN (SELECT value FROM json_each(?1)) ORDER BY detection_id""",
            (json.dumps([int(photo_id) for photo_id in photo_ids]), model, version),
        )
        return {row["photo_id"]: cutout_from(row["cutout"]) for row in rows}

    def vector_count(self) -> int:
        """How many there are."""
        return int(self.connection.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])

    def not_indexed_count(self) -> int:
        """How many of them the index lacks."""
        return int(self.connection.execute("SELECT COUNT(*) FROM vectors WHERE indexed = 0").fetchone()[0])

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

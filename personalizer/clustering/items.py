"""The items of a library that are grouped, faces or photos of things, held small enough for a hundred thousand of them.

In memory there is a sketch of each vector, a byte per dimension, to find candidates by; whatever is decided is decided
by the vectors themselves, which are read from the library for the few candidates. Knows no groups.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from personalizer.clustering.portraits import PORTRAIT_SHARE
from personalizer.library.library import Library
from personalizer.schemas import ConceptKind, Float32Array, Int64Array

SKETCH_DIMENSIONS = 256
"""Longer vectors are projected to this many."""
_BLOCK_ITEMS = 512
_IN_USE = "EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = detections.photo_id)"
Int8Array = npt.NDArray[np.int8]
Source = tuple[str, str]
"""A model and its version: only vectors of one and the same are compared."""


class ItemStore:
    """Items by position, ascending by detection id: `ids`, `photos` and `quality` are `[n]`.

    Vectors of things are those of the whole picture and of its region in one, scaled so that the scalar product is the
    mean of both cosines.
    """

    def __init__(self, kind: ConceptKind) -> None:
        self.kind = kind
        self.source: Source | None = None
        self.clear()

    def clear(self) -> None:
        """Forget everything that was read."""
        self.ids: Int64Array = np.zeros(0, np.int64)
        self.photos: Int64Array = np.zeros(0, np.int64)
        self.quality: Float32Array = np.zeros(0, np.float32)
        self._sketches: Int8Array = np.zeros((0, 0), np.int8)
        self._scales: Float32Array = np.zeros(0, np.float32)
        self._squares: Float32Array = np.zeros(0, np.float32)
        self._projection: Float32Array | None = None
        self.read_to = 0
        """No detection up to this id has to be looked at again."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def slack(self) -> float:
        """How far a similarity of sketches may be off: about three standard deviations."""
        return 0.02 if self.kind == "face" else 0.15

    def refresh(self, library: Library) -> bool:
        """Read the items that are new since the last time; False when everything had to be read again.

        That is when another model makes the vectors now, or a photo that was an item has become a portrait.
        """
        # CROSS: from the newest detection of the kind on. The other way round, a library without any of the kind would
        # be read from end to end for every new photo.
        newest = library.connection.execute(
            """SELECT model, version FROM detections CROSS JOIN vectors ON detection_id = detections.id
               WHERE kind = ? ORDER BY detections.id DESC, vectors.rowid DESC LIMIT 1""",
            (self._detection_kind,),
        ).fetchone()
        source = None if newest is None else (str(newest["model"]), str(newest["version"]))
        went_on = source == self.source and not self._old_photo_changed(library)
        if not went_on:
            self.clear()
        self.source = source
        if source is None:
            return went_on
        blocks: list[tuple[Int64Array, Int64Array, Float32Array, Int8Array, Float32Array, Float32Array]] = []
        last = library.connection.execute("SELECT COALESCE(MAX(id), 0) FROM detections").fetchone()[0]
        for ids, photos, quality, vectors in self._new_items(library, source, int(last)):
            blocks.append((ids, photos, quality, *self._sketched(vectors)))
        self.read_to = int(last)
        if not blocks:
            return went_on
        parts = [np.concatenate(part) for part in zip(*blocks, strict=True)]
        self.ids = np.concatenate([self.ids, parts[0]])
        self.photos = np.concatenate([self.photos, parts[1]])
        self.quality = np.concatenate([self.quality, parts[2]])
        self._sketches = np.concatenate([self._sketches, parts[3]]) if len(self._sketches) else parts[3]
        self._scales = np.concatenate([self._scales, parts[4]])
        self._squares = np.concatenate([self._squares, parts[5]])
        return went_on

    def keep_valid(self, library: Library) -> None:
        """Drop items that were removed, or whose file holds something else now; read all again where one came back."""
        if self.source is None:
            return
        valid = np.array(
            [row["id"] for row in self._valid(library, self.source, 0, self.read_to)], dtype=np.int64
        )
        kept = np.isin(self.ids, valid, assume_unique=True)
        if int(kept.sum()) != len(valid):
            self.clear()
        elif not kept.all():
            self.ids, self.photos, self.quality = self.ids[kept], self.photos[kept], self.quality[kept]
            self._sketches, self._scales = self._sketches[kept], self._scales[kept]
            self._squares = self._squares[kept]

    @property
    def _detection_kind(self) -> str:
        return "face" if self.kind == "face" else "photo"

    def _old_photo_changed(self, library: Library) -> bool:
        """Whether something was added to a photo that is an item already: it may have become a portrait."""
        if self.kind == "face" or not len(self.photos):
            return False
        row = library.connection.execute(
            """SELECT MIN(photo_id) AS first FROM detections WHERE id > ? AND kind != 'photo'""",
            (self.read_to,),
        ).fetchone()
        return row["first"] is not None and int(row["first"]) <= int(self.photos.max())

    def _new_items(
        self, library: Library, source: Source, last: int
    ) -> Iterator[tuple[Int64Array, Int64Array, Float32Array, Float32Array]]:
        rows = self._valid(library, source, self.read_to, last)
        while found := rows.fetchmany(_BLOCK_ITEMS):
            ids = np.array([row["id"] for row in found], np.int64)
            photos = np.array([row["photo_id"] for row in found], np.int64)
            quality = np.array([row["score"] for row in found], np.float32)
            read = self._read(library, ids, source)
            there = np.array([number in read for number in ids.tolist()], np.bool_)
            if there.any():
                vectors = np.stack([read[number] for number in ids[there].tolist()])
                yield ids[there], photos[there], quality[there], vectors

    def _valid(self, library: Library, source: Source, after: int, last: int) -> sqlite3.Cursor:
        """What is an item, by id: no face of a photo that holds something else now, no picture of a portrait."""
        not_portrait = f"""AND NOT EXISTS (
            SELECT 1 FROM detections AS face WHERE face.photo_id = detections.photo_id AND face.kind = 'face'
            AND (face.box_right - face.box_left) * (face.box_bottom - face.box_top) >= {PORTRAIT_SHARE} *
                (detections.box_right - detections.box_left) * (detections.box_bottom - detections.box_top))"""
        return library.connection.execute(
            f"""SELECT detections.id, photo_id, score FROM detections
                JOIN vectors ON detection_id = detections.id
                WHERE kind = ? AND detections.id > ? AND detections.id <= ? AND model = ? AND version = ?
                AND {_IN_USE} {"" if self.kind == "face" else not_portrait} ORDER BY detections.id""",
            (self._detection_kind, after, last, *source),
        )

    def vectors(self, library: Library, positions: Int64Array) -> Float32Array:
        """The vectors themselves, `[positions, dim]`; of an item that is gone meanwhile, one that resembles nothing."""
        if self.source is None or not len(positions):
            return np.zeros((0, 1), np.float32)
        read = self._read(library, self.ids[positions], self.source)
        if not read:
            return np.full((len(positions), 1), 1e3, np.float32)
        gone = np.full_like(next(iter(read.values())), 1e3)
        return np.stack([read.get(number, gone) for number in self.ids[positions].tolist()])

    def _read(self, library: Library, ids: Int64Array, source: Source) -> dict[int, Float32Array]:
        whole: dict[int, Float32Array] = {}
        for start in range(0, len(ids), _BLOCK_ITEMS):
            whole |= library.vectors_of(ids[start : start + _BLOCK_ITEMS].tolist(), *source)
        if self.kind == "face":
            return whole
        regions = _best_regions(library, list(whole), source)
        half = np.float32(0.5**0.5)
        return {
            number: np.concatenate([vector, regions.get(number, vector)]) * half
            for number, vector in whole.items()
        }

    def _sketched(self, vectors: Float32Array) -> tuple[Int8Array, Float32Array, Float32Array]:
        """Sketches, what a step of theirs stands for, and the squared lengths of the vectors."""
        squares = np.einsum("nd,nd->n", vectors, vectors)
        dimensions = vectors.shape[1]
        if dimensions > SKETCH_DIMENSIONS:
            if self._projection is None or len(self._projection) != dimensions:
                random = np.random.default_rng(0)
                projection = random.standard_normal((dimensions, SKETCH_DIMENSIONS), np.float32)
                self._projection = projection / np.float32(SKETCH_DIMENSIONS**0.5)
            vectors = vectors @ self._projection
            # A projection also changes lengths, by chance; what is compared is directions.
            length = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors * (np.sqrt(squares)[:, None] / np.maximum(length, 1e-12))
        scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
        return (
            np.round(vectors / scales[:, None]).astype(np.int8),
            scales.astype(np.float32),
            squares.astype(np.float32),
        )

    def rough(self, positions: Int64Array) -> Float32Array:
        """What the sketches say the vectors are, `[positions, sketch]`."""
        sketch: Float32Array = self._sketches[positions].astype(np.float32) * self._scales[positions, None]
        return sketch

    def rough_squared(self, rows: Int64Array, columns: Int64Array) -> Float32Array:
        """About the squared distances, `[rows, columns]`."""
        lengths = self._squares[rows][:, None] + self._squares[columns][None]
        distance: Float32Array = lengths - 2 * self.rough(rows) @ self.rough(columns).T
        return distance

    def squares(self, positions: Int64Array) -> Float32Array:
        """The squared lengths of the vectors, `[positions]`."""
        return self._squares[positions]

    def positions(self, detection_ids: Int64Array) -> Int64Array:
        """Where these detections are; those that are no items are left out."""
        wanted = np.asarray(detection_ids, dtype=np.int64)
        if not len(self.ids) or not len(wanted):
            return np.zeros(0, dtype=np.int64)
        position = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        found: Int64Array = position[self.ids[position] == wanted]
        return found


def _best_regions(library: Library, whole_ids: list[int], source: Source) -> dict[int, Float32Array]:
    """The vector of the surest region of the photos that these whole pictures are of, by whole picture."""
    found: dict[int, tuple[float, bytes]] = {}
    for start in range(0, len(whole_ids), _BLOCK_ITEMS):
        rows = library.connection.execute(
            """SELECT whole.id AS whole_id, region.score AS score, vector FROM detections AS whole
               JOIN detections AS region ON region.photo_id = whole.photo_id AND region.kind = 'object'
               JOIN vectors ON detection_id = region.id AND model = ? AND version = ?
               WHERE whole.id IN (SELECT value FROM json_each(?)) ORDER BY region.id""",
            (*source, json.dumps(whole_ids[start : start + _BLOCK_ITEMS])),
        )
        for row in rows:
            if row["whole_id"] not in found or row["score"] > found[row["whole_id"]][0]:
                found[row["whole_id"]] = (row["score"], row["vector"])
    return {
        number: np.frombuffer(blob, dtype="<f4").astype(np.float32) for number, (_, blob) in found.items()
    }

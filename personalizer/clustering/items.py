"""The items that are clustered, faces or photos of things, in compact memory for a hundred thousand of them.

Memory holds a sketch of each vector, one byte per dimension, to find candidates. Decisions use the exact vectors of the
few candidates, read from the library. Knows no clusters.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from personalizer.library.concepts.clusters import ItemRow, Source
from personalizer.library.library import Library
from personalizer.library.photos.vectors import cutout_from
from personalizer.schemas import BoundingBox, ConceptKind, Detection, DetectionKind, Float32Array, Int64Array

SKETCH_DIMENSIONS = 256
"""Longer vectors are projected to this many."""
_BLOCK_ITEMS = 512
Int8Array = npt.NDArray[np.int8]
PORTRAIT_SHARE = 0.1
"""A photo that a face fills to this share of its area shows a person, not a thing."""
WHOLE_WEIGHT = 0.5
"""Of the whole picture beside its main thing and this cut out, which say more. What a photo lacks, the next wider view
stands for. A mean of the cosines of whole and region, without cut-outs, found 0.79 instead of 0.84 of 20 things."""


class ItemStore:
    """Items by position, ascending by detection id: `ids`, `photos` and `quality` are `[n]`.

    Vectors of things are the mean of those of the whole picture, its region and its cut-out, at unit length.
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
        source = library.newest_vector_source(self._detection_kind)
        went_on = source == self.source and not self._old_photo_changed(library)
        if not went_on:
            self.clear()
        self.source = source
        if source is None:
            return went_on
        blocks: list[tuple[Int64Array, Int64Array, Float32Array, Int8Array, Float32Array, Float32Array]] = []
        last = library.newest_detection_id()
        for ids, photos, quality, vectors in self._new_items(library, source, last):
            blocks.append((ids, photos, quality, *self._sketched(vectors)))
        self.read_to = last
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
            [
                row.detection_id
                for block in self._valid(library, self.source, 0, self.read_to)
                for row in block
            ],
            dtype=np.int64,
        )
        kept = np.isin(self.ids, valid, assume_unique=True)
        if int(kept.sum()) != len(valid):
            self.clear()
        elif not kept.all():
            self.ids, self.photos, self.quality = self.ids[kept], self.photos[kept], self.quality[kept]
            self._sketches, self._scales = self._sketches[kept], self._scales[kept]
            self._squares = self._squares[kept]

    @property
    def _detection_kind(self) -> DetectionKind:
        return "face" if self.kind == "face" else "photo"

    def _old_photo_changed(self, library: Library) -> bool:
        """Whether something was added to a photo that is an item already: it may have become a portrait."""
        if self.kind == "face" or not len(self.photos):
            return False
        first = library.first_photo_with_detections_after(self.read_to)
        return first is not None and first <= int(self.photos.max())

    def _new_items(
        self, library: Library, source: Source, last: int
    ) -> Iterator[tuple[Int64Array, Int64Array, Float32Array, Float32Array]]:
        for block in self._valid(library, source, self.read_to, last):
            ids = np.array([row.detection_id for row in block], np.int64)
            photos = np.array([row.photo_id for row in block], np.int64)
            quality = np.array([row.quality for row in block], np.float32)
            read = self._read(library, ids, source)
            there = np.array([number in read for number in ids.tolist()], np.bool_)
            if there.any():
                vectors = np.stack([read[number] for number in ids[there].tolist()])
                yield ids[there], photos[there], quality[there], vectors

    def _valid(self, library: Library, source: Source, after: int, last: int) -> Iterator[list[ItemRow]]:
        """What is an item, by id: no face of a photo that holds something else now, no picture of a portrait."""
        if self.kind == "face":
            return library.face_items(source, after, last)
        return library.photo_items(source, after, last, PORTRAIT_SHARE)

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
        regions = library.region_vectors(list(whole), source)
        return {
            number: _thing(vector, *regions.get(number, (None, None))) for number, vector in whole.items()
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


def portrait_photos(whole: list[Detection], faces: list[Detection]) -> set[int]:
    """The ids of photos that one face fills to at least `PORTRAIT_SHARE`."""
    area = {detection.photo_id: box_area(detection.box) for detection in whole}
    return {
        face.photo_id
        for face in faces
        if face.photo_id in area and box_area(face.box) >= PORTRAIT_SHARE * area[face.photo_id]
    }


def _thing(whole: Float32Array, region: bytes | None, cutout: bytes | None) -> Float32Array:
    """One unit vector for a photo of a thing, from what the library stores of its views."""
    of_region = whole if region is None else np.frombuffer(region, dtype="<f4")
    of_cutout = of_region if cutout is None else cutout_from(cutout)
    mean = np.float32(WHOLE_WEIGHT) * whole + of_region + of_cutout
    thing: Float32Array = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return thing


def box_area(box: BoundingBox) -> float:
    """In square pixels."""
    return box.width_px * box.height_px

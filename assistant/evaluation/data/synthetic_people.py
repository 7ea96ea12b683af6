"""Face vectors of people who do not exist, at chosen distances, and libraries filled with them.

Draws vectors as a face network would make them; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from personalizer.faces.embedder import FACE_FEATURES
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.schemas import BoundingBox, Embedding, Float32Array, Int64Array, NewDetection

WITHIN = (0.30, 0.42)
"""Distances between photos of one person, as root mean squares, from people who look the same in all of theirs to
people who do not: on dlib's scale, where its authors' threshold is 0.6."""
BETWEEN = 0.82
"""Between photos of two people."""
MODEL = "synthetic"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Vectors `[n, 128]` and whose they are `[n]`."""

    vectors: Float32Array
    identities: Int64Array


def draw_people(count: int, seed: int, *, mean_photos: float = 5.0, least: int = 2) -> People:
    """`count` people with long-tailed numbers of photos: many have `least`, a few have a hundred."""
    random = np.random.default_rng(seed)
    tail = random.pareto(1.6, count)
    # Of a Pareto distribution with this exponent the mean is 1 / 0.6.
    photos = np.minimum(least + np.floor(tail * (mean_photos - least + 0.5) * 0.6), 200).astype(np.int64)
    identities = np.repeat(np.arange(count, dtype=np.int64), photos)
    within = random.uniform(*WITHIN, count)
    # Two photos differ by both their noises, and two people by their centres as well.
    centers = _directions(random, count) * np.sqrt((BETWEEN**2 - np.mean(np.square(WITHIN))) / 2)
    noise = _directions(random, len(identities)) * (within[identities] / np.sqrt(2))[:, None]
    return People((centers[identities] + noise).astype(np.float32), identities)


def draw_siblings(
    pairs: int, distance: float, photos: int, seed: int, *, within: float = 0.4
) -> tuple[People, People]:
    """`pairs` of two people with `photos` photos each: their photos are `within` of each other, and `distance` from
    those of the sibling, as root mean squares.
    """
    random = np.random.default_rng(seed)
    identities = np.repeat(np.arange(pairs, dtype=np.int64), photos)
    first = _directions(random, pairs) * np.sqrt((BETWEEN**2 - within**2) / 2)
    second = first + _directions(random, pairs) * np.sqrt(distance**2 - within**2)
    drawn = []
    for centers in (first, second):
        noise = _directions(random, len(identities)) * within / np.sqrt(2)
        drawn.append(People((centers[identities] + noise).astype(np.float32), identities))
    return drawn[0], drawn[1]


def _directions(random: np.random.Generator, count: int) -> Float32Array:
    """Vectors of about unit length, `[count, 128]`: lengths vary as those of real noise do."""
    drawn: Float32Array = random.standard_normal((count, FACE_FEATURES), np.float32)
    return drawn / np.float32(FACE_FEATURES**0.5)


def add_photos(
    library: Library,
    vectors: Iterable[Float32Array],
    numbers: Sequence[int],
    folder: Path = Path("/synthetic"),
) -> list[int]:
    """A photo with one good face for each vector, all in one transaction; returns the ids of the faces.

    Of the photos' files in `folder` the library knows; they need not be there.
    """
    box = BoundingBox(0, 0, 100, 100)
    faces: list[int] = []
    with library.transaction():
        for vector, number in zip(vectors, numbers, strict=True):
            photo = library.record_photo(
                NewPhoto(
                    content_hash=f"synthetic {number}",
                    path=folder / f"{number}.jpg",
                    size=1,
                    mtime_ns=1,
                    width_px=1000,
                    height_px=1000,
                    taken_at=None,
                    latitude=None,
                    longitude=None,
                    camera=None,
                    detections=[(NewDetection("face", box, 1.0, MODEL), Embedding(vector, MODEL, "1"))],
                )
            )
            faces.append(library.detections(photo.id)[-1].id)
    return faces

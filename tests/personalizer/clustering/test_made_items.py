"""Five thousand made items, faces and things, come in by parts: memberships are those of the first recorded version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from stored_photos import store_photo

from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.concepts.operations import name_concept
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection

PEOPLE, THINGS = 300, 60
PHOTOS, PARTS = 1700, 4
FACE, WHOLE = BoundingBox(0, 0, 60, 60), BoundingBox(0, 0, 640, 480)
FIRST_RECORDED = ("77640ff1d118ae1d", 5099)
"""Digest and number of memberships of commit 57da412. Identities are so well separated that rounding changes none."""


def _centers(random: np.random.Generator, count: int, dimensions: int, length: float) -> Float32Array:
    centers = random.normal(size=(count, dimensions))
    return (centers / np.linalg.norm(centers, axis=1, keepdims=True) * length).astype(np.float32)


def _near(random: np.random.Generator, center: Float32Array, width: float) -> Float32Array:
    return (center + width * random.normal(size=len(center))).astype(np.float32)


def test_memberships_of_made_items_are_those_that_were_recorded(tmp_path: Path) -> None:
    random = np.random.default_rng(20_26)
    people, things = _centers(random, PEOPLE, 128, 0.8), _centers(random, THINGS, 320, 1.0)
    items = 0
    state = GroupingState()
    with Library.open(tmp_path / "library.sqlite3") as library:
        for part in range(PARTS):
            with library.transaction():
                for number in range(part * PHOTOS // PARTS, (part + 1) * PHOTOS // PARTS):
                    thing = _near(random, things[random.integers(THINGS)], 0.01)
                    thing /= np.linalg.norm(thing)
                    detections = [
                        (NewDetection("photo", WHOLE, 1.0, "whole"), Embedding(thing, "things", "1")),
                        (NewDetection("object", FACE, 0.8, "region"), Embedding(thing, "things", "1")),
                    ]
                    for person in random.choice(PEOPLE, size=2, replace=False):
                        face = Embedding(_near(random, people[person], 0.015), "faces", "1")
                        detections.append((NewDetection("face", FACE, 0.9, "faces"), face))
                    items += 3
                    path = tmp_path / f"{number}.jpg"
                    store_photo(library, content_hash=str(number), path=path, detections=detections)
            cluster(library, state=state)
            unnamed = [concept.id for concept in library.concepts() if concept.name is None]
            name_concept(library, unnamed[part], f"Name {part}")
        rows = library.connection.execute(
            """SELECT concept_id, name, kind, detection_id, source, status FROM memberships
               JOIN concepts ON concepts.id = concept_id ORDER BY concept_id, detection_id"""
        )
        memberships = [list(row) for row in rows]
    assert items > 5000
    digest = hashlib.sha256(json.dumps(memberships).encode()).hexdigest()
    assert (digest[:16], len(memberships)) == FIRST_RECORDED

"""Warns about a concept's member photos: too few, duplicates, or one of another subject.

Confirmed members stay confirmed. Knows vectors and members; opens no photo.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from personalizer.errors import counted
from personalizer.library.library import Library
from personalizer.recognition.recognizer import shipped_contrast
from personalizer.schemas import Concept, Detection, Float32Array

ENOUGH = 3
ODD_SCORE = -0.35
"""A thing's photo that scores less when it is left out is more like general pictures than like the others."""
ODD_DISTANCE = 0.6
"""dlib's own threshold: faces further apart than this are rarely of one person."""
SAME_PICTURE = 0.975
"""Cosine of two whole pictures from which they show hardly anything different."""


def check_members(
    library: Library, concept: Concept, object_model: tuple[str, str], face_model: tuple[str, str]
) -> list[str]:
    """Sentences for the user, none where nothing is wrong; vectors are those of `(model, version)`."""
    members = library.members(concept.id)
    found = library.vectors_of([member.id for member in members], *_model(concept, object_model, face_model))
    known = [member for member in members if member.id in found]
    notes = []
    photos = {member.photo_id for member in members}
    if len(photos) < ENOUGH:
        known_from = counted(len(photos), "photo")
        notes.append(f"Known from {known_from} only, so answers are less sure: {ENOUGH} to 5 are better.")
    if len(known) < 2:
        return notes
    vectors = np.stack([found[member.id] for member in known])
    if concept.kind == "object":
        notes += [
            f"{_path(library, one)} and {_path(library, other)} are nearly the same picture and count for one."
            for one, other in _same(known, vectors)
        ]
    odd = [
        _path(library, member)
        for member, is_odd in zip(known, _odd(concept, vectors, object_model[1]), strict=True)
        if is_odd
    ]
    if len(odd) == len(known):
        notes.append("The photos do not look like one another: do they all show the same one?")
    else:
        notes += [f"{path} does not look like the others: does it show the same one?" for path in odd]
    return notes


def _model(concept: Concept, object_model: tuple[str, str], face_model: tuple[str, str]) -> tuple[str, str]:
    return face_model if concept.kind == "face" else object_model


def _odd(concept: Concept, vectors: Float32Array, version: str) -> Sequence[bool]:
    """For each member, whether it differs from all others."""
    if concept.kind == "face":
        distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
        np.fill_diagonal(distance, np.inf)
        return [bool(nearest > ODD_DISTANCE) for nearest in distance.min(axis=1)]
    contrast = shipped_contrast(version)
    if contrast is None:
        return [False] * len(vectors)
    _, left_out = contrast.learn([vector[None] for vector in vectors])
    return [bool(score < ODD_SCORE) for score in left_out]


def _same(members: Sequence[Detection], vectors: Float32Array) -> list[tuple[Detection, Detection]]:
    """Pairs of nearly equal pictures, each picture in one pair only."""
    close = np.triu(vectors @ vectors.T > SAME_PICTURE, k=1)
    pairs, used = [], set()
    for first, second in np.argwhere(close).tolist():
        if second not in used:
            pairs.append((members[first], members[second]))
            used.add(second)
    return pairs


def _path(library: Library, member: Detection) -> str:
    paths = library.photo_paths(member.photo_id)
    return paths[0].name if paths else f"photo {member.photo_id}"

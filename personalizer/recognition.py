"""How much a photo resembles each named concept, from what was found in it. Knows vectors and members;
runs no model and decides nothing: `calibration` turns similarities into probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from personalizer.calibration import Calibration, shipped_calibration
from personalizer.library import Library
from personalizer.schemas import (
    BoundingBox,
    Concept,
    ConceptKind,
    Detection,
    Embedding,
    Evidence,
    Float32Array,
    NewDetection,
)

Analysed = Sequence[tuple[NewDetection, Embedding]]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectReference:
    """A thing as its members show it: the mean of their whole pictures and regions, unit `[dim]`."""

    prototype: Float32Array

    @staticmethod
    def of(whole: Float32Array, region: Float32Array) -> ObjectReference:
        """From the members' unit vectors, both `[members, dim]`."""
        return ObjectReference(_unit(np.concatenate([whole, region]).mean(axis=0)))

    def similarity(self, whole: Float32Array, regions: Float32Array) -> tuple[float, int]:
        """Cosine with the best view of a photo, and which of `regions` `[n, dim]` is nearest (-1: none).

        The views are the whole picture `[dim]` and its regions. Their maximum, because a region that missed
        the thing, or a background that hides it, says nothing against the other view.
        """
        of_whole = float(self.prototype @ whole)
        if not len(regions):
            return of_whole, -1
        of_regions = regions @ self.prototype
        best = int(of_regions.argmax())
        return max(of_whole, float(of_regions[best])), best


@dataclass(frozen=True, slots=True, eq=False)
class FaceReference:
    """A person as their members' face vectors `[members, 128]`."""

    faces: Float32Array

    def similarity(self, faces: Float32Array) -> tuple[float, int]:
        """1 - distance of the nearest of `faces` `[n, 128]`, and which one that is.

        The distance is the mean to the nearer half of the members: one bad member neither helps nor hurts.
        """
        distance = np.linalg.norm(faces[:, None, :] - self.faces[None, :, :], axis=2)
        nearer = np.sort(distance, axis=1)[:, : (len(self.faces) + 1) // 2].mean(axis=1)
        best = int(nearer.argmin())
        return 1 - float(nearer[best]), best


@dataclass(frozen=True, slots=True)
class Outranked:
    """How much the face nearest to a person resembles them, where it resembles somebody else more."""

    evidence: Evidence
    likelier: Evidence
    """The same face, as evidence for the person it resembles most."""


class Recognizer:
    """Compares photos with the named concepts of a library, as they are when it is made.

    A concept without comparable members (all removed, or embedded by another model) gives no evidence.
    """

    def __init__(
        self,
        library: Library,
        *,
        concepts: Sequence[Concept] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Of `concepts`, or of all that have a name and are not hidden."""
        self._library = library
        self._calibration = calibration or shipped_calibration()
        chosen = library.concepts() if concepts is None else concepts
        named = [c for c in chosen if c.name is not None and c.state != "hidden"]
        self._members = [(concept, library.members(concept.id)) for concept in named]
        # By kind, model and version of the vectors they are compared with: others would mean nothing.
        self._objects: dict[tuple[str, str], list[tuple[Concept, ObjectReference]]] = {}
        self._faces: dict[tuple[str, str], list[tuple[Concept, FaceReference]]] = {}

    def evidence(self, analysed: Analysed) -> list[Evidence]:
        """What speaks for each concept in a photo, most similar first.

        One entry per thing; one per person when there is a face. A face is evidence for the person it
        resembles most and for no other.
        """
        found = [*self._of_objects(analysed), *self._of_faces(analysed)]
        return sorted(found, key=lambda evidence: evidence.threshold - evidence.similarity)

    def _of_objects(self, analysed: Analysed) -> list[Evidence]:
        whole = next((embedding for detection, embedding in analysed if detection.kind == "photo"), None)
        if whole is None:
            return []
        regions = [(d.box, e.vector) for d, e in analysed if d.kind == "object" and _comparable(e, whole)]
        stacked = np.stack([vector for _, vector in regions]) if regions else whole.vector[None][:0]
        evidence = []
        for concept, reference in self._object_references(whole):
            similarity, best = reference.similarity(whole.vector, stacked)
            evidence.append(self._evidence(concept, similarity, regions[best][0] if best >= 0 else None))
        return evidence

    def _of_faces(self, analysed: Analysed) -> list[Evidence]:
        boxes, people, scores = self._face_scores(analysed)
        # Without this, everyone who resembles the person in the picture a little would be "seen" there.
        likeliest = scores.argmax(axis=0) if people else np.zeros(0, np.int64)
        evidence = []
        for number, concept in enumerate(people):
            own = np.flatnonzero(likeliest == number)
            if len(own):
                best = int(own[scores[number, own].argmax()])
                evidence.append(self._evidence(concept, float(scores[number, best]), boxes[best]))
        return evidence

    def outranked(self, analysed: Analysed) -> list[Outranked]:
        """The people for whom no face is `evidence`, each with the face that resembles them most."""
        boxes, people, scores = self._face_scores(analysed)
        if not people:
            return []
        likeliest = scores.argmax(axis=0)
        found = []
        for number, concept in enumerate(people):
            if number in likeliest:
                continue
            best = int(scores[number].argmax())
            first = int(likeliest[best])
            found.append(
                Outranked(
                    self._evidence(concept, float(scores[number, best]), boxes[best]),
                    self._evidence(people[first], float(scores[first, best]), boxes[best]),
                )
            )
        return found

    def _face_scores(self, analysed: Analysed) -> tuple[list[BoundingBox], list[Concept], Float32Array]:
        """The faces, who they are compared with, and similarities `[people, faces]`."""
        faces = [(d.box, e) for d, e in analysed if d.kind == "face"]
        references = self._face_references(faces[0][1]) if faces else []
        scores = [[ref.similarity(e.vector[None])[0] for _, e in faces] for _, ref in references]
        return (
            [box for box, _ in faces],
            [concept for concept, _ in references],
            np.array(scores, dtype=np.float32).reshape(len(references), len(faces)),
        )

    def _object_references(self, like: Embedding) -> list[tuple[Concept, ObjectReference]]:
        key = (like.model, like.version)
        if key not in self._objects:
            made = []
            for concept, members in self._members:
                vectors = self._vectors(concept, "object", members, like)
                known = [member for member in members if member.id in vectors]
                if known:
                    regions = self._regions(known, like)
                    rows = np.stack([vectors[member.id] for member in known])
                    cut = np.stack([regions.get(m.photo_id, vectors[m.id]) for m in known])
                    made.append((concept, ObjectReference.of(rows, cut)))
            self._objects[key] = made
        return self._objects[key]

    def _face_references(self, like: Embedding) -> list[tuple[Concept, FaceReference]]:
        key = (like.model, like.version)
        if key not in self._faces:
            made = []
            for concept, members in self._members:
                vectors = self._vectors(concept, "face", members, like)
                if vectors:
                    made.append((concept, FaceReference(np.stack(list(vectors.values())))))
            self._faces[key] = made
        return self._faces[key]

    def _vectors(
        self, concept: Concept, kind: ConceptKind, members: Sequence[Detection], like: Embedding
    ) -> dict[int, Float32Array]:
        """The members' vectors by detection, made by the model of `like`; none for another kind of concept."""
        if concept.kind != kind:
            return {}
        return self._library.vectors_of([member.id for member in members], like.model, like.version)

    def _regions(self, members: Sequence[Detection], like: Embedding) -> dict[int, Float32Array]:
        """The vector of the surest region of each member's photo, by photo."""
        found = [d for m in members for d in self._library.detections(photo_id=m.photo_id, kind="object")]
        vectors = self._library.vectors_of([d.id for d in found], like.model, like.version)
        surest = sorted((d for d in found if d.id in vectors), key=lambda d: d.score)
        return {detection.photo_id: vectors[detection.id] for detection in surest}

    def _evidence(self, concept: Concept, similarity: float, box: BoundingBox | None) -> Evidence:
        assert concept.name is not None
        return Evidence(
            concept_id=concept.id,
            name=concept.name,
            kind=concept.kind,
            similarity=similarity,
            threshold=self._calibration.similarity(concept.kind).threshold,
            box=box,
        )


def _comparable(one: Embedding, other: Embedding) -> bool:
    return (one.model, one.version) == (other.model, other.version)


def _unit(vector: Float32Array) -> Float32Array:
    unit: Float32Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit

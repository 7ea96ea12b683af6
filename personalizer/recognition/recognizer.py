"""How much a photo resembles each named concept, from what was found in it. Knows vectors and members;
runs no model and decides nothing: `calibration` turns similarities into log odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from personalizer.home import PACKAGE_DATA
from personalizer.library.concepts.clusters import Source
from personalizer.library.library import Library
from personalizer.library.photos.vectors import unit_colors
from personalizer.recognition.calibration import Calibration, Logistic, shipped_calibration
from personalizer.recognition.discriminant import Contrast, Discriminant
from personalizer.recognition.picture_bank import PictureBank
from personalizer.schemas import (
    BoundingBox,
    Concept,
    ConceptKind,
    Detection,
    Embedding,
    Evidence,
    Float32Array,
    Float64Array,
    NewDetection,
)

BUNDLED = PACKAGE_DATA / "pocket"
"""Whose general pictures things are told from, whatever backbone is used: they are about photos, not about it."""
Analysed = Sequence[tuple[NewDetection, Embedding]]
References = dict[tuple[int, str, str, bool], "tuple[list[int], ObjectReference]"]
"""What was learned of things, by concept and embedding, and from which detections: these rarely change."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectReference:
    """A thing as its members show it, in one linear score."""

    discriminant: Discriminant
    level: float | None
    """What its members score when left out; None where that is unknown."""
    learned: bool
    """Whether it was told from general pictures; otherwise the score is the cosine with the members' mean."""
    colors: Float32Array | None = None
    """Of its members inside their masks, unit rows `[n, 256]`; None where no mask is clear."""

    @staticmethod
    def from_views(
        views: Sequence[Float32Array], contrast: Contrast | None, rejected: Float32Array | None = None
    ) -> ObjectReference:
        """From each member's unit vectors `[views, dim]` and those of what it is not, `[n, dim]`.

        A single member is compared with as it is: without a second one that could be left out nothing says how much
        to ask, and asking what others need on average missed every fifth photo more (renders and drawings too).
        """
        if contrast is not None and len(views) > 1:
            discriminant, left_out = contrast.learn(views, rejected)
            return ObjectReference(
                discriminant, float(left_out.mean()) if len(left_out) else None, learned=True
            )
        mean = _unit(np.concatenate(list(views)).mean(axis=0))
        return ObjectReference(Discriminant(mean, 0.0), None, learned=False)

    def similarity(self, whole: Float32Array, regions: Float32Array) -> tuple[float, int]:
        """The best view's score, and which of `regions` `[n, dim]` scores most (-1: there are none).

        The views are the whole picture `[dim]` and its regions. Their maximum, because a region that missed
        the thing, or a background that hides it, says nothing against the other view.
        """
        of_whole = float(self.discriminant.scores(whole[None])[0])
        if not len(regions):
            return of_whole, -1
        of_regions = self.discriminant.scores(regions)
        best = int(of_regions.argmax())
        return max(of_whole, float(of_regions[best])), best

    def logistic(self, calibration: Calibration) -> Logistic:
        """What turns a score of this thing into log odds."""
        return calibration.learned.at_level(self.level) if self.learned else calibration.object

    def color_likeness(self, colors: Float32Array | None) -> float | None:
        """How alike `colors` `[256]` are to those of the member that is most like them; None where one is not known.

        The most like, because one thing has other colors in other light.
        """
        if colors is None or self.colors is None:
            return None
        return float((self.colors @ colors).max())


@dataclass(frozen=True, slots=True, eq=False)
class FaceReference:
    """A person as their members' face vectors `[members, 128]`."""

    faces: Float32Array

    def similarity(self, faces: Float32Array) -> tuple[float, int]:
        """1 - distance of the nearest of `faces` `[n, 128]`, and which one that is.

        The distance is the mean to the nearer half of the members: one bad member neither helps nor hurts.
        """
        similarities = self.similarities(faces)
        best = int(similarities.argmax())
        return float(similarities[best]), best

    def similarities(self, faces: Float32Array) -> Float64Array:
        """`similarity` of each of `faces` `[n, 128]`."""
        members, others = self.faces.astype(np.float64), faces.astype(np.float64)
        squared = (others**2).sum(axis=1)[:, None] + (members**2).sum(axis=1)[None] - 2 * others @ members.T
        distance = np.sqrt(np.maximum(squared, 0.0))
        half = (len(members) + 1) // 2
        return np.asarray(1 - np.partition(distance, half - 1, axis=1)[:, :half].mean(axis=1))


@dataclass(frozen=True, slots=True)
class Outranked:
    """The similarity of the face nearest to a person, if it is more similar to another person."""

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
        references: References | None = None,
        learns: bool = True,
    ) -> None:
        """Of `concepts`, or of all that have a name and are not hidden.

        `references` keeps what was learned of things for the next recogniser. One that does not learn compares
        with the members' mean alone.
        """
        self._library = library
        self._known: References = {} if references is None else references
        self._learns = learns
        self._calibration = calibration or shipped_calibration()
        chosen = library.concepts() if concepts is None else concepts
        named = [concept for concept in chosen if concept.is_spoken_of]
        self._members = [(concept, library.members(concept.id)) for concept in named]
        # By model and version of the vectors that they are compared with: others would mean nothing.
        self._objects: dict[Source, list[tuple[Concept, ObjectReference]]] = {}
        self._faces: dict[Source, list[tuple[Concept, FaceReference]]] = {}

    def evidence(self, analysed: Analysed) -> list[Evidence]:
        """What speaks for each concept in a photo, most similar first.

        One entry per thing; one per person when there is a face. A face is evidence for the person it
        resembles most and for no other.
        """
        found = [*self._of_objects(analysed), *self._of_faces(analysed)]
        return sorted(found, key=lambda evidence: -evidence.log_odds)

    def _of_objects(self, analysed: Analysed) -> list[Evidence]:
        whole = next((embedding for detection, embedding in analysed if detection.kind == "photo"), None)
        if whole is None:
            return []
        regions = [(d.box, e.vector) for d, e in analysed if d.kind == "object" and _comparable(e, whole)]
        stacked = np.stack([vector for _, vector in regions]) if regions else whole.vector[None][:0]
        seen = [unit_colors(d.colors) for d, _ in analysed if d.colors is not None]
        evidence = []
        for concept, reference in self.object_references(_source(whole)):
            similarity, best = reference.similarity(whole.vector, stacked)
            box = regions[best][0] if best >= 0 else None
            likeness = reference.color_likeness(seen[-1] if seen else None)
            found = _evidence(concept, similarity, reference.logistic(self._calibration), box)
            odds = found.log_odds + self._calibration.colors.log_odds(likeness)
            evidence.append(replace(found, log_odds=odds, color_likeness=likeness))
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
                evidence.append(
                    _evidence(concept, float(scores[number, best]), self._calibration.face, boxes[best])
                )
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
            logistic = self._calibration.face
            found.append(
                Outranked(
                    _evidence(concept, float(scores[number, best]), logistic, boxes[best]),
                    _evidence(people[first], float(scores[first, best]), logistic, boxes[best]),
                )
            )
        return found

    def _face_scores(self, analysed: Analysed) -> tuple[list[BoundingBox], list[Concept], Float32Array]:
        """The faces, who they are compared with, and similarities `[people, faces]`."""
        faces = [(d.box, e) for d, e in analysed if d.kind == "face"]
        references = self.face_references(_source(faces[0][1])) if faces else []
        scores = [[ref.similarity(e.vector[None])[0] for _, e in faces] for _, ref in references]
        return (
            [box for box, _ in faces],
            [concept for concept, _ in references],
            np.array(scores, dtype=np.float32).reshape(len(references), len(faces)),
        )

    def object_references(self, source: Source) -> list[tuple[Concept, ObjectReference]]:
        """The things, as what the model and version of `source` embedded of them shows them."""
        if source not in self._objects:
            made = [(concept, self._learn(concept, members, source)) for concept, members in self._members]
            self._objects[source] = [
                (concept, reference) for concept, reference in made if reference is not None
            ]
        return self._objects[source]

    def _learn(
        self, concept: Concept, members: Sequence[Detection], source: Source
    ) -> ObjectReference | None:
        """What is known of a thing; None where no member can be compared."""
        if concept.kind != "object":
            return None
        rejected = self._library.members(concept.id, "rejected")
        # Rejected ones are told apart from members by their sign.
        learned_from = [d.id for d in members] + [-d.id for d in rejected]
        key = (concept.id, *source, self._learns)
        if key not in self._known or self._known[key][0] != learned_from:
            vectors = self._vectors(concept, "object", members, source)
            known = [member for member in members if member.id in vectors]
            if not known:
                return None
            regions = self._regions(known, source)
            photos = {member.photo_id for member in known}
            # With one member, or for a control that does not learn, photos are compared with as they are.
            learns = self._learns and len(known) > 1
            cutouts = self._library.cutouts_of(photos, *source) if learns else {}
            others = (regions, cutouts)
            views = [
                np.stack([vectors[m.id], *(one[m.photo_id] for one in others if m.photo_id in one)])
                for m in known
            ]
            against = list(self._vectors(concept, "object", rejected, source).values())
            reference = ObjectReference.from_views(
                views, self._contrast(source), np.stack(against) if against else None
            )
            if self._learns:
                colors = list(self._library.colors_of(photos).values())
                reference = replace(reference, colors=np.stack(colors) if colors else None)
            self._known[key] = (learned_from, reference)
        return self._known[key][1]

    def _contrast(self, source: Source) -> Contrast | None:
        """General pictures to tell things from, where they were embedded in the same way."""
        return shipped_contrast(source[1]) if self._learns else None

    def face_references(self, source: Source) -> list[tuple[Concept, FaceReference]]:
        """The people, by the vectors that the model and version of `source` made of their members."""
        if source not in self._faces:
            made = []
            for concept, members in self._members:
                vectors = self._vectors(concept, "face", members, source)
                if vectors:
                    made.append((concept, FaceReference(np.stack(list(vectors.values())))))
            self._faces[source] = made
        return self._faces[source]

    def _vectors(
        self, concept: Concept, kind: ConceptKind, members: Sequence[Detection], source: Source
    ) -> dict[int, Float32Array]:
        """The members' vectors by detection, made by the model of `source`; none for another kind of concept."""
        if concept.kind != kind:
            return {}
        return self._library.vectors_of([member.id for member in members], *source)

    def _regions(self, members: Sequence[Detection], source: Source) -> dict[int, Float32Array]:
        """The vector of the surest region of each member's photo, by photo."""
        found = [d for m in members for d in self._library.detections(photo_id=m.photo_id, kind="object")]
        vectors = self._library.vectors_of([d.id for d in found], *source)
        surest = sorted((d for d in found if d.id in vectors), key=lambda d: d.score)
        return {detection.photo_id: vectors[detection.id] for detection in surest}


def _evidence(concept: Concept, similarity: float, logistic: Logistic, box: BoundingBox | None) -> Evidence:
    assert concept.name is not None
    return Evidence(
        concept_id=concept.id,
        name=concept.name,
        kind=concept.kind,
        similarity=similarity,
        threshold=logistic.threshold,
        log_odds=logistic.log_odds(similarity),
        box=box,
    )


@cache
def shipped_contrast(embedding_version: str) -> Contrast | None:
    """The general pictures of the bundled backbone, or None where another version embedded them."""
    bank = PictureBank.load(BUNDLED)
    if bank is None or bank.embedding_version != embedding_version:
        return None
    return Contrast(bank.vectors)


def _source(embedding: Embedding) -> Source:
    return embedding.model, embedding.version


def _comparable(one: Embedding, other: Embedding) -> bool:
    return _source(one) == _source(other)


def _unit(vector: Float32Array) -> Float32Array:
    unit: Float32Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit

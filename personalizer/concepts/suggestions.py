"""Which photos to ask a person about: those in which the recognizer accepts a named concept, or is unsure about it.

The rule is that of a description ("That is Bo"), applied to the vectors of the whole library; opens no photo. What a
person said stands: members and rejected photos are not asked about again. One face is one person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from personalizer.library.concepts.clusters import Source
from personalizer.library.library import Library
from personalizer.library.photos.vectors import VectorBlock
from personalizer.recognition.calibration import Logistic, shipped_calibration
from personalizer.recognition.recognizer import ObjectReference, Recognizer
from personalizer.schemas import (
    Concept,
    ConceptKind,
    Detection,
)

MOST_UNSURE = 100
"""Photos of one concept in which the recognizer is unsure; those it accepts are never too many."""
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a photo resembles a concept. `probability` is calibrated."""

    detection_id: int
    photo_id: int
    similarity: float
    threshold: float
    """The similarity at which yes and no are equally likely."""
    probability: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A photo that waits for a person's answer."""

    concept: Concept
    detection: Detection
    likeness: Likeness | None
    """None where nothing can be compared any more."""


def suggest_recognized(library: Library, concept: Concept) -> None:
    """Make the concept's suggestions those that follow from its members as they are now; to be called in a transaction.

    Does nothing about what has no name, is hidden, or cannot be compared with anything.
    """
    if concept.is_spoken_of:
        _replace(library, concept, _Comparison(library, concept.kind, [concept]).of_library())


@dataclass(slots=True)
class SuggestionPass:
    """Keeps the suggestions of all named concepts up to date; what has not changed is not compared again."""

    library: Library
    _compared: dict[int, tuple[object, ...]] = field(default_factory=dict)
    _newest: int = 0
    """The newest detection that was compared."""

    def run(self) -> bool:
        """Compare what is new with all concepts, and everything with those that changed; True when that changed any."""
        changed = False
        with self.library.transaction():
            newest = self.library.newest_detection_id()
            for kind in ("face", "object"):
                chosen = [c for c in self.library.concepts() if c.kind == kind and c.is_spoken_of]
                state = {c.id: self._state(c) for c in chosen}
                other = [c for c in chosen if self._compared.get(c.id) != state[c.id]]
                # Whose face it is depends on everybody.
                again = chosen if kind == "face" and other else other
                same = [c for c in chosen if c not in again] if newest > self._newest else []
                for some, after in ((again, 0), (same, self._newest)):
                    if some:
                        found = _Comparison(self.library, kind, some).of_library(after)
                        for concept in some:
                            changed |= _replace(self.library, concept, found, only_add=after > 0)
                self._compared |= {c.id: self._state(c) for c in chosen}
            self._newest = newest
        return changed

    def _state(self, concept: Concept) -> tuple[object, ...]:
        """What the suggestions of a concept follow from, and these themselves."""
        return tuple((one.detection_id, one.status) for one in self.library.memberships(concept.id))


def waiting(library: Library, concepts: Sequence[Concept]) -> list[Suggestion]:
    """What waits for an answer about these concepts, in their order, the likeliest first."""
    found = []
    for concept in concepts:
        suggested = library.members(concept.id, "suggested")
        likeness = _Comparison(library, concept.kind, [concept]).of_detections(suggested)[concept.id]
        known = {one.detection_id: one for one in likeness}
        suggestions = [Suggestion(concept, one, known.get(one.id)) for one in suggested]
        found += sorted(suggestions, key=lambda s: -s.likeness.probability if s.likeness else 1.0)
    return found


def _replace(
    library: Library, concept: Concept, found: dict[int, list[Likeness]], *, only_add: bool = False
) -> bool:
    """Store what was found of a concept as its suggestions; True when these are others than before."""
    if concept.id not in found:
        return False
    decided = [*library.members(concept.id), *library.members(concept.id, "rejected")]
    settled = {member.photo_id for member in decided}
    sure: list[int] = []
    unsure: list[int] = []
    for one in sorted(found[concept.id], key=lambda one: -one.probability):
        if one.photo_id not in settled:
            verdict = shipped_calibration().verdict(one.probability)
            (sure if verdict == "yes" else unsure).append(one.detection_id)
    wanted = {*sure, *unsure[:MOST_UNSURE]}
    standing = {member.id for member in library.members(concept.id, "suggested")}
    gone = set() if only_add else standing - wanted
    if gone:
        library.remove_members(concept.id, gone)
    if wanted - standing:
        library.add_members(concept.id, sorted(wanted - standing), source="cluster", status="suggested")
    return bool(gone or wanted - standing)


class _Comparison:
    """Some concepts of one kind, compared with stored vectors."""

    def __init__(self, library: Library, kind: ConceptKind, concepts: Sequence[Concept]) -> None:
        self._library, self._kind, self._concepts = library, kind, concepts
        self._calibration = shipped_calibration()
        self._source = library.newest_vector_source("face" if kind == "face" else "photo")

    def of_library(self, after: int = 0) -> dict[int, list[Likeness]]:
        """By concept, the photos in which it is recognised, or may be; only concepts that can be compared.

        `after`: only in photos with a detection that is newer than this one.
        """
        if self._source is None or (self._kind == "face" and not self._library.faces_are_on()):
            return {}
        if self._kind == "object":
            blocks = self._library.vector_blocks(("photo", "object"), *self._source, after=after)
            return {c: list(found.values()) for c, found in self._things(blocks, self._source).items()}
        blocks = self._library.vector_blocks(("face",), *self._source, after=after)
        return self._people(blocks, self._source)

    def of_detections(self, detections: Sequence[Detection]) -> dict[int, list[Likeness]]:
        """By concept, how much each of these resembles it, however little that is."""
        nothing: dict[int, list[Likeness]] = {concept.id: [] for concept in self._concepts}
        if self._source is None or not detections:
            return nothing
        chosen = list(detections)
        if self._kind == "object":
            for one in detections:
                chosen += self._library.detections(photo_id=one.photo_id, kind="object")
        vectors = self._library.vectors_of([one.id for one in chosen], *self._source)
        chosen = [one for one in chosen if one.id in vectors]
        if not chosen:
            return nothing
        block = VectorBlock(
            np.array([one.id for one in chosen], np.int64),
            np.array([one.photo_id for one in chosen], np.int64),
            np.array([one.kind == "photo" for one in chosen], np.bool_),
            np.stack([vectors[one.id] for one in chosen]),
        )
        if self._kind == "object":
            things = self._things([block], self._source, however_little=True)
            return nothing | {c: list(found.values()) for c, found in things.items()}
        return nothing | self._people([block], self._source, however_little=True)

    # --- things

    def _things(
        self, blocks: Iterable[VectorBlock], source: Source, *, however_little: bool = False
    ) -> dict[int, dict[int, Likeness]]:
        """By concept and photo. As in a description, a photo's best view counts."""
        references = Recognizer(self._library, concepts=self._concepts).object_references(source)
        whole_of: dict[int, int] = {}
        best: dict[int, dict[int, float]] = {concept.id: {} for concept, _ in references}
        for block in blocks:
            whole_of |= dict(
                zip(block.photos[block.whole].tolist(), block.ids[block.whole].tolist(), strict=True)
            )
            for concept, reference in references:
                lowest = -np.inf if however_little else self._lowest(reference.logistic(self._calibration))
                scores, known = reference.discriminant.scores(block.vectors), best[concept.id]
                for row in np.flatnonzero(scores >= lowest).tolist():
                    photo = int(block.photos[row])
                    known[photo] = max(known.get(photo, -np.inf), float(scores[row]))
        return {
            concept.id: self._with_colors(reference, best[concept.id], whole_of, however_little)
            for concept, reference in references
        }

    def _with_colors(
        self,
        reference: ObjectReference,
        best: dict[int, float],
        whole_of: dict[int, int],
        however_little: bool,
    ) -> dict[int, Likeness]:
        """By photo; those go whose colors speak against it, unless all are wanted. `best` are scores by photo."""
        logistic = reference.logistic(self._calibration)
        colors = self._library.colors_of(best)
        found = {}
        for photo in best.keys() & whole_of.keys():
            veto = self._calibration.colors.log_odds(reference.color_likeness(colors.get(photo)))
            one = self._likeness(whole_of[photo], photo, best[photo], logistic, veto)
            if however_little or one.probability >= self._calibration.abstain_from:
                found[photo] = one
        return found

    # --- people

    def _people(
        self, blocks: Iterable[VectorBlock], source: Source, *, however_little: bool = False
    ) -> dict[int, list[Likeness]]:
        """By concept. A face that resembles somebody else more is nobody's suggestion."""
        references = Recognizer(self._library).face_references(source)
        everybody = {concept.id: reference for concept, reference in references}
        chosen = [concept for concept in self._concepts if concept.id in everybody]
        taken = self._library.confirmed_of_named("face")
        logistic = self._calibration.face
        lowest = -np.inf if however_little else self._lowest(logistic)
        found: dict[int, list[Likeness]] = {concept.id: [] for concept in chosen}
        for block in blocks:
            for concept in chosen:
                scores = everybody[concept.id].similarities(block.vectors)
                rows = np.flatnonzero(scores >= lowest)
                rows = rows[[int(block.ids[row]) not in taken for row in rows]] if len(rows) else rows
                if not len(rows):
                    continue
                rival = np.full(len(rows), -np.inf)
                for other, faces in everybody.items():
                    if other != concept.id:
                        rival = np.maximum(rival, faces.similarities(block.vectors[rows]))
                for row, likelier in zip(rows.tolist(), rival.tolist(), strict=True):
                    one = self._likeness(
                        int(block.ids[row]), int(block.photos[row]), float(scores[row]), logistic
                    )
                    if likelier <= scores[row] + _SAME:
                        found[concept.id].append(one)
                    elif however_little:
                        found[concept.id].append(self._outranked(one, likelier))
        return {concept: _best_of_each_photo(some) for concept, some in found.items()}

    def _outranked(self, one: Likeness, likelier: float) -> Likeness:
        """As sure as can be when the face resembles somebody else more."""
        log_odds = self._calibration.face.log_odds(likelier)
        return replace(one, probability=self._calibration.of_outranked(one.probability, log_odds))

    # --- both

    def _lowest(self, logistic: Logistic) -> float:
        """The similarity from which a photo is asked about."""
        from_odds = self._calibration.abstain_from / (1 - self._calibration.abstain_from)
        return float((np.log(from_odds) - logistic.bias) / logistic.weight)

    def _likeness(
        self, detection_id: int, photo_id: int, similarity: float, logistic: Logistic, veto: float = 0.0
    ) -> Likeness:
        """`veto` is added to the log odds."""
        probability = self._calibration.combine(logistic.log_odds(similarity) + veto, None)
        return Likeness(detection_id, photo_id, similarity, logistic.threshold, probability)


def _best_of_each_photo(found: Sequence[Likeness]) -> list[Likeness]:
    """One person has one face in a photo."""
    best: dict[int, Likeness] = {}
    for one in found:
        if one.photo_id not in best or one.similarity > best[one.photo_id].similarity:
            best[one.photo_id] = one
    return list(best.values())

"""Answers about one photo: who and what it shows, and why Familiar thinks so. Stores nothing.

An answer combines recognition (faces, embeddings, the trained prefix), metadata of the file and facts that the user
wrote. The backbone's own words appear in no answer: they are wrong too often.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.answers.backbone_service import BackboneService, views_of
from assistant.answers.photo_facts import KnownAbout, PhotoFacts
from assistant.answers.sentences import answer
from assistant.answers.sidecars import filled_in, what_lies_beside
from assistant.language.parse import Phrase
from assistant.language.questions import Alone, Presence, Told, WithWhom, understand
from assistant.presentation.printable import percent
from assistant.results import Description, Facts, LabelFact, Recognized
from personalizer.library.library import Library
from personalizer.library.photos.analyses import SAME_BOX_IOU
from personalizer.photos.decode import FOR_ANALYSIS, DecodedPhoto, decode_photo, read_photo_bytes
from personalizer.schemas import BoundingBox, Concept, Embedding, Evidence, NewDetection, Photo

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import PhotoAnalysis, PhotoAnalyzer
    from personalizer.recognition.recognizer import Recognizer, References

ASKED_OF_PREFIXES = 4
"""How many of the likeliest concepts are asked of the backbone as well: each costs a pass through it."""
MAX_LISTED = 5
_ABOUT_SOMEBODY = (Alone, Presence, Told, WithWhom)
"""Parts of a question that name somebody, whose probability is wanted even where it is low."""
SURE_AS_SAID = 0.999
"""What the user said is believed."""


class Describer:
    """Describes photos of one library. Safe to use from several threads."""

    def __init__(self, library: Library, serving: BackboneService) -> None:
        self.library = library
        self._serving = serving
        self._analyzer_lock = threading.Lock()
        self._references: References = {}

    @cached_property
    def _analyzer(self) -> PhotoAnalyzer:
        from personalizer.analysis.analyzer import PhotoAnalyzer

        return PhotoAnalyzer()

    def describe(self, path: Path, question: Phrase | None, started: float) -> Description:
        """The answer about the photo at `path`; `started` is the monotonic time from which it is counted.

        Nothing is waited for: a trained prefix is asked where its backbone is ready.
        """
        from personalizer.recognition.recognizer import Recognizer

        content = read_photo_bytes(path)
        decoded = decode_photo(content, path, FOR_ANALYSIS)
        faces_are_on = self.library.faces_are_on()
        with self._analyzer_lock:
            self._analyzer.looks_for_faces = faces_are_on
            analysis = self._analyzer.analyze(decoded)
        # By content: the file may be a copy, or hold another picture than when it was scanned.
        stored = self.library.photo_by_hash(hashlib.sha256(content).hexdigest())
        named = [concept for concept in self.library.concepts() if concept.is_spoken_of]
        names = [concept.name for concept in named if concept.name]
        parts = understand(question)
        asked = tuple(
            dict.fromkeys(name for part in parts if isinstance(part, _ABOUT_SOMEBODY) for name in part.names)
        )
        own_date, date_source = decoded.taken_at, decoded.date_source
        decoded = filled_in(decoded, stored)
        recognizer = Recognizer(self.library, references=self._references)
        recognized = self._recognize(recognizer, decoded, analysis.detections, named, asked, stored)
        facts = PhotoFacts(
            KnownAbout(
                path=path,
                decoded=decoded,
                analysis=analysis,
                recognized=recognized,
                people=frozenset(c.name for c in named if c.kind == "face" and c.name),
                faces_are_on=faces_are_on,
                date_source=date_source if decoded.taken_at == own_date else None,
                folder=self._folder(stored, path),
                outlined=_outlined(recognizer, analysis, recognized),
            )
        )
        said = answer(parts, facts, names, self._facts_about, datetime.now())
        shown = [one for one in recognized if one.name in asked] or facts.sure or facts.unsure
        return Description(
            photo=path,
            question=None if question is None else question.text,
            answer=said.words,
            concepts=shown[: max(MAX_LISTED, len(asked))],
            facts=self._facts(facts, stored),
            backbone=self._serving.version if self._serving.is_exported() else None,
            elapsed_s=round(time.monotonic() - started, 3),
            told=said.told,
        )

    def _folder(self, stored: Photo | None, path: Path) -> str | None:
        """The name of the folder that the photo lies in, below one that is registered."""
        if stored is None:
            return None
        parent = path.resolve().parent
        below = any(parent.is_relative_to(root) and parent != root for root in self.library.roots())
        return parent.name if below else None

    def _facts(self, facts: PhotoFacts, stored: Photo | None) -> Facts:
        decoded = facts.decoded
        companions, written = what_lies_beside(self.library, stored, decoded.written)
        return Facts(
            taken_at=decoded.taken_at,
            latitude=decoded.latitude,
            longitude=decoded.longitude,
            camera=decoded.camera,
            width_px=decoded.width_px,
            height_px=decoded.height_px,
            in_library=stored is not None,
            companions=companions,
            title=written.title,
            description=written.description,
            keywords=list(written.keywords),
            date_source=facts.known.date_source or ("the library" if decoded.taken_at else None),
            place=facts.place.words if facts.place else None,
            album=facts.known.folder,
            faces=len(facts.faces) if facts.faces_are_on else None,
            people=[face.name for face in facts.faces if face.name],
            labels=[LabelFact(label.word, label.confidence) for label in facts.labels],
            colors=facts.colors(),
            text=[line.text for line in facts.text] if "text" in facts.__dict__ else None,
        )

    def _facts_about(self, name: str) -> list[str]:
        """What the user told about a concept."""
        concept = self.library.concept_by_name(name)
        return [] if concept is None else [fact.text for fact in self.library.facts(concept.id)]

    def forget(self, concept_id: int) -> None:
        """Drop what was learned of a concept from memory."""
        for key in [key for key in self._references if key[0] == concept_id]:
            del self._references[key]

    def _recognize(
        self,
        recognizer: Recognizer,
        decoded: DecodedPhoto,
        analysed: Sequence[tuple[NewDetection, Embedding]],
        named: list[Concept],
        asked: Sequence[str],
        stored: Photo | None,
    ) -> list[Recognized]:
        """Every named concept with its probability, likeliest first."""
        best: dict[int, Evidence] = {}
        for evidence in recognizer.evidence(analysed):
            known = best.get(evidence.concept_id)
            if known is None or evidence.log_odds > known.log_odds:
                best[evidence.concept_id] = evidence
        likelier: dict[int, Evidence] = {}
        for other in recognizer.outranked(analysed):
            best[other.evidence.concept_id] = other.evidence
            likelier[other.evidence.concept_id] = other.likelier
        faces = [detection.box for detection, _ in analysed if detection.kind == "face"]
        likely = sorted(
            named,
            key=lambda c: (
                c.name not in asked,
                -best[c.id].log_odds if c.id in best else 9.0,
            ),
        )
        recognized = [
            self._judge(
                concept,
                best.get(concept.id),
                likelier.get(concept.id),
                faces,
                decoded,
                # What a prefix says about somebody else's face is worth a pass only when it was asked for.
                concept.name in asked or (rank < ASKED_OF_PREFIXES and concept.id not in likelier),
                stored,
            )
            for rank, concept in enumerate(likely)
        ]
        return sorted(_one_person_for_each_face(recognized, named), key=lambda one: -one.probability)

    def _judge(
        self,
        concept: Concept,
        evidence: Evidence | None,
        likelier: Evidence | None,
        faces: Sequence[BoundingBox],
        decoded: DecodedPhoto,
        ask: bool,
        stored: Photo | None,
    ) -> Recognized:
        """`likelier` is who the face in `evidence` resembles more; `faces` are in the photo."""
        from personalizer.recognition.calibration import shipped_calibration, sigmoid

        calibration = shipped_calibration()
        face = concept.kind == "face"
        box = evidence.box if evidence else None
        logit = None
        if ask and self._serving.has_prefix(concept):
            logit = self._serving.yes_no(concept, views_of(decoded.image, decoded.scale, box, face=face))
        probability = calibration.combine(evidence.log_odds if evidence else None, logit)
        if likelier is not None:
            probability = calibration.of_outranked(probability, likelier.log_odds)
        reasons = []
        said, said_of = (None, None) if stored is None else self._said_by_user(concept, stored)
        if face and said and said_of is not None:
            box = _same_face(said_of, faces) or box
        if said is not None:
            probability = SURE_AS_SAID if said else 1 - SURE_AS_SAID
            reasons.append("you confirmed this photo" if said else "you said that it is not in this photo")
        reasons.append(_compared(face, evidence, likelier, bool(faces)))
        if logit is not None:
            weight = "" if calibration.prefix_weight else ", which counts for nothing yet"
            reasons.append(f"trained prefix {sigmoid(logit):.2f}{weight}")
        elif ask and not self._serving.has_prefix(concept):
            stale = concept.prefix_dir is not None
            reasons.append(
                "its trained prefix belongs to another backbone or another version of it"
                if stale
                else "no trained prefix yet"
            )
        return Recognized(
            name=concept.name or str(concept.id),
            probability=round(probability, 4),
            verdict=calibration.verdict(probability),
            evidence=reasons,
            box=box,
        )

    def _said_by_user(self, concept: Concept, photo: Photo) -> tuple[bool | None, BoundingBox | None]:
        """Whether the user said that the photo shows the concept, and where, or that it does not; None for neither."""
        own = {detection.id: detection.box for detection in self.library.detections(photo.id)}
        said = {
            membership.status: own[membership.detection_id]
            for membership in self.library.memberships(concept.id)
            if membership.detection_id in own and membership.source == "user"
        }
        if "confirmed" in said:
            return True, said["confirmed"]
        return (False, None) if "rejected" in said else (None, None)


def _outlined(
    recognizer: Recognizer, analysis: PhotoAnalysis, recognized: Sequence[Recognized]
) -> str | None:
    """Who the main thing with a clear outline is. Beside somebody it may be what lies next to them."""
    from personalizer.recognition.calibration import shipped_calibration

    if analysis.thing is None:
        return None
    calibration = shipped_calibration()
    whole, (region, inside) = analysis.detections[0][0], analysis.detections[1]
    names = {
        evidence.name
        for evidence in recognizer.evidence([(whole, inside), (region, inside)])
        if calibration.verdict(calibration.combine(evidence.log_odds, None)) == "yes"
    }
    sure = {one.name for one in recognized if one.verdict == "yes"}
    return names.pop() if len(names) == 1 and names <= sure else None


def _compared(face: bool, evidence: Evidence | None, likelier: Evidence | None, has_faces: bool) -> str:
    """What the comparison with a named one found."""
    from personalizer.recognition.calibration import shipped_calibration

    if evidence is None:
        absent = "none of its own faces is known yet" if has_faces else "no face to compare was found"
        return absent if face else "nothing to compare"
    what = "face" if face else "appearance"
    compared = f"{what} {evidence.similarity:.2f}, needs {evidence.threshold:.2f}"
    alike = evidence.color_likeness
    if alike is not None and shipped_calibration().colors.log_odds(alike) < 0:
        compared += f", and the colors are others ({percent(alike)} alike)"
    if likelier is not None:
        compared += f", but it resembles {likelier.name} more ({likelier.similarity:.2f})"
    return compared


def _same_face(box: BoundingBox, faces: Sequence[BoundingBox]) -> BoundingBox | None:
    """The face that lies where `box` does; None where no face covers half of it."""
    best = max(faces, key=box.iou, default=None)
    return best if best is not None and box.iou(best) >= SAME_BOX_IOU else None


def _one_person_for_each_face(recognized: Sequence[Recognized], named: Sequence[Concept]) -> list[Recognized]:
    """A face that the user gave a name is nobody else's, whoever it resembles."""
    people = {concept.name for concept in named if concept.kind == "face"}
    given = {
        one.box for one in recognized if one.name in people and one.probability >= SURE_AS_SAID and one.box
    }
    return [
        dataclasses.replace(one, probability=round(1 - SURE_AS_SAID, 4), verdict="no")
        if one.name in people and one.box in given and one.probability < SURE_AS_SAID
        else one
        for one in recognized
    ]

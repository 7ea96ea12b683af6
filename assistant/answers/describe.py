"""Answers about one photo: who and what it shows, and why Familiar thinks so. Stores nothing.

An answer is made of what the library recognises (faces, embeddings, the trained prefix), what the file says and what
the user told. The backbone's own words appear in no answer: they are wrong too often.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.answers.backbone_service import BackboneService, views_of
from assistant.answers.sidecars import filled_in, what_lies_beside
from assistant.language.fact_answers import ToldFacts, nothing_told, told_about, who_or_what
from assistant.language.parse import Phrase
from assistant.language.questions import (
    Describe,
    Presence,
    Question,
    Told,
    WhoIsThere,
    understand,
)
from assistant.results import Description, Facts, Recognized
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.decode import FOR_ANALYSIS, DecodedPhoto, decode_photo, read_photo_bytes
from personalizer.schemas import Concept, Embedding, Evidence, NewDetection, Photo

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import PhotoAnalyzer
    from personalizer.recognition.recognizer import References

ASKED_OF_PREFIXES = 4
"""How many of the likeliest concepts are asked of the backbone as well: each costs a pass through it."""
MAX_LISTED = 5
CANNOT_TELL = "I can't tell that."
JUST_NOT_YES = 0.4999
"""The most that is believed about a person when the face resembles somebody else more."""


class Describer:
    """Describes photos of one library. Safe to use from several threads."""

    def __init__(self, home: Home, library: Library, serving: BackboneService) -> None:
        self._home = home
        self.library = library
        self._serving = serving
        self._analyzer_lock = threading.Lock()
        self._references: References = {}

    @cached_property
    def _analyzer(self) -> PhotoAnalyzer:
        from personalizer.analysis.analyzer import PhotoAnalyzer

        return PhotoAnalyzer()

    def describe(
        self, path: Path, question: Phrase | None, started: float, prepare: Callable[[], None]
    ) -> Description:
        """The answer about the photo at `path`; `started` is the monotonic time from which it is counted.

        `prepare` sees that the backbone can be asked, which may take long; it is called only where a trained prefix
        waits for it and the question is not about whether somebody is there.
        """
        content = read_photo_bytes(path)
        decoded = decode_photo(content, path, FOR_ANALYSIS)
        with self._analyzer_lock:
            self._analyzer.looks_for_faces = self.library.faces_are_on()
            analysed = self._analyzer.analyze(decoded).detections
        # By content: the file may be a copy, or hold another picture than when it was scanned.
        stored = self.library.photo_by_hash(hashlib.sha256(content).hexdigest())
        decoded = filled_in(decoded, stored)
        named = [c for c in self.library.concepts() if c.name is not None and c.state != "hidden"]
        wanted = understand(question)
        asked, unknown = _asked_for(wanted)
        if not (asked or unknown) and any(one.prefix_dir for one in named):
            prepare()
        recognized = self._recognize(decoded, analysed, named, asked, stored)
        sure = [one for one in recognized if one.verdict == "yes"]
        wants_description = all(isinstance(part, Describe | WhoIsThere) for part in wanted)
        told = ToldFacts([], whole=False)
        if question is not None and not (asked or unknown or wants_description):
            told = self._told(wanted, question)
        if unknown:
            shown, answer = sure, _about_unknown(unknown[0], named)
        elif asked:
            shown = sorted(
                (one for one in recognized if one.name in asked), key=lambda one: asked.index(one.name)
            )
            answer = " ".join(_about_concept(one) for one in shown)
        elif not wants_description:
            shown, answer = sure, told.words if told.facts else ""
            if not told.whole:
                open_question = _open_question(wanted)
                if open_question is not None:
                    answer = nothing_told(open_question.names[0], [])
                else:
                    answer = f"{answer} {CANNOT_TELL}".strip()
                answer = f"{answer} What I know of this photo: {_known(sure, decoded)}"
        else:
            shown = sure or [one for one in recognized if one.verdict == "unsure"]
            answer = _description(recognized, decoded)
        return Description(
            photo=path,
            question=None if question is None else question.text,
            answer=answer,
            concepts=shown[: max(MAX_LISTED, len(asked))],
            facts=self._facts(decoded, stored),
            backbone=self._serving.version if self._serving.is_exported() else None,
            elapsed_s=round(time.monotonic() - started, 3),
            told=told.facts,
        )

    def _facts(self, decoded: DecodedPhoto, stored: Photo | None) -> Facts:
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
        )

    def forget(self, concept_id: int) -> None:
        """Drop what was learned of a concept from memory."""
        for key in [key for key in self._references if key[0] == concept_id]:
            del self._references[key]

    def _told(self, wanted: Question, question: Phrase) -> ToldFacts:
        """What the user said about the concepts in the question that answers it."""
        found = []
        find = told_about if _open_question(wanted) is None else who_or_what
        for name in dict.fromkeys(question.concepts):
            concept = self.library.concept_by_name(name)
            if concept is not None:
                facts = [fact.text for fact in self.library.facts(concept.id)]
                found.append(find(question.text, name, facts))
        return ToldFacts([fact for told in found for fact in told.facts], any(told.whole for told in found))

    def _recognize(
        self,
        decoded: DecodedPhoto,
        analysed: Sequence[tuple[NewDetection, Embedding]],
        named: list[Concept],
        asked: Sequence[str],
        stored: Photo | None,
    ) -> list[Recognized]:
        """Every named concept with its probability, likeliest first."""
        from personalizer.recognition.recognizer import Recognizer

        recognizer = Recognizer(self.library, references=self._references)
        best: dict[int, Evidence] = {}
        for evidence in recognizer.evidence(analysed):
            known = best.get(evidence.concept_id)
            if known is None or evidence.log_odds > known.log_odds:
                best[evidence.concept_id] = evidence
        likelier: dict[int, Evidence] = {}
        for other in recognizer.outranked(analysed):
            best[other.evidence.concept_id] = other.evidence
            likelier[other.evidence.concept_id] = other.likelier
        faces = sum(detection.kind == "face" for detection, _ in analysed)
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
        return sorted(recognized, key=lambda one: -one.probability)

    def _judge(
        self,
        concept: Concept,
        evidence: Evidence | None,
        likelier: Evidence | None,
        faces: int,
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
            # One face is one person: what speaks for the likelier one speaks against this one.
            probability = min(probability, 1 - calibration.combine(likelier.log_odds, None), JUST_NOT_YES)
        reasons = []
        if stored is not None and self._is_member(concept, stored):
            reasons.append("this photo is one of those that it is known from")
        what = "face" if face else "object embedding"
        if evidence is None:
            absent = "none of its own faces is known yet" if faces else "no face to compare was found"
            reasons.append(absent if face else "nothing to compare")
        else:
            sign = "≥" if evidence.similarity >= evidence.threshold else "<"
            compared = f"{what} {evidence.similarity:.2f} {sign} {evidence.threshold:.2f}"
            if likelier is not None:
                compared += f", but it resembles {likelier.name} more ({likelier.similarity:.2f})"
            reasons.append(compared)
        if logit is not None:
            weight = "" if calibration.prefix_weight else ", which counts for nothing yet"
            reasons.append(f"trained prefix says yes {sigmoid(logit):.2f}{weight}")
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
            box=evidence.box if evidence else None,
        )

    def _is_member(self, concept: Concept, photo: Photo) -> bool:
        return any(member.photo_id == photo.id for member in self.library.members(concept.id))


def _asked_for(wanted: Question) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Known and unknown names, where the question is only whether they are there."""
    parts = [part for part in wanted if isinstance(part, Presence)]
    if len(parts) < len(wanted):
        return (), ()
    known = dict.fromkeys(name for part in parts for name in part.names)
    unknown = (name for part in parts for name in (*part.unknown_names, *part.relations))
    return tuple(known), tuple(dict.fromkeys(unknown))


def _open_question(wanted: Question) -> Told | None:
    """The part that asks for everything that was told, where one does."""
    return next((part for part in wanted if isinstance(part, Told) and part.is_open), None)


def _about_concept(one: Recognized) -> str:
    because = "; ".join(one.evidence)
    if one.verdict == "yes":
        return f"Yes, this is {one.name} ({one.probability:.2f}): {because}."
    if one.verdict == "unsure":
        return f"I am not sure whether this is {one.name} ({one.probability:.2f}): {because}."
    return f"No, I don't see {one.name} here ({one.probability:.2f}): {because}."


def _about_unknown(name: str, named: list[Concept]) -> str:
    names = ", ".join(sorted(concept.name for concept in named if concept.name))
    known = f"I know {names}." if names else "Nothing has a name yet."
    return f"I don't know anyone or anything called {name}. {known}"


def _known(sure: list[Recognized], decoded: DecodedPhoto) -> str:
    """Who is recognised, and when and where the photo was taken, as far as that is known."""
    who = f"I recognise {_list(one.name for one in sure)}." if sure else "I recognise nobody and nothing."
    return f"{who} {_taken(decoded)}".strip()


def _description(recognized: list[Recognized], decoded: DecodedPhoto) -> str:
    sure = [one for one in recognized if one.verdict == "yes"]
    unsure = [one for one in recognized if one.verdict == "unsure"]
    parts = [f"I recognise {one.name}: {'; '.join(one.evidence)}." for one in sure]
    if unsure:
        parts.append(f"It might be {_list(one.name for one in unsure)}, but I am not sure.")
    elif not sure:
        parts.append("I don't know who or what this is: nothing in it matches what you have named.")
    return " ".join([*parts, _taken(decoded)]).strip()


def _taken(decoded: DecodedPhoto) -> str:
    """When and where the photo was taken, as a sentence; empty where neither is known."""
    where = _place(decoded)
    if decoded.taken_at is not None:
        # A date of which only the day is known is stored as its midnight.
        at = decoded.taken_at
        pattern = "%-d %B %Y at %H:%M" if at.hour or at.minute or at.second else "%-d %B %Y"
        return f"Taken on {at:{pattern}}{where}."
    return f"Taken{where}." if where else ""


def _place(decoded: DecodedPhoto) -> str:
    if decoded.latitude is None or decoded.longitude is None:
        return ""
    north, east = ("N" if decoded.latitude >= 0 else "S"), ("E" if decoded.longitude >= 0 else "W")
    return f" at {abs(decoded.latitude):.4f}° {north}, {abs(decoded.longitude):.4f}° {east}"


def _list(names: Iterable[str]) -> str:
    words = list(names)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

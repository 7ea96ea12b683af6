"""The facts about one photo (who, when, where, what, looks and text), each with its source.

Stores nothing; the sentences are in `assistant/answers/sentences.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.results import Recognized
from personalizer.errors import NotReadyError
from personalizer.photos.decode import DecodedPhoto
from personalizer.photos.places import Place, place_near
from personalizer.schemas import BoundingBox, PhotoLabel

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import PhotoAnalysis
    from personalizer.analysis.labels import PlainWord
    from personalizer.analysis.main_thing import MainThing
    from personalizer.analysis.text import TextLine

NEVER_BESIDE_FACES = frozenset({
    "toy", "doll", "weapon", "bib", "crutch", "syringe", "stethoscope", "toilet", "toilet tissue", "punching bag",
    "piggy bank", "mousetrap", "face powder", "hair slide", "hair spray", "clothing",
})  # fmt: skip
"""Words that are never said about a photo with a face: whoever is in it would read them as meant for them."""
ANIMALS_BESIDE_FACES = frozenset({
    "dog", "terrier", "spaniel", "retriever", "poodle", "corgi", "schnauzer", "setter", "husky", "cat", "rabbit",
    "guinea pig", "hamster", "parrot", "horse", "bird",
})  # fmt: skip
"""The only animals that are said about a photo with a face."""


def labels_to_say(labels: Sequence[PhotoLabel], *, may_show_people: bool) -> list[PhotoLabel]:
    """The words that are sure enough to be said; beside people only those that nobody takes as meant for them."""
    from personalizer.analysis.labels import SAID_FROM

    return [
        label
        for label in labels
        if label.confidence >= (said_beside_people_from(label) if may_show_people else SAID_FROM)
    ]


def said_beside_people_from(label: PhotoLabel | PlainWord) -> float:
    """The confidence from which a word is said of a photo that may show people; infinite for what never is."""
    from personalizer.analysis.labels import SAID_BESIDE_FACES_FROM

    may_be_said = label.word not in NEVER_BESIDE_FACES and (
        label.kind != "animal" or label.word in ANIMALS_BESIDE_FACES
    )
    return SAID_BESIDE_FACES_FROM if may_be_said else math.inf


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in the photo, and whose it is where that is known."""

    box: BoundingBox
    name: str | None
    probability: float | None
    """That it is the named one; None without a name."""
    maybe: str | None = None
    """Whose it might be, where no name is sure."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownAbout:
    """The sources of the facts."""

    path: Path
    decoded: DecodedPhoto
    """With dates and coordinates from the library where the file has none."""
    analysis: PhotoAnalysis
    recognized: Sequence[Recognized]
    """Every named concept, likeliest first."""
    people: frozenset[str]
    """Names of concepts that are people."""
    faces_are_on: bool
    date_source: str | None
    folder: str | None
    """Name of the folder that it lies in, below a registered one."""
    outlined: str | None = None
    """Whose the clear outline of the main thing is, by what is inside it alone; None where that is not sure."""


class PhotoFacts:
    """Facts of one photo, computed on demand."""

    def __init__(self, known: KnownAbout) -> None:
        self.known = known
        self.path = known.path
        self.decoded = known.decoded
        self.faces_are_on = known.faces_are_on

    # --- who

    @cached_property
    def sure(self) -> list[Recognized]:
        """Who and what is recognized, likeliest first."""
        return [one for one in self.known.recognized if one.verdict == "yes"]

    @cached_property
    def unsure(self) -> list[Recognized]:
        """Who and what it might be."""
        return [one for one in self.known.recognized if one.verdict == "unsure"]

    def about(self, name: str) -> Recognized | None:
        """What is known of a named one in this photo."""
        return next((one for one in self.known.recognized if one.name == name), None)

    def is_person(self, name: str) -> bool:
        return name in self.known.people

    @cached_property
    def faces(self) -> list[SeenFace]:
        """All faces, from left to right."""
        boxes = [detection.box for detection, _ in self.known.analysis.detections if detection.kind == "face"]
        named: dict[BoundingBox, Recognized] = {}
        for one in [*self.sure, *self.unsure]:
            if one.box is not None and self.is_person(one.name):
                named.setdefault(one.box, one)  # the likeliest stays
        faces = []
        for box in boxes:
            likeliest = named.get(box)
            if likeliest is None:
                faces.append(SeenFace(box, None, None))
            elif likeliest.verdict == "yes":
                faces.append(SeenFace(box, likeliest.name, likeliest.probability))
            else:
                faces.append(SeenFace(box, None, None, likeliest.name))
        return sorted(faces, key=lambda face: face.box.left + face.box.right)

    @property
    def unnamed_faces(self) -> int:
        """Faces for which no name is sure or likely."""
        return sum(face.name is None and face.maybe is None for face in self.faces)

    @property
    def may_show_people(self) -> bool:
        """Whether a face is seen, or one may be there: nobody looks for faces, or somebody was said to be there."""
        return bool(self.faces) or not self.faces_are_on or any(self.is_person(one.name) for one in self.sure)

    @cached_property
    def sure_things(self) -> list[Recognized]:
        """Animals and things that are recognized."""
        return [one for one in self.sure if not self.is_person(one.name)]

    def box_of(self, one: Recognized) -> BoundingBox | None:
        """Where somebody or something is, only where that is known: a face, or the one thing with a clear outline.

        Any other region is only where the network looked most.
        """
        if self.is_person(one.name):
            return one.box if any(face.name == one.name for face in self.faces) else None
        return one.box if self._outline is not None and self.known.outlined == one.name else None

    @property
    def _outline(self) -> MainThing | None:
        """The main thing where its outline is clear and in one piece: a second piece may be something else."""
        thing = self.known.analysis.thing
        return thing if thing is not None and thing.parts == 1 else None

    # --- when and where

    @property
    def taken_at(self) -> datetime | None:
        return self.decoded.taken_at

    @property
    def has_time(self) -> bool:
        """Whether more than the day is known: a date alone is stored as its midnight."""
        at = self.taken_at
        return at is not None and bool(at.hour or at.minute or at.second)

    @property
    def coordinates(self) -> tuple[float, float] | None:
        if self.decoded.latitude is None or self.decoded.longitude is None:
            return None
        return self.decoded.latitude, self.decoded.longitude

    @cached_property
    def place(self) -> Place | None:
        """The place near the coordinates; None where there are none, or nothing is near."""
        if self.coordinates is None:
            return None
        try:
            return place_near(*self.coordinates)
        except NotReadyError:
            return None  # the table of places is not installed: coordinates are still facts

    # --- what

    @cached_property
    def labels(self) -> list[PhotoLabel]:
        """Words that may be said of this photo, the likeliest first."""
        return labels_to_say(self.known.analysis.labels, may_show_people=self.may_show_people)

    @cached_property
    def narrowest(self) -> PhotoLabel | None:
        """The word that says most: a corgi rather than a dog."""
        from personalizer.analysis.labels import narrowest

        return narrowest(self.labels)

    def nearest(self, text: str) -> PhotoLabel | None:
        """What is said of this photo and of the kind of `text`: dog or poodle for a labrador, but no sofa."""
        from assistant.answers.broader_words import broader_word
        from personalizer.analysis.labels import nearest

        word = broader_word(text)
        return None if word is None else nearest(word, self.labels)

    def label_of(self, text: str) -> PhotoLabel | None:
        """The label that `text` names, however likely; None for a word that is in no table.

        Where it may not be said of this photo its confidence is 0.
        """
        from personalizer.analysis.labels import confidence_of, find_word

        word = find_word(text)
        if word is None:
            return None
        said = next((label for label in self.labels if label.word == word.word), None)
        if said is not None:
            return said
        return PhotoLabel(
            word.word,
            0.0 if self.may_show_people else confidence_of(word, self.known.analysis.logits),
            word.kind,
        )

    # --- looks

    def colors(self, name: str | None = None) -> list[str]:
        """Main colors of the photo, or of a named thing where its outline is clear."""
        from personalizer.analysis.appearance import main_colors

        if name is None:
            return main_colors(self.decoded.image)
        one = self.about(name)
        if one is None or one.verdict != "yes" or self.is_person(name) or self.box_of(one) is None:
            return []
        return self._main_thing_colors()

    def colors_of_label(self, label: PhotoLabel) -> list[str]:
        """Main colors of what a word is said of, where that is the main thing and its outline is clear."""
        from personalizer.analysis.labels import SAID_FROM, confidence_of, find_word

        word = find_word(label.word)
        if word is None or label.kind == "scene":
            return []
        # The second row is what the network believes of the main thing alone.
        of_thing = confidence_of(word, self.known.analysis.logits[1:])
        return self._main_thing_colors() if of_thing >= SAID_FROM else []

    def _main_thing_colors(self) -> list[str]:
        from personalizer.analysis.appearance import main_colors

        thing = self._outline
        return [] if thing is None else main_colors(self.decoded.image, thing.mask(self.decoded.image.size))

    @cached_property
    def is_colorless(self) -> bool:
        """Whether no part of the photo has a color, be it ever so small."""
        from personalizer.analysis.appearance import is_colorless

        return is_colorless(self.decoded.image)

    @cached_property
    def light(self) -> str | None:
        from personalizer.analysis.appearance import light_of

        return light_of(self.decoded.image)

    @cached_property
    def sharpness(self) -> str | None:
        from personalizer.analysis.appearance import sharpness_of

        return sharpness_of(self.decoded.image)

    @cached_property
    def text(self) -> list[TextLine]:
        """Lines that can be read. Raises NotReadyError where reading is not installed."""
        from personalizer.analysis.text import read_text

        return read_text(self.decoded.image)

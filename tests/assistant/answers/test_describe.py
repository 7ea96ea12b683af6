"""Answers about a real portrait: Rear Admiral Grace Hopper's (public domain), as textual-image carries it.

She is called Bea here; Anna is a made-up look-alike, so that the distance between the two is known.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos import PORTRAIT, package_photo
from PIL import Image
from stored_photos import store_photo

from assistant.answers.backbone_service import BackboneService
from assistant.answers.describe import Describer
from assistant.language.parse import parse
from assistant.results import Description
from personalizer.analysis.analyzer import Analysis, PhotoAnalyzer
from personalizer.concepts.facts import remember
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.decode import load_photo
from personalizer.schemas import Concept, Embedding


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reduced: finding faces takes time by the pixel. Read-only."""
    image = package_photo(*PORTRAIT)
    image.thumbnail((300, 300))
    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    image.save(path)
    return path


@pytest.fixture(scope="session")
def analysed(original: Path) -> Analysis:
    return PhotoAnalyzer().analyze(load_photo(original)).detections


@pytest.fixture
def library(home: Home) -> Iterator[Library]:
    with Library.open(home.database) as opened:
        yield opened


@pytest.fixture
def describer(home: Home, library: Library, exported: Any) -> Describer:
    return Describer(library, BackboneService(home, str(exported.checkpoint)))


@pytest.fixture
def portrait(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "portrait.png"))


def know(library: Library, analysed: Analysis, path: Path, name: str, away: float = 0.0) -> None:
    """A person with one photo: the file's or, with a face that is `away` from the one in it, a copy elsewhere."""
    found = []
    for detection, embedding in analysed:
        vector = embedding.vector.copy()
        if detection.kind == "face":
            vector[0] += np.float32(away)
        found.append((detection, Embedding(vector, embedding.model, embedding.version)))
    content = path.read_bytes()
    photo = store_photo(
        library,
        content_hash=hashlib.sha256(content + name.encode() if away else content).hexdigest(),
        path=path.with_name(f"{name}.png") if away else path,
        width_px=1,
        height_px=1,
        detections=found,
    )
    [face] = library.detections(photo.id, "face")
    library.add_members(library.create_concept("face", name).id, [face.id], source="user", status="confirmed")


def ask(describer: Describer, photo: Path, question: str | None) -> Description:
    names = [concept.name for concept in describer.library.concepts() if concept.name]
    asked = None if question is None else parse(question, names)
    return describer.describe(photo, asked, time.monotonic())


def test_a_face_of_somebody_else_is_compared_and_named(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    know(library, analysed, portrait, "Anna", away=0.45)
    said = ask(describer, portrait, "is this Anna?")
    [anna] = said.concepts
    assert anna.evidence[0] == "face 0.55, needs 0.45, but it resembles Bea more (1.00)"
    assert anna.verdict == "no" and anna.box is not None
    assert said.answer == "I don't see Anna here."
    assert ask(describer, portrait, "is this Bea?").answer == "Yes, I see Bea (99 % sure)."
    plain = ask(describer, portrait, None)
    assert [one.name for one in plain.concepts] == ["Bea"] and "Anna" not in plain.answer


def test_of_two_people_who_are_about_as_similar_the_second_is_unsure(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path
) -> None:
    know(library, analysed, portrait, "Bea", away=0.54)
    know(library, analysed, portrait, "Anna", away=-0.545)
    [anna] = ask(describer, portrait, "is this Anna?").concepts
    assert anna.verdict == "unsure" and anna.probability < 0.5
    assert "it resembles Bea more" in anna.evidence[0]


def test_without_a_face_there_is_nothing_to_compare(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path, tmp_path: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    Image.new("RGB", (64, 64), "green").save(tmp_path / "lawn.png")
    [bea] = ask(describer, tmp_path / "lawn.png", "is this Bea?").concepts
    assert bea.evidence[0] == "no face to compare was found" and bea.verdict == "no"


def test_what_a_photo_is_known_from_is_its_content(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path, tmp_path: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    reason = "you confirmed this photo"
    copy = Path(shutil.copy(portrait, tmp_path / "copy.png"))
    assert reason in ask(describer, copy, "is this Bea?").concepts[0].evidence
    # Another picture in the place of the known one.
    Image.open(copy).rotate(3).save(portrait)
    said = ask(describer, portrait, "is this Bea?")
    assert reason not in said.concepts[0].evidence and not said.facts.in_library


def test_who_it_is_can_be_said_before_the_backbone_is_ready(
    library: Library,
    tmp_path: Path,
    exported: Any,
    analysed: Analysis,
    portrait: Path,
    know_prefix: Callable[..., Concept],
) -> None:
    know(library, analysed, portrait, "Bea")
    home = Home(tmp_path / "fresh").ensure()
    unprepared = Describer(library, BackboneService(home, str(exported.checkpoint)))
    said = unprepared.describe(portrait, parse("is this Bea?", ["Bea"]), time.monotonic())
    assert said.concepts[0].verdict == "yes"
    assert said.backbone is None
    assert "no trained prefix yet" in said.concepts[0].evidence
    # A concept that was trained makes nothing wait either.
    know_prefix(library, "Bo")
    assert unprepared.describe(portrait, None, time.monotonic()).concepts[0].name == "Bea"


def test_what_was_told_answers_in_the_users_words(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    bea = library.concept_by_name("Bea")
    assert bea is not None
    remember(library, bea.id, "Bea, my aunt, hates “lifts” 🛗")
    remember(library, bea.id, "wears a uniform")
    said = ask(describer, portrait, "does Bea hate lifts?")
    assert said.answer == "You told me: “Bea, my aunt, hates “lifts” 🛗”."
    assert said.told == ["Bea, my aunt, hates “lifts” 🛗"]
    assert ask(describer, portrait, "who is Bea?").told == [
        "Bea, my aunt, hates “lifts” 🛗",
        "wears a uniform",
    ]


def test_what_was_told_stands_before_what_is_seen(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    bea = library.concept_by_name("Bea")
    assert bea is not None
    assert ask(describer, portrait, "who is Bea?").answer.startswith("You have told me nothing about Bea.")
    remember(library, bea.id, "wears a uniform")
    partly = ask(describer, portrait, "what does Bea wear at work?")
    assert partly.answer == (
        "You told me: “wears a uniform”. I can't tell that. What I know of this photo: That is Bea (99 % sure)."
    )
    assert partly.told == ["wears a uniform"]
    unrelated = ask(describer, portrait, "how old is Bea?")
    assert unrelated.answer.startswith("You have not told me that about Bea.") and unrelated.told == []
    assert ask(describer, portrait, "is this Bea?").told == []
    assert ask(describer, portrait, None).told == []


def test_each_of_several_is_answered_for(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path
) -> None:
    know(library, analysed, portrait, "Bea")
    know(library, analysed, portrait, "Anna", away=0.45)
    said = ask(describer, portrait, "are Anna and Bea in this photo?")
    assert [(one.name, one.verdict) for one in said.concepts] == [("Bea", "yes"), ("Anna", "no")]
    assert said.answer == "I see Bea (99 % sure). I don't see Anna here."
    # A face that resembles somebody else more is asked about as well, since it was named.
    assert all("no trained prefix yet" in one.evidence for one in said.concepts)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "what is Bea doing?",
            "I can't tell that. What I know of this photo: That is Bea (99 % sure).",
        ),
        ("is Bea on a beach?", "I see Bea (99 % sure). Whether there is a beach I can't tell."),
        ("Is Bea in the car?", "I see Bea (99 % sure). Whether there is a car I can't tell."),
        ("is it night?", "The photo is neither dark nor bright. Whether it is night I can't tell."),
        ("how many?", "I see 1 face: Bea (99 % sure)."),
    ],
)
def test_what_cannot_be_told_is_said_with_what_is_known(
    describer: Describer, library: Library, analysed: Analysis, portrait: Path, question: str, answer: str
) -> None:
    know(library, analysed, portrait, "Bea")
    said = ask(describer, portrait, question)
    assert said.answer == answer
    assert [one.name for one in said.concepts] == ["Bea"]


def test_words_of_the_backbone_are_in_no_answer(
    describer: Describer,
    library: Library,
    analysed: Analysis,
    portrait: Path,
    know_prefix: Callable[..., Concept],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even with a trained concept; asking for them would fail here."""
    know(library, analysed, portrait, "Bea")
    know_prefix(library, "Bo")
    monkeypatch.delattr(BackboneService, "caption")
    for question in (None, "what is this?", "what is Bo doing?", "is there a cat?", "who is Bo?"):
        said = ask(describer, portrait, question)
        assert "small model" not in said.answer and "“" not in said.answer.partition("“remember that")[0]
        assert not hasattr(said.facts, "caption")


def test_what_was_told_about_any_of_them_answers(
    describer: Describer, library: Library, portrait: Path
) -> None:
    library.create_concept("object", "Bo")
    mika = library.create_concept("object", "Mika")
    library.add_fact(mika.id, "Mika is afraid of water")
    said = ask(describer, portrait, "are Bo and Mika afraid of water?")
    assert said.answer.startswith("You told me: “Mika is afraid of water”.")

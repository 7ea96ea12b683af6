"""No answer about the photos that ship says what their captions refute, and most say what these hold."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from stored_photos import store_photo

from assistant.answers.backbone_service import BackboneService
from assistant.answers.describe import Describer
from assistant.language.parse import parse
from personalizer.analysis.analyzer import PhotoAnalysis, PhotoAnalyzer
from personalizer.home import PACKAGE_DATA, Home
from personalizer.library.library import Library
from personalizer.photos.decode import DecodedPhoto, load_photo

SAMPLES = PACKAGE_DATA / "sample_library"
NAMES = ("Biscuit", "Kiwi", "Sunny", "Trekker")
PHOTOS_OF_EACH = 3
# Held out, of known ones and of strangers; beside Kiwi lies an orange book that stands out more.
ASKED = (
    "held_out/IMG_0334.jpg", "held_out/IMG_0363.jpg", "held_out/IMG_0420.jpg", "held_out/IMG_0849.jpg",
    "held_out/IMG_0515.jpg", "held_out/IMG_0549.jpg", "held_out/IMG_1422.jpg", "held_out/IMG_2168.jpg",
    "held_out/IMG_0441.jpg", "held_out/IMG_0819.jpg", "library/IMG_1509.jpg", "library/IMG_1208.jpg",
    "library/IMG_1079.jpg", "library/IMG_1807.jpg",
)  # fmt: skip
WIDER = {
    "dog": "animal",
    "cat": "animal",
    "bird": "animal",
    "mug": "cup",
    "plush bear": "toy",
    "teapot": "pot",
}


@dataclass
class World:
    describer: Describer
    manifest: dict[str, dict[str, Any]]
    answers: int = 0

    def ask(self, file: str, question: str) -> str:
        self.answers += 1
        answer = self.describer.describe(SAMPLES / file, parse(question, NAMES), time.monotonic()).answer
        problems = false_statements(answer, self.manifest[file], SAMPLES / file)
        assert not problems, (file, question, answer, problems)
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, pocket_like: Path) -> Iterator[World]:
    """Four things are known from three photos each; every photo is analysed once."""
    manifest = {entry["file"]: entry for entry in json.loads((SAMPLES / "manifest.json").read_text("utf-8"))}
    home = Home(tmp_path_factory.mktemp("truth") / "home").ensure()
    analyzer = PhotoAnalyzer()
    seen: dict[bytes, PhotoAnalysis] = {}
    look = analyzer.analyze

    def once(photo: DecodedPhoto | Image.Image) -> PhotoAnalysis:
        image = photo.image if isinstance(photo, DecodedPhoto) else photo
        key = hashlib.sha256(image.tobytes()).digest()
        if key not in seen:
            seen[key] = look(photo)
        return seen[key]

    with Library.open(home.database) as library:
        for name in NAMES:
            files = [
                file
                for file, entry in manifest.items()
                if entry["subject"] == name and entry["split"] == "library"
            ]
            concept = library.create_concept("object", name)
            for file in files[:PHOTOS_OF_EACH]:
                path = SAMPLES / file
                photo = store_photo(
                    library,
                    content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
                    path=path,
                    detections=analyzer.analyze(load_photo(path)).detections,
                )
                [region] = library.detections(photo.id, "object")
                library.add_members(concept.id, [region.id], source="user", status="confirmed")
        describer = Describer(library, BackboneService(home, str(pocket_like)))
        analyzer.analyze = once  # type: ignore[method-assign]
        describer.__dict__["_analyzer"] = analyzer
        yield World(describer, manifest)


def false_statements(answer: str, entry: dict[str, Any], path: Path) -> list[str]:
    """What the answer says that the manifest, or the file itself, refutes.

    "It looks like" is a guess, and so is a name that is less than 95 % sure: they carry their percentage and may fail.
    "Yes" is none, whatever the percentage.
    """
    problems = []
    decoded = load_photo(path)
    for sentence in re.findall(r"[^.?]+(?:\.(?=\s|$)|\?|$)", answer):
        said = sentence.strip()
        seen = re.match(
            r"(?:Yes, |No, )?(?:I (?:also )?see|That is|I recognise|The main colors? where I see) (?!no |\d)",
            said,
        )
        if seen:
            others = [name for name in NAMES if name in said and name != entry["subject"]]
            guess = r"\((?:[1-8]?\d|9[0-4]) % sure\)"
            is_yes = said.startswith("Yes, ")
            problems += [name for name in others if is_yes or not re.search(rf"{name} {guess}", said)]
        # Nobody is in any of these photos.
        if re.match(r"(?:No, |Yes, )?(?:I see|[Tt]here (?:is|are)(?: also)?) \d+ faces?", said):
            problems.append(said)
        if re.search(r"is(?: not|n't) (?:there|here|in)", said):
            problems.append(said)
        if said == "The photo is dark." and entry["light"] == "daylight":
            problems.append(said)
        if said == "I see no colors in it." or re.search(r"\b(?:100|0) %", said):
            problems.append(said)
        if (pixels := re.search(r"(\d+) × (\d+) pixels", said)) and (
            int(pixels[1]), int(pixels[2])
        ) != (decoded.width_px, decoded.height_px):  # fmt: skip
            problems.append(said)
        if date := re.search(r"[Tt]aken on (\d+ \w+ \d{4})", said):
            taken_at = decoded.taken_at
            if taken_at is None or datetime.strptime(date[1], "%d %B %Y").date() != taken_at.date():
                problems.append(said)
        if re.search(r"[Tt]aken .*(?:near|°)", said) and decoded.latitude is None:
            problems.append(said)
    return problems


def words_of(entry: dict[str, Any]) -> set[str]:
    """What may be said of a photo by its caption."""
    kind = str(entry["class"])
    words = {kind, WIDER.get(kind, kind), str(entry["place"]), "teddy bear" if kind == "plush bear" else kind}
    return words | ({"sea"} if entry["place"] == "beach" else set())


@pytest.mark.slow
def test_a_checker_that_finds_nothing_would_prove_nothing() -> None:
    entry = {"subject": "Biscuit", "light": "daylight", "class": "dog", "place": "sofa"}
    path = SAMPLES / ASKED[0]
    for false in (
        "I see Kiwi (98 % sure).",
        "Yes, I see Biscuit (98 % sure) and Kiwi (95 % sure).",
        "Yes, I see Kiwi (90 % sure).",
        "That is Sunny (95 % sure).",
        "The main color where I see Kiwi: blue.",
        "I don't see Kiwi here. I see 1 face that I don't know.",
        "Biscuit is not there.",
        "The photo is dark.",
        "It looks like a dog (100 %).",
        "It has 1 × 2 pixels.",
        "It was taken on 1 January 1999.",
        "It was taken near Lisbon, Portugal.",
    ):
        assert false_statements(false, entry, path), false
    for true in (
        "I see Biscuit (98 % sure).",
        "I think I see Kiwi (94 % sure).",
        "That is Sunny (94 % sure).",
        "I don't see Kiwi here.",
        "I see no face; people who look away show none.",
    ):
        assert not false_statements(true, entry, path), true


@pytest.mark.slow
def test_answers_about_the_sample_photos_are_true(world: World) -> None:
    right = wrong = asked_about_known = 0
    for file in ASKED:
        entry = world.manifest[file]
        subject = entry["subject"] if entry["subject"] in NAMES else None
        for name in NAMES:
            said = world.ask(file, f"is {name} in this photo?")
            if name == subject:
                asked_about_known += 1
                right += said.startswith((f"Yes, I see {name} (", f"I think I see {name} ("))
            else:
                wrong += not said.startswith((f"I don't see {name} here.", f"I am not sure about {name} ("))
        if subject is None:
            for question in ("who is this?", "who is in the photo?"):
                world.ask(file, question)
    # With three photos of each, a cup or an animal like it is taken for a known one now and then, and never with "Yes".
    assert wrong <= 0.05 * (len(ASKED) * len(NAMES) - asked_about_known)
    # Most are recognised: an answer that always declines would be true as well.
    assert right >= 0.75 * asked_about_known and asked_about_known >= 8


@pytest.mark.slow
def test_what_cannot_be_told_is_not_told(world: World) -> None:
    for file in ASKED:
        name = world.manifest[file]["subject"]
        subject = name if name in NAMES else "Biscuit"
        assert world.ask(file, "how many people are there?").startswith("I see no face")
        assert world.ask(file, "is this Rex?").startswith("I don't know anyone or anything called Rex.")
        assert "Whether there is a boat I can't tell." in world.ask(file, "is there a boat?")
        assert "I can't tell" in world.ask(file, f"what is {subject} doing?")
        assert world.ask(file, f"how old is {subject}?").startswith("You have told me nothing")
        assert not world.ask(file, f"is {subject} alone?").startswith(("Yes", "No"))
        world.ask(file, f"what color is {subject}?")
        world.ask(file, f"where is {subject}?")
        world.ask(file, f"is {subject} on a beach?")


@pytest.mark.slow
def test_what_is_known_is_told(world: World) -> None:
    for file in ASKED:
        decoded = load_photo(SAMPLES / file)
        start = "It was taken " if decoded.latitude is not None else "I can't tell where"
        assert world.ask(file, "where was this taken?").startswith(start)
        assert decoded.taken_at is not None
        assert f"{decoded.taken_at:%H:%M}" in world.ask(file, "when was this taken?")
        assert str(decoded.taken_at.year) in world.ask(file, "what year was this taken?")
        assert world.ask(file, f"was this taken in {decoded.taken_at.year}?").startswith(
            "Yes. It was taken on"
        )
        assert world.ask(file, f"was this taken before {decoded.taken_at.year}?").startswith(
            ("No. ", "It was taken")
        )
        assert f"{decoded.width_px} × {decoded.height_px}" in world.ask(file, "how big is this photo?")
        assert "Familiar Sample" in world.ask(file, "what camera was this taken with?")
        assert world.ask(file, "what colors are in this photo?").startswith("The main color")
        assert world.ask(file, "is it black and white?").startswith("It has colors")
        world.ask(file, "is it dark?")
        world.ask(file, "is it blurred?")
        world.ask(file, "")


@pytest.mark.slow
def test_guesses_are_wrong_as_seldom_as_they_say(world: World) -> None:
    """ "It looks like a dog (95 %)" of a cat is a guess that failed; not many do."""
    guesses, wrong = 0, []
    for file in ASKED:
        kind = str(world.manifest[file]["class"])
        answer = world.ask(file, f"is there a {'teddy bear' if kind == 'plush bear' else kind}?")
        for word in re.findall(r"It looks like (?:an? )?([^(]+) \(\d+ %\)", answer):
            guesses += 1
            if word not in words_of(world.manifest[file]):
                wrong.append((file, word))
    assert guesses >= 3
    assert len(wrong) <= 1, wrong


@pytest.mark.slow
def test_the_color_of_what_lies_beside_it_is_not_its_own(world: World) -> None:
    """The book beside Kiwi stands out more than the light blue bird does."""
    assert "orange" not in world.ask("held_out/IMG_0420.jpg", "what color is Kiwi?")

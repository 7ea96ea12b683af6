"""Plain words for photos, with the network that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photos import ASTRONAUT, package_photo
from PIL import Image

from personalizer.analysis.analyzer import PhotoAnalysis, PhotoAnalyzer
from personalizer.analysis.labels import (
    KEPT_FROM,
    SAID_BESIDE_FACES_FROM,
    SAID_FROM,
    WORDS_FILE,
    confidence_of,
    find_word,
    in_context,
    label_photo,
    plural_of,
    word_table,
)
from scripts.fit.photo_words import NEVER_SAID, WORDS


@pytest.fixture(scope="module")
def analyzer() -> PhotoAnalyzer:
    return PhotoAnalyzer()


def look(analyzer: PhotoAnalyzer, photo: tuple[str, str]) -> PhotoAnalysis:
    image = package_photo(*photo)
    image.thumbnail((400, 400))
    return analyzer.analyze(image)


def test_a_cat_is_an_animal(analyzer: PhotoAnalyzer) -> None:
    seen = look(analyzer, ("skimage", "data/chelsea.png"))
    said = {label.word: label for label in seen.labels if label.confidence >= SAID_FROM}
    assert {"cat", "animal"} <= set(said)
    assert said["cat"].kind == said["animal"].kind == "animal"
    # A wider word is never less likely than the narrower one.
    assert said["animal"].confidence >= said["cat"].confidence
    assert not {"dog", "bird", "food"} & set(said)
    assert [one.confidence for one in seen.labels] == sorted(
        (one.confidence for one in seen.labels), reverse=True
    )


def test_coffee_is_a_drink_and_no_animal(analyzer: PhotoAnalyzer) -> None:
    said = {
        label.word
        for label in look(analyzer, ("skimage", "data/coffee.png")).labels
        if label.confidence >= SAID_FROM
    }
    assert "coffee" in said and "animal" not in said


def test_nothing_is_said_of_somebody_with_a_face(analyzer: PhotoAnalyzer) -> None:
    """Neither of an astronaut's suit nor of her body."""
    seen = look(analyzer, ASTRONAUT)
    assert any(detection.kind == "face" for detection, _ in seen.detections)
    said = [label.word for label in seen.labels if label.confidence >= SAID_BESIDE_FACES_FROM]
    assert said == []


@pytest.mark.parametrize("color", ["white", "gray", "black", "green"])
def test_nothing_is_said_of_one_color(analyzer: PhotoAnalyzer, color: str) -> None:
    labels = analyzer.analyze(Image.new("RGB", (120, 90), color)).labels
    assert [label for label in labels if label.confidence >= SAID_FROM] == []


def test_nothing_is_said_of_noise(analyzer: PhotoAnalyzer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert [
        one for one in analyzer.analyze(Image.fromarray(noise)).labels if one.confidence >= SAID_FROM
    ] == []


def test_every_class_that_may_be_said_has_a_word_and_no_other() -> None:
    covered = {number for word in word_table() for number in word.classes}
    assert covered | NEVER_SAID == set(range(1000))
    # Single words of their own are only for what may be said.
    own = {word.classes[0] for word in word_table() if len(word.classes) == 1 and word.word not in WORDS}
    assert not own & NEVER_SAID


def test_the_file_has_what_the_script_says() -> None:
    document = json.loads(Path(WORDS_FILE).read_text("utf-8"))["words"]
    assert set(WORDS) <= set(document)
    for name, word in WORDS.items():
        assert document[name]["kind"] == word.kind, name
        assert tuple(document[name]["also"]) == word.also, name
        assert set(word.add) - set(word.drop) <= set(document[name]["classes"]), name
    kinds = {entry["kind"] for entry in document.values()}
    assert kinds == {"animal", "plant", "food", "thing", "clothing", "scene"}
    assert all(entry["classes"] for entry in document.values())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dog", "dog"), ("dogs", "dog"), ("Dogs ", "dog"), ("puppies", "dog"), ("couch", "sofa"), ("couches", "sofa"),
        ("bike", "bicycle"), ("bikes", "bicycle"), ("lorry", "truck"), ("lorries", "truck"), ("wolves", "wolf"),
        ("sheep", "sheep"), ("geese", "goose"), ("mice", "mouse"), ("boxes", "box"), ("watches", "clock"),
        ("churches", "church"), ("seaside", "beach"), ("ocean", "sea"), ("toys", "toy"), ("unicorn", None), ("", None),
    ],
)  # fmt: skip
def test_words_have_plurals_and_synonyms(text: str, word: str | None) -> None:
    found = find_word(text)
    assert (None if found is None else found.word) == word


def test_plurals() -> None:
    words = ("dog", "box", "church", "brush", "berry", "toy", "wolf", "fish", "glass")
    assert [plural_of(word) for word in words] == [
        "dogs", "boxes", "churches", "brushes", "berries", "toys", "wolves", "fish", "glasses",
    ]  # fmt: skip


def test_confidence_is_of_the_sum_of_the_classes() -> None:
    dog, animal, car = (find_word(text) for text in ("dog", "animal", "car"))
    assert dog is not None and animal is not None and car is not None
    logits = np.zeros((2, 1000), dtype=np.float32)
    # Half of the belief on each of two breeds: neither is sure, a dog is.
    logits[:, list(dog.classes[:2])] = 20
    assert confidence_of(dog, logits) > 0.99 and confidence_of(animal, logits) > 0.99
    assert confidence_of(car, logits) < 0.01
    # Seen in one view only it is worth half.
    logits[1] = 0
    assert 0.3 < confidence_of(dog, logits) < 0.9
    kept = label_photo(logits)
    assert all(label.confidence >= KEPT_FROM for label in kept)
    assert "car" not in {label.word for label in kept}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("butterfly", "butterfly (insect)"),
        ("corgi", "corgi (dog)"),
        ("fly", "fly (insect)"),
        ("sofa", "sofa (furniture)"),
        ("mountain", "mountain (place)"),
        ("padlock", "padlock (thing)"),
        ("animal", "animal (animal)"),
    ],
)
def test_a_word_with_what_it_is_a_kind_of(word: str, said: str) -> None:
    found = find_word(word)
    assert found is not None and in_context(found) == said

"""What a photo shows in plain words, from the object network's own 1,000 classes: a corgi is a dog is an animal.

The classes are summed up a tree of words, on the whole photo and on its main thing, and calibrated. Runs no model;
knows no library. The words and their classes are in `photo_words.json` (`scripts/fit/photo_words.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from personalizer.home import PACKAGE_DATA
from personalizer.schemas import Float32Array, FloatArray, PhotoLabel

WORDS_FILE = PACKAGE_DATA / "photo_words.json"
VERSION = "words-1"
"""Counted up when the words, their classes or their calibration change."""
SAID_FROM = 0.9
"""Calibrated confidence from which a word is said of a photo."""
SAID_BESIDE_FACES_FROM = 0.98
"""The same where a face is seen: what people wear and hold is easily mistaken."""
KEPT_FROM = 0.3
"""What is less likely than that is not kept."""
SLOPE, BIAS = 1.086, 0.652
"""Of the log odds of a word's summed share: fitted on half of 400 ImageNet classes, of Caltech-101 and of groceries."""
_WIDEST = {"scene": "place"}
"""What a kind of word is called where that is not the name of the kind."""
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class PlainWord:
    """A word, the classes that it sums, and what kind of word it is."""

    word: str
    classes: tuple[int, ...]
    also: tuple[str, ...]
    kind: str
    """`animal`, `plant`, `food`, `thing`, `clothing` or `scene`."""


def find_word(text: str) -> PlainWord | None:
    """The word that `text` is, in the singular or plural, or that it is another word for."""
    return _by_text().get(text.casefold().strip())


@cache
def word_table() -> tuple[PlainWord, ...]:
    """The words that ship, from the widest to the narrowest; read once."""
    words = [
        PlainWord(word, tuple(entry["classes"]), tuple(entry["also"]), entry["kind"])
        for word, entry in _document()["words"].items()
    ]
    return tuple(sorted(words, key=lambda word: -len(word.classes)))


def synsets() -> tuple[int, ...]:
    """WordNet's number of each of the network's classes, in its order."""
    return tuple(_document()["synsets"])


def in_context(word: PlainWord) -> str:
    """The word with what it is a kind of, "butterfly (insect)": many a word alone means something else as well."""
    return f"{word.word} ({_wider_words().get(word.word, _WIDEST.get(word.kind, word.kind))})"


@cache
def _wider_words() -> dict[str, str]:
    """For each word the narrowest of those that it is a kind of, where there is one."""
    classes = {word.word: frozenset(word.classes) for word in word_table()}
    return {
        word: min(wider, key=lambda one: len(classes[one]))
        for word, own in classes.items()
        if (wider := [one for one, all_ in classes.items() if len(all_) > len(own) < 2 * len(all_ & own)])
    }


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(WORDS_FILE.read_text("utf-8"))
    return found


@cache
def _by_text() -> dict[str, PlainWord]:
    known: dict[str, PlainWord] = {}
    for word in word_table():
        for text in (word.word, *word.also):
            for form in (text, plural_of(text)):
                known.setdefault(form, word)
    return known


def plural_of(word: str) -> str:
    """The plural of an English noun, by the rules for regular ones and the few others in the table."""
    irregular = {"mouse": "mice", "goose": "geese", "sheep": "sheep", "fish": "fish", "wolf": "wolves"}
    if word in irregular:
        return irregular[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def label_photo(logits: Float32Array) -> list[PhotoLabel]:
    """Words for a photo with their confidence, the likeliest first.

    `logits` `[views, 1000]` are those of the whole photo and of its main thing: the scene is in the one, the thing
    fills the other.
    """
    beliefs = _beliefs(logits)
    labels = [PhotoLabel(word.word, _confidence(word, beliefs), word.kind) for word in word_table()]
    kept = [label for label in labels if label.confidence >= KEPT_FROM]
    return sorted(kept, key=lambda label: -label.confidence)


def confidence_of(word: PlainWord, logits: Float32Array) -> float:
    """The calibrated probability that the photo shows this, rounded to three digits."""
    return _confidence(word, _beliefs(logits))


def narrowest(labels: Sequence[PhotoLabel]) -> PhotoLabel | None:
    """The one that says most, a corgi rather than a dog; of equals the likeliest. None of none."""
    width = {word.word: len(word.classes) for word in word_table()}
    return min(labels, key=lambda label: (width[label.word], -label.confidence), default=None)


def likeliest_word(logits: Float32Array) -> PlainWord | None:
    """The narrowest word of the class that the network finds likeliest, however likely that is."""
    likeliest = int(_beliefs(logits).mean(axis=0).argmax())
    return next((word for word in reversed(word_table()) if likeliest in word.classes), None)


def nearest(word: PlainWord, labels: Sequence[PhotoLabel]) -> PhotoLabel | None:
    """Of the narrowest group around `word` that any label belongs to, the one that says most: for poodle another dog,
    or else another animal, but no sofa. None where no group has one.
    """
    for group in reversed(word_table()):
        if _is_kind_of(word, group):
            within = [label for label in labels if _is_kind_of(_by_text()[label.word], group)]
            if within:
                return narrowest(within)
    return None


def _is_kind_of(word: PlainWord, group: PlainWord) -> bool:
    """Whether most of a word's classes belong to `group`: one train of four is no vehicle in WordNet's tree."""
    return 2 * len(set(word.classes) & set(group.classes)) > len(word.classes)


def _confidence(word: PlainWord, beliefs: FloatArray) -> float:
    share = float(beliefs[:, list(word.classes)].sum(axis=1).mean())
    share = min(max(share, _SMALLEST), 1 - _SMALLEST)
    return round(1 / (1 + math.exp(-(SLOPE * math.log(share / (1 - share)) + BIAS))), 3)


def _beliefs(logits: Float32Array) -> FloatArray:
    """Softmax of each row."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    beliefs: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return beliefs

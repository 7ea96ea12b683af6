"""Which labelled sentence is closest in meaning to a request that no rule recognised.

Vectors are made once a process, from sentences that ship; English, German and Spanish share one space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from assistant.language.parse import CONCEPT, PHOTO, Request
from personalizer.schemas import Float32Array
from personalizer.sentences.embed import shipped_embedder

SENTENCES = Path(__file__).with_name("labelled_sentences.txt")
FITS_FROM = 0.62
"""Cosine similarity from which the closest sentence decides."""
MARGIN = 0.06
"""By how much it must be closer than the closest sentence of any other label."""
MAX_WORDS = 40
"""A longer text is no request for one tool."""
_STAND_INS = ("Max", "Leo", "Rex")
_HEADING = re.compile(r"\[(?P<label>\w+(?: \w+)?)\]")


_ABOUT_SOMEBODY = frozenset(
    ["name_concept", "confirm", "reject", "merge", "split", "train", "remember", "forget"]
)
"""Nothing of the kind is meant where nobody is named: "my train was late"."""


@dataclass(frozen=True, slots=True)
class Closest:
    """The label of the closest sentence, such as `imagine` or `help privacy`, and the closest of another intent."""

    label: str
    similarity: float
    next_label: str
    next_similarity: float

    @property
    def intents(self) -> tuple[str, str]:
        """Of the two."""
        return intent_of(self.label), intent_of(self.next_label)

    @property
    def is_clear(self) -> bool:
        """Whether one label decides."""
        return self.similarity >= FITS_FROM and self.similarity - self.next_similarity >= MARGIN

    @property
    def is_between(self) -> bool:
        """Whether it is one of two."""
        return self.similarity >= FITS_FROM and not self.is_clear


def closest(request: Request) -> Closest | None:
    """The closest sentence to the whole request; None for a single word and for what is too long."""
    if not 1 < len(request.skeleton.split()) <= MAX_WORDS:
        return None
    labels, vectors = _bank()
    somebody = CONCEPT in request.skeleton or re.search(r"\d", request.skeleton) is not None
    [vector] = shipped_embedder().embed([comparable(request.skeleton)])
    if not vector.any():
        return None
    possible = [number for number, label in enumerate(labels) if somebody or label not in _ABOUT_SOMEBODY]
    return nearest(vectors[possible] @ vector, [labels[number] for number in possible])


def nearest(similarities: Float32Array, labels: Sequence[str]) -> Closest:
    """The label of the closest sentence, and of the closest one that is for another intent."""
    best: dict[str, float] = {}
    for label, similarity in zip(labels, similarities.tolist(), strict=True):
        best[label] = max(similarity, best.get(label, -1.0))
    ordered = sorted(best, key=lambda label: -best[label])
    first = ordered[0]
    second = next(label for label in ordered if intent_of(label) != intent_of(first))
    return Closest(first, best[first], second, best[second])


def intent_of(label: str) -> str:
    """`help` of `help privacy`."""
    return label.split(maxsplit=1)[0]


def comparable(skeleton: str) -> str:
    """The skeleton with the names and the photo of the labelled sentences in it."""
    text = skeleton.replace(PHOTO, "photo.jpg")
    for stand_in in _STAND_INS:
        text = text.replace(CONCEPT, stand_in, 1)
    return text.replace(CONCEPT, _STAND_INS[-1])


def read_sentences(path: Path = SENTENCES) -> list[tuple[str, str]]:
    """`(label, sentence)` in the order of the file."""
    found: list[tuple[str, str]] = []
    label = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            label = heading["label"]
        elif line and not line.startswith("#"):
            found.append((label, line))
    return found


@cache
def _bank() -> tuple[list[str], Float32Array]:
    sentences = read_sentences()
    vectors = shipped_embedder().embed([sentence for _, sentence in sentences])
    return [label for label, _ in sentences], np.ascontiguousarray(vectors)


def load() -> None:
    """Make the vectors now, so that the first request need not wait for them."""
    _bank()

"""What a request that no rule recognised means, learned from labelled sentences that ship.

Kernel ridge regression (Saunders et al. 1998) over sentence vectors, solved in closed form when it is first needed, in
a few milliseconds. English, German and Spanish share one space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from assistant.language.parse import CONCEPT, PHOTO, Request
from personalizer.schemas import Float32Array
from personalizer.sentences.embed import shipped_embedder

SENTENCES = Path(__file__).with_name("labelled_sentences.txt")
WIDTH, RIDGE = 2.0, 0.3
"""Of the kernel exp(-WIDTH · (1 - cosine)), and what is added to its diagonal: the best of twelve pairs, each sentence
left out in turn (right intent 85 %; the label of the closest sentence alone is right for 75 %)."""
MARGIN = 0.14
"""By how much an intent's score must be above the next: of what is decided for requests
that no rule knew, 94 % is right."""
CHOICE_FROM = 0.3
"""Scores of two intents from which it is asked which of them is meant."""
SIMILAR_FROM = 0.45
"""Cosine similarity of the closest sentence below which a request is like none of them."""
LEAST_WORDS, MAX_WORDS = 2, 40
"""Beside names. "and Bo" may mean anything, and a longer text is no request for one tool."""
_STAND_INS = ("Max", "Leo", "Rex")
_HEADING = re.compile(r"\[(?P<label>\w+(?: \w+)?)\]")
_ABOUT_SOMEBODY = frozenset(
    ["name_concept", "confirm", "reject", "merge", "split", "train", "remember", "forget"]
)
"""Nothing of the kind is meant where nobody is named: "my train was late"."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The two likeliest labels, such as `imagine` or `help privacy`, each of another intent, with their scores."""

    label: str
    score: float
    next_label: str
    next_score: float

    @property
    def intents(self) -> tuple[str, str]:
        """Of the two."""
        return intent_of(self.label), intent_of(self.next_label)

    @property
    def is_clear(self) -> bool:
        """Whether one decides."""
        return self.score - self.next_score >= MARGIN

    @property
    def is_between(self) -> bool:
        """Whether it is one of the two."""
        return not self.is_clear and self.next_score >= CHOICE_FROM


@dataclass(frozen=True, slots=True)
class LabelledSentences:
    """What was learned: a row of weights for each sentence, a column for each intent."""

    labels: tuple[str, ...]
    vectors: Float32Array
    """`[sentences, width]`, rows of length 1."""
    intents: tuple[str, ...]
    weights: Float32Array
    """`[sentences, intents]`"""

    def meant(self, vector: Float32Array, *, somebody: bool) -> Meant | None:
        """What a request with this vector means; None for what is like nothing.

        `somebody`: a name or a number is in it.
        """
        similarities = self.vectors @ vector
        if float(similarities.max()) < SIMILAR_FROM:
            return None
        scores = kernel(similarities) @ self.weights
        possible = [
            (float(score), intent)
            for score, intent in zip(scores, self.intents, strict=True)
            if somebody or intent not in _ABOUT_SOMEBODY
        ]
        (best, first), (next_best, second) = sorted(possible, reverse=True)[:2]
        return Meant(self._label(first, similarities), best, self._label(second, similarities), next_best)

    def _label(self, intent: str, similarities: Float32Array) -> str:
        """The intent's label whose sentence is closest: `help` has several."""
        own = [number for number, label in enumerate(self.labels) if intent_of(label) == intent]
        return self.labels[max(own, key=lambda number: similarities[number])]


def meaning_of(request: Request) -> Meant | None:
    """What the whole request means; None for what is too short or too long to tell, and for what is like nothing."""
    words = re.sub(r"⟦\w+⟧|\W", " ", request.skeleton).split()
    if not LEAST_WORDS <= len(words) <= MAX_WORDS:
        return None
    [vector] = shipped_embedder().embed([comparable(request.skeleton)])
    somebody = CONCEPT in request.skeleton or re.search(r"\d", request.skeleton) is not None
    return shipped_sentences().meant(vector, somebody=somebody)


def kernel(similarities: Float32Array) -> Float32Array:
    """How much two sentences of these cosine similarities have in common."""
    closeness: Float32Array = np.exp(-WIDTH * (1 - similarities)).astype(np.float32)
    return closeness


def learn(labels: list[str], vectors: Float32Array) -> LabelledSentences:
    """Fit the weights to one label for each row of `vectors`."""
    intents = sorted(set(map(intent_of, labels)))
    wanted = np.array([[intent_of(label) == intent for intent in intents] for label in labels], np.float64)
    common = kernel(vectors @ vectors.T).astype(np.float64) + RIDGE * np.eye(len(labels))
    weights = np.linalg.solve(common, wanted).astype(np.float32)
    return LabelledSentences(tuple(labels), vectors, tuple(intents), weights)


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
def shipped_sentences() -> LabelledSentences:
    """What is learned from the sentences that ship; made once a process."""
    sentences = read_sentences()
    vectors = shipped_embedder().embed([sentence for _, sentence in sentences])
    return learn([label for label, _ in sentences], np.ascontiguousarray(vectors))

"""What the frozen model answers about pictures in general, so that a personal prompt in the context can leave it alone.

Questions are about anything but the concept; kept is what the bare model expects of each word of an answer. Knows no
optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    NO,
    YES,
    Rows,
    personal_prompt,
    question_about_image,
)
from personalizer.training.data.examples import TEXT, Example, ExampleBuilder
from personalizer.training.hidden_states import ExampleStates

# fmt: off
THINGS = (
    "person", "dog", "cat", "bird", "horse", "fish", "car", "bicycle", "boat", "tree", "flower", "chair",
    "table", "bed", "lamp", "bottle", "cup", "plate", "knife", "book", "clock", "phone", "computer",
    "camera", "bag", "shoe", "hat", "shirt", "ball", "doll", "toy", "robot", "guitar", "house", "bridge",
    "apple", "banana", "cake", "pizza", "drink",
)
TRAITS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey",
    "teal", "striped", "dotted", "plain", "shiny", "furry", "wooden", "big", "small", "round",
)
# fmt: on
PLACES = (
    "on a beach",
    "in the snow",
    "in a garden",
    "in a forest",
    "on a street",
    "in a kitchen",
    "in a room",
    "on a sofa",
    "on a table",
    "on the floor",
    "on grass",
    "in the water",
    "on a plain background",
)
ANYTHING = (
    "is this indoors?",
    "is this outdoors?",
    "is it night?",
    "is it evening?",
    "is it sunny?",
    "is there more than one object?",
    "is there more than one thing in this photo?",
    "is this something to eat?",
    "is this a drawing?",
    "is it an animal?",
    "is somebody in this photo?",
)
DESCRIBED_SHARE = 0.25
"""Of the questions, so many ask for a description."""
FORCED_SHARE = 0.1
"""Of the questions, before so many answers the understanding rows stand; a model that chooses need not write them. When
it was half of them, prefixes told four subjects less well (mean area under the curve 0.957 instead of 0.982)."""
PER_PICTURE = 2
"""Questions about each picture; what the bare model says to them is found once."""
KEPT_TOKENS = 48
"""The likeliest next tokens that are told apart; of all others only the sum counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Preserved:
    """A question with the personal prompt before it, and what the bare model expects of an answer's tokens."""

    example: Example
    places: list[int]
    """Where `example` predicts the answer's tokens."""
    ids: torch.Tensor
    """The likeliest tokens, `[len(places), kept]`."""
    bare: torch.Tensor
    """Their log probabilities without the personal prompt, `[len(places), kept]`."""

    def divergence(self, changed: torch.Tensor) -> torch.Tensor:
        """KL from the bare model to `changed`, log probabilities `[len(places), text_vocabulary + rows]`.

        All tokens that are not kept count as one, and so do the rows, which the bare model never emits.
        """
        kept = changed.gather(1, self.ids)
        rest, changed_rest = (
            torch.log1p(-of.exp().sum(dim=-1).clamp_max(1 - 1e-6)) for of in (self.bare, kept)
        )
        told = (self.bare.exp() * (self.bare - kept)).sum(dim=-1)
        return (told + rest.exp() * (rest - changed_rest)).mean()


class Preservation:
    """The bare model's answers about a dataset's pictures, each found when it is first asked for."""

    def __init__(
        self,
        backbone: Backbone,
        prefix: DualPrefix,
        builder: ExampleBuilder,
        contexts: torch.Tensor | None = None,
        seed: int = 0,
    ) -> None:
        self._backbone = backbone
        self._builder = builder
        self._states = ExampleStates(backbone, prefix, contexts, shared=builder.beginning(personal_prompt()))
        self._seed = seed
        self._known: dict[tuple[int, int], Preserved] = {}

    def about(self, pictures: Sequence[tuple[int, list[int]]], rng: np.random.Generator) -> list[Preserved]:
        """One of the questions about each of these pictures, which are `(index in the dataset, codes)`."""
        found = []
        for picture in pictures:
            key = (picture[0], int(rng.integers(PER_PICTURE)))
            if key not in self._known:
                self._known[key] = self._ask(picture, np.random.default_rng((self._seed, 2, *key)))
            found.append(self._known[key])
        return found

    @torch.no_grad()
    def _ask(self, picture: tuple[int, list[int]], rng: np.random.Generator) -> Preserved:
        """Alone, not in a batch: a training that goes on asks in another company, and must find the same."""
        question, answer = some_question(rng)
        segments = question_about_image(question)
        tokens = [(TEXT, token) for token in [*self._backbone.tokenize(answer), self._backbone.spec.end_id]]
        bare = self._builder.example(segments, picture, [(tokens, 1.0)])
        [states] = self._states.hidden_states_at([bare], [_last(bare, len(tokens))])
        said = self._backbone.text_logits(states).float().log_softmax(dim=-1)
        kept, ids = said.topk(min(KEPT_TOKENS, said.shape[1]), dim=-1)
        forced = rng.random() < FORCED_SHARE
        rows = self._builder.self_prompt(Rows("understanding")) if forced else []
        prompted = self._builder.example(personal_prompt() + segments, picture, [(rows, 0.0), (tokens, 1.0)])
        return Preserved(prompted, _last(prompted, len(tokens)), ids, kept)


def _last(example: Example, count: int) -> list[int]:
    return list(range(len(example.kind) - count, len(example.kind)))


def some_question(rng: np.random.Generator) -> tuple[str, str]:
    """A question about a picture that names nobody, and one of the answers that it could have."""
    thing, trait = (str(rng.choice(words)) for words in (THINGS, TRAITS))
    if rng.random() < DESCRIBED_SHARE:
        return DESCRIBE_QUESTION, f"a photo of {_article(thing)} {thing}."
    question = (
        f"is there {_article(thing)} {thing} in this {rng.choice(('photo', 'picture'))}?",
        f"is it {trait}?",
        f"is the {thing} {trait}?",
        f"is this {rng.choice(PLACES)}?",
        str(rng.choice(ANYTHING)),
    )[int(rng.integers(5))]
    return question, YES if rng.integers(2) else NO


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"

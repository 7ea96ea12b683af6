"""What the frozen model answers about other pictures, so that a personal prompt in the context can leave it alone.

The questions are about anything but the concept; the bare model's own answer is the text that both are compared on.
Knows no optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from personalizer.backbones.base import Backbone
from personalizer.dual_prefix import DualPrefix
from personalizer.example_states import ExampleStates
from personalizer.prompts import DESCRIBE_QUESTION, Rows, personal_prompt, question_about_image
from personalizer.training_set import TEXT, Example, ExampleBuilder, PrefixDataset

QUESTIONS = (
    DESCRIBE_QUESTION,
    "is this indoors?",
    "is there a person in this photo?",
    "is there more than one thing in this photo?",
    "is there a dog in this photo?",
    "is this at night?",
    "is there a car in this photo?",
    "is this something to eat?",
)
"""A prefix that was only ever asked for its concept answers every question as if it were that one."""
ASKED = 32
"""Questions and pictures whose answers are kept for the whole training; at 65 000 tokens of vocabulary most have two
tokens and take half a MiB each."""
ANSWER_TOKENS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Preserved:
    """A question with the personal prompt before it, and what the bare model answers."""

    example: Example
    places: list[int]
    """Where `example` predicts the answer's tokens."""
    bare: torch.Tensor
    """Log probabilities without the personal prompt, `[len(places), text_vocabulary]`."""

    def divergence(self, changed: torch.Tensor) -> torch.Tensor:
        """KL from the bare answer to `changed`, log probabilities `[len(places), text_vocabulary + rows]`.

        What `changed` gives to rows is lost to it: the bare model never emits one.
        """
        words = changed[:, : self.bare.shape[1]]
        return (self.bare.exp() * (self.bare - words)).sum(dim=-1).mean()


class Preservation:
    """The bare model's answers about a dataset's negatives, each found when it is first asked for."""

    def __init__(
        self, backbone: Backbone, prefix: DualPrefix, builder: ExampleBuilder, data: PrefixDataset
    ) -> None:
        self._backbone = backbone
        self._builder = builder
        self._data = data
        self._states = ExampleStates(backbone, prefix, data.contexts)
        self._known: dict[int, Preserved] = {}

    def __len__(self) -> int:
        return ASKED if len(self._data.negatives) else 0

    def __getitem__(self, number: int) -> Preserved:
        """Of the negatives at even distances, so that hard and easy ones are among them."""
        if number not in self._known:
            negative = number * len(self._data.negatives) // len(self)
            # A tool that knows the task forces the understanding rows; a model that chooses may not emit them.
            forced = number // len(QUESTIONS) % 2 == 0
            self._known[number] = self._ask(negative, QUESTIONS[number % len(QUESTIONS)], forced)
        return self._known[number]

    @torch.no_grad()
    def _ask(self, negative: int, question: str, forced: bool) -> Preserved:
        data, backbone = self._data, self._backbone
        first = len(data.positives) + len(data.held_positives)
        picture = (first + negative, data.negatives[negative].tolist())
        asked = question_about_image(question)
        # The last token of an example is not read, so that one that does not matter stands there.
        embeddings, _ = self._states.embed(
            [self._builder.example(asked, picture, [([(TEXT, backbone.spec.end_id)], 0.0)])]
        )
        cache = backbone.new_cache()
        answer: list[int] = []
        said: list[torch.Tensor] = []
        while len(answer) < ANSWER_TOKENS and backbone.spec.end_id not in answer:
            hidden, cache = backbone.forward(embeddings, None, cache)
            said.append(backbone.text_logits(hidden[0, -1]).float().log_softmax(dim=-1))
            answer.append(int(said[-1].argmax()))
            embeddings = backbone.embed_text(torch.tensor([answer[-1:]]))
        rows = self._builder.self_prompt(Rows("understanding")) if forced else []
        example = self._builder.example(
            personal_prompt() + asked, picture, [(rows, 0.0), ([(TEXT, token) for token in answer], 0.0)]
        )
        places = list(range(len(example.kind) - len(answer), len(example.kind)))
        return Preserved(example, places, torch.stack(said))

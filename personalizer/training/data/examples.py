"""Builds the training examples of a concept: recognition, description, generation and questions about its facts.

Task formats are those of arXiv 2504.20998 with self-prompting: an answer begins with the virtual tokens of its task.
The wording is in `personalizer/prefix/prompts.py`. This module knows no optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    GENERATION_TEXT,
    NO,
    RECOGNITION_QUESTION,
    YES,
    ImageSlot,
    Segment,
    Separator,
    Text,
    VirtualTokens,
    generation_request,
    personal_prompt,
    question,
    question_about_image,
)
from personalizer.training.data.fact_questions import TextQuestion
from personalizer.training.data.soft_positives import SoftPositive

SOFT_GENERATION_TEXT = "a photo."
"""The request for a soft positive does not name the concept, so that its name does not learn to draw other things."""

TEXT, CODE, VIRTUAL, CONTEXT = range(4)
"""What the value at a position indexes: text vocabulary, codebook, virtual tokens, or cached image contexts."""


Picture = tuple[int, list[int]]
"""An input image: its index in `PrefixDataset.contexts`, and its codes."""


@dataclass(frozen=True, slots=True, eq=False)
class PrefixDataset:
    """One concept's pictures as image codes `[n, tokens]`, and questions about its facts.

    `validation_positives` are augmented views that are never trained on. A backbone that does not read its own codes
    needs `contexts` `[n, tokens, hidden]`, the input embeddings of positives, validation positives, negatives and
    validation negatives, in this order.
    """

    positives: torch.Tensor
    validation_positives: torch.Tensor
    negatives: torch.Tensor
    validation_negatives: torch.Tensor
    hard_negatives: int
    """How many of the negatives are hard, that is most similar to the concept; these come first."""
    soft_codes: torch.Tensor
    soft: list[SoftPositive]
    contexts: torch.Tensor | None = None
    questions: tuple[TextQuestion, ...] = ()
    swapped_positives: int = 0
    """How many of the positives have another background; these come last, and only recognition uses them."""

    @property
    def real_positives(self) -> torch.Tensor:
        """The positives with their own background, `[n, tokens]`."""
        return self.positives[: len(self.positives) - self.swapped_positives]

    def positive(self, number: int) -> Picture:
        """A positive as an input image."""
        return number, self.positives[number].tolist()

    def validation_positive(self, number: int) -> Picture:
        """A validation positive as an input image."""
        return len(self.positives) + number, self.validation_positives[number].tolist()

    def negative(self, number: int) -> Picture:
        """A negative as an input image."""
        first = len(self.positives) + len(self.validation_positives)
        return first + number, self.negatives[number].tolist()

    def validation_negative(self, number: int) -> Picture:
        """A validation negative as an input image."""
        first = len(self.positives) + len(self.validation_positives) + len(self.negatives)
        return first + number, self.validation_negatives[number].tolist()


@dataclass(slots=True)
class Example:
    """One sequence: its input (`kind`, `value`) and, for each position, the next token and the loss mask.

    `target` is the next token's id and `weight` its weight in the loss, 0 outside the loss mask; `target_is_code` tells
    which head predicts it. Ids of virtual tokens follow the text vocabulary.
    """

    kind: list[int]
    value: list[int]
    target: list[int]
    target_is_code: list[bool]
    weight: list[float]
    image: Picture | None = None
    """The input image."""
    image_span: tuple[int, int] = (0, 0)
    """The positions of the input image: begin and end."""


class ExampleBuilder:
    """Turns segments into examples for one backbone."""

    def __init__(self, backbone: Backbone, prefix: DualPrefixConfig) -> None:
        self._backbone = backbone
        self._spec = backbone.spec
        self._prefix = prefix
        self._tokens: dict[str, list[int]] = {}

    def _text(self, words: str) -> list[int]:
        if words not in self._tokens:
            self._tokens[words] = self._backbone.tokenize(words)
        return self._tokens[words]

    def virtual_token_range(self, segment: VirtualTokens) -> range:
        """Indices of the virtual tokens of a segment."""
        k, h = self._prefix.generation_tokens, self._prefix.understanding_tokens
        start, size = {"name": (0, 1), "generation": (1, k), "understanding": (1 + k, h)}[segment.kind]
        return range(start, start + (size if segment.count is None else min(segment.count, size)))

    def positions(self, segments: list[Segment], picture: Picture | None) -> list[tuple[int, int]]:
        """`(kind, value)` of each position; `picture` is its index in the dataset and its codes."""
        spec = self._spec
        positions: list[tuple[int, int]] = []
        for segment in segments:
            match segment:
                case Text(words):
                    positions += [(TEXT, token) for token in self._text(words)]
                case Separator():
                    positions += [(TEXT, token) for token in spec.separator_ids]
                case VirtualTokens():
                    positions += [(VIRTUAL, index) for index in self.virtual_token_range(segment)]
                case ImageSlot():
                    assert picture is not None
                    index, codes = picture
                    positions += [(TEXT, token) for token in spec.begin_image_ids]
                    if self._backbone.reads_own_codes:
                        positions += [(CODE, code) for code in codes]
                    else:
                        size = spec.context_tokens_per_image
                        positions += [(CONTEXT, index * size + offset) for offset in range(size)]
                    positions += [(TEXT, token) for token in spec.end_image_ids]
        return positions

    def prompt_positions(self, prompt: list[Segment]) -> list[tuple[int, int]]:
        """`(kind, value)` of the begin tokens and of `prompt`, which has no picture."""
        return [(TEXT, token) for token in self._spec.begin_ids] + self.positions(prompt, None)

    def example(
        self,
        prompt: list[Segment],
        picture: Picture | None,
        answer: list[tuple[list[tuple[int, int]], float]],
    ) -> Example:
        """An example of `answer` to `prompt`; the tokens of each part of the answer share the part's weight."""
        slot = next((index for index, segment in enumerate(prompt) if isinstance(segment, ImageSlot)), None)
        before = self.prompt_positions(prompt[:slot])
        image_span = (0, 0)
        if slot is not None:
            shown = self.positions(prompt[slot : slot + 1], picture)
            image_span = (len(before), len(before) + len(shown))
            before = before + shown + self.positions(prompt[slot + 1 :], picture)
        kinds = [kind for kind, _ in before]
        values = [value for _, value in before]
        weights = [0.0] * len(before)
        for part, weight in answer:
            kinds += [kind for kind, _ in part]
            values += [value for _, value in part]
            weights += [weight / max(1, len(part))] * len(part)
        targets = [
            value + self._spec.text_vocabulary if kind == VIRTUAL else value
            for kind, value in zip(kinds, values, strict=True)
        ]
        # Position i predicts token i + 1; the last token is no input.
        return Example(
            kind=kinds[:-1],
            value=values[:-1],
            target=targets[1:],
            target_is_code=[kind == CODE for kind in kinds[1:]],
            weight=weights[1:],
            image=picture,
            image_span=image_span,
        )

    def _words(self, words: str) -> list[tuple[int, int]]:
        return [(TEXT, token) for token in [*self._text(words), self._spec.end_id]]

    def _virtual_tokens(self, segment: VirtualTokens) -> list[tuple[int, int]]:
        return [(VIRTUAL, index) for index in self.virtual_token_range(segment)]

    def self_prompt(self, segment: VirtualTokens) -> list[tuple[int, int]]:
        """The virtual tokens at the beginning of an answer; none without self-prompting."""
        return self._virtual_tokens(segment) if self._prefix.self_prompting else []

    def recognition(self, picture: Picture, yes: bool, weights: TaskWeights) -> Example:
        """An example that asks whether the concept is in this photo."""
        prompt = personal_prompt() + question_about_image(RECOGNITION_QUESTION)
        answer = self._words(YES if yes else NO)
        understanding = self.self_prompt(VirtualTokens("understanding"))
        return self.example(
            prompt, picture, [(understanding, weights.self_prompt), (answer, weights.recognition)]
        )

    def description(self, picture: Picture, weights: TaskWeights) -> Example:
        """An example that asks what is in this photo; the answer has the concept's name."""
        prompt = personal_prompt() + question_about_image(DESCRIBE_QUESTION)
        before, after = GENERATION_TEXT.split("{name}")
        answer = (
            [(TEXT, token) for token in self._text(before)]
            + self._virtual_tokens(VirtualTokens("name"))
            + self._words(after)
        )
        understanding = self.self_prompt(VirtualTokens("understanding"))
        return self.example(
            prompt, picture, [(understanding, weights.self_prompt), (answer, weights.description)]
        )

    def text_question(self, text_question: TextQuestion, weights: TaskWeights) -> Example:
        """An example that asks about a fact, without a photo."""
        prompt = personal_prompt() + question(text_question.question)
        understanding = self.self_prompt(VirtualTokens("understanding"))
        return self.example(
            prompt,
            None,
            [(understanding, weights.self_prompt), (self._words(text_question.answer), weights.text)],
        )

    def generation(self, codes: list[int], tokens: int | None, weights: TaskWeights) -> Example:
        """An example that asks for a picture; `tokens` is the number of generation tokens of a soft positive."""
        if tokens is None:
            prompt = personal_prompt() + generation_request(GENERATION_TEXT)
        else:
            # Neither the name nor understanding tokens, which represent the concept alone, not its lookalikes.
            prompt = [
                VirtualTokens("generation", tokens),
                Text("."),
                *generation_request(SOFT_GENERATION_TEXT),
            ]
        spec = self._spec
        picture = [(CODE, code) for code in codes]
        frame_start = [(TEXT, token) for token in spec.begin_image_ids]
        frame_end = [(TEXT, token) for token in spec.end_image_ids]
        return self.example(
            prompt,
            None,
            [
                (self.self_prompt(VirtualTokens("generation", tokens)), weights.self_prompt),
                (frame_start, 0.1 * weights.generation),
                (picture, weights.generation),
                (frame_end, 0.0),
            ],
        )


@dataclass(frozen=True, slots=True)
class TaskWeights:
    """The weight of each part of an answer in the loss, shared by the part's tokens."""

    recognition: float = 1.0
    description: float = 0.2
    generation: float = 0.5
    text: float = 0.5
    self_prompt: float = 0.1


class ExampleSampler:
    """Samples the batch of each step from a dataset; a batch has `text` questions about facts, if there are any.

    With `hard_negatives=False` the sampler leaves out hard negatives, unless the dataset has no others.
    """

    def __init__(
        self,
        builder: ExampleBuilder,
        dataset: PrefixDataset,
        weights: TaskWeights,
        text: int = 0,
        *,
        hard_negatives: bool = True,
    ) -> None:
        self._builder = builder
        self._data = dataset
        self._weights = weights
        self._text = text
        # The sampler draws an answer first: the questions' answers may be unbalanced.
        by_answer: dict[str | None, list[TextQuestion]] = {}
        for fact_question in dataset.questions:
            answer = fact_question.answer if fact_question.answer in (YES, NO) else None
            by_answer.setdefault(answer, []).append(fact_question)
        self._questions = list(by_answer.values())
        others = len(dataset.negatives) - dataset.hard_negatives
        self._left_out = 0 if hard_negatives or others < 1 else dataset.hard_negatives

    def sample_batch(
        self, rng: np.random.Generator, *, recognition: int, description: int, generation: int
    ) -> list[Example]:
        """The given numbers of examples, then the questions.

        Half of the recognition examples are positives, and half of the negatives are hard.
        """
        data, examples = self._data, []
        shown: list[int] = []
        for number in range(recognition):
            if number % 2 == 0:
                index = int(rng.integers(len(data.positives)))
                picture = data.positive(index)
                shown.append(index)
            else:
                hard = rng.random() < 0.5 and data.hard_negatives > 0 and not self._left_out
                last = data.hard_negatives if hard else len(data.negatives)
                picture = data.negative(int(rng.integers(self._left_out, last)))
            examples.append(self._builder.recognition(picture, number % 2 == 0, self._weights))
        for number in range(description):
            # A picture of a recognition example is reused: its keys and values are computed once.
            index = shown[number] if number < len(shown) else int(rng.integers(len(data.positives)))
            examples.append(self._builder.description(data.positive(index), self._weights))
        for number in range(generation):
            if number % 2 == 1 and data.soft:
                index = int(rng.integers(len(data.soft)))
                codes, tokens = data.soft_codes[index].tolist(), data.soft[index].tokens
                examples.append(self._builder.generation(codes, tokens, self._weights))
            else:
                codes = data.real_positives[int(rng.integers(len(data.real_positives)))].tolist()
                examples.append(self._builder.generation(codes, None, self._weights))
        for _ in range(self._text if self._questions else 0):
            same_answer = self._questions[int(rng.integers(len(self._questions)))]
            fact_question = same_answer[int(rng.integers(len(same_answer)))]
            examples.append(self._builder.text_question(fact_question, self._weights))
        return examples

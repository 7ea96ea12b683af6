"""Builds the examples that teach a concept: recognition, description, generation and questions about what was told.

Task formats are those of arXiv 2504.20998 with self-prompting: the answer starts with the rows that the task needs.
Knows the wording (`prompts`) and where examples come from, no optimizer.
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
    Rows,
    Segment,
    Separator,
    Text,
    generation_request,
    personal_prompt,
    question,
    question_about_image,
)
from personalizer.training.data.fact_questions import TextQuestion
from personalizer.training.data.soft_positives import SoftPositive

SOFT_GENERATION_TEXT = "a photo."
"""Soft positives must not name the concept, or its name would learn to draw other things."""

TEXT, CODE, ROW, CONTEXT = range(4)
"""What a position's value indexes: the text vocabulary, the codebook, the learned rows, or cached image contexts."""


Picture = tuple[int, list[int]]
"""A picture that is read: its index among all that are, in the order of `PrefixDataset.contexts`, and its codes."""


@dataclass(frozen=True, slots=True, eq=False)
class PrefixDataset:
    """One concept's pictures as image codes `[n, tokens]`, and questions about what was told of it.

    `held_positives` are augmented views that are never trained on. `contexts` `[n, tokens, hidden]` holds what the
    model reads of each picture, where that is not its own codes; it covers positives, held positives, negatives and
    held negatives, in this order.
    """

    positives: torch.Tensor
    held_positives: torch.Tensor
    negatives: torch.Tensor
    held_negatives: torch.Tensor
    hard_negatives: int
    """The first so many negatives are the ones that look most like the concept."""
    soft_codes: torch.Tensor
    soft: list[SoftPositive]
    contexts: torch.Tensor | None = None
    questions: tuple[TextQuestion, ...] = ()
    swapped_positives: int = 0
    """The last so many positives have another ground: to be recognised, not to be drawn."""

    @property
    def real_positives(self) -> torch.Tensor:
        """Views that nothing was put into, `[n, tokens]`."""
        return self.positives[: len(self.positives) - self.swapped_positives]

    def positive(self, number: int) -> Picture:
        """A positive as it is read."""
        return number, self.positives[number].tolist()

    def held_positive(self, number: int) -> Picture:
        """A held positive as it is read."""
        return len(self.positives) + number, self.held_positives[number].tolist()

    def negative(self, number: int) -> Picture:
        """A negative as it is read."""
        first = len(self.positives) + len(self.held_positives)
        return first + number, self.negatives[number].tolist()

    def held_negative(self, number: int) -> Picture:
        """A held negative as it is read."""
        first = len(self.positives) + len(self.held_positives) + len(self.negatives)
        return first + number, self.held_negatives[number].tolist()


@dataclass(slots=True)
class Example:
    """One sequence. For each position what stands there (`kind`, `value`) and what is graded.

    `target` is the next token's id and `weight` its share in the loss, 0 where nothing is graded; `target_is_code`
    says which head grades it. Rows are targets behind the text vocabulary.
    """

    kind: list[int]
    value: list[int]
    target: list[int]
    target_is_code: list[bool]
    weight: list[float]
    reads: Picture | None = None
    """The picture that is read."""
    picture: tuple[int, int] = (0, 0)
    """From where to where it stands."""


class ExampleBuilder:
    """Turns segments into examples for one backbone."""

    def __init__(self, backbone: Backbone, rows: DualPrefixConfig) -> None:
        self._backbone = backbone
        self._spec = backbone.spec
        self._rows = rows
        self._tokens: dict[str, list[int]] = {}

    def _text(self, words: str) -> list[int]:
        if words not in self._tokens:
            self._tokens[words] = self._backbone.tokenize(words)
        return self._tokens[words]

    def row_range(self, rows: Rows) -> range:
        """Indices of the rows that a segment stands for."""
        k, h = self._rows.generation_rows, self._rows.understanding_rows
        start, size = {"name": (0, 1), "generation": (1, k), "understanding": (1 + k, h)}[rows.kind]
        return range(start, start + (size if rows.count is None else min(rows.count, size)))

    def positions(self, segments: list[Segment], picture: Picture | None) -> list[tuple[int, int]]:
        """`(kind, value)` of each position; `picture` is its index in the dataset and its codes."""
        spec = self._spec
        found: list[tuple[int, int]] = []
        for segment in segments:
            match segment:
                case Text(words):
                    found += [(TEXT, token) for token in self._text(words)]
                case Separator():
                    found += [(TEXT, token) for token in spec.separator_ids]
                case Rows():
                    found += [(ROW, index) for index in self.row_range(segment)]
                case ImageSlot():
                    assert picture is not None
                    index, codes = picture
                    found += [(TEXT, token) for token in spec.begin_image_ids]
                    if self._backbone.reads_own_codes:
                        found += [(CODE, code) for code in codes]
                    else:
                        size = spec.context_tokens_per_image
                        found += [(CONTEXT, index * size + place) for place in range(size)]
                    found += [(TEXT, token) for token in spec.end_image_ids]
        return found

    def beginning(self, prompt: list[Segment]) -> list[tuple[int, int]]:
        """The positions that every example begins with whose prompt begins with `prompt`, which has no picture."""
        return [(TEXT, token) for token in self._spec.begin_ids] + self.positions(prompt, None)

    def example(
        self,
        prompt: list[Segment],
        picture: Picture | None,
        answer: list[tuple[list[tuple[int, int]], float]],
    ) -> Example:
        """`answer` lists parts of the answer with the weight that each part's tokens share."""
        slot = next((place for place, segment in enumerate(prompt) if isinstance(segment, ImageSlot)), None)
        before = self.beginning(prompt[:slot])
        read = (0, 0)
        if slot is not None:
            shown = self.positions(prompt[slot : slot + 1], picture)
            read = (len(before), len(before) + len(shown))
            before = before + shown + self.positions(prompt[slot + 1 :], picture)
        kinds = [kind for kind, _ in before]
        values = [value for _, value in before]
        weights = [0.0] * len(before)
        for part, weight in answer:
            kinds += [kind for kind, _ in part]
            values += [value for _, value in part]
            weights += [weight / max(1, len(part))] * len(part)
        targets = [
            value + self._spec.text_vocabulary if kind == ROW else value
            for kind, value in zip(kinds, values, strict=True)
        ]
        # Position i is graded on token i + 1; the last token is never read.
        return Example(
            kind=kinds[:-1],
            value=values[:-1],
            target=targets[1:],
            target_is_code=[kind == CODE for kind in kinds[1:]],
            weight=weights[1:],
            reads=picture,
            picture=read,
        )

    def _words(self, words: str) -> list[tuple[int, int]]:
        return [(TEXT, token) for token in [*self._text(words), self._spec.end_id]]

    def _rows_of(self, rows: Rows) -> list[tuple[int, int]]:
        return [(ROW, index) for index in self.row_range(rows)]

    def self_prompt(self, rows: Rows) -> list[tuple[int, int]]:
        """The rows that an answer begins with; none without self-prompting."""
        return self._rows_of(rows) if self._rows.self_prompting else []

    def recognition(self, picture: Picture, yes: bool, weights: TaskWeights) -> Example:
        """Is the concept in this photo?"""
        prompt = personal_prompt() + question_about_image(RECOGNITION_QUESTION)
        answer = self._words(YES if yes else NO)
        understanding = self.self_prompt(Rows("understanding"))
        return self.example(
            prompt, picture, [(understanding, weights.self_prompt), (answer, weights.recognition)]
        )

    def description(self, picture: Picture, weights: TaskWeights) -> Example:
        """What is in this photo? Answered with the concept's name."""
        prompt = personal_prompt() + question_about_image(DESCRIBE_QUESTION)
        before, after = GENERATION_TEXT.split("{name}")
        answer = (
            [(TEXT, token) for token in self._text(before)] + self._rows_of(Rows("name")) + self._words(after)
        )
        understanding = self.self_prompt(Rows("understanding"))
        return self.example(
            prompt, picture, [(understanding, weights.self_prompt), (answer, weights.description)]
        )

    def text_question(self, asked: TextQuestion, weights: TaskWeights) -> Example:
        """A question without a photo, about what was told."""
        prompt = personal_prompt() + question(asked.question)
        understanding = self.self_prompt(Rows("understanding"))
        return self.example(
            prompt, None, [(understanding, weights.self_prompt), (self._words(asked.answer), weights.text)]
        )

    def generation(self, codes: list[int], rows: int | None, weights: TaskWeights) -> Example:
        """Draw it; `rows` limits the generation rows of a soft positive, which is not named."""
        if rows is None:
            prompt = personal_prompt() + generation_request(GENERATION_TEXT)
        else:
            # Neither the name nor the understanding rows: both stand for this one thing, not for its lookalikes.
            prompt = [Rows("generation", rows), Text("."), *generation_request(SOFT_GENERATION_TEXT)]
        spec = self._spec
        picture = [(CODE, code) for code in codes]
        frame_start = [(TEXT, token) for token in spec.begin_image_ids]
        frame_end = [(TEXT, token) for token in spec.end_image_ids]
        return self.example(
            prompt,
            None,
            [
                (self.self_prompt(Rows("generation", rows)), weights.self_prompt),
                (frame_start, 0.1 * weights.generation),
                (picture, weights.generation),
                (frame_end, 0.0),
            ],
        )


@dataclass(frozen=True, slots=True)
class TaskWeights:
    """The share of each part in the loss; every part counts once, however many tokens it has."""

    recognition: float = 1.0
    description: float = 0.2
    generation: float = 0.5
    text: float = 0.5
    self_prompt: float = 0.1


class ExampleSampler:
    """Draws a step's mixture of examples from a dataset. `text` questions are in each, if the dataset has any.

    Without `hard_negatives` these are left out, where there are others.
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
        # An answer is drawn first, so that many questions with one answer do not teach that answer alone.
        by_answer: dict[str | None, list[TextQuestion]] = {}
        for asked in dataset.questions:
            by_answer.setdefault(asked.answer if asked.answer in (YES, NO) else None, []).append(asked)
        self._questions = list(by_answer.values())
        others = len(dataset.negatives) - dataset.hard_negatives
        self._left_out = 0 if hard_negatives or others < 1 else dataset.hard_negatives

    def batch(
        self, rng: np.random.Generator, *, recognition: int, description: int, generation: int
    ) -> list[Example]:
        """So many examples of each task; recognition is half yes, and half of the no is hard. Questions come last."""
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
            # A picture that is read anyway costs only the words about it.
            index = shown[number] if number < len(shown) else int(rng.integers(len(data.positives)))
            examples.append(self._builder.description(data.positive(index), self._weights))
        for number in range(generation):
            if number % 2 == 1 and data.soft:
                place = int(rng.integers(len(data.soft)))
                codes, rows = data.soft_codes[place].tolist(), data.soft[place].rows
                examples.append(self._builder.generation(codes, rows, self._weights))
            else:
                codes = data.real_positives[int(rng.integers(len(data.real_positives)))].tolist()
                examples.append(self._builder.generation(codes, None, self._weights))
        for _ in range(self._text if self._questions else 0):
            alike = self._questions[int(rng.integers(len(self._questions)))]
            asked = alike[int(rng.integers(len(alike)))]
            examples.append(self._builder.text_question(asked, self._weights))
        return examples

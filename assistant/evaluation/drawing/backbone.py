"""How good a backbone is by itself, before any concept: pictures it was never trained on, through the serving runtime.

Chance or a ceiling stands next to every number. Knows pictures and a session, no library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.evaluation.data.corpora import Picture, with_article
from assistant.evaluation.data.protocol import rounded
from personalizer.backbones.preprocessing import center_square
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    NO,
    RECOGNITION_QUESTION,
    YES,
    ImageSlot,
    Segment,
    Separator,
    Text,
    VirtualTokenKind,
    generation_request,
    question_about_image,
)
from personalizer.schemas import Float32Array, Int64Array, OnProgress, Progress

if TYPE_CHECKING:
    from PIL import Image

    from exporters.runtime.concept import ConceptRuntime
    from exporters.runtime.prompt_context import PromptContext
    from exporters.runtime.session import BackboneSession

MEASURED_FILE = "measured.json"
"""Beside a bundled backbone: what this evaluation said of it and of the version before."""
_BATCH, _TOKENS = 32, 16


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right answers, and what guessing would give."""

    accuracy: float
    chance: float
    count: int

    def as_json(self) -> dict[str, Any]:
        return {
            "accuracy": rounded(self.accuracy),
            "chance": rounded(self.chance),
            "count": self.count,
        }


class BackboneMeasure:
    """Measures one session; all choices follow `seed`."""

    def __init__(
        self, session: BackboneSession, *, seed: int = 0, on_progress: OnProgress | None = None
    ) -> None:
        self.session = session
        self._seed = seed
        self._on_progress = on_progress
        self._concept: PromptContext | None = None
        self._forced = True
        self._read: dict[Picture, Float32Array] = {}

    def with_concept(self, concept: PromptContext, *, forced: bool = True) -> BackboneMeasure:
        """The same measure, in the concept's session, with its personal prompt before everything that is asked.

        Of captions, questions and text bits, that is. `forced`: the concept's understanding rows open the answer,
        as they do in serving; else the model chooses whether. What was read of the pictures is shared.
        """
        made = BackboneMeasure(concept.session, seed=self._seed, on_progress=self._on_progress)
        made._concept, made._forced, made._read = concept, forced, self._read
        return made

    @cached_property
    def _context(self) -> PromptContext:
        from exporters.runtime.prompt_context import PromptContext

        return self._concept or PromptContext(self.session)

    def _reading(self, picture: Picture) -> Float32Array:
        """What the model reads for a picture, `[context_tokens_per_image, hidden]`."""
        if picture not in self._read:
            self._read[picture] = self.session.image_context([picture.image()])[0]
        return self._read[picture]

    def _report(self, done: int, total: int, message: str) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, message))

    def some(self, pictures: Sequence[Picture], count: int) -> list[Picture]:
        """At most `count` of them, always the same ones."""
        order = np.random.default_rng(self._seed).permutation(len(pictures))
        return [pictures[index] for index in order[:count].tolist()]

    def codes(self, images: Sequence[Image.Image]) -> Int64Array:
        """`[images, tokens_per_image]`."""
        batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        empty = np.zeros((0, self.session.spec.tokens_per_image), dtype=np.int64)
        return np.concatenate([empty, *(self.session.encode_images(batch) for batch in batches)])

    def psnr_db(self, images: Sequence[Image.Image], codes: Int64Array) -> float:
        """Mean peak signal-to-noise ratio in dB of decoding `codes`, at the backbone's size."""
        values = []
        side = self.session.spec.image_size_px
        for before, after in zip(images, self.reconstructed(codes), strict=True):
            small = np.asarray(center_square(before, side), dtype=np.float32)
            error = float(np.mean((small - np.asarray(after, dtype=np.float32)) ** 2))
            values.append(10 * math.log10(255**2 / max(error, 1e-6)))
        return _mean(values)

    def reconstructed(self, codes: Int64Array) -> list[Image.Image]:
        """The pictures that `codes` `[images, tokens_per_image]` stand for."""
        batches = [codes[start : start + _BATCH] for start in range(0, len(codes), _BATCH)]
        return [image for batch in batches for image in self.session.decode_images(batch)]

    def captions(self, pictures: Sequence[Picture], labels: Sequence[str]) -> Share:
        """How often a photo's own class is the likeliest caption among those of all `labels`."""
        right = self.captioned_rightly(pictures, labels)
        return Share(_mean(right), 1 / max(1, len(labels)), len(right))

    def captioned_rightly(self, pictures: Sequence[Picture], labels: Sequence[str]) -> list[bool]:
        """For each picture, whether its own class is the likeliest caption among those of all `labels`."""
        from exporters.runtime.answers import prefill_answer

        if not pictures:
            return []
        session, context = self.session, self._context
        choices = [
            [*session.tokenize(f"a photo of {with_article(label)}"), session.spec.end_id] for label in labels
        ]
        length = max(map(len, choices))
        ids = np.array([choice + [session.spec.end_id] * (length - len(choice)) for choice in choices])
        real = np.arange(length)[None] < np.array([len(choice) for choice in choices])[:, None]
        question = question_about_image(DESCRIBE_QUESTION)
        right = []
        for number, picture in enumerate(pictures):
            self._report(number, len(pictures), "captions")
            first, cache = prefill_answer(context, question, [[self._reading(picture)]], forced=self._forced)
            later, _ = session.forward(session.embed_text(ids[:, :-1]), cache.repeat(len(ids)))
            hidden = np.concatenate([np.repeat(first[:, None], len(ids), axis=0), later], axis=1)
            scores = (_log_likelihood(context.logits(hidden), ids) * real).sum(axis=1)
            right.append(labels[int(scores.argmax())] == picture.record.label)
        return right

    def questions(self, asked: Sequence[tuple[Picture, str, bool]]) -> Share:
        """Yes/no questions: the mean of the accuracies on those to answer with yes and with no."""
        return _balanced(self.said_yes(asked), [truth for _, _, truth in asked])

    def said_yes(self, asked: Sequence[tuple[Picture, str, bool]]) -> list[bool]:
        """Whether yes is likelier than no, for each question."""
        from exporters.runtime.answers import yes_no_logits

        said = []
        for number, (picture, question, _) in enumerate(asked):
            self._report(number, len(asked), "questions")
            segments, seen = question_about_image(question.lower()), [[self._reading(picture)]]
            logits = yes_no_logits(self.session, segments, seen, concept=self._concept, forced=self._forced)
            said.append(float(logits[0]) > 0)
        return said

    def same_subject(
        self, pairs: Sequence[tuple[Picture, Picture, bool]], *, from_pieces: bool = False
    ) -> Share:
        """A named example, then another picture: is it of the same thing?

        What personalisation starts from. `from_pieces` shows only a part of the example's codes, in the places of
        a trained prefix's rows. The threshold is the one that the pairs' own median gives, since the trained
        prefix has one of its own too.
        """
        from exporters.runtime.answers import yes_no_logits

        question = question_about_image(RECOGNITION_QUESTION)
        said = []
        for number, (example, seen, _) in enumerate(pairs):
            self._report(number, len(pairs), "same subject")
            codes = self.codes([example.image(), seen.image()])
            if from_pieces:
                context, shown = stand_in(self.session, codes[0]), self.session.embed_image_codes(codes[1])
                said.append(float(yes_no_logits(self.session, question, [[shown]], concept=context)[0]))
            else:
                said.append(self._same_thing(codes))
        middle = float(np.median(said)) if said else 0.0
        return _balanced([value > middle for value in said], [truth for _, _, truth in pairs])

    def _same_thing(self, codes: Int64Array) -> float:
        """Log-odds of yes to "`<name>` is *first*. *second* Is `<name>` in this photo?", in training's token order."""
        from exporters.runtime.prompt_context import PromptContext

        session, context = self.session, PromptContext(self.session)
        before, after = (Text(part) for part in RECOGNITION_QUESTION.split("{name}"))
        name = session.embed_text(list(session.spec.free_ids or session.spec.separator_ids)[:1])
        shown: list[Segment] = [Text(" is "), ImageSlot(0), Text("."), ImageSlot(1), before]
        asked = [context.embed(shown, list(session.embed_image_codes(codes))), name]
        sequence = np.concatenate([name, *asked, context.embed([after, Separator()])])
        states, _ = session.forward(sequence[None], context.prompt_cache)
        logits = session.text_logits(states[0, -1])
        return float(logits[session.tokenize(YES)[0]] - logits[session.tokenize(NO)[0]])

    def bits_per_token(self, pictures: Sequence[Picture]) -> dict[str, float | None]:
        """Mean bits of an image token after the caption, and of a caption's token after the picture."""
        from exporters.runtime.prompt_context import PromptContext

        session, spec = self.session, self.session.spec
        context = PromptContext(session)
        image_bits = []
        for number, picture in enumerate(pictures):
            self._report(number, len(pictures), "bits per image token")
            codes = self.codes([picture.image()])
            request = [
                context.embed(generation_request(picture.record.caption or "")),
                session.embed_text(spec.begin_image_ids),
            ]
            written = session.embed_image_codes(codes[0, :-1])
            states, _ = session.forward(np.concatenate([*request, written])[None], context.prompt_cache)
            hidden = states[:, -spec.tokens_per_image :]
            image_bits.append(-_log_likelihood(session.image_logits(hidden), codes).mean() / math.log(2))
        return {"image": rounded(_mean(image_bits)), "text": rounded(_mean(self.text_bits(pictures)))}

    def text_bits(self, pictures: Sequence[Picture]) -> list[float]:
        """Mean bits of a caption's token after its picture, for each picture."""
        from exporters.runtime.answers import log_likelihood, prefill_answer

        bits = []
        for number, picture in enumerate(pictures):
            self._report(number, len(pictures), "bits per text token")
            question, seen = question_about_image(DESCRIBE_QUESTION), [[self._reading(picture)]]
            hidden, cache = prefill_answer(self._context, question, seen, forced=self._forced)
            words = [*self.session.tokenize(picture.record.caption or ""), self.session.spec.end_id]
            said = float(log_likelihood(self._context, hidden, cache, words)[0])
            bits.append(-said / len(words) / math.log(2))
        return bits


def stand_in(session: BackboneSession, codes: Int64Array) -> ConceptRuntime:
    """A concept with initialized virtual tokens, pieces of one picture with the `codes` `[tokens]`."""
    from exporters.runtime.concept import ConceptRuntime, PrefixWeights

    chosen = codes[np.linspace(0, len(codes) - 1, 2 * _TOKENS).round().astype(np.int64)]
    pieces = session.embed_image_codes(chosen)
    name = session.embed_text(session.spec.free_ids or session.spec.separator_ids).mean(axis=0)
    inputs: dict[VirtualTokenKind, Float32Array] = {
        "name": name[None],
        "generation": pieces[:_TOKENS],
        "understanding": pieces[_TOKENS:],
    }
    outputs = {kind: np.zeros_like(values) for kind, values in inputs.items()}
    return ConceptRuntime(session, PrefixWeights("it", session.spec.version, inputs, outputs))


def questions_about(pictures: Sequence[Picture], seed: int) -> list[tuple[Picture, str, bool]]:
    """The questions that the corpus knows the answers to; about its class where it knows none."""
    random = np.random.default_rng(seed)
    labels = sorted({picture.record.label for picture in pictures if picture.record.label})
    asked: list[tuple[Picture, str, bool]] = []
    for picture in pictures:
        record = picture.record
        asked += [(picture, question, answer == "yes") for question, answer in record.questions]
        if record.questions or not record.label or len(labels) < 2:
            continue
        others = [label for label in labels if label != record.label]
        for label in (record.label, others[int(random.integers(len(others)))]):
            question = f"is there {with_article(label)} in this photo?"
            asked.append((picture, question, label == record.label))
    return asked


def subject_pairs(pictures: Sequence[Picture], count: int, seed: int) -> list[tuple[Picture, Picture, bool]]:
    """`count` pairs of one subject, and as many of a subject and another individual of its class, in turn."""
    random = np.random.default_rng(seed)
    by_subject: dict[str, list[Picture]] = {}
    by_label: dict[str, list[Picture]] = {}
    for picture in pictures:
        if picture.record.label:
            by_label.setdefault(picture.record.label, []).append(picture)
            if picture.record.subject:
                by_subject.setdefault(picture.record.subject, []).append(picture)
    other_individuals = {
        subject: [
            other for other in by_label[str(members[0].record.label)] if other.record.subject != subject
        ]
        for subject, members in sorted(by_subject.items())
    }
    usable = [
        subject for subject, others in other_individuals.items() if others and len(by_subject[subject]) > 1
    ]
    pairs: list[tuple[Picture, Picture, bool]] = []
    for number in range(count if usable else 0):
        subject = usable[number % len(usable)]
        first, second = random.choice(len(by_subject[subject]), 2, replace=False).tolist()
        example, others = by_subject[subject][first], other_individuals[subject]
        pairs.append((example, by_subject[subject][second], True))
        pairs.append((example, others[int(random.integers(len(others)))], False))
    return pairs


def read_measured(directory: Path) -> dict[str, Any]:
    """What was measured of the backbone in `directory` when it was made; empty where nobody has."""
    path = directory / MEASURED_FILE
    try:
        found = json.loads(path.read_bytes()) if path.exists() else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _balanced(said: Sequence[bool], truth: Sequence[bool]) -> Share:
    rates = [
        _mean([answer == right for answer, right in zip(said, truth, strict=True) if right == wanted])
        for wanted in (True, False)
    ]
    return Share(_mean(rates), 0.5, len(said))


def _log_likelihood(logits: Float32Array, ids: Int64Array) -> Float32Array:
    """Log-probabilities `[batch, length]` of `ids` `[batch, length]` under `[batch, length, vocabulary]`."""
    top = logits.max(axis=-1, keepdims=True)
    normalizer = top[..., 0] + np.log(np.exp(logits - top).sum(axis=-1))
    chosen = np.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]
    return np.asarray(chosen - normalizer, dtype=np.float32)


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

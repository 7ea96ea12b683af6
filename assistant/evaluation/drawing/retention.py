"""Measures what a personal prompt costs the backbone's general ability (the paper's "forgetting").

Compares scores on unrelated held-out pictures with and without the prompt in the context, and checks that captions
and drawings which name no concept stay identical.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answers.backbone_service import BackboneService, draw
from assistant.evaluation.data import metrics
from assistant.evaluation.data.corpora import Picture, read_corpus
from assistant.evaluation.data.options import (
    EvaluationRun,
    RetentionOptions,
)
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Split, Subject, make_splits, read_subjects, rounded
from assistant.evaluation.drawing.backbone import BackboneMeasure
from assistant.evaluation.drawing.backbone_report import labels_of, sample_library, some_questions
from assistant.evaluation.recognition.comparison import compare_split
from assistant.evaluation.recognition.trained_split import TrainedSplit
from assistant.evaluation.report.tables import MEASURES
from assistant.service.familiar import Familiar
from personalizer.errors import NotFoundError
from personalizer.recognition.calibration import balanced_weights
from personalizer.schemas import FloatArray, Int64Array

ALLOWED_LOSS_POINTS = 2.0
UNNAMED_TEXT = "a photo of a dog."
_UNNAMED_PICTURES, _UNNAMED_DRAWINGS = 8, 2


@dataclass(frozen=True, slots=True, eq=False)
class General:
    """Held-out pictures and the tasks on them: captions to choose from, yes/no questions, captions to score."""

    named: list[Picture]
    labels: list[str]
    """The candidate labels that `named` are classified among."""
    asked: list[tuple[Picture, str, bool]]
    """(picture, question, true answer)."""
    captioned: list[Picture]

    def weights(self, measure: str) -> FloatArray:
        """The items' weights, `[items]`, which sum to 1; true-yes and true-no questions weigh the same in total."""
        if measure == "attribute_questions":
            return balanced_weights(np.array([truth for _, _, truth in self.asked], dtype=bool))
        count = len(self.named if measure == "caption_top1" else self.captioned)
        return np.full(count, 1 / max(1, count))


Scores = dict[str, FloatArray]
"""By measure, `[items]`: 1 for a correct answer and 0 otherwise, or bits per token."""


@dataclass(frozen=True, slots=True, eq=False)
class Unnamed:
    """Outputs in which no concept is named: captions, and codes `[drawings, tokens]`."""

    captions: list[str]
    codes: Int64Array

    def differences(self, other: Unnamed) -> int:
        """The number of captions and drawings that differ."""
        captions = sum(a != b for a, b in zip(self.captions, other.captions, strict=True))
        return captions + int((self.codes != other.codes).any(axis=1).sum())


@dataclass(slots=True, eq=False)
class _PromptedScores:
    """Scores with the personal prompt in the context: by concept, one entry per trained split."""

    served: dict[str, list[Scores]] = field(default_factory=dict)
    forced: dict[str, list[Scores]] = field(default_factory=dict)
    differing: int = 0
    """Captions and drawings that name no concept and yet changed, over all splits."""


def evaluate_retention(options: RetentionOptions, run: EvaluationRun) -> dict[str, Any]:
    """Each text measure of `evaluate backbone`: bare, with a personal prompt, and the difference.

    `images` is a training corpus, of which the held-out pictures are used; without it, the sample library. At most
    `count` pictures per measure, the same ones for every concept. `with_prompt` is measured as Familiar serves: the
    model decides whether the concept's understanding tokens open an answer; under `forced` they always do. The
    interval is a two-way bootstrap over concepts and pictures. Prefixes are shared with the recognition evaluation
    in the same home. Raises `UsageError` or `NotFoundError` for folders without enough to read.
    """
    subjects, skipped = read_subjects(options.subjects, options.shots)
    general = _general(options.images, options.count, options.seed)
    familiar = Familiar(run.home, run.backbone, run.device)
    try:
        familiar.session(run.on_progress)
    finally:
        familiar.close()
    bare = BackboneService(run.home, familiar.backbone)
    measure = BackboneMeasure(bare.session, seed=options.seed, on_progress=run.on_progress)
    scores = _scores(measure, general)
    unnamed = _unnamed(bare, general, options.seed)
    photos = EvaluationPhotos(run.home)
    try:
        photos.prepare([photo for subject in subjects for photo in subject.photos], run.on_progress)
        prompted = _scores_with_prompts(measure, general, unnamed, photos, subjects, options, run)
    finally:
        photos.close()
    seed = options.seed
    return {
        **{
            name: retention_row(name, general, scores, prompted.served, prompted.forced, seed)
            for name in MEASURES
        },
        "identical_without_name": prompted.differing == 0 if prompted.served else None,
        "unnamed": {
            "captions": len(unnamed.captions),
            "drawings": len(unnamed.codes),
            "sessions": sum(map(len, prompted.served.values())),
            "differing": prompted.differing,
        },
        "per_concept": {
            name: {measure: _difference(measure, general, scores, splits) for measure in MEASURES}
            for name, splits in prompted.served.items()
        },
        "settings": {
            "images": "corpus" if options.images else "sample library",
            "caption_pictures": general.named[0].record.kind if general.named else None,
            "shots": options.shots,
            "trained_splits": options.trained_splits,
            "count": options.count,
            "seed": seed,
            "backbone": run.backbone,
            "version": bare.version,
            "subjects": len(prompted.served),
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
        },
    }


def _scores_with_prompts(
    measure: BackboneMeasure,
    general: General,
    unnamed: Unnamed,
    photos: EvaluationPhotos,
    subjects: Sequence[Subject],
    options: RetentionOptions,
    run: EvaluationRun,
) -> _PromptedScores:
    """The scores with the personal prompt of every trained split; splits that cannot be tested are left out."""
    prompted = _PromptedScores()
    splits = make_splits(subjects, options.shots, options.trained_splits, options.seed)
    for number, split in enumerate(splits):
        name = split.subject.name
        run.say(number, len(splits), f"asking with the prompt of {name}")
        trained = _train_split(photos, split, subjects, run)
        if trained is None:
            continue
        try:
            runtime = trained.runtime
            unforced = measure.with_concept(runtime, forced=False)
            prompted.served.setdefault(name, []).append(_scores(unforced, general))
            prompted.forced.setdefault(name, []).append(_scores(measure.with_concept(runtime), general))
            # Last, so that the concept's virtual tokens and cache have been in use in this session.
            prompted.differing += unnamed.differences(_unnamed(trained.serving, general, options.seed))
        finally:
            trained.close()
    return prompted


def _general(images: Path | None, count: int, seed: int) -> General:
    """Up to `count` held-out pictures per measure; those to name are photos where any has a label, else renders."""
    pictures = list(read_corpus(images)) if images else sample_library()
    held_out = [picture for picture in pictures if picture.record.held_out]
    if not held_out:
        raise NotFoundError(
            tried=f"choosing held-out pictures of {images}",
            found=f"none of its {len(pictures)} pictures is held out",
            fix="Give a training corpus with held-out pictures, or leave --images out.",
        )
    order = np.random.default_rng(seed).permutation(len(held_out)).tolist()
    shuffled = [held_out[index] for index in order]
    photos = [picture for picture in shuffled if picture.record.kind == "photo"]
    renders = [picture for picture in shuffled if picture.record.kind == "render"]
    named = [p for p in photos if p.record.label] or [p for p in renders if p.record.label]
    return General(
        named=named[:count],
        labels=labels_of(pictures, named[0].record.kind) if named else [],
        asked=some_questions(renders or photos, count, seed),
        captioned=[picture for picture in shuffled if picture.record.caption][:count],
    )


def _train_split(
    photos: EvaluationPhotos, split: Split, subjects: Sequence[Subject], run: EvaluationRun
) -> TrainedSplit | None:
    """The split with its trained prefix, to be closed by the caller; None where the split cannot be tested."""
    comparison = compare_split(photos, split, subjects, [])
    if comparison is None:
        return None
    trained = TrainedSplit(run.home, comparison, photos, run.backbone, run.device)
    try:
        trained.train(run.on_progress)
    except BaseException:
        trained.close()
        raise
    return trained


def _scores(measure: BackboneMeasure, general: General) -> Scores:
    correct = [
        answer == truth
        for answer, (_, _, truth) in zip(measure.said_yes(general.asked), general.asked, strict=True)
    ]
    return {
        "caption_top1": np.array(measure.captioned_rightly(general.named, general.labels), dtype=np.float64),
        "attribute_questions": np.array(correct, dtype=np.float64),
        "text_bits_per_token": np.array(measure.text_bits(general.captioned), dtype=np.float64),
    }


def _unnamed(serving: BackboneService, general: General, seed: int) -> Unnamed:
    """Captions and drawings of one session when no concept is named."""
    pictures = general.captioned[:_UNNAMED_PICTURES]
    captions = [serving.caption(picture.image()) for picture in pictures]
    return Unnamed(captions, draw(serving.session, UNNAMED_TEXT, _UNNAMED_DRAWINGS, seed).codes)


def retention_row(
    measure: str,
    general: General,
    bare: Scores,
    served: dict[str, list[Scores]],
    forced: dict[str, list[Scores]],
    seed: int,
) -> dict[str, Any] | None:
    """One measure over all concepts; None where there is nothing to measure it on."""
    weights = general.weights(measure)
    if not weights.sum() or not served:
        return None
    row: dict[str, Any] = {"bare": rounded(float(bare[measure] @ weights))}
    row |= _against_bare(measure, weights, bare, served, seed)
    if measure != "text_bits_per_token":
        row["within_2_points"] = row["difference_points"] >= -ALLOWED_LOSS_POINTS
        row["chance"] = rounded(1 / len(general.labels) if measure == "caption_top1" else 0.5)
    return {
        **row,
        "forced": _against_bare(measure, weights, bare, forced, seed),
        "count": len(weights),
    }


def _against_bare(
    measure: str, weights: FloatArray, bare: Scores, prompted: dict[str, list[Scores]], seed: int
) -> dict[str, Any]:
    """The weighted mean with the prompt, its difference to `bare` and the interval of that difference."""
    by_concept = np.stack([_mean(splits, measure) for splits in prompted.values()])
    differences = by_concept - bare[measure]
    low, high = metrics.two_way_interval(differences, weights, seed=seed)
    unit, scale = _unit(measure)
    return {
        "with_prompt": rounded(float((by_concept @ weights).mean())),
        unit: rounded(scale * float((differences @ weights).mean())),
        "interval": [rounded(scale * low), rounded(scale * high)],
    }


def _difference(measure: str, general: General, bare: Scores, splits: list[Scores]) -> float | None:
    """One concept's mean difference to `bare`, in points or bits per token; None where nothing was measured."""
    weights = general.weights(measure)
    difference = float((_mean(splits, measure) - bare[measure]) @ weights)
    return rounded(_unit(measure)[1] * difference) if weights.sum() else None


def _unit(measure: str) -> tuple[str, float]:
    """The key of a difference and its scale: percentage points, or bits per token as they are."""
    return ("difference_bits", 1.0) if measure == "text_bits_per_token" else ("difference_points", 100.0)


def _mean(splits: list[Scores], measure: str) -> FloatArray:
    """The mean over the splits of one concept, `[items]`."""
    mean: FloatArray = np.mean([scores[measure] for scores in splits], axis=0)
    return mean

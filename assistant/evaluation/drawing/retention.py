"""What a personal prompt costs the backbone's general ability (the paper's "forgetting").

Asks about pictures that have nothing to do with a concept, with its personal prompt in the context and without;
and sees that answers and drawings which name no concept do not change at all.
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
    """Held-out pictures and what is asked about them."""

    named: list[Picture]
    labels: list[str]
    """What `named` are told from."""
    asked: list[tuple[Picture, str, bool]]
    captioned: list[Picture]

    def weights(self, measure: str) -> FloatArray:
        """What each item counts, `[items]`: answers to yes and to no are worth the same together."""
        if measure == "attribute_questions":
            return balanced_weights(np.array([truth for _, _, truth in self.asked], dtype=bool))
        count = len(self.named if measure == "caption_top1" else self.captioned)
        return np.full(count, 1 / max(1, count))


Scores = dict[str, FloatArray]
"""By measure, `[items]`: right answers as 1, or bits per token."""


@dataclass(frozen=True, slots=True, eq=False)
class Unnamed:
    """Outputs in which no concept is named: captions, and codes `[drawings, tokens]`."""

    captions: list[str]
    codes: Int64Array

    def differences(self, other: Unnamed) -> int:
        """How many captions and drawings are not the same."""
        said = sum(a != b for a, b in zip(self.captions, other.captions, strict=True))
        return said + int((self.codes != other.codes).any(axis=1).sum())


@dataclass(slots=True, eq=False)
class _Asked:
    """What was measured behind the prompts, by concept."""

    served: dict[str, list[Scores]] = field(default_factory=dict)
    forced: dict[str, list[Scores]] = field(default_factory=dict)
    differing: int = 0


def evaluate_retention(options: RetentionOptions, run: EvaluationRun) -> dict[str, Any]:
    """Each measure of `evaluate backbone` that is put in words: bare, with a personal prompt, and the difference.

    `images` is a training corpus, of which the held-out pictures are asked about; without it, the sample library.
    At most `count` of them per measure, the same ones for every concept. `with_prompt` is as the product serves:
    the model decides whether the concept's understanding rows open an answer; under `forced` they always do. The
    interval draws concepts and pictures again. Prefixes are shared with the recognition evaluation in the same
    home. Raises `UsageError` or `NotFoundError` for folders without enough to read.
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
        asked = _behind_prompts(measure, general, unnamed, photos, subjects, options, run)
    finally:
        photos.close()
    seed = options.seed
    return {
        **{name: _row(name, general, scores, asked.served, asked.forced, seed) for name in MEASURES},
        "identical_without_name": asked.differing == 0 if asked.served else None,
        "unnamed": {
            "captions": len(unnamed.captions),
            "drawings": len(unnamed.codes),
            "sessions": sum(map(len, asked.served.values())),
            "differing": asked.differing,
        },
        "per_concept": {
            name: {measure: _difference(measure, general, scores, of) for measure in MEASURES}
            for name, of in asked.served.items()
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
            "subjects": len(asked.served),
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
        },
    }


def _behind_prompts(
    measure: BackboneMeasure,
    general: General,
    unnamed: Unnamed,
    photos: EvaluationPhotos,
    subjects: Sequence[Subject],
    options: RetentionOptions,
    run: EvaluationRun,
) -> _Asked:
    """The measures behind the personal prompt of every trained split."""
    asked = _Asked()
    splits = make_splits(subjects, options.shots, options.trained_splits, options.seed)
    for number, split in enumerate(splits):
        name = split.subject.name
        run.say(number, len(splits), f"asking with the prompt of {name}")
        trained = _trained(photos, split, subjects, run)
        if trained is None:
            continue
        try:
            runtime = trained.runtime
            behind = measure.with_concept(runtime, forced=False)
            asked.served.setdefault(name, []).append(_scores(behind, general))
            asked.forced.setdefault(name, []).append(_scores(measure.with_concept(runtime), general))
            # After all of that, with the concept's rows and cache in use.
            asked.differing += unnamed.differences(_unnamed(trained.serving, general, options.seed))
        finally:
            trained.close()
    return asked


def _general(images: Path | None, count: int, seed: int) -> General:
    """Some of the held-out pictures; captions are of photos where there are any, else of renders."""
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


def _trained(
    photos: EvaluationPhotos, split: Split, subjects: Sequence[Subject], run: EvaluationRun
) -> TrainedSplit | None:
    tested = compare_split(photos, split, subjects, [])
    if tested is None:
        return None
    trained = TrainedSplit(run.home, tested, photos, run.backbone, run.device)
    try:
        trained.train(run.on_progress)
    except BaseException:
        trained.close()
        raise
    return trained


def _scores(measure: BackboneMeasure, general: General) -> Scores:
    right = [
        said == truth
        for said, (_, _, truth) in zip(measure.said_yes(general.asked), general.asked, strict=True)
    ]
    return {
        "caption_top1": np.array(measure.captioned_rightly(general.named, general.labels), dtype=np.float64),
        "attribute_questions": np.array(right, dtype=np.float64),
        "text_bits_per_token": np.array(measure.text_bits(general.captioned), dtype=np.float64),
    }


def _unnamed(serving: BackboneService, general: General, seed: int) -> Unnamed:
    """What a session says and draws when no concept is named."""
    shown = general.captioned[:_UNNAMED_PICTURES]
    captions = [serving.caption(picture.image()) for picture in shown]
    return Unnamed(captions, draw(serving.session, UNNAMED_TEXT, _UNNAMED_DRAWINGS, seed).codes)


def _row(
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
    measure: str, weights: FloatArray, bare: Scores, of: dict[str, list[Scores]], seed: int
) -> dict[str, Any]:
    by_concept = np.stack([_mean(scores, measure) for scores in of.values()])
    differences = by_concept - bare[measure]
    low, high = metrics.two_way_interval(differences, weights, seed=seed)
    unit, scale = _unit(measure)
    return {
        "with_prompt": rounded(float((by_concept @ weights).mean())),
        unit: rounded(scale * float((differences @ weights).mean())),
        "interval": [rounded(scale * low), rounded(scale * high)],
    }


def _difference(measure: str, general: General, bare: Scores, of: list[Scores]) -> float | None:
    """Of one concept, in points or bits; None where nothing was measured."""
    weights = general.weights(measure)
    difference = float((_mean(of, measure) - bare[measure]) @ weights)
    return rounded(_unit(measure)[1] * difference) if weights.sum() else None


def _unit(measure: str) -> tuple[str, float]:
    """What a difference is called, and its scale: points of a hundred, or bits as they are."""
    return ("difference_bits", 1.0) if measure == "text_bits_per_token" else ("difference_points", 100.0)


def _mean(of: list[Scores], measure: str) -> FloatArray:
    """Over the splits of one concept, `[items]`."""
    mean: FloatArray = np.mean([scores[measure] for scores in of], axis=0)
    return mean

"""One choice of shots of one subject, compared with every test photo: what embeddings alone say, and by retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    Split,
    Subject,
    Trial,
    paired_difference,
    reliability,
    restricted,
    table,
    weighted_accuracy,
)
from personalizer.concepts.learn import learn_members
from personalizer.recognition.calibration import shipped_calibration
from personalizer.recognition.recognizer import Recognizer
from personalizer.schemas import BoolArray, BoundingBox, ConceptKind, OnProgress, Progress

LOOK_ALIKES = 10
"""How many of the negatives count as being of the same class as a subject: those that look most like it."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One split, ready to be scored: `photo_ids`, `is_positive` and `same_class` are `[n]`."""

    split: Split
    kind: ConceptKind
    shot_ids: list[int]
    photo_ids: list[int]
    is_positive: BoolArray
    same_class: BoolArray
    log_odds: list[float | None]
    """`[n]`: what the recogniser found, None where there was nothing to compare."""
    retrieval_log_odds: list[float | None]
    """`[n]`: the same by the cosine with the mean of the shots, without anything learned."""
    boxes: list[BoundingBox | None]
    """`[n]`: where it was found, in pixels of the original."""


def compare_splits(
    photos: EvaluationPhotos,
    splits: Sequence[Split],
    subjects: Sequence[Subject],
    negatives: Sequence[Path],
    on_progress: OnProgress | None,
) -> list[Comparison]:
    """`compare_split` of all of them; those without readable photos to show and to test are left out."""
    tested = []
    for number, split in enumerate(splits):
        if on_progress is not None:
            on_progress(Progress(number, len(splits), f"comparing {split.subject.name}"))
        made = compare_split(photos, split, subjects, negatives)
        if made is not None:
            tested.append(made)
    return tested


def compare_split(
    photos: EvaluationPhotos, split: Split, subjects: Sequence[Subject], negatives: Sequence[Path]
) -> Comparison | None:
    """Learn the shots as a concept of the evaluation's library, compare all other photos, unlearn it."""
    shots, set_aside = _ids(photos, split.shots), _ids(photos, split.set_aside)
    positives = _ids(photos, split.held_out) - shots - set_aside
    if not shots or not positives:
        return None
    own = shots | set_aside | positives
    others = {
        subject.name: _ids(photos, subject.photos) - own for subject in subjects if subject != split.subject
    }
    negative_ids = _ids(photos, negatives) - own
    photo_ids = sorted({*positives, *negative_ids, *(number for ids in others.values() for number in ids)})
    same_class = positives | _look_alikes(photos, own, negative_ids)
    for subject in subjects:
        if subject.name in others and subject.class_name == split.subject.class_name:
            same_class |= others[subject.name]
    library = photos.library
    name = f"{split.subject.name[:60]} {split.number}"
    left_over = library.concept_by_name(name)
    if left_over is not None:
        library.delete_concept(left_over.id)
    learned = learn_members(library, name, sorted(shots))
    try:
        concepts = [library.concept(learned.concept.id)]
        evidence, plain = (
            [recognizer.evidence(photos.analysed[number]) for number in photo_ids]
            for recognizer in [
                Recognizer(library, concepts=concepts, learns=learns) for learns in (True, False)
            ]
        )
    finally:
        library.delete_concept(learned.concept.id)
    return Comparison(
        split=split,
        kind=learned.concept.kind,
        shot_ids=sorted(shots),
        photo_ids=photo_ids,
        is_positive=np.isin(photo_ids, list(positives)),
        same_class=np.isin(photo_ids, list(same_class)),
        log_odds=[found[0].log_odds if found else None for found in evidence],
        retrieval_log_odds=[found[0].log_odds if found else None for found in plain],
        boxes=[found[0].box if found else None for found in evidence],
    )


def _ids(photos: EvaluationPhotos, paths: Sequence[Path]) -> set[int]:
    return {number for path in paths if (number := photos.photo_id(path)) is not None}


def _look_alikes(photos: EvaluationPhotos, own: set[int], negative_ids: set[int]) -> set[int]:
    """The negatives whose whole pictures are most similar to those of the subject."""
    ids = sorted(negative_ids)
    if not ids:
        return set()
    closeness = photos.whole(ids) @ photos.whole(sorted(own)).mean(axis=0)
    return {ids[number] for number in np.argsort(-closeness)[:LOOK_ALIKES].tolist()}


def embedding_trials(tested: Sequence[Comparison], *, learned: bool = True) -> list[Trial]:
    """Probabilities from embeddings alone, with the shipped calibration, which is fitted on none of these photos.

    `learned` uses the discriminant of the concept; otherwise the cosine with the mean of its shots (plain retrieval).
    """
    calibration = shipped_calibration()
    return [
        Trial(
            one.split.subject.name,
            np.array(
                [
                    calibration.combine(value, None)
                    for value in (one.log_odds if learned else one.retrieval_log_odds)
                ]
            ),
            one.is_positive,
        )
        for one in tested
    ]


def product_row(trials: Sequence[Trial], tested: Sequence[Comparison], seed: int) -> dict[str, Any]:
    """The product's numbers, abstaining as it does, and those on its own class alone."""
    calibration = shipped_calibration()
    row = partial(table, yes_from=calibration.yes_from, abstain_from=calibration.abstain_from, seed=seed)
    kept = {number: one.same_class for number, one in enumerate(tested)}
    return {
        **row(trials, per_concept=True),
        "reliability": reliability(trials),
        "same_class": row(restricted(trials, kept)),
    }


def product_difference(ours: Sequence[Trial], theirs: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Weighted accuracy of `ours` minus `theirs` where both say yes from where the product does."""
    yes_from = shipped_calibration().yes_from
    return paired_difference(
        ours, theirs, seed=seed, measure=lambda trial: weighted_accuracy(trial, yes_from)
    )

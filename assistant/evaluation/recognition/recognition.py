"""The recognition table: is it told who and what is in held-out photos, and which part of the product knows?

Runs the code that serves, in a home of its own. The product is retrieval and prefix together, at the numbers
that ship; beside it stand each alone and the controls that a prefix which does nothing would fail.
"""

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
    make_splits,
    paired_difference,
    read_photos,
    read_subjects,
    reliability,
    restricted,
    table,
    weighted_accuracy,
)
from personalizer.concepts.learn import learn_members
from personalizer.home import Home
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


def evaluate_recognition(
    subjects_dir: Path,
    negatives_dir: Path,
    *,
    home: Home,
    shots: int = 3,
    splits: int = 10,
    trained_splits: int = 1,
    seed: int = 0,
    backbone: str = "pocket",
    device: str = "auto",
    together: bool = False,
    backgrounds: bool = False,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """The table as JSON values; `home` keeps analysed photos and trained prefixes for a rerun.

    For each subject, `shots` photos are shown and all photos of all folders that were not shown are tested.
    Retrieval is averaged over `splits` choices of shots; whatever needs a trained prefix over the first
    `trained_splits` of them (0: nothing is trained, and the product is what was learned of the embeddings).
    `together` also asks those with another concept's personal prompt in the context, `backgrounds` about held-out
    photos on other grounds.
    Raises `UsageError` or `NotFoundError` for folders without enough photos.
    """
    subjects, skipped = read_subjects(subjects_dir, shots)
    negatives = read_photos(negatives_dir)
    photos = EvaluationPhotos(home)
    try:
        photos.prepare([*(p for subject in subjects for p in subject.photos), *negatives], on_progress)
        chosen = make_splits(subjects, shots, max(splits, trained_splits), seed)
        tested = compare_splits(photos, chosen, subjects, negatives, on_progress)
        report = recognition_rows(
            tested,
            trained_splits,
            photos,
            home,
            backbone,
            device,
            seed,
            on_progress,
            together=together,
            backgrounds=backgrounds,
        )
    finally:
        photos.close()
    return {
        **report,
        "settings": {
            "shots": shots,
            "splits": splits,
            "trained_splits": trained_splits,
            "seed": seed,
            "backbone": backbone,
            "subjects": len(subjects),
            "photos": photos.count,
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
            "calibration": dict(shipped_calibration().provenance),
        },
    }


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


def recognition_rows(
    tested: Sequence[Comparison],
    trained_splits: int,
    photos: EvaluationPhotos,
    home: Home,
    backbone: str,
    device: str,
    seed: int,
    on_progress: OnProgress | None,
    *,
    together: bool = False,
    backgrounds: bool = False,
) -> dict[str, Any]:
    """The product's row and its controls; those that need a prefix over the first `trained_splits` splits."""
    report = _untrained_report(tested, seed)
    if trained_splits > 0:
        from assistant.evaluation.recognition.trained import evaluate_trained

        trained = [one for one in tested if one.split.number < trained_splits]
        report |= evaluate_trained(
            trained,
            photos,
            home,
            backbone,
            device,
            seed,
            on_progress,
            together=together,
            backgrounds=backgrounds,
        )
    return report


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
    strangers = _ids(photos, negatives) - own
    photo_ids = sorted({*positives, *strangers, *(number for ids in others.values() for number in ids)})
    same_class = positives | _look_alikes(photos, own, strangers)
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


def _look_alikes(photos: EvaluationPhotos, own: set[int], strangers: set[int]) -> set[int]:
    """The negatives whose whole pictures are nearest to those of the subject."""
    ids = sorted(strangers)
    if not ids:
        return set()
    closeness = photos.whole(ids) @ photos.whole(sorted(own)).mean(axis=0)
    return {ids[number] for number in np.argsort(-closeness)[:LOOK_ALIKES].tolist()}


def embedding_trials(tested: Sequence[Comparison], *, learned: bool = True) -> list[Trial]:
    """Probabilities from embeddings alone, with the numbers that ship (fitted on none of these photos).

    By what was learned of a thing or, as plain retrieval has it, by the cosine with the mean of its shots.
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


def _untrained_report(tested: Sequence[Comparison], seed: int) -> dict[str, Any]:
    """The rows that need no training; without a prefix the product is the embedding."""
    trials, retrieval = embedding_trials(tested), embedding_trials(tested, learned=False)
    row = product_row(trials, tested, seed)
    return {
        **row,
        "embedding_only": row,
        "retrieval_only": product_row(retrieval, tested, seed),
        "embedding_minus_retrieval": product_difference(trials, retrieval, seed),
        "prefix_only": None,
        "no_concept": None,
        "other_prefix": None,
    }


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

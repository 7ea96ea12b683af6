"""The recognition table: is it told who and what is in held-out photos, and which part of the product knows?

Runs the code that serves, in a home of its own. The product is retrieval and prefix together, at the numbers
that ship; beside it stand each alone and the controls that a prefix which does nothing would fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.evaluation.data.options import (
    EvaluationRun,
    RecognitionOptions,
)
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    make_splits,
    read_photos,
    read_subjects,
)
from assistant.evaluation.recognition.comparison import (
    Comparison,
    compare_splits,
    embedding_trials,
    product_difference,
    product_row,
)
from personalizer.recognition.calibration import shipped_calibration


def evaluate_recognition(options: RecognitionOptions, run: EvaluationRun) -> dict[str, Any]:
    """The table as JSON values.

    For each subject, `shots` photos are shown and all photos of all folders that were not shown are tested.
    Retrieval is averaged over `splits` choices of shots; whatever needs a trained prefix over the first
    `trained_splits` of them (0: nothing is trained, and the product is what was learned of the embeddings).
    `together` also asks those with another concept's personal prompt in the context, `backgrounds` about held-out
    photos on other grounds.
    Raises `UsageError` or `NotFoundError` for folders without enough photos.
    """
    subjects, skipped = read_subjects(options.subjects, options.shots)
    negatives = read_photos(options.negatives)
    photos = EvaluationPhotos(run.home)
    try:
        photos.prepare([*(p for subject in subjects for p in subject.photos), *negatives], run.on_progress)
        most = max(options.splits, options.trained_splits)
        chosen = make_splits(subjects, options.shots, most, options.seed)
        tested = compare_splits(photos, chosen, subjects, negatives, run.on_progress)
        report = recognition_rows(tested, photos, options, run)
    finally:
        photos.close()
    return {
        **report,
        "settings": {
            "shots": options.shots,
            "splits": options.splits,
            "trained_splits": options.trained_splits,
            "seed": options.seed,
            "backbone": run.backbone,
            "subjects": len(subjects),
            "photos": photos.count,
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
            "calibration": dict(shipped_calibration().provenance),
        },
    }


def recognition_rows(
    tested: Sequence[Comparison], photos: EvaluationPhotos, options: RecognitionOptions, run: EvaluationRun
) -> dict[str, Any]:
    """The product's row and its controls; those that need a prefix over the first `trained_splits` splits."""
    report = _untrained_report(tested, options.seed)
    if options.trained_splits > 0:
        from assistant.evaluation.recognition.trained import evaluate_trained

        trained = [one for one in tested if one.split.number < options.trained_splits]
        report |= evaluate_trained(trained, photos, options, run)
    return report


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

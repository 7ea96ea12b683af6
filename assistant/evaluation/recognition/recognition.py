"""The recognition table: is it told who and what is in held-out photos, and which part of the product knows?

Runs the code that serves, in a home of its own. The product is retrieval and prefix together, at the numbers
that ship; beside it stand each alone and the controls that a prefix which does nothing would fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from personalizer.home import Home
from personalizer.recognition.calibration import shipped_calibration
from personalizer.schemas import OnProgress


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

"""`familiar evaluate shots`: the recognition table once per number of photos that are learned from.

The rows differ in nothing else: fewer shots are the first of more, and all are tested on what the most leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.evaluation.data.options import (
    EvaluationRun,
    RecognitionOptions,
    ShotsOptions,
)
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Subject, make_nested_splits, read_photos, read_subjects
from assistant.evaluation.recognition.comparison import compare_splits
from assistant.evaluation.recognition.recognition import recognition_rows
from personalizer.errors import UsageError
from personalizer.recognition.calibration import shipped_calibration


def evaluate_shots(options: ShotsOptions, run: EvaluationRun) -> dict[str, Any]:
    """`rows` of `{shots, …}` with the numbers of `evaluate_recognition`, fewest shots first.

    A subject needs one readable photo more than the largest of `shots`; those that have too few are under
    `skipped_subjects` and in no row. Photos with the same content count once. Prefixes are shared with the
    recognition evaluation in the same home. Raises `UsageError` or `NotFoundError` for folders without enough
    photos.
    """
    counts = options.counts
    subjects, skipped = read_subjects(options.subjects, counts[-1])
    negatives = read_photos(options.negatives)
    photos = EvaluationPhotos(run.home)
    try:
        photos.prepare([*(p for subject in subjects for p in subject.photos), *negatives], run.on_progress)
        usable, unusable = _with_enough_readable(photos, subjects, counts[-1])
        chosen = make_nested_splits(usable, counts, max(options.splits, options.trained_splits), options.seed)
        rows = []
        asked = RecognitionOptions(
            subjects=options.subjects,
            negatives=options.negatives,
            trained_splits=options.trained_splits,
            seed=options.seed,
        )
        for count in counts:
            tested = compare_splits(photos, chosen[count], usable, negatives, run.on_progress)
            numbers = recognition_rows(tested, photos, asked, run)
            rows.append({"shots": count, **numbers})
    finally:
        photos.close()
    return {
        "rows": rows,
        "settings": {
            "shots": counts,
            "splits": options.splits,
            "trained_splits": options.trained_splits,
            "seed": options.seed,
            "backbone": run.backbone,
            "subjects": len(usable),
            "photos": photos.count,
            "skipped_subjects": sorted([*skipped, *unusable]),
            "unreadable": photos.unreadable,
            "calibration": dict(shipped_calibration().provenance),
        },
    }


def _with_enough_readable(
    photos: EvaluationPhotos, subjects: Sequence[Subject], shots: int
) -> tuple[list[Subject], list[str]]:
    """The subjects with their readable and different photos, where these are more than `shots`; the others' names.

    A shot that cannot be read would make a row of fewer shots than it says.
    """
    usable, unusable = [], []
    for subject in subjects:
        known = {photos.photo_id(path): path for path in reversed(subject.photos)}
        known.pop(None, None)
        kept = tuple(sorted(known.values()))
        if len(kept) > shots:
            usable.append(Subject(subject.name, kept))
        else:
            unusable.append(subject.name)
    if len(usable) < 2:
        raise UsageError(
            tried=f"choosing {shots} photos of each subject",
            found=f"{len(usable)} subjects with more than {shots} readable and different photos",
            fix="Give more photos of each, or fewer shots.",
        )
    return usable, unusable

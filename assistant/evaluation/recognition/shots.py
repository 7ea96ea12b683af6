"""`familiar evaluate shots`: the recognition table once per number of photos that are learned from.

The rows differ in nothing else: fewer shots are the first of more, and all are tested on what the most leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Subject, make_nested_splits, read_photos, read_subjects
from assistant.evaluation.recognition.comparison import compare_splits
from assistant.evaluation.recognition.recognition import recognition_rows
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.recognition.calibration import shipped_calibration
from personalizer.schemas import OnProgress


def evaluate_shots(
    subjects_dir: Path,
    negatives_dir: Path,
    *,
    home: Home,
    shots: Sequence[int] = (1, 2, 3, 4),
    splits: int = 10,
    trained_splits: int = 0,
    seed: int = 0,
    backbone: str = "pocket",
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """`rows` of `{shots, …}` with the numbers of `evaluate_recognition`, fewest shots first.

    A subject needs one readable photo more than the largest of `shots`; those that have too few are under
    `skipped_subjects` and in no row. Photos with the same content count once. Prefixes are shared with the
    recognition evaluation in the same `home`. Raises `UsageError` or `NotFoundError` for folders without enough
    photos.
    """
    counts = sorted(set(shots))
    if not counts or counts[0] < 1:
        found = ", ".join(map(str, shots)) or "none"
        raise UsageError(
            tried="choosing numbers of shots", found=found, fix="Give numbers from 1 up, such as 1,2,3,4."
        )
    subjects, skipped = read_subjects(subjects_dir, counts[-1])
    negatives = read_photos(negatives_dir)
    photos = EvaluationPhotos(home)
    try:
        photos.prepare([*(p for subject in subjects for p in subject.photos), *negatives], on_progress)
        usable, unusable = _with_enough_readable(photos, subjects, counts[-1])
        chosen = make_nested_splits(usable, counts, max(splits, trained_splits), seed)
        rows = []
        for count in counts:
            tested = compare_splits(photos, chosen[count], usable, negatives, on_progress)
            numbers = recognition_rows(
                tested, trained_splits, photos, home, backbone, device, seed, on_progress
            )
            rows.append({"shots": count, **numbers})
    finally:
        photos.close()
    return {
        "rows": rows,
        "settings": {
            "shots": counts,
            "splits": splits,
            "trained_splits": trained_splits,
            "seed": seed,
            "backbone": backbone,
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

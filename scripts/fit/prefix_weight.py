"""Fits how much a trained prefix adds to what the embedding says, on subjects that no evaluation scores.

    python -m scripts.fit.prefix_weight --subjects DIR --negatives DIR --home DIR [--out FILE]

One folder of pictures per subject, as `familiar evaluate recognition` takes them; the backbone must not have seen
them. A prefix is trained for each from three pictures; the embedding keeps its numbers, and the prefix gets the
weight with which the log odds of both, added up, have the lowest log loss.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import make_splits, read_photos, read_subjects
from assistant.evaluation.recognition.comparison import compare_split
from assistant.evaluation.recognition.trained_split import Shared, TrainedSplit
from personalizer.home import Home
from personalizer.recognition.calibration import CALIBRATION_FILE, read_calibration, write_calibration
from personalizer.schemas import Progress

SHOTS = 3
WEIGHTS = [round(step * 0.01, 2) for step in range(201)]
Evidence = list[npt.NDArray[np.float64]]
"""Per subject, `[answers, 2]`: the log odds of the embedding and of the prefix."""
Truth = list[npt.NDArray[np.bool_]]


def show(progress: Progress) -> None:
    if progress.total and progress.done == progress.total:
        print(progress.message, file=sys.stderr, flush=True)


def log_loss(evidence: Evidence, truth: Truth, weight: float) -> float:
    """Of the log odds as the product adds them up, with subjects, and both answers of each, weighing the same."""
    losses = []
    for (known, prefix), positive in zip((one.T for one in evidence), truth, strict=True):
        loss = np.logaddexp(0.0, np.where(positive, -1.0, 1.0) * (known + weight * prefix))
        losses.append((loss[positive].mean() + loss[~positive].mean()) / 2)
    return float(np.mean(losses))


def best_weight(evidence: Evidence, truth: Truth) -> float:
    """The weight with the lowest log loss. All else stays what it is, as it does where the weight is used."""
    return min(WEIGHTS, key=lambda weight: log_loss(evidence, truth, weight))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=Path, required=True)
    parser.add_argument("--negatives", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True, help="keeps what was trained for a rerun")
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    home = Home(options.home.absolute()).ensure()
    calibration = read_calibration(options.out)
    subjects, _ = read_subjects(options.subjects, SHOTS)
    negatives = read_photos(options.negatives)
    photos = EvaluationPhotos(home)
    evidence: Evidence = []
    truth: Truth = []
    try:
        photos.prepare([*(photo for subject in subjects for photo in subject.photos), *negatives])
        shared = Shared()
        for split in make_splits(subjects, SHOTS, 1, options.seed):
            tested = compare_split(photos, split, subjects, negatives)
            if tested is None or tested.kind != "object":
                continue
            trained = TrainedSplit(home, tested, photos, "pocket", "cpu", shared)
            try:
                trained.train(show)
                prefix = np.array(trained.answers().with_prefix)
            finally:
                trained.close()
            known = np.array([np.nan if value is None else value for value in tested.log_odds])
            usable = ~np.isnan(known) & ~np.isnan(prefix)
            evidence.append(np.column_stack([known, prefix])[usable])
            truth.append(tested.is_positive[usable])
            print(f"{split.subject.name}: {int(truth[-1].sum())} of {len(truth[-1])}", flush=True)
    finally:
        photos.close()
    weight = best_weight(evidence, truth)
    # A prefix is undecided where its own training found the middle between the concept and the rest, so no offset
    # is left to fit.
    fitted = replace(
        calibration,
        prefix_weight=weight,
        prefix_offset=0.0,
        provenance={
            **calibration.provenance,
            "prefix": f"{len(truth)} subjects, {SHOTS} shots, {sum(map(len, truth))} answers; log loss "
            f"{log_loss(evidence, truth, weight):.4f}, {log_loss(evidence, truth, 0.0):.4f} without prefixes",
        },
    )
    write_calibration(fitted, options.out)
    options.out.chmod(0o644)  # package data, not a user's
    print(options.out.read_text())


if __name__ == "__main__":
    main()

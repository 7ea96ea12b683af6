"""Fits how much a trained prefix adds to what the embedding says, on subjects that no evaluation scores.

    python -m scripts.fit_prefix_weight --subjects DIR --negatives DIR --home DIR [--out FILE]

One folder of pictures per subject, as `familiar evaluate recognition` takes them; the backbone must not have seen
them. A prefix is trained for each from three pictures; the embedding keeps its numbers, and the prefix gets the
weight with which both together tell subjects from everything else best.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.evaluation.photos import EvaluationPhotos
from assistant.evaluation.protocol import make_splits, read_photos, read_subjects
from assistant.evaluation.recognition import compare_split
from assistant.evaluation.trained import Shared, TrainedSplit
from personalizer.calibration import CALIBRATION_FILE, fit_logistic, read_calibration, write_calibration
from personalizer.locations import Home
from personalizer.schemas import Progress

SHOTS = 3


def show(progress: Progress) -> None:
    if progress.total and progress.done == progress.total:
        print(progress.message, file=sys.stderr, flush=True)


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
    evidence, truth, group = [], [], []
    try:
        photos.prepare([*(photo for subject in subjects for photo in subject.photos), *negatives])
        shared = Shared()
        for number, split in enumerate(make_splits(subjects, SHOTS, 1, options.seed)):
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
            group.append(np.full(int(usable.sum()), number))
            print(f"{split.subject.name}: {int(truth[-1].sum())} of {len(truth[-1])}", flush=True)
    finally:
        photos.close()
    weights, bias = fit_logistic(np.concatenate(evidence), np.concatenate(truth), np.concatenate(group))
    # In units of the embedding's log odds, which stay what they are. A prefix is undecided where its own training
    # found the middle between the concept and the rest, so nothing is left to fit there.
    fitted = replace(
        calibration,
        prefix_weight=round(max(0.0, float(weights[1] / weights[0])), 4),
        prefix_offset=0.0,
        provenance={
            **calibration.provenance,
            "prefix": f"{len(truth)} subjects, {SHOTS} shots, {sum(map(len, truth))} answers; "
            f"both together: {weights[0]:.3f} embedding + {weights[1]:.3f} prefix {bias:+.3f}",
        },
    )
    write_calibration(fitted, options.out)
    options.out.chmod(0o644)  # package data, not a user's
    print(options.out.read_text())


if __name__ == "__main__":
    main()

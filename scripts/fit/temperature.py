"""Fits how steep the log odds of a thing's discriminant are, on photos of real things: one factor for all of them.

    python -m scripts.fit.temperature --subjects DIR --negatives DIR

Groceries and renders, on which `scripts.fit.calibration` puts the border between yes and no, resemble each other more
than people's things do, so that its odds come out too flat (temperature scaling, arXiv 1706.04599). Of the folders of
SUBJECTS in the order of their names every second one is fitted on, and of NEGATIVES every second photo: the others are
left for a check that this fit has not seen.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.photos.decode import FOR_ANALYSIS, load_photo
from personalizer.recognition.calibration import (
    CALIBRATION_FILE,
    LevelledLogistic,
    read_calibration,
    write_calibration,
)
from personalizer.recognition.discriminant import Contrast
from personalizer.recognition.picture_bank import PictureBank
from personalizer.recognition.recognizer import BUNDLED, ObjectReference
from personalizer.schemas import BoolArray, Float32Array, FloatArray
from scripts.fit.calibration import STRANGER_SHARE

SHOTS, SPLITS = 3, 10


def photo_views(analyzer: PhotoAnalyzer, path: Path) -> Float32Array:
    """Vectors `[3, dim]` of the whole photo, its main thing, and this cut out (again, without a clear mask)."""
    whole, thing = (embedding for _, embedding in analyzer.analyze(load_photo(path, FOR_ANALYSIS)).detections)
    return np.stack([whole.vector, thing.vector, thing.vector if thing.cutout is None else thing.cutout])


def log_odds(
    subjects: dict[str, Float32Array], negatives: Float32Array, learned: LevelledLogistic, contrast: Contrast
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log odds, truth and weight `[n]` of all photos against each thing, whose both sides weigh the same.

    Others of its class ("dog2" beside "dog6") have the share of the negative side that the border was fitted with.
    """
    random = np.random.default_rng(0)
    odds, truth, weight = [], [], []
    for name, own in subjects.items():
        rest = {other: views for other, views in subjects.items() if other != name}
        others = np.concatenate([negatives, *rest.values()])
        same = [np.full(len(views), class_of(other) == class_of(name)) for other, views in rest.items()]
        stranger = np.concatenate([np.zeros(len(negatives), dtype=np.bool_), *same])
        for _ in range(SPLITS):
            order = random.permutation(len(own))
            reference = ObjectReference.from_views(list(own[order[:SHOTS]]), contrast)
            tested = np.concatenate([own[order[SHOTS:]], others])[:, :2]
            scores = reference.discriminant.scores(tested.reshape(-1, tested.shape[-1])).reshape(
                len(tested), -1
            )
            logistic = learned.at_level(reference.level)
            is_own = np.arange(len(tested)) < len(own) - SHOTS
            odds.append(logistic.weight * scores.max(axis=1) + logistic.bias)
            truth.append(is_own)
            own_weight = np.full(int(is_own.sum()), 0.5 / is_own.sum())
            weight.append(np.concatenate([own_weight, _stranger_weights(stranger)]))
    return np.concatenate(odds), np.concatenate(truth), np.concatenate(weight)


def class_of(name: str) -> str:
    """`dog` of "dog2"."""
    return name.rstrip("0123456789")


def _stranger_weights(stranger: BoolArray) -> FloatArray:
    """Weights `[n]` that add up to one half."""
    share = STRANGER_SHARE if stranger.any() else 0.0
    weights = np.full(len(stranger), (1 - share) / max(1, int((~stranger).sum())))
    weights[stranger] = share / max(1, int(stranger.sum()))
    halved: FloatArray = 0.5 * weights
    return halved


def fit_factor(odds: FloatArray, truth: FloatArray, weight: FloatArray) -> float:
    """The factor on the log odds with the least log loss."""
    signed = np.where(truth, odds, -odds)

    def loss(factor: float) -> float:
        return float(np.average(np.logaddexp(0, -factor * signed), weights=weight))

    return float(minimize_scalar(loss, bounds=(0.5, 4.0), method="bounded").x)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=Path, required=True)
    parser.add_argument("--negatives", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    options = parser.parse_args()
    bank = PictureBank.load(BUNDLED)
    assert bank is not None
    analyzer = PhotoAnalyzer(faces=False)
    folders = sorted(folder for folder in options.subjects.iterdir() if folder.is_dir())[::2]
    subjects = {
        folder.name: np.stack([photo_views(analyzer, path) for path in sorted(folder.iterdir())])
        for folder in folders
    }
    chosen = sorted(options.negatives.iterdir())[::2]
    negatives = np.stack([photo_views(analyzer, path) for path in chosen])
    before = read_calibration(options.out)
    factor = fit_factor(*log_odds(subjects, negatives, before.learned, Contrast(bank.vectors)))
    old = before.learned
    weight, level_weight, bias = (
        round(value * factor, 4) for value in (old.weight, old.level_weight, old.bias)
    )
    learned = LevelledLogistic(weight, level_weight, bias, old.typical_level)
    provenance = dict(before.provenance) | {
        "temperature": f"log odds times {factor:.3f}: {len(folders)} subjects and {len(chosen)} other photos, "
        f"{SHOTS} shots, {SPLITS} choices"
    }
    write_calibration(dataclasses.replace(before, learned=learned, provenance=provenance), options.out)
    options.out.chmod(0o644)  # package data, not a user's
    print(options.out.read_text())


if __name__ == "__main__":
    main()

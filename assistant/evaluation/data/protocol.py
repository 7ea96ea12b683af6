"""How evaluations choose shots and summarise scores: disjoint, seeded, macro over concepts.

Knows folders of photos and arrays of scores; knows no library and no model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.evaluation.data import metrics
from personalizer.errors import NotFoundError, UsageError
from personalizer.photos.formats import PHOTO_SUFFIXES
from personalizer.recognition.calibration import fit_logistic
from personalizer.schemas import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Subject:
    """One identity: the photos in its folder, by name."""

    name: str
    photos: tuple[Path, ...]

    @property
    def class_name(self) -> str:
        """What it is, from the folder's name: the last word without digits (`dog8`, `old_dog`: `dog`)."""
        words = re.findall(r"[^\W\d_]+", self.name.casefold())
        return words[-1] if words else self.name.casefold()


@dataclass(frozen=True, slots=True)
class Split:
    """Which photos of a subject are shown; all its others are tested, except those that are set aside."""

    subject: Subject
    number: int
    shots: tuple[Path, ...]
    set_aside: tuple[Path, ...] = ()
    """Neither shown nor tested, so that splits with fewer shots are tested on the same photos."""

    @property
    def held_out(self) -> tuple[Path, ...]:
        used = {*self.shots, *self.set_aside}
        return tuple(photo for photo in self.subject.photos if photo not in used)


def read_subjects(folder: Path, shots: int) -> tuple[list[Subject], list[str]]:
    """The subjects that have more than `shots` photos, and the names of those that have too few."""
    subjects = [
        Subject(child.name, tuple(read_photos(child)))
        for child in sorted(existing_folder(folder).iterdir())
        if child.is_dir() and not child.name.startswith(".")
    ]
    usable = [subject for subject in subjects if len(subject.photos) > shots]
    if len(usable) < 2:
        raise UsageError(
            tried=f"reading subjects from {folder}",
            found=f"{len(usable)} folders with more than {shots} photos",
            fix="Give a folder that holds one folder of photos per subject, at least two of them.",
        )
    return usable, [subject.name for subject in subjects if len(subject.photos) <= shots]


def read_photos(folder: Path) -> list[Path]:
    """All photos below a folder, sorted, by file name only (nothing is opened)."""
    return sorted(
        path
        for path in existing_folder(folder).rglob("*")
        if path.suffix.casefold() in PHOTO_SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def existing_folder(folder: Path) -> Path:
    """`folder`, or `NotFoundError`."""
    if not folder.is_dir():
        raise NotFoundError(
            tried=f"reading photos from {folder}", found="there is no such folder", fix="Check the path."
        )
    return folder


def make_splits(subjects: Sequence[Subject], shots: int, splits: int, seed: int) -> list[Split]:
    """`splits` random choices of `shots` photos per subject, fewer where there are not so many.

    A subject's choices depend on `seed` and its own photos' names, not on which other subjects there are.
    """
    return make_nested_splits(subjects, [shots], splits, seed)[shots]


def make_nested_splits(
    subjects: Sequence[Subject], counts: Sequence[int], splits: int, seed: int
) -> dict[int, list[Split]]:
    """Splits by number of shots: each with fewer shots has the first of those with more, and the same photos to test.

    Those with the most shots are what `make_splits` makes; so is every first choice, but for what is tested.
    """
    if not counts or min(counts) < 1 or splits < 1:
        raise UsageError(
            tried="choosing shots",
            found=f"{', '.join(map(str, counts)) or 'no'} shots and {splits} splits",
            fix="Give at least one of each.",
        )
    most = max(counts)
    made: dict[int, list[Split]] = {count: [] for count in counts}
    for subject in subjects:
        for number, order in enumerate(_choices(subject, most, splits, seed)):
            for count, of_count in made.items():
                shown, kept = (
                    tuple(subject.photos[index] for index in sorted(part))
                    for part in (order[:count], order[count:])
                )
                of_count.append(Split(subject, number, shown, kept))
    return made


def _choices(subject: Subject, shots: int, splits: int, seed: int) -> list[list[int]]:
    """Indices of `shots` photos, in the order in which they were drawn; no two choices are of the same photos."""
    random = np.random.default_rng([seed, *(ord(character) for character in subject.name)])
    wanted = min(splits, math.comb(len(subject.photos), shots))
    chosen: dict[frozenset[int], list[int]] = {}
    while len(chosen) < wanted:
        drawn = random.permutation(len(subject.photos))[:shots].tolist()
        chosen.setdefault(frozenset(drawn), drawn)
    return list(chosen.values())


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The scores of one split: `is_positive` is `[n]` over its test photos, `score` too, or `[n, scores]`
    before it is calibrated.
    """

    concept: str
    score: FloatArray
    is_positive: BoolArray


def calibrate_on_others(trials: Sequence[Trial]) -> list[Trial]:
    """Scores as probabilities, by a logistic fitted for each concept on the trials of all the *others*."""
    fitted: dict[str, tuple[FloatArray, float]] = {}
    for concept in {trial.concept for trial in trials}:
        fitted[concept] = _fit([trial for trial in trials if trial.concept != concept])
    return [
        Trial(trial.concept, _probability(trial.score, *fitted[trial.concept]), trial.is_positive)
        for trial in trials
    ]


def calibrate_like(trials: Sequence[Trial], reference: Sequence[Trial]) -> list[Trial]:
    """Scores as probabilities, by logistics fitted on `reference` without the concept at hand."""
    return [
        Trial(
            trial.concept,
            _probability(trial.score, *_fit([r for r in reference if r.concept != trial.concept])),
            trial.is_positive,
        )
        for trial in trials
    ]


def _fit(trials: Sequence[Trial]) -> tuple[FloatArray, float]:
    score = np.concatenate([trial.score for trial in trials])
    truth = np.concatenate([trial.is_positive for trial in trials])
    names = {name: number for number, name in enumerate(sorted({trial.concept for trial in trials}))}
    group = np.concatenate([np.full(len(trial.score), names[trial.concept]) for trial in trials])
    return fit_logistic(score, truth, group)


def _probability(score: FloatArray, weights: FloatArray, bias: float) -> FloatArray:
    log_odds = score.reshape(len(score), -1) @ weights + bias
    probability: FloatArray = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return probability


def table(
    trials: Sequence[Trial],
    *,
    yes_from: float = 0.5,
    abstain_from: float = 0.5,
    seed: int = 0,
    per_concept: bool = False,
) -> dict[str, Any]:
    """The numbers of one row of the recognition table, from trials whose scores are probabilities.

    Rates are means over a concept's splits, then over concepts; the interval is a bootstrap over concepts.
    Calibration error and coverage are those of all trials together.
    """
    by_concept: dict[str, list[metrics.RecognitionScores]] = {}
    for trial in trials:
        decisions = metrics.decide(trial.score, trial.is_positive, yes_from, abstain_from)
        by_concept.setdefault(trial.concept, []).append(metrics.recognition_scores(decisions))
    rows = {name: _means(scores) for name, scores in by_concept.items()}
    means = {key: _mean([row[key] for row in rows.values()]) for key in _RATES}
    score = np.concatenate([trial.score for trial in trials])
    truth = np.concatenate([trial.is_positive for trial in trials])
    low, high = metrics.bootstrap_interval([row["weighted"] for row in rows.values()], seed=seed)
    result: dict[str, Any] = {
        **{key: rounded(value) for key, value in means.items()},
        "interval": [rounded(low), rounded(high)],
        "ece": rounded(metrics.calibration_error(score, truth)),
        "coverage_at_98": rounded(metrics.coverage_at_accuracy(score, truth, 0.98)),
        "area_under_curve": rounded(
            _mean([metrics.area_under_curve(trial.score, trial.is_positive) for trial in trials])
        ),
        "concepts": len(rows),
        "trials": len(trials),
    }
    if per_concept:
        result["per_concept"] = {
            name: {key: rounded(value) for key, value in row.items()} for name, row in sorted(rows.items())
        }
    return result


def reliability(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The bins of the calibration error of all trials together; `share_positive` is class-balanced as it is."""
    score = np.concatenate([trial.score for trial in trials])
    truth = np.concatenate([trial.is_positive for trial in trials])
    return [
        {
            "mean_probability": rounded(one.mean_probability),
            "share_positive": rounded(one.share_positive),
            "count": one.count,
        }
        for one in metrics.reliability(score, truth)
    ]


_RATES = ("weighted", "positive", "negative", "precision", "recall", "abstained")


def _means(scores: Sequence[metrics.RecognitionScores]) -> dict[str, float]:
    return {key: _mean([getattr(score, key) for score in scores]) for key in _RATES}


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else float("nan")


def weighted_accuracy(trial: Trial, yes_from: float = 0.5) -> float:
    """The mean of the accuracies on positives and on negatives."""
    return metrics.recognition_scores(metrics.decide(trial.score, trial.is_positive, yes_from)).weighted


def paired_difference(
    ours: Sequence[Trial],
    theirs: Sequence[Trial],
    *,
    seed: int = 0,
    measure: Callable[[Trial], float] = weighted_accuracy,
) -> dict[str, Any]:
    """Weighted accuracy, or another measure, of `ours` minus `theirs` on the same trials, with an interval over
    concepts.
    """
    by_concept: dict[str, list[float]] = {}
    for first, second in zip(ours, theirs, strict=True):
        if first.concept != second.concept:
            raise ValueError(f"trials of the same concept expected: {first.concept}, {second.concept}")
        by_concept.setdefault(first.concept, []).append(measure(first) - measure(second))
    return mean_over_concepts(by_concept, seed=seed)


def mean_over_concepts(by_concept: Mapping[str, Sequence[float]], *, seed: int = 0) -> dict[str, Any]:
    """Of each concept's mean over its splits, with a bootstrap interval over concepts."""
    values = [_mean(of_splits) for of_splits in by_concept.values()]
    low, high = metrics.bootstrap_interval(values, seed=seed)
    return {"mean": rounded(_mean(values)), "interval": [rounded(low), rounded(high)]}


def restricted(trials: Sequence[Trial], kept: Mapping[int, npt.NDArray[np.bool_]]) -> list[Trial]:
    """Each trial with only the photos that `kept[number]` `[n]` marks."""
    return [
        Trial(trial.concept, trial.score[kept[number]], trial.is_positive[kept[number]])
        for number, trial in enumerate(trials)
    ]


def rounded(value: float) -> float | None:
    """To four places, as reports show it; NaN, which JSON does not have, becomes None."""
    return None if math.isnan(value) else round(value, 4)

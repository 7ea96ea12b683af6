"""Scores computed from predictions. Calls no model, reads no file and draws no conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from personalizer.recognition.calibration import balanced_weights
from personalizer.schemas import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Decisions:
    """Yes/no answers on photos: `said_yes`, `is_positive` and `abstained` ("I don't know") are all `[n]`.

    An abstention counts as an error on a positive and as a correct "no" on a negative: it says nothing false.
    """

    said_yes: BoolArray
    is_positive: BoolArray
    abstained: BoolArray

    def __post_init__(self) -> None:
        if not len(self.said_yes) == len(self.is_positive) == len(self.abstained):
            raise ValueError(
                f"as many answers as truths expected, found {len(self.said_yes)}, {len(self.is_positive)} "
                f"and {len(self.abstained)}"
            )


@dataclass(frozen=True, slots=True)
class RecognitionScores:
    """Rates in 0..1; a rate over nothing (no positives, say) is NaN."""

    weighted: float
    positive: float
    negative: float
    precision: float
    recall: float
    abstained: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers whose probability lies in one stretch: what they claimed, and how often it was true.

    Both are class-balanced; `weight` is the bin's balanced share of all answers, `count` how many there are.
    """

    mean_probability: float
    share_positive: float
    weight: float
    count: int


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """`f` is the harmonic mean."""

    precision: float
    recall: float
    f: float


def decide(
    probability: FloatArray,
    is_positive: BoolArray,
    threshold: float = 0.5,
    abstain_above: float | None = None,
) -> Decisions:
    """Answers from probabilities `[n]`: yes from `threshold` up, unsure from `abstain_above` up to there."""
    probability = np.asarray(probability, dtype=np.float64)
    said_yes = probability >= threshold
    band = threshold if abstain_above is None else min(abstain_above, threshold)
    return Decisions(said_yes, np.asarray(is_positive, dtype=bool), (probability >= band) & ~said_yes)


def recognition_scores(decisions: Decisions) -> RecognitionScores:
    """Weighted accuracy is (accuracy on positives + accuracy on negatives) / 2.

    Precision is 0 when there are positives and nothing was called one.
    """
    yes, truth = decisions.said_yes, decisions.is_positive
    positive = _rate(yes[truth])
    negative = _rate(~yes[~truth])
    called = int(yes.sum())
    precision = float((yes & truth).sum() / called) if called else (0.0 if truth.any() else float("nan"))
    return RecognitionScores(
        weighted=(positive + negative) / 2,
        positive=positive,
        negative=negative,
        precision=precision,
        recall=positive,
        abstained=_rate(decisions.abstained),
    )


def _rate(values: BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def reliability(probability: FloatArray, is_positive: BoolArray, bins: int = 10) -> list[ReliabilityBin]:
    """What probabilities `[n]` in each of `bins` equal stretches of 0..1 were worth; empty ones are left out.

    Without balancing, a few hundred negatives near 0 would hide any error on the handful of positives.
    """
    probability = np.asarray(probability, dtype=np.float64)
    truth = np.asarray(is_positive, dtype=bool)
    weights = balanced_weights(truth)
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(bin_of):
        chosen = bin_of == number
        weight = float(weights[chosen].sum())
        means = [float((weights[chosen] * of[chosen]).sum()) / weight for of in (probability, truth)]
        found.append(ReliabilityBin(means[0], means[1], weight, int(chosen.sum())))
    return found


def calibration_error(probability: FloatArray, is_positive: BoolArray, bins: int = 10) -> float:
    """Class-balanced expected calibration error: how far stated probability and frequency lie apart."""
    if not len(probability):
        return float("nan")
    return sum(
        bin.weight * abs(bin.mean_probability - bin.share_positive)
        for bin in reliability(probability, is_positive, bins)
    )


def coverage_at_accuracy(probability: FloatArray, is_positive: BoolArray, accuracy: float = 0.98) -> float:
    """The largest class-balanced share that can be answered, surest first, with at least `accuracy`.

    Sureness is the distance of the probability from one half; photos of equal sureness are answered together.
    """
    probability = np.asarray(probability, dtype=np.float64)
    truth = np.asarray(is_positive, dtype=bool)
    if not len(probability):
        return float("nan")
    weights = balanced_weights(truth)
    sureness = np.abs(probability - 0.5)
    order = np.argsort(-sureness, kind="stable")
    answered = np.cumsum(weights[order])
    right = np.cumsum((weights * ((probability >= 0.5) == truth))[order])
    last_of_tie = np.append(np.diff(sureness[order]) != 0, True)
    enough = last_of_tie & (right / answered >= accuracy - 1e-12)
    return float(answered[enough].max()) if enough.any() else 0.0


def area_under_curve(score: FloatArray, is_positive: BoolArray) -> float:
    """The chance that a positive scores above a negative (ties count half); NaN when a class is missing."""
    score = np.asarray(score, dtype=np.float64)
    truth = np.asarray(is_positive, dtype=bool)
    positives, negatives = score[truth], np.sort(score[~truth])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below + not_above).mean() / 2 / len(negatives))


def bootstrap_interval(
    values: Sequence[float], *, samples: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of `values`, drawn again with replacement; one value per concept."""
    present = np.array([value for value in values if not np.isnan(value)], dtype=np.float64)
    if not len(present):
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = present[generator.integers(0, len(present), (samples, len(present)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def two_way_interval(
    values: FloatArray, weights: FloatArray, *, samples: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of `values` `[concepts, items]`, items weighing `weights` `[items]`.

    Concepts and items are both drawn again: either alone would take the other for given.
    """
    if not values.size or not weights.sum():
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    concepts, items = values.shape
    means = np.empty(samples)
    for number in range(samples):
        rows = values[generator.integers(0, concepts, concepts)].mean(axis=0)
        chosen = generator.integers(0, items, items)
        total = weights[chosen].sum()
        means[number] = (rows[chosen] @ weights[chosen]) / total if total else np.nan
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bcubed(clusters: Sequence[Hashable], identities: Sequence[Hashable]) -> PrecisionRecall:
    """BCubed of a clustering: for each item, how pure its cluster is and how much of its identity is in it.

    Give every unassigned item a cluster of its own before calling.
    """
    shared, sizes, totals = _overlap(clusters, identities)
    if not len(shared):
        return PrecisionRecall(float("nan"), float("nan"), float("nan"))
    together = np.array(list(shared.values()), dtype=np.float64)
    size = np.array([sizes[cluster] for cluster, _ in shared], dtype=np.float64)
    total = np.array([totals[identity] for _, identity in shared], dtype=np.float64)
    precision = float((together**2 / size).sum() / together.sum())
    recall = float((together**2 / total).sum() / together.sum())
    return PrecisionRecall(precision, recall, _harmonic_mean(precision, recall))


def pairwise(clusters: Sequence[Hashable], identities: Sequence[Hashable]) -> PrecisionRecall:
    """Precision and recall over pairs of items put together; 1 where there is no pair to get wrong."""
    right, put_together, belonging = (_pairs(counts) for counts in _overlap(clusters, identities))
    precision = right / put_together if put_together else 1.0
    recall = right / belonging if belonging else 1.0
    return PrecisionRecall(precision, recall, _harmonic_mean(precision, recall))


def _overlap(
    clusters: Sequence[Hashable], identities: Sequence[Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    """How many items each cluster and identity share, and how many each has."""
    if len(clusters) != len(identities):
        raise ValueError(f"one identity per cluster entry expected: {len(clusters)}, {len(identities)}")
    return Counter(zip(clusters, identities, strict=True)), Counter(clusters), Counter(identities)


def _pairs(counts: Mapping[Any, int]) -> float:
    return float(sum(count * (count - 1) / 2 for count in counts.values()))


def _harmonic_mean(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0


def position_between(value: float, floor: float, ceiling: float) -> float:
    """Where `value` lies between `floor` (0) and `ceiling` (1); NaN without room between them."""
    return (value - floor) / (ceiling - floor) if ceiling > floor else float("nan")


def copy_rate(samples: npt.NDArray[np.integer], views: npt.NDArray[np.integer], share: float = 0.7) -> float:
    """The share of `samples` `[n, tokens]` that match one of `views` `[m, tokens]` in `share` of them."""
    if not len(samples) or not len(views):
        return float("nan")
    equal = (np.asarray(samples)[:, None, :] == np.asarray(views)[None, :, :]).mean(axis=2)
    return float((equal.max(axis=1) >= share).mean())

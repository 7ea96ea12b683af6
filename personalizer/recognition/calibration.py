"""Turns similarities and a prefix's yes/no log odds into a probability, with a few fitted numbers.

Knows the numbers that ship and how to fit such numbers; knows no vector, no photo and no model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from personalizer.errors import CorruptArtifactError
from personalizer.home import PACKAGE_DATA, write_atomically
from personalizer.schemas import BoolArray, FloatArray

FORMAT = 3
CALIBRATION_FILE = PACKAGE_DATA / "calibration.json"
_SUREST_LOGIT = 30.0
_JUST_NOT_YES = 0.4999
"""The most that is believed about a person when the face resembles somebody else more."""
Verdict = Literal["yes", "unsure", "no"]


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log odds = `weight` · similarity + `bias`, at equally likely yes and no."""

    weight: float
    bias: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and math.isfinite(self.bias) and self.weight > 0):
            raise ValueError(f"a finite, rising logistic expected, found {self.weight} and {self.bias}")

    def log_odds(self, similarity: float) -> float:
        return self.weight * similarity + self.bias

    @property
    def threshold(self) -> float:
        """The similarity at which yes and no are equally likely."""
        return -self.bias / self.weight


@dataclass(frozen=True, slots=True)
class LevelledLogistic:
    """Log odds = `weight` · score + `level_weight` · level + `bias`: a thing that scores low itself needs less."""

    weight: float
    level_weight: float
    bias: float
    typical_level: float
    """Stands for the level where it is unknown."""

    def at_level(self, level: float | None) -> Logistic:
        """The logistic of things of one level. Raises ValueError for numbers that no logistic can have."""
        known = self.typical_level if level is None else level
        return Logistic(self.weight, self.bias + self.level_weight * known)


@dataclass(frozen=True, slots=True)
class ColorVeto:
    """Lowers the log odds of a thing with different colors. Equal colors change nothing: too many things share them."""

    weight: float
    enough: float
    """The likeness of colors, 0 to 1, from which they are the same."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0 and 0 <= self.enough <= 1):
            raise ValueError(f"a weight and a likeness expected, found {self.weight} and {self.enough}")

    def log_odds(self, likeness: float | None) -> float:
        """Never positive; 0 where the colors are not known."""
        return 0.0 if likeness is None else self.weight * min(0.0, likeness - self.enough)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted numbers, and where they come from."""

    object: Logistic
    """Of the cosine with the mean of a thing's members."""
    learned: LevelledLogistic
    """Of a thing's discriminant."""
    colors: ColorVeto
    face: Logistic
    absent_log_odds: float
    """What it says about a person that no face was found in a photo."""
    prefix_weight: float
    """How much a prefix's yes/no log odds add; 0 until it has been shown to know something."""
    prefix_offset: float
    """The prefix's log odds at which it is undecided."""
    abstain_from: float
    yes_from: float
    """"I don't know" between these two probabilities, yes above, no below."""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.abstain_from <= 0.5 <= self.yes_from <= 1:
            raise ValueError(
                f"abstain_from in 0..0.5 and yes_from in 0.5..1 expected, found {self.abstain_from} and {self.yes_from}"
            )
        self.learned.at_level(None)  # raises for numbers that are no rising logistic

    def combine(self, log_odds: float | None, prefix_logit: float | None) -> float:
        """The probability that the concept is in the photo, from whichever evidence there is.

        `log_odds` are those of the embedding, None when there was nothing to compare, such as no face;
        `prefix_logit` is the log odds of yes against no under the concept's prefix, None when it has none. They
        add up, as those of independent witnesses do.
        """
        total = self.absent_log_odds if log_odds is None else log_odds
        if prefix_logit is not None:
            total += self.prefix_weight * (prefix_logit - self.prefix_offset)
        return sigmoid(total)

    def of_outranked(self, probability: float, likelier_log_odds: float) -> float:
        """The probability about a person when the face resembles somebody else more, which has those log odds.

        One face is one person: what speaks for the likelier one speaks against this one.
        """
        return min(probability, 1 - self.combine(likelier_log_odds, None), _JUST_NOT_YES)

    def verdict(self, probability: float) -> Verdict:
        """What is said at this probability."""
        if probability >= self.yes_from:
            return "yes"
        return "unsure" if probability >= self.abstain_from else "no"


def sigmoid(log_odds: float) -> float:
    """The probability with these log odds, never exactly 0 or 1."""
    return 1 / (1 + math.exp(-min(max(log_odds, -_SUREST_LOGIT), _SUREST_LOGIT)))


@cache
def shipped_calibration() -> Calibration:
    """The numbers in the package; read once."""
    return read_calibration(CALIBRATION_FILE)


def read_calibration(path: Path) -> Calibration:
    """The numbers in a file, or `CorruptArtifactError`."""
    try:
        content = json.loads(path.read_bytes())
        if content.pop("format") != FORMAT:
            raise ValueError(f"format {FORMAT} expected")
        return Calibration(
            object=Logistic(**content.pop("object")),
            learned=LevelledLogistic(**content.pop("learned")),
            colors=ColorVeto(**content.pop("colors")),
            face=Logistic(**content.pop("face")),
            **content,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptArtifactError(
            tried=f"reading the calibration {path}", found=str(error), fix="Install familiar-assistant again."
        ) from error


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Store the numbers for `read_calibration`."""
    content = {"format": FORMAT, **asdict(calibration)}
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def fit_logistic(
    scores: npt.NDArray[np.float64],
    is_positive: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.integer] | None = None,
    *,
    weights: npt.NDArray[np.float64] | None = None,
    penalty: float = 1e-3,
    steps: int = 100,
) -> tuple[npt.NDArray[np.float64], float]:
    """Weights `[features]` and a bias to predict `is_positive` `[n]` from `scores`, `[n, features]` or `[n]`.

    Both classes weigh the same within each of `groups` `[n]` (one per concept), and all groups do, unless
    `weights` `[n]` say otherwise. `penalty` on the slopes of the standardised scores keeps separable data from
    having infinite ones.
    """
    features = np.asarray(scores, dtype=np.float64).reshape(len(is_positive), -1)
    truth = np.asarray(is_positive, dtype=np.bool_)
    share = _group_weights(truth, groups) if weights is None else np.array(weights, dtype=np.float64)
    share /= share.sum()
    center = share @ features
    scale = np.sqrt(share @ (features - center) ** 2) + 1e-12
    design = np.column_stack([(features - center) / scale, np.ones(len(truth))])
    ridge = np.append(np.full(features.shape[1], penalty), 0.0)
    solution = np.zeros(design.shape[1])
    for _ in range(steps):
        probability = 1 / (1 + np.exp(-np.clip(design @ solution, -_SUREST_LOGIT, _SUREST_LOGIT)))
        gradient = design.T @ (share * (probability - truth)) + ridge * solution
        curvature = share * np.maximum(probability * (1 - probability), 1e-9)
        step = np.linalg.solve((design * curvature[:, None]).T @ design + np.diag(ridge + 1e-12), gradient)
        # Newton overshoots where almost everything is on its right side; short steps always go downhill.
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        solution -= step
        if np.abs(step).max() < 1e-9:
            break
    slope = solution[:-1] / scale
    return slope, float(solution[-1] - slope @ center)


def _group_weights(
    truth: npt.NDArray[np.bool_], groups: npt.NDArray[np.integer] | None
) -> npt.NDArray[np.float64]:
    members = np.zeros(len(truth), dtype=np.int64) if groups is None else np.asarray(groups)
    share = np.zeros(len(truth))
    for group in np.unique(members):
        share[members == group] = balanced_weights(truth[members == group])
    return share


def balanced_weights(is_positive: BoolArray) -> FloatArray:
    """Weights `[n]` that sum to 1 and give both classes one half (or all to the only one present)."""
    truth = np.asarray(is_positive, dtype=bool)
    weights = np.zeros(len(truth), dtype=np.float64)
    for chosen in (truth, ~truth):
        if chosen.any():
            weights[chosen] = 1.0 / chosen.sum()
    total = weights.sum()
    return weights / total if total else weights

"""Does "on a beach" survive in drawings of a concept, as a share of what the bare backbone makes of the same words?

A judge that ships tells a few places apart. Knows drawings and their judge; trains and draws nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from assistant.evaluation.data.metrics import position_between
from assistant.evaluation.data.protocol import rounded
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.probe import LinearProbe, ProbeWeights
from personalizer.analysis.efficientnet import GRAPH_VERSION, LITE2
from personalizer.errors import CorruptArtifactError
from personalizer.home import PACKAGE_DATA, write_atomically
from personalizer.schemas import FloatArray

if TYPE_CHECKING:
    from PIL import Image

JUDGE_FILE = PACKAGE_DATA / "place_judge.safetensors"
PLACES = ("on a beach", "on the grass", "in the snow", "in a forest", "on a bed")
"""Five of the twelve painted places in `scripts/render`, of those that are told apart also in what the image tokenizer
of the bundled backbone keeps of a picture: a bathroom or a kitchen is not.

More places, or more alike, are harder to keep apart with a concept than without one, and give a lower share: only
shares of one judge can be compared."""
JUDGED_SIDE_PX = 16
"""A judge of sharp renders is lost in the blur of drawings. Reduced so far, both look alike to it."""
_ENCODER = f"{LITE2.source_sha256[:8]}-g{GRAPH_VERSION}"
_RESAMPLES = 2000
AT_CHANCE = "the bare backbone does not draw the places that it is asked for"


class PlaceJudge:
    """Says in which of `places` a picture is; `provenance` has how often it is right about pictures of known places.

    A linear probe on an encoder that no backbone was trained with.
    """

    def __init__(
        self, encoder: IndependentEncoder, weights: ProbeWeights, provenance: Mapping[str, Any]
    ) -> None:
        self._probe = LinearProbe(encoder.encode, JUDGED_SIDE_PX, weights)
        self.places = weights.names
        self.provenance = provenance

    @property
    def chance(self) -> float:
        """What pictures get, whatever they show, that were made without regard to the place asked for.

        They are asked for equally often, so that no place is a better guess than another.
        """
        return 1 / len(self.places)

    def per_place(self, samples: int) -> int:
        """Drawings of each place, of `samples` in all; rounded up, since all places count alike."""
        return -(-samples // len(self.places))

    def named(self, images: Sequence[Image.Image]) -> list[str]:
        """The place that each picture is taken for."""
        return self._probe.named(images)

    def hits(self, drawings: Sequence[Sequence[Image.Image]]) -> FloatArray:
        """Which of `drawings`, as many of each of `places` in their order, are there: 1 or 0, `[places, drawings]`."""
        return np.array(
            [
                [said == place for said in self.named(drawn)]
                for place, drawn in zip(self.places, drawings, strict=True)
            ],
            dtype=np.float64,
        )


def read_judge(encoder: IndependentEncoder, path: Path = JUDGE_FILE) -> PlaceJudge:
    """The judge that ships, or `CorruptArtifactError`."""
    try:
        with safe_open(path, framework="np") as tensors:
            about = json.loads((tensors.metadata() or {})["judge"])
            coefficients, bias = (tensors.get_tensor(name) for name in ("coefficients", "bias"))
        if (about["encoder"], about["side_px"]) != (_ENCODER, JUDGED_SIDE_PX):
            raise ValueError(f"it was made for pictures of {about['side_px']} px in {about['encoder']}")
        if not len(about["places"]) == len(coefficients) == len(bias) > 1:
            raise ValueError(f"{len(about['places'])} places but {len(coefficients)} rows")
    except Exception as error:  # safetensors raises its own type for every kind of damage
        raise CorruptArtifactError(
            tried=f"reading the judge of places {path}",
            found=str(error),
            fix="Install familiar-assistant again.",
        ) from error
    return PlaceJudge(encoder, ProbeWeights(tuple(about["places"]), coefficients, bias), about["provenance"])


def write_judge(weights: ProbeWeights, provenance: Mapping[str, Any], path: Path) -> None:
    """Store a judge for `read_judge`."""
    about = {
        "places": weights.names,
        "encoder": _ENCODER,
        "side_px": JUDGED_SIDE_PX,
        "provenance": provenance,
    }
    # safetensors writes memory as it lies, and what was fitted may lie transposed.
    tensors = {
        "coefficients": np.ascontiguousarray(weights.coefficients),
        "bias": np.ascontiguousarray(weights.bias),
    }
    write_atomically(path, save(tensors, metadata={"judge": json.dumps(about)}), private=False)


def in_places(judge: PlaceJudge, request: str) -> list[str]:
    """`request` for each of the judge's places, worded as the backbone was taught to draw a named thing in one."""
    return [f"{request.rstrip('.')} {place}." for place in judge.places]


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Which drawings show the place that was asked for, `[places, drawings]`; the same seeds in both."""

    with_concept: FloatArray
    no_concept: FloatArray
    """Of the bare backbone, asked for the class in words."""


def fidelity(judge: PlaceJudge, concepts: Mapping[str, Sequence[Followed]], seed: int) -> dict[str, Any]:
    """`prompt_fidelity` and its parts over the splits of each concept; every concept counts alike.

    The share is (with concept − chance) / (no concept − chance): 1 where a place survives as often as without the
    concept, 0 where it is drawn no more often than by guessing; below 0 or above 1 where chance, or the concept, has
    it so. It is of the mean accuracies, not a mean of shares: a class that the backbone knows nothing of, and draws
    in no place either, adds nothing to either difference instead of a share without bound. Where the bare
    accuracy itself is within what guessing gives, there is nothing to keep and no share.

    The judge's own errors fall on both accuracies alike. A picture of the place without the concept counts as
    well: whether the concept is in it is what similarity says.
    """
    means = {
        name: Followed(
            np.mean([one.with_concept for one in splits], axis=0),
            np.mean([one.no_concept for one in splits], axis=0),
        )
        for name, splits in concepts.items()
    }
    # [concepts, places, drawings]
    shape = (0, len(judge.places), 1)
    kept = np.stack([one.with_concept for one in means.values()]) if means else np.zeros(shape)
    bare = np.stack([one.no_concept for one in means.values()]) if means else np.zeros(shape)
    overall = share_kept(kept, bare, judge.chance)
    return {
        "prompt_fidelity": overall,
        **({"prompt_fidelity_reason": AT_CHANCE} if overall is None else {}),
        "prompt_fidelity_detail": {
            "with_concept": _rate(kept),
            "no_concept": _rate(bare),
            "chance": rounded(judge.chance),
            "interval": None if overall is None else share_interval(kept, bare, judge.chance, seed),
            "judge_accuracy": judge.provenance["accuracy"],
            "places": {
                place: {"with_concept": _rate(kept[:, number]), "no_concept": _rate(bare[:, number])}
                for number, place in enumerate(judge.places)
            },
        },
        "per_concept": {
            name: {
                "prompt_fidelity": share_kept(one.with_concept, one.no_concept, judge.chance),
                "prompt_fidelity_detail": {
                    "with_concept": _rate(one.with_concept),
                    "no_concept": _rate(one.no_concept),
                },
            }
            for name, one in means.items()
        },
    }


def share_kept(with_concept: FloatArray, no_concept: FloatArray, chance: float) -> float | None:
    """The share of `fidelity`; None where `no_concept` is not above what guessing gives by two standard errors."""
    if not no_concept.size:
        return None
    error = math.sqrt(chance * (1 - chance) / no_concept.size)
    if no_concept.mean() <= chance + 2 * error:
        return None
    return rounded(position_between(float(with_concept.mean()), chance, float(no_concept.mean())))


def share_interval(
    with_concept: FloatArray, no_concept: FloatArray, chance: float, seed: int
) -> list[float | None]:
    """95 % interval of the share, from hits `[concepts, places, drawings]`; None for an end without bound.

    Concepts are drawn again, and each one's drawings within each place: a few of either decide little. The places
    are the same ones. A resample whose bare accuracy is not above chance could be any share.
    """
    random = np.random.default_rng(seed)
    concepts, places, drawings = with_concept.shape
    shares = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        chosen = random.integers(0, concepts, concepts)
        seeds = random.integers(0, drawings, (concepts, places, drawings))
        kept, bare = (
            float(np.take_along_axis(hits[chosen], seeds, axis=2).mean())
            for hits in (with_concept, no_concept)
        )
        shares[number] = position_between(kept, chance, bare)
    unknown = np.isnan(shares)
    low = np.quantile(np.where(unknown, -np.inf, shares), 0.025, method="lower")
    high = np.quantile(np.where(unknown, np.inf, shares), 0.975, method="higher")
    return [rounded(float(end)) if np.isfinite(end) else None for end in (low, high)]


def _rate(hits: FloatArray) -> float | None:
    return rounded(float(hits.mean())) if hits.size else None

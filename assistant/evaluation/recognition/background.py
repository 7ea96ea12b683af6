"""Whether a concept is seen in its thing or in its surroundings: held-out photos on another ground, and without it.

Only over photos whose thing can be told from its ground; nothing is trained, and what was said is read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assistant.evaluation.data.metrics import bootstrap_interval
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Trial, calibrate_like, rounded
from assistant.evaluation.recognition.comparison import Comparison
from assistant.evaluation.recognition.trained_split import Answers, TrainedSplit, no_for_nothing
from assistant.evaluation.report.tables import BACKGROUND_PARTS, BACKGROUND_ROWS
from personalizer.analysis.main_thing import subject_mask
from personalizer.home import write_atomically
from personalizer.photos.decode import load_photo
from personalizer.photos.grounds import on_ground, without_subject
from personalizer.recognition.calibration import shipped_calibration
from personalizer.schemas import BoolArray, BoundingBox, OnProgress, Progress

GROUNDS = 4
"""That the thing of each photo is put before."""
BACKGROUND_FILE = "background.json"


@dataclass(frozen=True, slots=True)
class Said:
    """Log odds of yes about one picture; None where there was nothing to look at."""

    embedding: float | None
    retrieval: float | None
    prefix: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What one split's concept said."""

    masked: list[int]
    """Places of the photos whose thing can be told from its ground."""
    swapped: list[Said]
    """`GROUNDS` of each of these photos."""
    background_only: list[Said]
    """One of each."""


def evaluate_backgrounds(
    tested: Sequence[Comparison],
    answers: Sequence[Answers],
    photos: EvaluationPhotos,
    opened: Callable[[Comparison], TrainedSplit],
    seed: int,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Shares of yes, by row and by what is asked: of held-out photos with a mask as they are, with their thing on
    other grounds, of their ground alone, and of all negatives as they are.

    `answers` are those of the same trained splits; `opened` gives a split whose prefix is trained. Shares are means
    over a concept's pictures, then over concepts; None where there was no picture.
    """
    # The numbers for a prefix are fitted on the untouched photos of the other concepts.
    reference = [
        Trial(one.split.subject.name, no_for_nothing(answer.with_prefix), one.is_positive)
        for one, answer in zip(tested, answers, strict=True)
    ]
    yes: dict[str, list[tuple[str, dict[str, BoolArray]]]] = {row: [] for row in BACKGROUND_ROWS}
    with_mask = 0
    for number, (one, answer) in enumerate(zip(tested, answers, strict=True)):
        name = one.split.subject.name
        if on_progress is not None:
            on_progress(Progress(number, len(tested), f"putting {name} on other grounds"))
        with closing(opened(one)) as split:
            heard = _hear(split, photos, one, seed)
        with_mask += len(heard.masked)
        negatives = np.flatnonzero(~one.is_positive).tolist()
        said = {
            "untouched": _untouched(one, answer, heard.masked),
            "swapped": heard.swapped,
            "background_only": heard.background_only,
            "strangers": _untouched(one, answer, negatives),
        }
        for row, of_row in said.items():
            if of_row:
                yes[row].append((name, said_yes(name, of_row, reference)))
    return {
        "photos": sum(int(one.is_positive.sum()) for one in tested),
        "with_mask": with_mask,
        "concepts": len({name for name, _ in yes["untouched"]}),
        **{
            row: {
                part: share_of_yes([(name, said[part]) for name, said in found], seed)
                for part in BACKGROUND_PARTS
            }
            for row, found in yes.items()
        },
    }


def _untouched(one: Comparison, answer: Answers, places: Sequence[int]) -> list[Said]:
    return [
        Said(
            one.log_odds[place],
            one.retrieval_log_odds[place],
            None if np.isnan(answer.with_prefix[place]) else answer.with_prefix[place],
        )
        for place in places
    ]


def said_yes(name: str, said: Sequence[Said], reference: Sequence[Trial]) -> dict[str, BoolArray]:
    """Which pictures are taken for the concept, `[pictures]` by what is asked."""
    calibration = shipped_calibration()
    combine = calibration.combine
    logits = no_for_nothing([one.prefix for one in said])
    [prefix] = calibrate_like([Trial(name, logits, np.zeros(len(said), dtype=np.bool_))], reference)
    probabilities = {
        "product": np.array([combine(one.embedding, one.prefix) for one in said]),
        "embedding_only": np.array([combine(one.embedding, None) for one in said]),
        "prefix_only": prefix.score,
        "retrieval_only": np.array([combine(one.retrieval, None) for one in said]),
    }
    return {
        part: probability >= (0.5 if part == "prefix_only" else calibration.yes_from)
        for part, probability in probabilities.items()
    }


def share_of_yes(yes: Sequence[tuple[str, BoolArray]], seed: int) -> dict[str, Any]:
    """The share of yes over concepts, with an interval over them."""
    by_concept: dict[str, list[float]] = {}
    for name, of_split in yes:
        by_concept.setdefault(name, []).append(float(of_split.mean()))
    shares = [sum(values) / len(values) for values in by_concept.values()]
    if not shares:
        return {"yes": None, "interval": None}
    low, high = bootstrap_interval(shares, seed=seed)
    return {"yes": rounded(sum(shares) / len(shares)), "interval": [rounded(low), rounded(high)]}


def _hear(split: TrainedSplit, photos: EvaluationPhotos, one: Comparison, seed: int) -> Heard:
    """What the concept says of the changed pictures, read again from its home where it was asked before."""
    masks = _masks(photos, one)
    grounds = drawn_grounds(one, len(masks), seed)
    path = split.root / BACKGROUND_FILE
    question = {
        "prefix": split.prefix().sha256,
        "photos": [one.photo_ids[place] for place in masks],
        "grounds": [[one.photo_ids[place] for place in drawn] for drawn in grounds],
    }
    known = _known(path, question)
    if known is not None:
        return known
    swapped, background_only = [], []
    for (place, mask), drawn in zip(masks.items(), grounds, strict=True):
        image = load_photo(photos.path(one.photo_ids[place])).image
        for ground in drawn:
            behind = load_photo(photos.path(one.photo_ids[ground])).image
            swapped.append(_say(split, on_ground(image, mask, behind)))
        background_only.append(_say(split, without_subject(image, mask)))
    heard = Heard(list(masks), swapped, background_only)
    write_atomically(path, json.dumps(question | {"heard": asdict(heard)}).encode())
    return heard


def _masks(photos: EvaluationPhotos, one: Comparison) -> dict[int, Image.Image]:
    """The masks of held-out photos of the concept that can be trusted, by place; none of faces, as in training."""
    found: dict[int, Image.Image] = {}
    for place in np.flatnonzero(one.is_positive).tolist() if one.kind == "object" else ():
        photo, box = load_photo(photos.path(one.photo_ids[place])), one.boxes[place]
        if box is not None:
            edges = (edge / photo.scale for edge in (box.left, box.top, box.right, box.bottom))
            box = BoundingBox(*edges)
        mask = subject_mask(photo.image, box)
        if mask is not None:
            found[place] = mask
    return found


def drawn_grounds(one: Comparison, count: int, seed: int) -> list[list[int]]:
    """Places of the photos that serve as grounds, `GROUNDS` for each of `count`; none that look like the concept."""
    random = np.random.default_rng([seed, *(ord(letter) for letter in one.split.subject.name)])
    negatives = np.flatnonzero(~one.is_positive & ~one.same_class)
    if not len(negatives):
        return [[] for _ in range(count)]
    return [random.choice(negatives, GROUNDS).tolist() for _ in range(count)]


def _say(split: TrainedSplit, image: Image.Image) -> Said:
    looked = split.look_at(image)
    return Said(looked.log_odds, looked.retrieval_log_odds, split.yes_no(looked.contexts))


def _known(path: Path, question: dict[str, Any]) -> Heard | None:
    if not path.exists():
        return None
    stored = json.loads(path.read_bytes())
    heard = stored.pop("heard")
    if stored != question:
        return None
    return Heard(
        heard["masked"], *([Said(**one) for one in heard[row]] for row in ("swapped", "background_only"))
    )

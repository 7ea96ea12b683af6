"""What it costs to have several concepts in one prompt: each is asked for with another's personal prompt beside it.

Over the same test photos as alone, and over composites of two subjects. Pairs are seeded; nothing is trained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    Trial,
    calibrate_like,
    calibrate_on_others,
    paired_difference,
    rounded,
    table,
)
from assistant.evaluation.recognition.comparison import Comparison
from assistant.evaluation.recognition.trained_split import Answers, TrainedSplit, no_for_nothing
from personalizer.home import write_atomically
from personalizer.photos.decode import load_photo
from personalizer.prefix.prompts import RECOGNITION_QUESTION, question_about_image
from personalizer.recognition.calibration import shipped_calibration
from personalizer.schemas import Float32Array, OnProgress, Progress

if TYPE_CHECKING:
    from exporters.runtime.prompt_context import PromptContext

COMPOSITE_PX = 512
COMPOSITES = 4
"""Composites of each kind and pair: both subjects, one beside another individual, two other individuals."""
TOGETHER_FILE = "together.json"


@dataclass(frozen=True, slots=True)
class Pair:
    """Who is asked for, and whose personal prompt is there as well: places among the trained splits."""

    asked: int
    beside: int


@dataclass(frozen=True, slots=True)
class Composite:
    """A picture of two halves, by the numbers of their photos, and whether the asked and the other are there."""

    left: int
    right: int
    shows_asked: bool
    shows_beside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Log odds of yes for the asked concept of one pair; None where there was nothing to look at."""

    beside_another: list[float | None]
    """`[photos]`: with the other's personal prompt in the context."""
    composites_embedding: list[float | None]
    """`[composites]`: what embeddings say, as in the product."""
    composites_alone: list[float | None]
    composites_beside: list[float | None]


@dataclass(frozen=True, slots=True, eq=False)
class PairTrials:
    """What one pair adds to each row; not calibrated yet but for the product's."""

    alone: Trial
    beside_another: Trial
    composites_product: Trial
    composites_alone: Trial
    composites_beside: Trial


def evaluate_together(
    tested: Sequence[Comparison],
    answers: Sequence[Answers],
    photos: EvaluationPhotos,
    opened: Callable[[Comparison], TrainedSplit],
    seed: int,
    on_progress: OnProgress | None = None,
) -> dict[str, Any] | None:
    """The row `beside_another` over the photos of the row `alone`, and both over `composites`; None for fewer than two
    subjects.

    `answers` are those of the same trained splits alone; `opened` gives a split whose prefix is trained. `kept` is the
    share of the weighted accuracy alone, at the numbers fitted alone.
    """
    pairs = [(tested[p.asked], tested[p.beside], answers[p.asked]) for p in make_pairs(tested, seed)]
    if not pairs:
        return None
    names = [(one.split.subject.name, other.split.subject.name) for one, other, _ in pairs]
    trials = []
    for number, (one, other, answer) in enumerate(pairs):
        if on_progress is not None:
            message = "asking about {} beside {}".format(*names[number])
            on_progress(Progress(number, len(pairs), message))
        asked_of = np.flatnonzero(~np.isin(one.photo_ids, other.shot_ids)).tolist()
        composites = make_composites(one, other, seed)
        with closing(opened(one)) as asked, closing(opened(other)) as companion:
            heard = _hear(asked, companion, photos, one, asked_of, composites)
        trials.append(_trials(one, answer, asked_of, composites, heard))
    alone = [of_pair.alone for of_pair in trials]
    apart = [of_pair.composites_alone for of_pair in trials]
    return {
        "pairs": [list(pair) for pair in names],
        "alone": table(calibrate_on_others(alone), seed=seed),
        "beside_another": _compared([of_pair.beside_another for of_pair in trials], alone, seed),
        "composites": {
            "product": table(
                [of_pair.composites_product for of_pair in trials],
                yes_from=shipped_calibration().yes_from,
                seed=seed,
            ),
            "alone": table(calibrate_on_others(apart), seed=seed),
            "beside_another": _compared([of_pair.composites_beside for of_pair in trials], apart, seed),
        },
    }


def _trials(
    one: Comparison,
    answer: Answers,
    asked_of: Sequence[int],
    composites: Sequence[Composite],
    heard: Heard,
) -> PairTrials:
    """Scores and truth of one pair."""
    name = one.split.subject.name
    truth = one.is_positive[asked_of]
    shows = np.array([composite.shows_asked for composite in composites])
    combine = shipped_calibration().combine
    product = [
        combine(of_embedding, of_prefix)
        for of_embedding, of_prefix in zip(heard.composites_embedding, heard.composites_alone, strict=True)
    ]
    return PairTrials(
        alone=Trial(name, no_for_nothing(answer.with_prefix)[asked_of], truth),
        beside_another=Trial(name, no_for_nothing(heard.beside_another), truth),
        composites_product=Trial(name, np.array(product), shows),
        composites_alone=Trial(name, no_for_nothing(heard.composites_alone), shows),
        composites_beside=Trial(name, no_for_nothing(heard.composites_beside), shows),
    )


def make_pairs(tested: Sequence[Comparison], seed: int) -> list[Pair]:
    """Every split once, beside another subject of the same split number: neighbours in a seeded circle."""
    pairs = []
    for number in sorted({one.split.number for one in tested}):
        group = [place for place, one in enumerate(tested) if one.split.number == number]
        if len(group) < 2:
            continue
        circle = np.random.default_rng([seed, number]).permutation(group).tolist()
        pairs += [Pair(one, other) for one, other in zip(circle, [*circle[1:], circle[0]], strict=True)]
    return pairs


def make_composites(one: Comparison, other: Comparison, seed: int) -> list[Composite]:
    """Held-out photos of both subjects and of other individuals, two by two, each subject on either side."""
    ids, positive = np.array(one.photo_ids), one.is_positive
    theirs = np.array(other.photo_ids)[other.is_positive]
    negatives = ids[~positive & ~np.isin(ids, theirs) & ~np.isin(ids, other.shot_ids)]
    random = np.random.default_rng([seed, *(ord(letter) for letter in one.split.subject.name)])
    made = []
    for shows_asked, shows_beside in [
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    ] * COMPOSITES:
        halves = [
            int(random.choice(ids[positive] if shows_asked else negatives)),
            int(random.choice(theirs if shows_beside else negatives)),
        ]
        left, right = random.permutation(halves).tolist()
        made.append(Composite(left, right, shows_asked, shows_beside))
    return made


def composed(left: Image.Image, right: Image.Image) -> Image.Image:
    """A square picture: the middle of each photo, side by side."""
    half = (COMPOSITE_PX // 2, COMPOSITE_PX)
    picture = Image.new("RGB", (COMPOSITE_PX, COMPOSITE_PX))
    picture.paste(ImageOps.fit(left, half), (0, 0))
    picture.paste(ImageOps.fit(right, half), (half[0], 0))
    return picture


def _hear(
    asked: TrainedSplit,
    companion: TrainedSplit,
    photos: EvaluationPhotos,
    one: Comparison,
    asked_of: Sequence[int],
    composites: Sequence[Composite],
) -> Heard:
    """What the backbone says about the asked concept, read again from its home where it was asked before."""
    from exporters.runtime.concept import ConceptsTogether

    own, other = asked.prefix(), companion.prefix()
    path = asked.root / TOGETHER_FILE
    question = {
        "prefixes": [own.sha256, other.sha256],
        "photos": [one.photo_ids[place] for place in asked_of],
        "composites": [asdict(composite) for composite in composites],
    }
    known = _known(path, question)
    if known is not None:
        return known
    both = ConceptsTogether([own.runtime, other.runtime])
    views = [asked.read((one.photo_ids[place], one.boxes[place], one.kind == "face")) for place in asked_of]
    looked = [asked.look_at(_picture(photos, composite)) for composite in composites]
    heard = Heard(
        beside_another=[_say(both, seen, own.undecided_at) for seen in views],
        composites_embedding=[one.log_odds for one in looked],
        composites_alone=[_say(own.runtime, one.contexts, own.undecided_at) for one in looked],
        composites_beside=[_say(both, one.contexts, own.undecided_at) for one in looked],
    )
    write_atomically(path, json.dumps(question | {"heard": asdict(heard)}).encode())
    return heard


def _known(path: Path, question: dict[str, Any]) -> Heard | None:
    if not path.exists():
        return None
    stored = json.loads(path.read_bytes())
    heard = stored.pop("heard")
    return Heard(**heard) if stored == question else None


def _say(context: PromptContext, views: Sequence[Float32Array], undecided_at: float) -> float | None:
    """Log odds of yes for the first concept of the context, averaged over views; None without any."""
    from exporters.runtime.answers import yes_no_logits

    if not views:
        return None
    question = question_about_image(RECOGNITION_QUESTION)
    logits = yes_no_logits(context.session, question, [[view] for view in views], concept=context)
    return float(logits.mean()) - undecided_at


def _picture(photos: EvaluationPhotos, composite: Composite) -> Image.Image:
    return composed(*(load_photo(photos.path(number)).image for number in (composite.left, composite.right)))


def _compared(trials: Sequence[Trial], alone: Sequence[Trial], seed: int) -> dict[str, Any]:
    """A row at the numbers fitted for prompts of one concept, and how much of their score it keeps."""
    ours, theirs = calibrate_like(trials, alone), calibrate_on_others(alone)
    row, reference = table(ours, seed=seed), table(theirs, seed=seed)
    return {
        **row,
        "kept": rounded(row["weighted"] / reference["weighted"]),
        "kept_area_under_curve": rounded(row["area_under_curve"] / reference["area_under_curve"]),
        "minus_alone": paired_difference(ours, theirs, seed=seed),
    }

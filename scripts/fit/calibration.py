"""Fits the numbers that turn object similarities into probabilities, on things that no evaluation scores.

    python -m scripts.fit.calibration PHOTOS.tar CAPTIONS.jsonl --source NAME [--renders DIR]

Every label of one source of the captions, and every subject of a prepared corpus of renders, is treated as a thing
that somebody named from three photos; all other pictures are what it must not be taken for. Written with where the
numbers come from. The numbers for faces are dlib's published operating point, made a little stricter; those
for prefixes are kept as they are in the file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from assistant.evaluation.data import metrics
from assistant.evaluation.data.corpora import load_arrays
from personalizer.faces.detector import FaceDetector
from personalizer.recognition.calibration import (
    CALIBRATION_FILE,
    Calibration,
    ColorVeto,
    LevelledLogistic,
    Logistic,
    fit_logistic,
    read_calibration,
    write_calibration,
)
from personalizer.recognition.discriminant import Contrast
from personalizer.recognition.picture_bank import PictureBank
from personalizer.recognition.recognizer import BUNDLED, ObjectReference
from personalizer.schemas import Float32Array, NewDetection

SHOTS, SPLITS = 3, 3
SUBJECTS_PER_CLASS = 6
STRANGER_SHARE = 0.15
"""Of what a thing must not be taken for, so much weight is on strangers of its class. With 0.05 four in a hundred of
them are taken for it, with 0.15 three; with 0.35 two, and three in a hundred of its own photos are lost for it."""
OTHER_COLORS = ColorVeto(10.0, 0.8)
"""Nineteen of twenty photos of a thing are so alike to one of three others in color. Chosen by what it does to 20 real
things: without it 2.6 of a hundred strangers of the class are taken for a thing, with 10 one and a half, with 12 one,
but then of the thing's own photos one in 500 more is lost. A fit on ten things finds all of these as good."""
FACE_DISTANCE = 0.55
"""dlib's authors publish 0.6 for two pictures; a photo is compared with everyone who has a name, and a wrong
name is worse than none."""
FACE_SLOPE = 25.0
"""Log odds per unit of distance: e^2.5 for each tenth."""
ABSENT_LOG_ODDS = -2.0
"""Without a face in the photo a person may still be there, turned away: one in eight."""
ABSTAIN_FROM, YES_FROM = 0.35, 0.55
"""Unsure in between. A stranger who is taken for a friend is worse than a question, so yes begins above one half."""


class NoFaces(FaceDetector):
    """Things are fitted without looking for faces."""

    def detect(self, image: Image.Image) -> list[NewDetection]:
        return []


def drawn_captions(captions: Path, source: str, seed: int) -> list[tuple[str, str]]:
    """`(image, label)`: eight photos of each label of `source`, three of each other, and 120 without one."""
    by_label: dict[tuple[str, str], list[str]] = {}
    for line in captions.read_text().splitlines():
        entry = json.loads(line)
        by_label.setdefault((entry["source"], entry["label"] or ""), []).append(entry["image"])
    random = np.random.default_rng(seed)
    chosen: list[tuple[str, str]] = []
    for (origin, label), images in sorted(by_label.items()):
        count = 120 if not label else 8 if origin == source else 3
        name = label if label and origin == source else ""
        chosen += [(images[index], name) for index in random.permutation(len(images))[:count].tolist()]
    return chosen


def embed(archive: Path, images: set[str]) -> dict[str, Float32Array]:
    """Views `[2, dim]` (whole picture and region) by name in the archive."""
    from personalizer.analysis.analyzer import PhotoAnalyzer

    analyzer = PhotoAnalyzer()
    analyzer.face_detector = NoFaces()
    found: dict[str, Float32Array] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            file = tar.extractfile(member) if name in images else None
            if file is not None:
                with Image.open(io.BytesIO(file.read())) as image:
                    analysed = analyzer.analyze(image.convert("RGB")).detections
                found[name] = np.stack([embedding.vector for _, embedding in analysed])
                if len(found) % 100 == 0:
                    print(f"{len(found)} of {len(images)}", flush=True)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """Pictures of named things and of others: `views` `[n, 2, dim]`, what each shows and which class that is of.

    What is no named thing has the name "". Discriminants are learned against `general` `[m, dim]`.
    """

    views: Float32Array
    names: list[str]
    classes: list[str]
    general: Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the recogniser would find, all `[n]`; `weight` adds up to 1 on both sides of each thing."""

    cosine: metrics.FloatArray
    score: metrics.FloatArray
    level: metrics.FloatArray
    is_positive: metrics.BoolArray
    weight: metrics.FloatArray
    thing: np.ndarray


def draw_things(archive: Path, captions: Path, source: str, seed: int) -> Things:
    """The labels of one source; half of the other sources' pictures are what they are told from, half tested."""
    chosen = drawn_captions(captions, source, seed)
    found = embed(archive, {image for image, _ in chosen})
    present = [(image, label) for image, label in chosen if image in found]
    groups = {
        entry["image"]: str(entry.get("group"))
        for entry in map(json.loads, captions.read_text().splitlines())
    }
    others = [image for image, label in present if not label]
    general = set(others[::2])
    tested = [(image, label) for image, label in present if image not in general]
    return Things(
        np.stack([found[image] for image, _ in tested]),
        [label for _, label in tested],
        [groups[image] for image, _ in tested],
        np.concatenate([found[image] for image in sorted(general)]),
    )


def draw_renders(folder: Path, seed: int) -> Things:
    """Subjects of a prepared corpus of renders, as many of each class; told from the pictures that ship."""
    from personalizer.analysis.analyzer import PhotoAnalyzer

    bank = PictureBank.load(BUNDLED)
    assert bank is not None
    analyzer = PhotoAnalyzer()
    analyzer.face_detector = NoFaces()
    (pixels,), records = load_arrays([folder])
    by_subject: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        by_subject.setdefault(record.subject or "", []).append(number)
    by_class: dict[str, list[str]] = {}
    usable = sorted(name for name, own in by_subject.items() if name and len(own) > SHOTS + 1)
    for name in np.random.default_rng(seed).permutation(usable).tolist():
        by_class.setdefault(records[by_subject[name][0]].label or "", []).append(name)
    chosen = [name for label in sorted(by_class) for name in by_class[label][:SUBJECTS_PER_CLASS]]
    numbers = [number for name in chosen for number in by_subject[name]]
    pictures = (Image.fromarray(np.asarray(pixels[number])) for number in numbers)
    analysed = [analyzer.analyze(picture.convert("RGB")).detections for picture in pictures]
    return Things(
        np.stack([np.stack([embedding.vector for _, embedding in found]) for found in analysed]),
        [records[number].subject or "" for number in numbers],
        [records[number].label or "" for number in numbers],
        bank.vectors,
    )


def score_things(things: Things, seed: int) -> Scores:
    """`SPLITS` choices of the shots of each thing, and all other pictures compared with them."""
    random = np.random.default_rng(seed)
    names, classes = np.array(things.names), np.array(things.classes)
    contrast = Contrast(things.general)
    parts: list[tuple[np.ndarray, ...]] = []
    for number, name in enumerate(sorted(set(things.names) - {""})):
        own = np.flatnonzero(names == name)
        for _ in range(SPLITS):
            shots = random.permutation(own)[:SHOTS]
            learned = ObjectReference.from_views(list(things.views[shots]), contrast)
            plain = ObjectReference.from_views(list(things.views[shots]), None)
            tested = np.setdiff1d(np.arange(len(names)), shots)
            views = things.views[tested]
            positive = names[tested] == name
            stranger = ~positive & (classes[tested] == classes[own[0]])
            parts.append(
                (
                    plain.discriminant.scores(views).max(axis=1),
                    learned.discriminant.scores(views).max(axis=1),
                    np.full(len(tested), learned.level),
                    positive,
                    _weights(positive, stranger) / SPLITS,
                    np.full(len(tested), number),
                )
            )
    cosine, score, level, positive, weight, thing = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return Scores(*(part.astype(np.float64) for part in (cosine, score, level)), positive, weight, thing)


def _weights(positive: np.ndarray, stranger: np.ndarray) -> metrics.FloatArray:
    weight = np.zeros(len(positive))
    weight[positive] = 1 / positive.sum()
    share = STRANGER_SHARE if stranger.any() else 0.0
    weight[stranger] = share / max(1, stranger.sum())
    other = ~positive & ~stranger
    weight[other] = (1 - share) / max(1, other.sum())
    return weight


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--source", required=True, help="whose labels stand for things")
    parser.add_argument("--renders", type=Path, help="a prepared corpus whose subjects are things too")
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    things = [draw_things(options.archive, options.captions, options.source, options.seed)]
    if options.renders is not None:
        things.append(draw_renders(options.renders, options.seed))
    scores = [score_things(one, options.seed) for one in things]
    truth = np.concatenate([one.is_positive for one in scores])
    # Every kind of thing counts alike, however many there are.
    weight = np.concatenate([one.weight / one.weight.sum() for one in scores])
    cosine, score, level = (
        np.concatenate([getattr(one, name) for one in scores]) for name in ("cosine", "score", "level")
    )
    plain_weight, plain_bias = fit_logistic(cosine, truth, weights=weight)
    weights, bias = fit_logistic(np.column_stack([score, level]), truth, weights=weight)
    before = read_calibration(options.out) if options.out.exists() else None
    calibration = Calibration(
        object=Logistic(round(float(plain_weight[0]), 4), round(plain_bias, 4)),
        learned=LevelledLogistic(
            round(float(weights[0]), 4),
            round(float(weights[1]), 4),
            round(bias, 4),
            round(float(np.average(level, weights=weight)), 4),
        ),
        colors=OTHER_COLORS,
        face=Logistic(FACE_SLOPE, -FACE_SLOPE * (1 - FACE_DISTANCE)),
        absent_log_odds=ABSENT_LOG_ODDS,
        prefix_weight=before.prefix_weight if before else 0.0,
        prefix_offset=before.prefix_offset if before else 0.0,
        abstain_from=ABSTAIN_FROM,
        yes_from=YES_FROM,
        provenance={
            "object": f"{SHOTS} shots, {SPLITS} choices of each of "
            + " and ".join(
                f"{len(set(one.thing.tolist()))} {name}"
                for one, name in zip(scores, (f"labels of {options.source}", "renders"), strict=False)
            ),
            "object_weighted_accuracy": round(
                _balanced(cosine * plain_weight[0] + plain_bias, truth, weight), 4
            ),
            "learned_weighted_accuracy": round(
                _balanced(score * weights[0] + level * weights[1] + bias, truth, weight), 4
            ),
            "captions_sha256": hashlib.sha256(options.captions.read_bytes()).hexdigest(),
            "face": f"dlib's published operating point 0.6, made stricter: {FACE_DISTANCE}",
            "prefix": (before.provenance.get("prefix") if before else None)
            or "not fitted: counts for nothing",
        },
    )
    write_calibration(calibration, options.out)
    options.out.chmod(0o644)  # package data, not a user's
    print(options.out.read_text())


def _balanced(log_odds: metrics.FloatArray, truth: np.ndarray, weight: metrics.FloatArray) -> float:
    right = (log_odds > 0) == truth
    return float(np.mean([np.average(right[side], weights=weight[side]) for side in (truth, ~truth)]))


if __name__ == "__main__":
    main()

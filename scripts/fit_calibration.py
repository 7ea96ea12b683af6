"""Fits the numbers that turn object similarities into probabilities, on things that no evaluation scores.

    python -m scripts.fit_calibration PHOTOS.tar CAPTIONS.jsonl --source NAME [--models DIR] [--out FILE]

Every label of one source of the captions is treated as a thing that somebody named from three photos; all
other photos that were drawn, of every source, are what it must not be taken for. Written with where the
numbers come from. The numbers for faces are dlib's published operating point, made a little stricter; those
for prefixes are kept as they are in the file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from personalizer import metrics
from personalizer.calibration import (
    CALIBRATION_FILE,
    Calibration,
    Logistic,
    fit_logistic,
    read_calibration,
    write_calibration,
)
from personalizer.detection import FaceDetector
from personalizer.recognition import ObjectReference
from personalizer.schemas import Float32Array, NewDetection

SHOTS, SPLITS = 3, 5
FACE_DISTANCE = 0.55
"""dlib's authors publish 0.6 for two pictures; a photo is compared with everyone who has a name, and a wrong
name is worse than none."""
FACE_SLOPE = 25.0
"""Log odds per unit of distance: e^2.5 for each tenth."""
ABSENT_LOG_ODDS = -2.0
"""Without a face in the photo a person may still be there, turned away: one in eight."""
ABSTAIN_FROM = 0.35


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


def embed(archive: Path, images: set[str], models: Path) -> dict[str, Float32Array]:
    """Views `[2, dim]` (whole picture and region) by name in the archive."""
    from personalizer.analysis import PhotoAnalyser

    analyser = PhotoAnalyser(models)
    analyser.face_detector = NoFaces()
    found: dict[str, Float32Array] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            file = tar.extractfile(member) if name in images else None
            if file is not None:
                with Image.open(io.BytesIO(file.read())) as image:
                    analysed = analyser.analyse(image.convert("RGB"))
                found[name] = np.stack([embedding.vector for _, embedding in analysed])
                if len(found) % 100 == 0:
                    print(f"{len(found)} of {len(images)}", flush=True)
    return found


def similarities(
    views: Float32Array, labels: list[str], seed: int
) -> tuple[metrics.FloatArray, metrics.BoolArray, np.ndarray]:
    """What the recogniser would find: similarity, whether it is the thing, and which thing, all `[n]`."""
    random = np.random.default_rng(seed)
    names = np.array(labels)
    score, truth, group = [], [], []
    for number, label in enumerate(sorted(set(labels) - {""})):
        own = np.flatnonzero(names == label)
        for _ in range(SPLITS):
            shots = random.permutation(own)[:SHOTS]
            reference = ObjectReference.of(views[shots, 0], views[shots, 1])
            tested = np.setdiff1d(np.arange(len(names)), shots)
            score.append((views[tested] @ reference.prototype).max(axis=1))
            truth.append(names[tested] == label)
            group.append(np.full(len(tested), number))
    return np.concatenate(score).astype(np.float64), np.concatenate(truth), np.concatenate(group)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--source", required=True, help="whose labels stand for things")
    parser.add_argument("--models", type=Path, help="where the converted network is or goes")
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = drawn_captions(options.captions, options.source, options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        found = embed(options.archive, {image for image, _ in chosen}, options.models or Path(temporary))
    present = [(image, label) for image, label in chosen if image in found]
    views = np.stack([found[image] for image, _ in present])
    score, truth, group = similarities(views, [label for _, label in present], options.seed)
    weights, bias = fit_logistic(score, truth, group)
    probability = 1 / (1 + np.exp(-(weights[0] * score + bias)))
    scores = metrics.recognition_scores(metrics.decide(probability, truth))
    before = read_calibration(options.out) if options.out.exists() else None
    calibration = Calibration(
        object=Logistic(round(float(weights[0]), 4), round(bias, 4)),
        face=Logistic(FACE_SLOPE, -FACE_SLOPE * (1 - FACE_DISTANCE)),
        absent_log_odds=ABSENT_LOG_ODDS,
        prefix_weight=before.prefix_weight if before else 0.0,
        prefix_offset=before.prefix_offset if before else 0.0,
        abstain_from=ABSTAIN_FROM,
        provenance={
            "object": f"{options.source}: {len(set(group.tolist()))} things, {SHOTS} shots, {SPLITS} choices, "
            f"{len(present)} photos",
            "object_weighted_accuracy": round(scores.weighted, 4),
            "object_calibration_error": round(metrics.calibration_error(probability, truth), 4),
            "captions_sha256": hashlib.sha256(options.captions.read_bytes()).hexdigest(),
            "face": f"dlib's published operating point 0.6, made stricter: {FACE_DISTANCE}",
            "prefix": (before.provenance.get("prefix") if before else None)
            or "not fitted: counts for nothing",
        },
    )
    write_calibration(calibration, options.out)
    options.out.chmod(0o644)  # package data, not a user's
    print(options.out.read_text())


if __name__ == "__main__":
    main()

"""How much montages resemble the concept, whether the place survives, and whether the photo's own ground does not.

The same protocol, encoder and judge as for drawings (`generation.py`); nothing is trained.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from assistant.evaluation.data.options import EvaluationRun, GenerationOptions
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Split, Subject, make_splits, read_subjects, rounded
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.fidelity import Followed, PlaceJudge, fidelity, in_places, read_judge
from assistant.evaluation.drawing.generation import (
    GenerationScores,
    encode_real,
    reduced,
    score,
    summary,
    write_sheets,
)
from assistant.imagine.montage import Montage, MontagePainter
from assistant.language.parse import parse
from personalizer.analysis.main_thing import shipped_network
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.schemas import BoolArray, Concept, Float32Array, FloatArray

SAME_GROUND_FROM = 0.9
"""Correlation of what surrounds the thing with the photo that it was cut from, from which that photo was copied."""
_GROUND_PX = 64
_REQUEST = "a photo of {name}"
_PAIRS = 4
"""Montages of each subject with another one."""


@dataclass(frozen=True, slots=True)
class _Painted:
    """What one split's montages are scored by."""

    scores: GenerationScores
    followed: Followed
    fill: float
    nearest: float
    together: float | None


def evaluate_montages(options: GenerationOptions, run: EvaluationRun) -> dict[str, Any]:
    """Paint every subject `samples` times from `shots` photos of it, and compare: the keys of `evaluate_generation`.

    `no_concept` are the scenes alone, as a control; `in_places` asks for the judge's places. `copy_rate` is the share
    of montages whose ground is that of the photo that the thing was cut from. Besides: `fill`, the share of the picture
    that the thing's box takes; `nearest_subject`, how often the encoder finds the right one of all subjects nearest;
    `together`, how often, of two subjects in a picture, both are among the three nearest.
    """
    encoder = IndependentEncoder(run.home.ensure().models)
    judge = read_judge(encoder)
    subjects, skipped = read_subjects(options.subjects, options.shots)
    photos = EvaluationPhotos(run.home)
    folder = options.sheets or (options.report or run.home.root) / "contact_sheets"
    painted: dict[str, list[_Painted]] = {}
    written: list[str] = []
    try:
        photos.prepare([photo for subject in subjects for photo in subject.photos], run.on_progress)
        real = encode_real(encoder, photos, subjects, options.size)
        splits = make_splits(subjects, options.shots, options.trained_splits, options.seed)
        studio = _Studio(encoder, judge, photos, subjects, real, options)
        for number, split in enumerate(splits):
            run.say(number, len(splits), f"montages of {split.subject.name}")
            partner = splits[(number + options.trained_splits) % len(splits)]
            result, sheets = studio.paint(split, partner)
            painted.setdefault(split.subject.name, []).append(result)
            written += write_sheets(folder, split, photos, options.size, sheets)
    finally:
        photos.close()
    followed = {name: [one.followed for one in results] for name, results in painted.items()}
    survived = fidelity(judge, followed, options.seed)
    summarised = summary(
        {name: [one.scores for one in results] for name, results in painted.items()}, options.seed
    )
    of_concept, of_each = survived.pop("per_concept"), summarised.pop("per_concept")
    every = [one for results in painted.values() for one in results]
    pairs = [one.together for one in every if one.together is not None]
    return {
        **summarised,
        **survived,
        "places_kept": rounded(float(np.mean([one.followed.with_concept.mean() for one in every]))),
        "fill": rounded(float(np.mean([one.fill for one in every]))),
        "nearest_subject": rounded(float(np.mean([one.nearest for one in every]))),
        "together": rounded(float(np.mean(pairs))) if pairs else None,
        "per_concept": {name: row | of_concept[name] for name, row in of_each.items()},
        "encoder": encoder.name,
        "contact_sheets": written,
        "settings": _settings(options, photos, judge)
        | {"subjects": len(painted), "skipped_subjects": skipped},
    }


def _settings(options: GenerationOptions, photos: EvaluationPhotos, judge: PlaceJudge) -> dict[str, Any]:
    return {
        "shots": options.shots,
        "samples": options.samples,
        "trained_splits": options.trained_splits,
        "seed": options.seed,
        "painter": options.painter,
        "size": options.size,
        "samples_per_place": judge.per_place(options.samples),
        "unreadable": photos.unreadable,
    }


class _Studio:
    """Paints and scores the montages of one split at a time."""

    def __init__(
        self,
        encoder: IndependentEncoder,
        judge: PlaceJudge,
        photos: EvaluationPhotos,
        subjects: Sequence[Subject],
        real: dict[Path, Float32Array],
        options: GenerationOptions,
    ) -> None:
        self._encoder = encoder
        self._judge = judge
        self._photos = photos
        self._subjects = subjects
        self._real = real
        self._options = options

    def paint(self, split: Split, partner: Split) -> tuple[_Painted, dict[str, list[Image.Image]]]:
        """First samples without a place, in places, and with another subject; and the pictures to look at."""
        seed, samples = self._options.seed, self._options.samples
        with (
            tempfile.TemporaryDirectory(prefix="familiar-montages-") as folder,
            Library.open(Path(folder) / "library.sqlite3") as library,
        ):
            own, other = self._know(library, split, "Qax"), self._know(library, partner, "Zyx")
            painter = MontagePainter(library, shipped_network(), lambda _place, _seed: None)
            plain = _painted(painter, [own], _REQUEST, range(seed, seed + samples))
            some = range(seed, seed + self._judge.per_place(samples))
            placed = [_painted(painter, [own], text, some) for text in in_places(self._judge, _REQUEST)]
            both = _painted(painter, [own, other], "{name} and {other}", range(seed, seed + _PAIRS))
        drawn = self._encode([one.image for one in plain])
        everywhere = [one for there in placed for one in there]
        copies = float(np.mean([_copies_ground(one) for one in plain + everywhere]))
        beside = {
            "no_concept": self._encode([one.scene.image for one in plain]),
            "in_places": self._encode([one.image for one in everywhere]),
        }
        scores = score(split, self._subjects, self._real, drawn, copies, beside)
        followed = Followed(
            self._judge.hits([[one.image for one in there] for there in placed]),
            self._judge.hits([[one.scene.image for one in there] for there in placed]),
        )
        fills = [place.width * place.height / 768**2 for one in plain for place in one.places]
        nearest = [ranked[0] == split.subject.name for ranked in map(self._ranked, drawn)]
        pair = {split.subject.name, partner.subject.name}
        together = [
            pair <= set(ranked[:3]) for ranked in map(self._ranked, self._encode([o.image for o in both]))
        ]
        sheets = {"-montages": [one.image for one in plain], "-in_places": [one.image for one in everywhere]}
        return (
            _Painted(
                scores,
                followed,
                float(np.mean(fills)),
                float(np.mean(nearest)),
                float(np.mean(together)) if together else None,
            ),
            sheets,
        )

    def _know(self, library: Library, split: Split, name: str) -> Concept:
        """A named concept of the shots, as the evaluation's photos were analysed."""
        concept = library.concept_by_name(name) or library.create_concept("object", name)
        for path in split.shots:
            number = self._photos.photo_id(path)
            if number is None:
                continue
            known = self._photos.library.photo(number)
            photo = library.record_photo(
                NewPhoto(
                    content_hash=known.content_hash,
                    path=known.path,
                    size=known.path.stat().st_size,
                    mtime_ns=known.path.stat().st_mtime_ns,
                    width_px=known.width_px,
                    height_px=known.height_px,
                    taken_at=None,
                    latitude=None,
                    longitude=None,
                    camera=None,
                    detections=self._photos.analysed[number],
                )
            )
            whole = library.detections(photo.id, kind="photo")
            library.add_members(concept.id, [whole[0].id], source="user", status="confirmed")
        return concept

    def _encode(self, pictures: Sequence[Image.Image]) -> Float32Array:
        return self._encoder.encode([reduced(picture, self._options.size) for picture in pictures])

    def _ranked(self, vector: Float32Array) -> list[str]:
        """All subjects, that whose photos are nearest first."""
        means = {
            subject.name: np.stack([self._real[p] for p in subject.photos if p in self._real]).mean(axis=0)
            for subject in self._subjects
        }
        return sorted(means, key=lambda name: -float(vector @ means[name]))


def _painted(
    painter: MontagePainter, concepts: Sequence[Concept], text: str, seeds: Iterable[int]
) -> list[Montage]:
    """One montage for each seed."""
    names = [str(concept.name) for concept in concepts]
    wish = painter.understand(parse(text.format(name=names[0], other=names[-1]), names), concepts)
    return [painter.paint(wish, concepts, seed) for seed in seeds]


def _copies_ground(montage: Montage) -> bool:
    """Whether the ground of any thing's photo is still around it."""
    free = np.ones((_GROUND_PX, _GROUND_PX), np.bool_)
    side = montage.image.width
    for place in montage.places:
        left, right = place.left * _GROUND_PX // side, -(-(place.left + place.width) * _GROUND_PX // side)
        top, bottom = place.top * _GROUND_PX // side, -(-(place.top + place.height) * _GROUND_PX // side)
        free[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = False
    return any(same_ground(montage.image, subject.photo, free) for subject in montage.subjects)


def same_ground(picture: Image.Image, photo: Image.Image, free: BoolArray) -> bool:
    """Whether `picture` is the photo wherever `free` `[64, 64]`: squashed, or its middle square, mirrored or not."""
    if free.sum() < 32:
        return False
    size = (_GROUND_PX, _GROUND_PX)
    own = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float64)[free]
    for shown in (
        photo.convert("RGB").resize(size, Image.Resampling.BOX),
        ImageOps.fit(photo.convert("RGB"), size),
    ):
        for turned in (shown, ImageOps.mirror(shown)):
            other = np.asarray(turned, dtype=np.float64)[free]
            if min(own.std(), other.std()) > 0 and _correlation(own, other) >= SAME_GROUND_FROM:
                return True
    return False


def _correlation(first: FloatArray, second: FloatArray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])

"""`familiar evaluate ablation`: the same concepts trained in several ways, recognised and drawn, in one table.

Every variant has the same splits and photos and is scored as `evaluate recognition` scores a prefix alone and as
`evaluate generation` scores first samples. Knows no setting of the trainer; `variants` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.answers.backbone_service import DRAWING_TEMPERATURE, GUIDANCE
from assistant.evaluation.data import metrics
from assistant.evaluation.data.options import (
    AblationOptions,
    EvaluationRun,
    check_samples,
)
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    Subject,
    Trial,
    calibrate_on_others,
    make_splits,
    mean_over_concepts,
    paired_difference,
    read_photos,
    read_subjects,
)
from assistant.evaluation.data.variants import FULL, VARIANTS, Variant, choose_variants
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.generation import (
    GenerationScores,
    draw_class,
    encode_real,
    score,
    summary,
    view_codes,
)
from assistant.evaluation.recognition.comparison import Comparison, compare_splits
from assistant.evaluation.recognition.trained import prefix_trials, trained_report
from assistant.evaluation.recognition.trained_split import Answers, Shared, TrainedSplit
from assistant.results import Trained
from personalizer.home import write_atomically
from personalizer.prefix.prompts import GENERATION_TEXT
from personalizer.schemas import Float32Array, Int64Array

if TYPE_CHECKING:
    from exporters.runtime.session import BackboneSession

DRAWN_FILE = "drawn.json"


def evaluate_ablation(
    options: AblationOptions, run: EvaluationRun, known: Mapping[str, Variant] = VARIANTS
) -> dict[str, Any]:
    """`rows` of `{variant, says, recognition, generation, cost, minus_full}`, the full recipe first.

    `variants` are names among `known`, all by default. `minus_full` has differences on the same splits, with bootstrap
    intervals over concepts. The controls `no_concept`, `retrieval_only` and `other_prefix` are measured once, the last
    one with the full recipe's prefixes. What was trained, asked and drawn before is read again from the home; the full
    recipe's prefixes are shared with the other evaluations. Raises `UsageError` for a variant that is not known,
    `NotReadyError` without the encoder's package.
    """
    names = [name.strip() for name in options.variants.split(",") if name.strip()]
    chosen = choose_variants(names, known)
    check_samples(options.samples)
    subjects, skipped = read_subjects(options.subjects, options.shots)
    negatives = read_photos(options.negatives)
    encoder = IndependentEncoder(run.home.ensure().models)
    photos = EvaluationPhotos(run.home)
    try:
        photos.prepare([*(p for subject in subjects for p in subject.photos), *negatives], run.on_progress)
        splits = make_splits(subjects, options.shots, options.trained_splits, options.seed)
        tested = compare_splits(photos, splits, subjects, negatives, run.on_progress)
        drawings = _Drawings(encoder, photos, subjects, options.samples, options.seed)
        shared = Shared()
        measured = {name: _Measured() for name in chosen}
        for number, (name, one) in enumerate((name, one) for name in chosen for one in tested):
            run.say(number, len(chosen) * len(tested), f"training {one.split.subject.name}, {name}")
            split = TrainedSplit(
                run.home, one, photos, run.backbone, run.device, shared, chosen[name].settings
            )
            try:
                measured[name].costs.append(split.train(run.on_progress))
                measured[name].answers.append(split.answers(run.on_progress))
                drawn = drawings.score(split, one, no_concept=name == FULL)
                measured[name].drawn.setdefault(one.split.subject.name, []).append(drawn)
            finally:
                split.close()
    finally:
        photos.close()
    return {
        **_report(chosen, tested, measured, options.seed),
        "encoder": encoder.name,
        "settings": {
            "shots": options.shots,
            "samples": options.samples,
            "trained_splits": options.trained_splits,
            "seed": options.seed,
            "backbone": run.backbone,
            "subjects": len({one.split.subject.name for one in tested}),
            "photos": photos.count,
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
        },
    }


@dataclass(slots=True)
class _Measured:
    """One variant, a value per split in the order in which they are tested."""

    costs: list[Trained] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    drawn: dict[str, list[GenerationScores]] = field(default_factory=dict)
    """By concept."""


class _Drawings:
    """Scores first samples; what does not depend on the variant is encoded once."""

    def __init__(
        self,
        encoder: IndependentEncoder,
        photos: EvaluationPhotos,
        subjects: Sequence[Subject],
        samples: int,
        seed: int,
    ) -> None:
        self._encoder = encoder
        self._photos = photos
        self._subjects = subjects
        self._samples = samples
        self._seed = seed
        self._real: dict[Path, Float32Array] = {}
        self._views: dict[tuple[int, ...], Int64Array] = {}
        self._of_class: dict[str, Float32Array] = {}

    def score(self, trained: TrainedSplit, tested: Comparison, *, no_concept: bool) -> GenerationScores:
        """What a trained prefix draws, and with `no_concept` what the bare backbone draws of the class."""
        session, shots = trained.session, tuple(tested.shot_ids)
        if not self._real:
            side_px = session.spec.image_size_px
            self._real = encode_real(self._encoder, self._photos, self._subjects, side_px)
        if shots not in self._views:
            self._views[shots] = view_codes(session, self._photos, shots)
        codes = first_samples(trained, self._samples, self._seed)
        drawn = self._encoder.encode(session.decode_images(codes))
        copies = metrics.copy_rate(codes, self._views[shots])
        beside = {}
        if no_concept:
            beside = {"no_concept": self._class(session, tested.split.subject.class_name)}
        return score(tested.split, self._subjects, self._real, drawn, copies, beside)

    def _class(self, session: BackboneSession, class_name: str) -> Float32Array:
        if class_name not in self._of_class:
            pictures = draw_class(session, class_name, self._samples, self._seed)
            self._of_class[class_name] = self._encoder.encode(pictures)
        return self._of_class[class_name]


def first_samples(trained: TrainedSplit, samples: int, seed: int) -> Int64Array:
    """Codes `[samples, tokens]` of drawings of the concept; those that were drawn before are read again."""
    path = trained.root / DRAWN_FILE
    wanted = {
        "prefix": trained.prefix().sha256,
        "backbone": trained.serving.version,
        "samples": samples,
        "seed": seed,
        "sampling": [GUIDANCE, DRAWING_TEMPERATURE],
    }
    if path.exists():
        stored = json.loads(path.read_bytes())
        if stored["wanted"] == wanted:
            return np.array(stored["codes"], dtype=np.int64)
    _, codes = trained.draw(GENERATION_TEXT, samples, seed, candidates=1)
    write_atomically(path, json.dumps({"wanted": wanted, "codes": codes.tolist()}).encode())
    return codes


def _report(
    chosen: Mapping[str, Variant],
    tested: Sequence[Comparison],
    measured: Mapping[str, _Measured],
    seed: int,
) -> dict[str, Any]:
    """The rows, and the controls beside them."""
    trials = {
        name: calibrate_on_others(prefix_trials(tested, found.answers)) for name, found in measured.items()
    }
    recognized = {
        name: trained_report(tested, found.answers, found.costs, seed) for name, found in measured.items()
    }
    drawn = {name: summary(found.drawn, seed) for name, found in measured.items()}
    full = drawn[FULL]
    rows = [
        {
            "variant": name,
            "says": variant.says,
            "settings": dict(variant.settings),
            "recognition": recognized[name]["prefix_only"],
            "generation": {key: value for key, value in drawn[name].items() if key != "no_concept"},
            "cost": recognized[name]["cost"],
            "minus_full": None
            if name == FULL
            else {
                "weighted": paired_difference(trials[name], trials[FULL], seed=seed),
                "area_under_curve": paired_difference(
                    trials[name], trials[FULL], seed=seed, measure=_area_under_curve
                ),
                "similarity": _similarity_difference(measured[name].drawn, measured[FULL].drawn, seed),
            },
        }
        for name, variant in chosen.items()
    ]
    return {
        "rows": rows,
        "no_concept": {"recognition": recognized[FULL]["no_concept"], "generation": full["no_concept"]},
        "retrieval_only": {"recognition": recognized[FULL]["retrieval_only_same_splits"]},
        "other_prefix": {"recognition": recognized[FULL]["other_prefix"]},
        "floor": full["floor"],
        "ceiling": full["ceiling"],
        "concepts_without_room": full["concepts_without_room"],
    }


def _area_under_curve(trial: Trial) -> float:
    return metrics.area_under_curve(trial.score, trial.is_positive)


def _similarity_difference(
    ours: Mapping[str, Sequence[GenerationScores]],
    theirs: Mapping[str, Sequence[GenerationScores]],
    seed: int,
) -> dict[str, Any]:
    return mean_over_concepts(
        {
            name: [a.similarity - b.similarity for a, b in zip(scores, theirs[name], strict=True)]
            for name, scores in ours.items()
        },
        seed=seed,
    )

"""The rows of the recognition table that need a trained prefix, and what training cost.

Every split is trained in a home of its own that holds nothing but its shots, by what `familiar learn` runs:
photos that are tested must not be in the library that training takes its negatives from.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.evaluation.data.options import EvaluationRun
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    Trial,
    calibrate_like,
    calibrate_on_others,
    paired_difference,
    table,
)
from assistant.evaluation.recognition.comparison import (
    Comparison,
    embedding_trials,
    product_difference,
    product_row,
)
from assistant.evaluation.recognition.trained_split import (
    Answers,
    Shared,
    TrainedSplit,
    no_for_nothing,
)
from assistant.results import Trained
from personalizer.recognition.calibration import shipped_calibration

if TYPE_CHECKING:
    from assistant.evaluation.data.options import RecognitionOptions

    pass


def evaluate_trained(
    tested: Sequence[Comparison],
    photos: EvaluationPhotos,
    options: RecognitionOptions,
    run: EvaluationRun,
) -> dict[str, Any]:
    """The product's row and those of prefix only, no concept, another concept's prefix, and the cost.

    `together` adds what it costs to have two concepts in one prompt, `backgrounds` what is said of held-out photos
    on other grounds and of their grounds alone. Training and answers that were finished before
    are read again from `home`.
    """
    costs: list[Trained] = []
    answers: list[Answers] = []
    shared = Shared()

    def opened(one: Comparison) -> TrainedSplit:
        return TrainedSplit(run.home, one, photos, run.backbone, run.device, shared)

    for number, one in enumerate(tested):
        split = opened(one)
        try:
            run.say(number, len(tested), f"training {one.split.subject.name}")
            costs.append(split.train(run.on_progress))
            answers.append(split.answers(run.on_progress))
        finally:
            split.close()
    report = trained_report(tested, answers, costs, options.seed)
    if options.together:
        from assistant.evaluation.recognition.together import evaluate_together

        report["together"] = evaluate_together(tested, answers, photos, opened, options.seed, run.on_progress)
    if options.backgrounds:
        from assistant.evaluation.recognition.background import evaluate_backgrounds

        report["background"] = evaluate_backgrounds(
            tested, answers, photos, opened, options.seed, run.on_progress
        )
    return report


def trained_report(
    tested: Sequence[Comparison], answers: Sequence[Answers], costs: Sequence[Trained], seed: int
) -> dict[str, Any]:
    """The rows, from what the backbone said.

    `other_prefix` asks about each concept with the next subject's prefix, at the numbers fitted for prefixes
    that belong. Prefix rows use numbers fitted on all other concepts. Where nothing could be looked at (no
    face), a prefix says no.
    """
    calibration = shipped_calibration()
    product = [
        Trial(
            one.split.subject.name,
            np.array(
                [
                    calibration.combine(log_odds, None if np.isnan(logit) else logit)
                    for log_odds, logit in zip(one.log_odds, answer.with_prefix, strict=True)
                ]
            ),
            one.is_positive,
        )
        for one, answer in zip(tested, answers, strict=True)
    ]
    prefix = prefix_trials(tested, answers)
    without = [_trial(one, answer.without) for one, answer in zip(tested, answers, strict=True)]
    other = _with_other_prefixes(tested, answers)
    embedding, retrieval = embedding_trials(tested), embedding_trials(tested, learned=False)
    return {
        **product_row(product, tested, seed),
        "prefix_only": table(calibrate_on_others(prefix), seed=seed, per_concept=True),
        "no_concept": table(calibrate_on_others(without), seed=seed),
        "other_prefix": table(calibrate_like(other, prefix), seed=seed) if other else None,
        "embedding_only_same_splits": product_row(embedding, tested, seed),
        "retrieval_only_same_splits": product_row(retrieval, tested, seed),
        "product_minus_retrieval": product_difference(product, retrieval, seed),
        "product_minus_embedding": product_difference(product, embedding, seed),
        "added_information": _added_information(tested, prefix, seed),
        "prefix_weight": calibration.prefix_weight,
        "cost": _cost(costs),
    }


def _added_information(tested: Sequence[Comparison], prefix: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Whether a prefix knows what the embedding does not: both together against the embedding alone.

    Both fitted anew on the other concepts, so that the weight a prefix ships with plays no part.
    """
    absent = shipped_calibration().absent_log_odds
    embedding = [
        Trial(
            trial.concept,
            np.array([absent if value is None else value for value in one.log_odds]),
            trial.is_positive,
        )
        for one, trial in zip(tested, prefix, strict=True)
    ]
    alone = calibrate_on_others(embedding)
    both = calibrate_on_others(
        [
            Trial(a.concept, np.column_stack([a.score, b.score]), a.is_positive)
            for a, b in zip(embedding, prefix, strict=True)
        ]
    )
    return {
        "with_prefix": table(both, seed=seed),
        "without": table(alone, seed=seed),
        "difference": paired_difference(both, alone, seed=seed),
    }


def prefix_trials(tested: Sequence[Comparison], answers: Sequence[Answers]) -> list[Trial]:
    """What prefixes said, before it is calibrated."""
    return [_trial(one, answer.with_prefix) for one, answer in zip(tested, answers, strict=True)]


def _trial(one: Comparison, logits: Sequence[float]) -> Trial:
    return Trial(one.split.subject.name, no_for_nothing(logits), one.is_positive)


def _with_other_prefixes(tested: Sequence[Comparison], answers: Sequence[Answers]) -> list[Trial]:
    """Each concept's photos under the prefix of the next subject in the same split number.

    The photos that the other prefix was trained on are left out, and so are those it was not asked about.
    """
    trials = []
    for number in sorted({one.split.number for one in tested}):
        group = [(one, a) for one, a in zip(tested, answers, strict=True) if one.split.number == number]
        if len(group) < 2:
            continue
        for index, (one, _) in enumerate(group):
            other, answer = group[(index + 1) % len(group)]
            said = dict(zip(other.photo_ids, no_for_nothing(answer.with_prefix).tolist(), strict=True))
            kept = [place for place, photo in enumerate(one.photo_ids) if photo in said]
            logits = [said[one.photo_ids[place]] for place in kept]
            trials.append(Trial(one.split.subject.name, np.array(logits), one.is_positive[kept]))
    return trials


def _cost(costs: Sequence[Trained]) -> dict[str, Any]:
    """Medians over the trained concepts."""
    keys = ("steps", "elapsed_s", "trained_values", "bytes", "peak_rss_mib", "recognition_augmented")
    rows = [asdict(cost) for cost in costs]
    known = {key: [row[key] for row in rows if row.get(key) is not None] for key in keys}
    return {"concepts": len(rows)} | {
        key: round(statistics.median(values), 4) for key, values in known.items() if values
    }

"""The rows that need a prefix, from answers whose worth is known."""

from pathlib import Path

import numpy as np
import pytest

from assistant.evaluation.data.protocol import Split, Subject
from assistant.evaluation.recognition.comparison import Comparison
from assistant.evaluation.recognition.trained import trained_report
from assistant.evaluation.recognition.trained_split import Answers
from assistant.results import Trained

PHOTOS = 12


def _tested(name: str, number: int, log_odds: list[float | None]) -> Comparison:
    """Photos 0..11; three positives per concept at places that differ."""
    truth = np.zeros(PHOTOS, dtype=bool)
    truth[3 * number : 3 * number + 3] = True
    return Comparison(
        split=Split(Subject(name, (Path("a.jpg"), Path("b.jpg"))), 0, (Path("a.jpg"),)),
        kind="object",
        shot_ids=[100 + number],
        photo_ids=list(range(PHOTOS)),
        is_positive=truth,
        same_class=truth | (np.arange(PHOTOS) == PHOTOS - 1),
        log_odds=log_odds,
        retrieval_log_odds=log_odds,
        boxes=[None] * PHOTOS,
    )


def _cost(name: str, elapsed_s: float) -> Trained:
    return Trained(name, 160, elapsed_s, 1000, 4000, 300.0, 0.9)


def _knowing(number: int) -> list[float]:
    return [2.0 if place // 3 == number else -2.0 for place in range(PHOTOS)]


UNDECIDED = [0.0] * PHOTOS


def _report(answers: list[Answers], log_odds: list[float | None]) -> dict:
    names = ["dog", "cat", "cup", "car"]
    tested = [_tested(name, number, log_odds) for number, name in enumerate(names)]
    return trained_report(tested, answers, [_cost(name, 5.0 + i) for i, name in enumerate(names)], seed=0)


def test_a_prefix_that_knows_beats_every_control() -> None:
    report = _report([Answers(_knowing(n), [0.0] * PHOTOS) for n in range(4)], [*UNDECIDED])
    assert report["prefix_only"]["weighted"] == 1.0
    assert report["other_prefix"]["weighted"] < 0.5
    assert report["no_concept"]["weighted"] == 0.5
    assert report["added_information"]["with_prefix"]["weighted"] == 1.0
    assert report["added_information"]["difference"]["mean"] > 0.3
    assert report["cost"] == {
        "concepts": 4,
        "steps": 160,
        "elapsed_s": 6.5,
        "trained_values": 1000,
        "bytes": 4000,
        "peak_rss_mib": 300.0,
        "recognition_augmented": 0.9,
    }


def test_a_prefix_that_does_nothing_adds_nothing() -> None:
    random = np.random.default_rng(0)
    noise = [Answers(random.normal(size=PHOTOS).tolist(), [0.0] * PHOTOS) for _ in range(4)]
    good = [[6.0 if place // 3 == number else -6.0 for place in range(PHOTOS)] for number in range(4)]
    tested = [_tested(name, n, list(good[n])) for n, name in enumerate(["dog", "cat", "cup", "car"])]
    report = trained_report(tested, noise, [_cost("x", 1.0)] * 4, seed=0)
    assert report["weighted"] == 1.0
    assert report["embedding_only_same_splits"]["weighted"] == 1.0
    assert report["prefix_only"]["weighted"] < 0.8
    assert report["added_information"]["difference"]["mean"] <= 0.0


def test_photos_without_anything_to_look_at_count_as_no() -> None:
    answers = []
    for number in range(4):
        said = _knowing(number)
        said[(3 * number + 5) % PHOTOS] = float("nan")
        answers.append(Answers(said, [0.0] * PHOTOS))
    report = _report(answers, [*UNDECIDED])
    assert report["prefix_only"]["weighted"] == 1.0
    assert report["other_prefix"]["trials"] == 4


def test_same_class_counts_only_the_look_alikes() -> None:
    sure = [6.0 if place in (0, 1, 2, PHOTOS - 1) else -6.0 for place in range(PHOTOS)]
    tested = [_tested("dog", 0, list(sure)), _tested("cat", 1, list(sure))]
    answers = [Answers([0.0] * PHOTOS, [0.0] * PHOTOS)] * 2
    report = trained_report(tested, answers, [_cost("dog", 1.0)] * 2, seed=0)
    dog = report["per_concept"]["dog"]
    assert dog["negative"] == pytest.approx(8 / 9, abs=1e-4)
    assert report["same_class"]["negative"] == 0.0

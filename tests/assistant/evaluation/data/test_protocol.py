from pathlib import Path

import numpy as np
import pytest

from assistant.evaluation.data import protocol
from assistant.evaluation.data.protocol import Split, Subject, Trial
from personalizer.errors import NotFoundError, UsageError


def _folder(tmp_path: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.jpg").touch()
    return tmp_path


def test_subjects_with_too_few_photos_are_named_not_dropped_silently(tmp_path: Path) -> None:
    folder = _folder(tmp_path, dog=5, cat=4, bird=3)
    (folder / "dog" / "notes.txt").touch()
    (folder / "dog" / ".hidden.jpg").touch()
    subjects, skipped = protocol.read_subjects(folder, shots=3)
    assert [(s.name, len(s.photos)) for s in subjects] == [("cat", 4), ("dog", 5)]
    assert skipped == ["bird"]


def test_folders_without_subjects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 folders"):
        protocol.read_subjects(_folder(tmp_path, dog=2), shots=3)
    with pytest.raises(NotFoundError):
        protocol.read_subjects(tmp_path / "nowhere", shots=3)


def test_classes_come_from_the_last_word() -> None:
    names = ("dog", "dog8", "wolf_plushie", "grey sloth-plushie2", "чашка", "7")
    assert [Subject(name, ()).class_name for name in names] == [
        "dog",
        "dog",
        "plushie",
        "plushie",
        "чашка",
        "7",
    ]


def _subject(name: str, count: int) -> Subject:
    return Subject(name, tuple(Path(f"{name}/{number}.jpg") for number in range(count)))


def test_shots_and_test_photos_are_disjoint_and_all_splits_differ() -> None:
    splits = protocol.make_splits([_subject("dog", 6)], shots=3, splits=10, seed=0)
    assert len({split.shots for split in splits}) == 10
    for split in splits:
        assert set(split.shots).isdisjoint(split.held_out)
        assert len(split.shots) + len(split.held_out) == 6


def test_splits_repeat_and_do_not_depend_on_other_subjects() -> None:
    dog, cat = _subject("dog", 6), _subject("cat", 6)
    alone = protocol.make_splits([dog], 3, 4, seed=1)
    together = protocol.make_splits([cat, dog], 3, 4, seed=1)
    assert [s for s in together if s.subject == dog] == alone
    assert protocol.make_splits([dog], 3, 4, seed=2) != alone


def test_there_are_no_more_splits_than_choices() -> None:
    assert len(protocol.make_splits([_subject("dog", 4)], shots=3, splits=10, seed=0)) == 4
    with pytest.raises(UsageError):
        protocol.make_splits([_subject("dog", 4)], shots=0, splits=1, seed=0)


def test_fewer_shots_are_the_first_of_more_and_all_are_tested_on_the_same_photos() -> None:
    nested = protocol.make_nested_splits([_subject("dog", 6), _subject("cat", 5)], [3, 1, 4], 4, seed=2)
    assert sorted(nested) == [1, 3, 4]
    for one, three, four in zip(nested[1], nested[3], nested[4], strict=True):
        assert set(one.shots) < set(three.shots) < set(four.shots)
        assert one.held_out == three.held_out == four.held_out
        assert set(four.shots).isdisjoint(four.held_out) and four.set_aside == ()
        assert (one.subject, one.number) == (four.subject, four.number)
        assert len(one.shots) == 1 and len(three.shots) == 3


def test_nested_choices_share_trained_prefixes_with_the_recognition_evaluation() -> None:
    """Same shots under the same number: the largest always, the first choice whatever its size."""
    subjects = [_subject("dog", 6), _subject("cat", 5)]
    nested = protocol.make_nested_splits(subjects, [1, 2, 3], 5, seed=7)
    assert nested[3] == protocol.make_splits(subjects, 3, 5, seed=7)
    firsts = [split.shots for split in nested[2] if split.number == 0]
    assert firsts == [split.shots for split in protocol.make_splits(subjects, 2, 1, seed=7)]


@pytest.mark.parametrize("counts", [[], [0, 3], [-1]])
def test_no_number_of_shots_is_refused(counts: list[int]) -> None:
    with pytest.raises(UsageError):
        protocol.make_nested_splits([_subject("dog", 6)], counts, 1, seed=0)


def _trial(concept: str, *scores: tuple[float, bool]) -> Trial:
    return Trial(concept, np.array([s for s, _ in scores]), np.array([t for _, t in scores], dtype=bool))


def test_table_is_macro_over_concepts() -> None:
    right = _trial("easy", (0.9, True), (0.1, False))
    wrong = _trial("hard", (0.2, True), (0.1, False))
    # Two trials of the easy concept must not make it count twice.
    row = protocol.table([right, right, wrong], per_concept=True)
    assert row["weighted"] == 0.75
    assert (row["positive"], row["negative"]) == (0.5, 1.0)
    assert row["per_concept"]["hard"]["weighted"] == 0.5
    assert row["interval"][0] <= 0.75 <= row["interval"][1]
    assert (row["concepts"], row["trials"]) == (2, 3)


def test_table_counts_abstaining_as_an_error_on_positives() -> None:
    row = protocol.table([_trial("a", (0.45, True), (0.45, False))], abstain_from=0.4)
    assert (row["positive"], row["negative"], row["abstained"]) == (0.0, 1.0, 1.0)


def test_calibration_never_sees_the_concept_it_is_used_on() -> None:
    usual = [_trial(name, (5.0, True), (6.0, True), (-5.0, False), (-6.0, False)) for name in "ab"]
    # This concept's scores are reversed: had it been fitted on itself, it would look better than it is.
    odd = _trial("odd", (-5.0, True), (5.0, False))
    calibrated = protocol.calibrate_on_others([*usual, odd])
    assert protocol.table([calibrated[-1]])["weighted"] == 0.0
    assert protocol.table(protocol.calibrate_on_others(usual))["weighted"] == 1.0


def test_calibrating_like_a_reference_leaves_its_own_concept_out() -> None:
    reference = [_trial(name, (1.0, True), (-1.0, False)) for name in "abc"]
    other = [_trial("a", (0.0, True), (0.0, False))]
    (calibrated,) = protocol.calibrate_like(other, reference)
    assert calibrated.score == pytest.approx([0.5, 0.5])


def test_paired_difference_is_taken_concept_by_concept() -> None:
    good = [_trial("a", (0.9, True), (0.1, False)), _trial("b", (0.9, True), (0.1, False))]
    worse = [_trial("a", (0.9, True), (0.1, False)), _trial("b", (0.1, True), (0.1, False))]
    assert protocol.paired_difference(good, worse)["mean"] == 0.25
    assert protocol.paired_difference(good, good) == {"mean": 0.0, "interval": [0.0, 0.0]}


def test_reliability_is_of_all_trials_and_as_balanced_as_the_calibration_error() -> None:
    trials = [_trial("a", (0.95, True), (0.05, False)), _trial("b", (0.97, True), (0.93, False))]
    bins = protocol.reliability(trials)
    assert [one["count"] for one in bins] == [1, 3]
    assert bins[0] == {"mean_probability": 0.05, "share_positive": 0.0, "count": 1}
    assert bins[1]["share_positive"] == pytest.approx(2 / 3, abs=1e-4)
    off = 0.25 * 0.05 + 0.75 * abs(bins[1]["mean_probability"] - 2 / 3)
    assert protocol.table(trials)["ece"] == pytest.approx(off, abs=1e-3)


def test_restricting_keeps_the_marked_photos_of_each_trial() -> None:
    trials = [_trial("a", (0.9, True), (0.8, False), (0.1, False))]
    (kept,) = protocol.restricted(trials, {0: np.array([True, True, False])})
    assert protocol.table([kept])["negative"] == 0.0


def test_reports_hold_no_nan() -> None:
    assert protocol.rounded(float("nan")) is None
    assert Split(_subject("dog", 4), 0, ()).held_out == _subject("dog", 4).photos

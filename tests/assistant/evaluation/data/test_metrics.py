import numpy as np
import pytest

from assistant.evaluation.data import metrics


def test_weighted_accuracy_is_the_mean_of_both_classes() -> None:
    probability = np.array([0.9, 0.2, 0.1, 0.6, 0.3, 0.05])
    truth = np.array([True, True, False, False, False, False])
    scores = metrics.recognition_scores(metrics.decide(probability, truth))
    assert scores.positive == 0.5
    assert scores.negative == 0.75
    assert scores.weighted == 0.625
    assert scores.precision == 0.5
    assert scores.recall == 0.5
    assert scores.abstained == 0.0


def test_abstaining_is_an_error_on_positives_only() -> None:
    truth = np.array([True, True, False, False])
    decisions = metrics.decide(np.array([0.45, 0.9, 0.45, 0.1]), truth, abstain_above=0.4)
    scores = metrics.recognition_scores(decisions)
    assert scores.positive == 0.5
    assert scores.negative == 1.0
    assert scores.abstained == 0.5


def test_nothing_called_positive_has_no_precision() -> None:
    scores = metrics.recognition_scores(metrics.decide(np.array([0.1, 0.1]), np.array([True, False])))
    assert scores.precision == 0.0


def test_calibration_error_balances_the_classes() -> None:
    # One positive at .6 (weight .5), four negatives at .2 (.125 each): .5*.4 + .5*.2.
    error = metrics.calibration_error(np.array([0.6, 0.2, 0.2, 0.2, 0.2]), np.array([True] + [False] * 4))
    assert error == pytest.approx(0.3)


def test_calibration_error_of_perfect_answers_is_zero() -> None:
    assert metrics.calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0.0


def test_calibration_error_of_a_fair_coin_is_zero() -> None:
    assert metrics.calibration_error(np.full(6, 0.5), np.array([True, False] * 3)) == pytest.approx(0.0)


def test_coverage_stops_before_the_first_mistake() -> None:
    probability = np.array([0.99, 0.9, 0.02, 0.1, 0.55])
    truth = np.array([True, True, False, False, False])
    # The wrong one (.55) is the least sure; it weighs 1/6.
    assert metrics.coverage_at_accuracy(probability, truth) == pytest.approx(5 / 6)
    assert metrics.coverage_at_accuracy(1 - probability, truth) == 0.0


def test_coverage_answers_ties_together() -> None:
    assert metrics.coverage_at_accuracy(np.array([0.8, 0.8]), np.array([True, False])) == 0.0


def test_area_under_curve_counts_ties_half() -> None:
    truth = np.array([True, True, False, False])
    assert metrics.area_under_curve(np.array([0.9, 0.5, 0.5, 0.1]), truth) == pytest.approx(0.875)


def test_bootstrap_interval_holds_the_mean_and_repeats() -> None:
    values = [0.9, 0.95, 1.0, 0.8, 0.97]
    low, high = metrics.bootstrap_interval(values, seed=3)
    assert low < np.mean(values) < high
    assert (low, high) == metrics.bootstrap_interval(values, seed=3)
    assert metrics.bootstrap_interval([0.5]) == (0.5, 0.5)


def test_bcubed_against_a_hand_computed_example() -> None:
    # Clusters {a a b} {b}: precision (2/3 + 2/3 + 1/3 + 1) / 4, recall (1 + 1 + 1/2 + 1/2) / 4.
    result = metrics.bcubed([1, 1, 1, 2], ["a", "a", "b", "b"])
    assert result.precision == pytest.approx(8 / 12)
    assert result.recall == pytest.approx(0.75)
    assert result.f == pytest.approx(2 * (2 / 3) * 0.75 / (2 / 3 + 0.75))


def test_pairwise_against_a_hand_computed_example() -> None:
    result = metrics.pairwise([1, 1, 1, 2], ["a", "a", "b", "b"])
    assert (result.precision, result.recall) == (pytest.approx(1 / 3), 0.5)


def test_singletons_are_precise_and_find_nothing() -> None:
    result = metrics.bcubed([1, 2, 3], ["a", "a", "a"])
    assert (result.precision, result.recall) == (1.0, pytest.approx(1 / 3))
    assert metrics.pairwise([1, 2, 3], ["a", "a", "a"]).recall == 0.0


def test_position_lies_between_floor_and_ceiling() -> None:
    assert metrics.position_between(0.6, 0.4, 0.8) == pytest.approx(0.5)
    assert np.isnan(metrics.position_between(0.6, 0.8, 0.8))


def test_copy_rate_compares_whole_images_token_by_token() -> None:
    views = np.array([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
    copy = np.array([1, 2, 3, 4, 5, 6, 7, 0, 0, 0])
    other = np.array([1, 2, 3, 4, 5, 6, 0, 0, 0, 0])
    assert metrics.copy_rate(np.stack([copy, other]), views) == 0.5


def test_reliability_says_how_often_a_claim_is_true_whatever_the_number_of_negatives() -> None:
    probability = np.array([0.9] * 2 + [0.9] * 10 + [0.1] * 90)
    truth = np.array([True] * 2 + [False] * 100)
    low, high = metrics.reliability(probability, truth)
    assert (low.count, high.count) == (90, 12)
    assert high.share_positive == pytest.approx(0.5 / 0.55)
    assert low.share_positive == 0 and low.mean_probability == pytest.approx(0.1)
    assert low.weight + high.weight == pytest.approx(1)
    assert metrics.reliability(np.array([]), np.array([], dtype=bool)) == []


def test_an_interval_over_concepts_and_items_is_wider_than_over_either_alone() -> None:
    random = np.random.default_rng(0)
    concepts, items = random.normal(size=(12, 1)), random.normal(size=(1, 30))
    equal = np.full(30, 1 / 30)

    def width(values: np.ndarray) -> float:
        low, high = metrics.two_way_interval(values, equal)
        assert low <= values.mean() <= high
        return high - low

    both = width(concepts + items)
    assert both > width(concepts + 0 * items) > 0
    assert both > width(0 * concepts + items) > 0
    assert metrics.two_way_interval(np.ones((3, 4)), np.full(4, 0.25)) == (1.0, 1.0)


def test_an_interval_leaves_out_items_that_weigh_nothing() -> None:
    values = np.array([[1.0, 50.0]])
    assert metrics.two_way_interval(values, np.array([1.0, 0.0])) == (1.0, 1.0)
    assert np.isnan(metrics.two_way_interval(np.zeros((0, 3)), np.ones(3))).all()

from pathlib import Path

import numpy as np
import pytest

from personalizer.errors import CorruptArtifactError
from personalizer.recognition.calibration import (
    Calibration,
    ColorVeto,
    LevelledLogistic,
    Logistic,
    fit_logistic,
    read_calibration,
    shipped_calibration,
    sigmoid,
    write_calibration,
)

EXAMPLE = Calibration(
    object=Logistic(20.0, -8.0),
    learned=LevelledLogistic(5.0, -2.0, 0.5, 0.25),
    colors=ColorVeto(10.0, 0.8),
    face=Logistic(30.0, -15.0),
    absent_log_odds=-2.0,
    prefix_weight=0.5,
    prefix_offset=1.0,
    abstain_from=0.3,
    yes_from=0.6,
)


def test_embedding_and_prefix_add_up() -> None:
    assert EXAMPLE.combine(0.0, None) == pytest.approx(0.5)
    assert EXAMPLE.combine(0.0, 1.0) == pytest.approx(0.5)
    assert EXAMPLE.combine(0.0, 3.0) == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert EXAMPLE.combine(0.7, 3.0) == pytest.approx(1 / (1 + np.exp(-1.7)))
    assert EXAMPLE.combine(None, None) == pytest.approx(1 / (1 + np.exp(2.0)))
    assert EXAMPLE.object.threshold == pytest.approx(0.4)


def test_what_scores_low_itself_needs_less() -> None:
    low, high = EXAMPLE.learned.at_level(0.0), EXAMPLE.learned.at_level(0.5)
    assert low.threshold == pytest.approx(-0.1)
    assert high.threshold == pytest.approx(0.1)
    assert EXAMPLE.learned.at_level(None) == EXAMPLE.learned.at_level(0.25)


def test_the_veto_of_colors_is_never_positive() -> None:
    veto = ColorVeto(10.0, 0.8)
    assert veto.log_odds(None) == veto.log_odds(0.8) == veto.log_odds(1.0) == 0
    assert veto.log_odds(0.5) == pytest.approx(-3.0)
    for weight, enough in ((-1.0, 0.5), (np.nan, 0.5), (1.0, 1.5)):
        with pytest.raises(ValueError, match="expected"):
            ColorVeto(weight, enough)


def test_extreme_evidence_is_never_certain() -> None:
    assert 0 < EXAMPLE.combine(-1e9, None) < EXAMPLE.combine(1e9, None) < 1
    assert sigmoid(0) == 0.5


def test_what_ships_is_sane() -> None:
    calibration = shipped_calibration()
    assert calibration.provenance["object"]
    for logistic in (calibration.object, calibration.face, calibration.learned.at_level(None)):
        assert -0.5 < logistic.threshold < 1
        assert logistic.log_odds(0.95) > 2
        assert logistic.log_odds(-0.6) < -2
    assert calibration.learned.level_weight < 0
    assert calibration.colors.weight > 0
    assert calibration.prefix_weight >= 0


def test_weights_replace_the_balance_of_the_groups() -> None:
    score = np.array([0.0, 1.0, 1.0, 2.0])
    truth = np.array([False, False, True, True])
    (_,), balanced = fit_logistic(score, truth)
    (_,), cautious = fit_logistic(score, truth, weights=np.array([1.0, 3.0, 1.0, 1.0]))
    assert cautious < balanced, "the stranger that looks alike counts more"


def test_calibration_survives_the_disk(tmp_path: Path) -> None:
    write_calibration(EXAMPLE, tmp_path / "calibration.json")
    assert read_calibration(tmp_path / "calibration.json") == EXAMPLE


@pytest.mark.parametrize(
    "content", ["", "{}", '{"format": 1}', '{"format": 2}', '{"format": 2, "object": 3}', "[]"]
)
def test_damaged_calibration_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(CorruptArtifactError, match="reading the calibration"):
        read_calibration(tmp_path / "c.json")


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="rising"):
        Logistic(-1.0, 0.0)


def test_fitting_recovers_the_odds_that_made_the_data() -> None:
    random = np.random.default_rng(0)
    score = random.uniform(0, 1, 40_000)
    truth = random.uniform(size=len(score)) < 1 / (1 + np.exp(-(10 * score - 5)))
    weights, bias = fit_logistic(score, truth, penalty=0.0)
    assert weights[0] == pytest.approx(10, rel=0.05)
    assert bias == pytest.approx(-5, rel=0.05)


def test_fitting_balances_classes_and_concepts() -> None:
    # Ten times as many negatives must not move the threshold.
    score = np.concatenate([np.linspace(0.5, 0.9, 20), np.linspace(0.1, 0.6, 20)])
    truth = np.arange(40) < 20
    few = fit_logistic(score, truth)
    many = fit_logistic(
        np.concatenate([score, np.tile(score[20:], 9)]), np.concatenate([truth, np.zeros(180, dtype=bool)])
    )
    assert many[0] == pytest.approx(few[0], rel=1e-4)
    assert many[1] == pytest.approx(few[1], rel=1e-4)


def test_fitting_separable_data_stays_finite() -> None:
    weights, bias = fit_logistic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert np.isfinite(weights).all() and 0.2 < -bias / weights[0] < 0.8


def test_fitting_two_scores_ignores_noise() -> None:
    random = np.random.default_rng(1)
    truth = random.uniform(size=5000) < 0.5
    useful = truth + random.normal(size=5000)
    weights, _ = fit_logistic(np.column_stack([useful, random.normal(size=5000)]), truth)
    assert weights[0] > 0.8 and abs(weights[1]) < 0.1

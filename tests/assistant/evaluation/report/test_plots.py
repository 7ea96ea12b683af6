"""Diagrams: what is claimed is where it belongs, and legible."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from assistant.evaluation.report.plots import (
    COLOURS,
    Curve,
    Point,
    curves,
    differences,
    reliability_diagram,
    ticks_between,
)


def _places(picture: Image.Image, colour: str) -> np.ndarray:
    """`[n, (row, column)]` of pixels that have about this colour."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    near = np.abs(np.asarray(picture.convert("RGB"), dtype=int) - wanted).max(axis=2) < 24
    return np.argwhere(near)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.93, 0.991), (0.5, 0.55), (-2.7, 13), (0, 1000), (1, 1)])
def test_ticks_enclose_what_is_shown_and_are_few(low: float, high: float) -> None:
    ticks = ticks_between(low, high)
    assert ticks[0] <= low and ticks[-1] >= high
    assert len(ticks) <= 11 and ticks == sorted(set(ticks))


def test_an_accuracy_is_never_drawn_on_an_axis_above_one() -> None:
    assert ticks_between(0.95, 1.0)[-1] == 1.0
    assert ticks_between(0.9 - 0.05, 0.9)[-1] == 0.9


def test_a_better_curve_is_higher_and_more_photos_further_right() -> None:
    better = Curve("product", [Point(1, 0.8), Point(4, 0.9, 0.85, 0.95)])
    worse = Curve("prefix", [Point(1, 0.5), Point(4, 0.6)])
    picture = curves("Title", "photos", "accuracy", [better, worse])
    below_legend = 64
    drawn = [_places(picture, colour) for colour in COLOURS[:2]]
    upper, lower = (places[places[:, 0] > below_legend] for places in drawn)
    assert len(upper) > 100 and len(lower) > 100
    assert upper[:, 0].mean() < lower[:, 0].mean() - 50
    rightmost = upper[upper[:, 1] > upper[:, 1].max() - 8]
    leftmost = upper[upper[:, 1] < upper[:, 1].min() + 8]
    assert rightmost[:, 0].mean() < leftmost[:, 0].mean(), "it rises"


def test_one_number_of_shots_and_no_curve_are_drawn_too() -> None:
    assert curves("Title", "photos", "accuracy", [Curve("product", [Point(3, 1.0, 1.0, 1.0)])]).size == (
        720,
        460,
    )
    assert curves("Title", "photos", "accuracy", []).size == (720, 460)


def test_overconfidence_lies_below_the_diagonal_and_counts_are_bars() -> None:
    def mean_row(true: float) -> float:
        picture = reliability_diagram("Title", [(0.85, true, 40)])
        places = _places(picture, COLOURS[0])
        return float(places[places[:, 0] > 64][:, 0].mean())

    assert mean_row(0.3) > mean_row(0.85) + 100
    few, many = (
        len(_places(reliability_diagram("", [(0.5, 0.5, n), (0.1, 0, 900)]), "#9ecae1")) for n in (2, 500)
    )
    assert many > few + 200
    assert reliability_diagram("", []).size == (720, 600)


def test_what_is_worse_lies_left_of_no_difference_and_later_names_lower() -> None:
    points = [Point(0, -0.2, -0.25, -0.15), Point(1, 0.1, 0.05, 0.15)]
    picture = differences("Title", ["one", "two"], [("first", points), ("second", points[:1])])
    places = _places(picture, COLOURS[0])
    above, below = (places[(places[:, 0] < 96) == upper] for upper in (True, False))
    nothing = _places(picture, "#888888")
    middle = float(nothing[nothing[:, 1] < 420][:, 1].mean())
    assert len(above) > 20 and len(below) > 20
    assert above[:, 1].max() < middle < below[:, 1].min()
    assert len(_places(picture, COLOURS[1])) > 20
    assert differences("Title", [], [("first", [])]).size[0] == 720

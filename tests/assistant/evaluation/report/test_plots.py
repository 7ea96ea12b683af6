"""Diagrams: what is claimed is where it belongs, and legible."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from assistant.evaluation.report.plots import (
    COLORS,
    Curve,
    Point,
    as_png,
    curves,
    differences,
    reliability_diagram,
)


def rendered(figure: Figure) -> Image.Image:
    return Image.open(BytesIO(as_png(figure))).convert("RGB")


def places(picture: Image.Image, color: str) -> np.ndarray:
    """`[n, (row, column)]` of pixels that have about this color."""
    wanted = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)])
    near = np.abs(np.asarray(picture, dtype=int) - wanted).max(axis=2) < 24
    return np.argwhere(near)


def test_a_better_curve_is_higher_and_more_photos_further_right() -> None:
    better = Curve("product", [Point(1, 0.8), Point(4, 0.9, 0.85, 0.95)])
    worse = Curve("prefix", [Point(1, 0.5), Point(4, 0.6)])
    picture = rendered(curves("Title", "photos", "accuracy", [better, worse]))
    assert picture.size == (720, 460)
    above_legend = 380
    found = [places(picture, color) for color in COLORS[:2]]
    upper, lower = (rows[rows[:, 0] < above_legend] for rows in found)
    assert len(upper) > 100 and len(lower) > 100
    assert np.median(upper[:, 0]) < np.median(lower[:, 0]) - 50
    rightmost = upper[upper[:, 1] > upper[:, 1].max() - 8]
    leftmost = upper[upper[:, 1] < upper[:, 1].min() + 8]
    assert rightmost[:, 0].mean() < leftmost[:, 0].mean(), "it rises"


def test_an_accuracy_is_never_drawn_on_an_axis_above_one() -> None:
    figure = curves("Title", "photos", "accuracy", [Curve("product", [Point(3, 1.0, 0.98, 1.0)])])
    [axes] = figure.axes
    assert axes.get_ylim()[1] == 1.0


@pytest.mark.parametrize("drawn", [[], [Curve("product", [Point(3, 1.0, 1.0, 1.0)])], [Curve("none", [])]])
def test_few_values_and_none_are_drawn_too(drawn: list[Curve]) -> None:
    assert rendered(curves("Title", "photos", "accuracy", drawn)).size == (720, 460)


def test_overconfidence_lies_below_the_diagonal_and_counts_are_bars() -> None:
    def mean_row(true: float) -> float:
        picture = rendered(reliability_diagram("", [(0.85, true, 40), (0.95, true, 40)]))
        return float(np.median(places(picture, COLORS[0])[:, 0]))

    assert mean_row(0.3) > mean_row(0.85) + 100
    few, many = (
        len(places(rendered(reliability_diagram("", [(0.5, 0.5, n), (0.1, 0, 900)])), "#9ecae1"))
        for n in (2, 500)
    )
    assert many > few + 200
    assert rendered(reliability_diagram("", [])).size == (720, 600)


def test_what_is_worse_lies_left_of_no_difference_and_later_names_lower() -> None:
    points = [Point(0, -0.2, -0.25, -0.15), Point(1, 0.1, 0.05, 0.15)]
    picture = rendered(differences("", ["one", "two"], [("first", points), ("second", points[:1])]))
    found = places(picture, COLORS[0])
    middle = (found[:, 0].min() + found[:, 0].max()) / 2
    above, below = (found[(found[:, 0] < middle) == upper] for upper in (True, False))
    nothing = places(picture, "#888888")
    line = float(np.median(nothing[nothing[:, 1] < 420][:, 1]))
    assert len(above) > 20 and len(below) > 20
    assert above[:, 1].max() < line < below[:, 1].min()
    assert len(places(picture, COLORS[1])) > 20
    assert rendered(differences("Title", [], [("first", [])])).width == 720


def test_a_diagram_is_the_same_bytes_again_and_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    code = (
        "import hashlib; from assistant.evaluation.report.plots import *;"
        "print(hashlib.sha256(as_png(curves('T', 'x', 'y', [Curve('a', [Point(1, 0.5)])]))).hexdigest())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    (tmp_path / "home").mkdir()
    environment |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout != ""
    assert [*(tmp_path / "home").iterdir()] == []

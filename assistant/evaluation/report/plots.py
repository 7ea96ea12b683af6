"""Diagrams of evaluations, drawn with matplotlib: points with intervals, bars. Knows numbers and no report."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from personalizer.errors import NotReadyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PX = 720
_DPI = 100
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Okabe and Ito's, which color-blind people tell apart too."""
_GRAY, _BARS = "#888888", "#9ecae1"


@dataclass(frozen=True, slots=True)
class Point:
    """A value, and its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line through points."""

    name: str
    points: Sequence[Point]


def check_matplotlib() -> None:
    """Raises NotReadyError where matplotlib is missing; to be called before hours of measuring."""
    try:
        _import_matplotlib()
    except ImportError as error:
        raise NotReadyError(
            tried="preparing a report with diagrams",
            found="matplotlib is not installed",
            fix="Install it: pip install 'familiar-assistant[evaluate]', or leave --report out.",
        ) from error


def as_png(figure: Figure) -> bytes:
    """The same bytes for the same diagram: without a date and the version of matplotlib."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def curves(title: str, x_label: str, y_label: str, drawn: Sequence[Curve]) -> Figure:
    """Lines through values at whole numbers, with their intervals; neighbors stand side by side to be seen."""
    figure, [axes] = _figure(460, 1)
    for number, (curve, color) in enumerate(zip(drawn, COLORS, strict=False)):
        shift = 0.06 * (number - (len(drawn) - 1) / 2)
        across = [point.x + shift for point in curve.points]
        heights = [point.y for point in curve.points]
        axes.errorbar(
            across, heights, yerr=_around(curve.points), color=color, marker="o", capsize=4, label=curve.name
        )
    axes.set_xticks(sorted({point.x for curve in drawn for point in curve.points}))
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    # An accuracy is at most one, and an axis above that would say otherwise.
    axes.set_ylim(top=min(1.0, axes.get_ylim()[1]) if drawn else 1.0)
    axes.grid(axis="y", alpha=0.4)
    if drawn:
        figure.legend(loc="outside lower center", ncols=len(drawn), frameon=False)
    return figure


def differences(title: str, names: Sequence[str], panels: Sequence[tuple[str, Sequence[Point]]]) -> Figure:
    """What was measured of each name, as points with intervals beside a dashed line for no difference.

    One panel per `(label, points)`; a point's `x` is the place of its name, from 0 at the top.
    """
    figure, row = _figure(130 + 30 * max(1, len(names)), len(panels))
    for number, (axes, (label, points)) in enumerate(zip(row, panels, strict=True)):
        axes.axvline(0, color=_GRAY, linestyle="--", linewidth=1)
        axes.errorbar(
            [point.y for point in points],
            [point.x for point in points],
            xerr=_around(points),
            color=COLORS[number],
            marker="o",
            linestyle="none",
            capsize=4,
        )
        axes.set_ylim(len(names) - 0.5 if names else 0.5, -0.5)
        axes.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
        axes.set_xlabel(label)
        axes.margins(x=0.1)
        axes.grid(axis="x", alpha=0.4)
    figure.suptitle(title)
    return figure


def reliability_diagram(title: str, bins: Sequence[tuple[float, float, int]]) -> Figure:
    """What was claimed against what was true, `(mean probability, share of positives, answers)` for each bin.

    Below it how many answers each bin has, as bars on a logarithmic scale with the number on them.
    """
    figure, [above, below] = _figure(600, 1, heights=(3, 1))
    above.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", label="perfectly calibrated")
    claimed = [mean for mean, _, _ in bins]
    above.plot(claimed, [share for _, share, _ in bins], color=COLORS[0], marker="o", label="product")
    above.set(title=title, ylabel="share of positives (class-balanced)", xlim=(0, 1), ylim=(-0.02, 1.02))
    above.legend(frameon=False)
    above.grid(alpha=0.4)
    # At the bin's middle: the means of neighbors may be too close for two bars.
    middles = [min(int(mean * 10), 9) / 10 + 0.05 for mean in claimed]
    bars = below.bar(middles, [count for _, _, count in bins], width=0.08, color=_BARS)
    below.bar_label(bars, padding=2, fontsize=8)
    below.set(xlabel="probability that the product gave", ylabel="answers", xlim=(0, 1))
    below.set_yscale("symlog")
    below.margins(y=0.25)
    return figure


def _around(points: Sequence[Point]) -> Any:
    """How far intervals reach below and above, `[2, n]`; zero where there is none."""
    below = [0.0 if point.low is None else max(0.0, point.y - point.low) for point in points]
    above = [0.0 if point.high is None else max(0.0, point.high - point.y) for point in points]
    return [below, above] if points else None


def _figure(height_px: int, columns: int, *, heights: Sequence[float] = (1,)) -> tuple[Figure, list[Axes]]:
    """An empty figure, and its panels from left to right or from above."""
    _import_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / _DPI, height_px / _DPI), layout="constrained")
    grid = figure.subplots(len(heights), columns, squeeze=False, height_ratios=list(heights))
    return figure, list(grid.flat)


@cache
def _import_matplotlib() -> None:
    """Its settings and its cache of fonts would else be those in the user's own folders, or of a shared one."""
    folder = tempfile.mkdtemp(prefix="familiar-diagrams-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("MPLCONFIGDIR", folder)
    import matplotlib  # noqa: F401

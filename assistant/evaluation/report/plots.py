"""Diagrams of evaluations, drawn with Pillow: axes, points with intervals, bars. Knows numbers and no report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 720, 460
_SCALE = 2
"""Drawn larger and reduced, so that slanted lines are smooth."""
_INK, _FAINT = "#222222", "#d9d9d9"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by colour-blind people too."""


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


@dataclass(frozen=True, slots=True)
class Axis:
    """The range that is shown, where there are ticks, and what it is called."""

    label: str
    low: float
    high: float
    ticks: Sequence[float] = field(default_factory=list)
    decimals: int = 1


def ticks_between(low: float, high: float, most: int = 8) -> list[float]:
    """Round numbers that enclose `low` to `high`, at most about `most` of them."""
    span = max(high - low, 1e-9)
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


class _Panel:
    """A rectangle of a picture with axes around it; positions and sizes in px of the final picture."""

    def __init__(
        self, picture: Image.Image, box: tuple[float, float, float, float], x: Axis, y: Axis
    ) -> None:
        self._picture = picture
        self._paint = ImageDraw.Draw(picture)
        self._left, self._top, self._right, self._bottom = (_SCALE * edge for edge in box)
        self._x, self._y = x, y

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a value is, in px of the enlarged picture."""
        across = (x - self._x.low) / (self._x.high - self._x.low)
        up = (y - self._y.low) / (self._y.high - self._y.low)
        left, bottom = self._left, self._bottom
        return left + across * (self._right - left), bottom - up * (bottom - self._top)

    def frame(self) -> None:
        """Grid, ticks, numbers and labels."""
        for tick in self._y.ticks:
            _, at = self.place(self._x.low, tick)
            self._paint.line((self._left, at, self._right, at), _FAINT, _SCALE)
            self._write(
                (self._left - 6 * _SCALE, at), f"{tick:.{self._y.decimals}f}", anchor="rm", size_px=12
            )
        for tick in self._x.ticks:
            at, _ = self.place(tick, self._y.low)
            self._paint.line((at, self._bottom, at, self._bottom + 4 * _SCALE), _INK, _SCALE)
            self._write(
                (at, self._bottom + 7 * _SCALE), f"{tick:.{self._x.decimals}f}", anchor="mt", size_px=12
            )
        self._paint.line(
            [(self._left, self._top), (self._left, self._bottom), (self._right, self._bottom)], _INK, _SCALE
        )
        middle = ((self._left + self._right) / 2, self._bottom + 24 * _SCALE)
        self._write(middle, self._x.label, anchor="mt")
        self._write_upwards(self._y.label)

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, *, width_px: int = 2, dashed: bool = False
    ) -> None:
        places = [self.place(*point) for point in points]
        if not dashed:
            self._paint.line(places, colour, width_px * _SCALE, joint="curve")
            return
        (x0, y0), (x1, y1) = places[0], places[-1]
        dashes = max(1, round(math.hypot(x1 - x0, y1 - y0) / (12 * _SCALE)))
        for number in range(dashes):
            start, end = number / dashes, (number + 0.5) / dashes
            ends = [(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in (start, end)]
            self._paint.line(ends, colour, width_px * _SCALE)

    def mark(self, x: float, y: float, colour: str) -> None:
        across, up = self.place(x, y)
        radius = 4.5 * _SCALE
        self._paint.ellipse(
            (across - radius, up - radius, across + radius, up + radius), colour, "white", _SCALE
        )

    def whisker(self, x: float, low: float, high: float, colour: str) -> None:
        """An interval, as a vertical line with caps."""
        (across, bottom), (_, top), cap = self.place(x, low), self.place(x, high), 4 * _SCALE
        self._paint.line((across, bottom, across, top), colour, _SCALE)
        for at in (bottom, top):
            self._paint.line((across - cap, at, across + cap, at), colour, _SCALE)

    def lying_whisker(self, y: float, low: float, high: float, colour: str) -> None:
        """An interval, as a horizontal line with caps."""
        (left, down), (right, _), cap = self.place(low, y), self.place(high, y), 4 * _SCALE
        self._paint.line((left, down, right, down), colour, _SCALE)
        for at in (left, right):
            self._paint.line((at, down - cap, at, down + cap), colour, _SCALE)

    def name(self, y: float, text: str) -> None:
        """Left of the panel, at a height."""
        _, down = self.place(self._x.low, y)
        self._write((self._left - 8 * _SCALE, down), text, anchor="rm", size_px=12)

    def bar(self, x: float, height: float, width_px: float, colour: str, text: str) -> None:
        """From the axis up, with a text on it."""
        across, top = self.place(x, height)
        half = width_px * _SCALE / 2
        self._paint.rectangle(
            (across - half, min(top, self._bottom - 1), across + half, self._bottom), colour
        )
        self._write((across, top - 3 * _SCALE), text, anchor="mb", size_px=11)

    def legend(self, names: Sequence[str], colours: Sequence[str]) -> None:
        """Above the panel, from the left."""
        at = self._left
        for name, colour in zip(names, colours, strict=True):
            height = self._top - 14 * _SCALE
            self._paint.line((at, height, at + 18 * _SCALE, height), colour, 3 * _SCALE)
            self._write((at + 23 * _SCALE, height), name, anchor="lm", size_px=12)
            at += 45 * _SCALE + self._paint.textlength(name, _font(12))

    def title(self, text: str) -> None:
        self._write((self._left, self._top - 46 * _SCALE), text, anchor="lt", size_px=16)

    def _write(self, place: tuple[float, float], text: str, *, anchor: str, size_px: int = 13) -> None:
        self._paint.text(place, text, _INK, _font(size_px), anchor)

    def _write_upwards(self, text: str) -> None:
        if not text:
            return
        font = _font(13)
        *_, bottom = self._paint.textbbox((0, 0), text, font)
        written = Image.new(
            "RGB", (math.ceil(self._paint.textlength(text, font)), math.ceil(bottom)), "white"
        )
        ImageDraw.Draw(written).text((0, 0), text, _INK, font)
        turned = written.rotate(90, expand=True)
        middle = round((self._top + self._bottom - turned.height) / 2)
        self._picture.paste(turned, (round(self._left - 58 * _SCALE), middle))


def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px * _SCALE)


def _blank(height_px: int = HEIGHT_PX) -> Image.Image:
    return Image.new("RGB", (WIDTH_PX * _SCALE, height_px * _SCALE), "white")


def _finished(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // _SCALE, picture.height // _SCALE), Image.Resampling.LANCZOS)


def curves(title: str, x_label: str, y_label: str, drawn: Sequence[Curve]) -> Image.Image:
    """Lines through values at whole numbers, with their intervals; neighbours stand side by side to be seen."""
    known = [point for curve in drawn for point in curve.points]
    values = [value for p in known for value in (p.y, p.low, p.high) if value is not None] or [0.0, 1.0]
    heights = ticks_between(min(*values, max(values) - 0.05), max(values))
    whole = sorted({point.x for point in known}) or [0.0, 1.0]
    picture = _blank()
    decimals = 2 if heights[1] - heights[0] < 0.095 else 1
    panel = _Panel(
        picture,
        (76, 66, WIDTH_PX - 24, HEIGHT_PX - 56),
        Axis(x_label, whole[0] - 0.4, whole[-1] + 0.4, whole, 0),
        Axis(y_label, heights[0], heights[-1], heights, decimals),
    )
    panel.frame()
    panel.title(title)
    panel.legend([curve.name for curve in drawn], COLOURS[: len(drawn)])
    for number, (curve, colour) in enumerate(zip(drawn, COLOURS, strict=False)):
        shift = 0.06 * (number - (len(drawn) - 1) / 2)
        panel.line([(point.x + shift, point.y) for point in curve.points], colour)
        for point in curve.points:
            if point.low is not None and point.high is not None:
                panel.whisker(point.x + shift, point.low, point.high, colour)
            panel.mark(point.x + shift, point.y, colour)
    return _finished(picture)


def differences(
    title: str, names: Sequence[str], panels: Sequence[tuple[str, Sequence[Point]]]
) -> Image.Image:
    """What was measured of each name, as points with intervals beside a dashed line for no difference.

    One panel per `(label, points)`; a point's `x` is the place of its name, from 0 at the top.
    """
    height_px = 66 + 30 * max(1, len(names)) + 56
    picture = _blank(height_px)
    first, gap = 150, 28
    width = (WIDTH_PX - 24 - first - gap * (len(panels) - 1)) / len(panels)
    for number, (label, points) in enumerate(panels):
        values = [value for p in points for value in (p.y, p.low, p.high) if value is not None]
        ticks = ticks_between(min([*values, -0.01]), max([*values, 0.01]), most=4)
        left = first + number * (width + gap)
        rows = Axis("", 0.5 - max(1, len(names)), 0.5)
        decimals = max(1, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
        across = Axis(label, ticks[0], ticks[-1], ticks, decimals)
        panel = _Panel(picture, (left, 66, left + width, height_px - 56), across, rows)
        panel.frame()
        if number == 0:
            panel.title(title)
            for place, name in enumerate(names):
                panel.name(-place, name)
        panel.line([(0, rows.low), (0, rows.high)], "#888888", dashed=True)
        for point in points:
            if point.low is not None and point.high is not None:
                panel.lying_whisker(-point.x, point.low, point.high, COLOURS[number])
            panel.mark(point.y, -point.x, COLOURS[number])
    return _finished(picture)


def reliability_diagram(title: str, bins: Sequence[tuple[float, float, int]]) -> Image.Image:
    """What was claimed against what was true, `(mean probability, share of positives, answers)` for each bin.

    Below it how many answers each bin has, as bars on a logarithmic scale with the number on them.
    """
    height_px, left, right, split = 600, 76, WIDTH_PX - 24, 430
    tenths = [number / 10 for number in range(11)]
    picture = _blank(height_px)
    shares = Axis("share of positives (class-balanced)", 0, 1, tenths[::2])
    panel = _Panel(picture, (left, 66, right, split), Axis("", 0, 1), shares)
    panel.frame()
    panel.title(title)
    panel.legend(["product", "perfectly calibrated"], [COLOURS[0], "#888888"])
    panel.line([(0, 0), (1, 1)], "#888888", dashed=True)
    panel.line([(claimed, true) for claimed, true, _ in bins], COLOURS[0])
    for claimed, true, _ in bins:
        panel.mark(claimed, true, COLOURS[0])
    heights = [math.log10(1 + count) for _, _, count in bins]
    counts = _Panel(
        picture,
        (left, split + 34, right, height_px - 56),
        Axis("probability that the product gave", 0, 1, tenths),
        Axis("answers (log)", 0, max([*heights, 1.0])),
    )
    counts.frame()
    for (claimed, _, count), height in zip(bins, heights, strict=True):
        # At the bin's middle: the means of neighbours may be too close for two bars.
        middle = min(int(claimed * 10), 9) / 10 + 0.05
        counts.bar(middle, height, 36, "#9ecae1", str(count))
    return _finished(picture)

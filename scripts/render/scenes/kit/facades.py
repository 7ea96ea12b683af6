"""Walls of houses and castles, in metres: plaster, windows, bricks, ashlar; and a lattice tower."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.noise import Array, cells, f32, fractal, mix, sample, smooth, streaks

PLASTER = f32(
    [[0.56, 0.46, 0.33], [0.62, 0.56, 0.47], [0.50, 0.30, 0.20], [0.42, 0.42, 0.36], [0.60, 0.42, 0.24]]
)
STONE = f32(
    [[0.55, 0.49, 0.40], [0.58, 0.52, 0.43], [0.52, 0.46, 0.38], [0.60, 0.55, 0.47], [0.54, 0.47, 0.37]]
)


@dataclass(frozen=True)
class Wall:
    """What a wall looks like at points: its albedo, light of its own, height of its top, mirror of the sky (glass)."""

    albedo: Array
    emission: Array
    top: Array
    glass: Array


def _box(t: Array, low: float, high: float, soft: float = 0.02) -> Array:
    return f32(smooth(low - soft, low + soft, t) * (1 - smooth(high - soft, high + soft, t)))


def houses(
    along: Array,
    up: Array,
    seed: int,
    lit: float = 0.0,
    tones: Array = PLASTER,
    tall: float = 11.0,
    uneven: float = 3.2,
) -> Wall:
    """A row of houses: windows with frames and shutters, doors and shop windows; `lit` of the windows are bright."""
    wide = 9.6
    number = np.floor(along / wide)
    rng = np.random.default_rng(seed)
    table = rng.uniform(0, 1, (64, 4))
    row = number.astype(int) % 64
    tone = tones[(table[row, 0] * len(tones)).astype(int)]
    top = f32(tall + uneven * np.floor(table[row, 1] * 3 - 1) + 0.5 * table[row, 2])
    grime = sample(fractal(901, 1.4, 2, 300), f32(along / 11), f32(up / 11))
    stains = sample(streaks(902, 4, 100), f32(along / 8), f32(up / 16))
    albedo = f32(tone * (1 + 0.10 * grime + 0.06 * stains)[..., None])
    storey = (up - 0.5) / 3.2
    level, inside_v = np.floor(storey), (storey - np.floor(storey)) * 3.2
    within = along - number * wide
    column = np.floor(within / 2.4)
    inside_u = within - column * 2.4 - 1.2
    upper = (level >= 1) & (up < top - 0.9)
    frame = _box(inside_u, -0.66, 0.66) * _box(inside_v, 0.62, 2.48) * upper
    pane = _box(inside_u, -0.52, 0.52) * _box(inside_v, 0.76, 2.34) * upper
    bars = np.maximum(smooth(0.07, 0.03, np.abs(inside_u)), smooth(0.06, 0.03, np.abs(inside_v - 1.75)))
    shutter = (
        (_box(np.abs(inside_u), 0.70, 1.14)) * _box(inside_v, 0.66, 2.44) * upper * (table[row, 3] > 0.4)
    )
    slats = 0.75 + 0.25 * np.sign(np.sin(inside_v * 70))
    shutter_tone = np.where(
        (table[row, 2] > 0.5)[..., None], f32([0.10, 0.16, 0.13]), f32([0.16, 0.19, 0.22])
    )
    albedo = mix(albedo, f32(shutter_tone * slats[..., None]), shutter)
    albedo = mix(albedo, f32([0.62, 0.60, 0.55]), frame)
    glass = pane * (1 - bars)
    shop = _box(within, 0.7, 5.6) * _box(up, 0.6, 2.7) + _box(within, 6.6, 7.9) * _box(up, 0.0, 2.6)
    albedo = mix(albedo, f32(shutter_tone * 0.9), _box(within, 0.45, 8.2) * _box(up, 0.0, 3.0))
    glass = np.maximum(glass, shop * (1 - smooth(0.05, 0.02, np.abs((within % 1.6) - 0.1))))
    albedo = mix(albedo, f32([0.03, 0.033, 0.038]), f32(glass))
    ledge = np.maximum(_box(inside_v, 0.0, 0.14) * (level >= 1), _box(up - top, -0.55, -0.1))
    albedo = f32(
        albedo
        * (1 + 0.28 * ledge - 0.4 * _box(inside_v, -0.3, 0.0) - 0.45 * _box(up - top, -0.85, -0.55))[
            ..., None
        ]
    )
    albedo = f32(albedo * (1 - 0.35 * _box(inside_v, 2.30, 2.52) * frame)[..., None])
    chance = (np.sin(number * 12.9 + column * 78.2 + level * 37.7 + seed) * 43758.5) % 1.0
    bright = glass * (chance < lit) * np.where(level < 1, 1.5, 1.0) * (0.55 + 0.45 * (inside_v / 3.2))
    warm = np.where((chance < lit * 0.75)[..., None], f32([1.0, 0.56, 0.20]), f32([0.9, 0.72, 0.45]))
    return Wall(albedo, f32(bright[..., None] * warm), top, f32(glass))


def bricks(
    along: Array, up: Array, tone: Array, long: float = 0.24, tall: float = 0.075, mortar: float = 0.012
) -> Array:
    """Albedo of courses of bricks or, with other sizes, of ashlar."""
    course = np.floor(up / tall)
    u = along / long + 0.5 * (course % 2) + 0.06 * np.sin(course * 7.3)
    number = np.floor(u)
    du, dv = (u - number) * long, up - course * tall
    rough = sample(fractal(911, 1.1, 8, 400), f32(along / 2.2), f32(up / 2.2))
    edge = np.minimum(np.minimum(du, long - du), np.minimum(dv, tall - dv)) + 0.004 * rough * (long / 0.24)
    chance = (np.sin(number * 12.9898 + course * 78.233) * 43758.5453) % 1.0
    stain = sample(fractal(912, 1.6, 1, 60), f32(along / 7), f32(up / 7))
    shade = 0.72 + 0.5 * chance + 0.13 * rough + 0.10 * stain
    stone = tone * f32(shade)[..., None] * (1 + (f32([0.05, 0.0, -0.06]) * f32(chance - 0.5)[..., None] * 2))
    joint = smooth(mortar * 1.3, mortar * 0.4, f32(edge))
    return mix(f32(stone), f32(tone.mean() * f32([0.85, 0.82, 0.76])), f32(joint * 0.75))


def cobbles(seed: int, count: int = 14, flat: float = 0.5) -> tuple[Array, Array]:
    """Tiles of cobblestones: (height 0..1, a number for each stone)."""
    border, owner = cells(seed, count)
    dome = smooth(0.02, 0.42, border) ** flat
    rough = fractal(seed + 1, 1.3, 20, 300) * 0.05
    return f32(dome + rough * smooth(0.05, 0.2, border) + 0.10 * owner), owner


def tower(size: int, foot: tuple[float, float], tall: float, tone: Array) -> Array:
    """An iron lattice tower on four curved legs, in parts of the picture."""
    image = plants.canvas(size)
    color = f32([[*tone, 1]])

    def half(t: float) -> float:
        return tall * (0.20 * float(np.exp(-4.2 * t)) + 0.006)

    def stroke(a: tuple[float, float], b: tuple[float, float], width: float) -> None:
        p, q = np.array(a) * size, np.array(b) * size
        side = np.array([-(q - p)[1], (q - p)[0]]) / max(np.linalg.norm(q - p), 1e-6) * width * size / 2
        plants.polygons(image, np.array([[p - side, q - side, q + side, p + side]]), color)

    levels = np.linspace(0, 1, 46) ** 1.15
    for a, b in itertools.pairwise(levels):
        ya, yb = foot[1] - tall * a, foot[1] - tall * b
        for side in (-1, 1):
            for inner in (1.0, 0.52) if a < 0.36 else (1.0, 0.0):
                stroke(
                    (foot[0] + side * half(a) * inner, ya),
                    (foot[0] + side * half(b) * inner, yb),
                    tall * 0.010,
                )
            low = 0.52 if a < 0.36 else -1.0
            stroke((foot[0] + side * half(a), ya), (foot[0] + side * half(b) * low, yb), tall * 0.006)
            stroke((foot[0] + side * half(a) * low, ya), (foot[0] + side * half(b), yb), tall * 0.006)
    for t, thick in ((0.19, 0.024), (0.36, 0.018), (0.86, 0.012)):
        wide = half(t) + tall * 0.012
        stroke((foot[0] - wide, foot[1] - tall * t), (foot[0] + wide, foot[1] - tall * t), tall * thick)
    angles = np.linspace(0.15, np.pi - 0.15, 18)
    arch = [
        (foot[0] + half(0.02) * 0.62 * np.cos(a), foot[1] - tall * (0.03 + 0.12 * np.sin(a))) for a in angles
    ]
    for p, q in itertools.pairwise(arch):
        stroke(p, q, tall * 0.008)
    stroke((foot[0], foot[1] - tall * 0.98), (foot[0], foot[1] - tall * 1.07), tall * 0.006)
    return image

"""Where a picture is taken: the ground's texture and a painted backdrop for each kind of place.

A place gives albedo only; light is applied by the renderer. World units: a subject is about one high.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .materials import linear, noise, step

Array = npt.NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True)
class Place:
    """One concrete place. `ground(x, z)` and `backdrop(u, v)` return linear albedo [3, n]."""

    name: str
    phrase: str
    indoor: bool
    ground: Callable[[Array, Array], Array]
    backdrop: Callable[[Array, Array], Array]
    edge_z: float
    wall_z: float
    mean: Array
    zenith: Array
    horizon: Array


def _rgb(*srgb: float) -> Array:
    return linear((srgb[0], srgb[1], srgb[2]))


def _fill(color: Array, n: int) -> Array:
    return np.repeat(color[:, None], n, axis=1)


def _over(base: Array, mask: Array, color: Array) -> None:
    """Blends `color` [3] into base [3, n] where mask [n] is 1 (in place)."""
    base += (color[:, None] - base) * mask


def _rect(u: Array, v: Array, u0: float, u1: float, v0: float, v1: float) -> Array:
    return ((u > u0) & (u < u1) & (v > v0) & (v < v1)).astype(np.float32)


def _disc(u: Array, v: Array, cu: float, cv: float, ru: float, rv: float) -> Array:
    return ((((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2) < 1).astype(np.float32)


def _sky(u: Array, v: Array, top: Array, low: Array, clouds: float, height: float, shift: float) -> Array:
    t = np.clip(v / np.float32(height), 0, 1)
    sky = low[:, None] + (top - low)[:, None] * t
    if clouds > 0:
        c = step(noise(u * np.float32(0.018) + np.float32(shift), v * np.float32(0.05)) - np.float32(0.62 - 0.2 * clouds), 0.16)
        _over(sky, c * np.float32(0.75), _rgb(244, 245, 248))
    return sky.astype(np.float32)


def _tint(rng: Random, color: Array, amount: float = 0.10) -> Array:
    return np.asarray(np.clip(color * np.exp(rng.normal(0, amount)) * np.exp(rng.normal(0, amount * 0.35, 3)), 0, 0.93), np.float32)


BLUE_SKY = (_rgb(92, 150, 220), _rgb(196, 220, 240))


def beach(rng: Random) -> Place:
    """Sand, a band of sea with foam, a blue sky."""
    sand, sea = _tint(rng, _rgb(220, 194, 146)), _tint(rng, _rgb(38, 128, 168))
    shift, shore, clouds = rng.uniform(0, 1), rng.uniform(-4.2, -2.6), rng.uniform(0, 0.8)
    parasol = rng.uniform(-3.5, 3.5) if rng.random() < 0.4 else None
    parasol_color = _rgb(*[(220, 60, 50), (250, 210, 60), (60, 120, 210)][rng.integers(3)])

    def ground(x: Array, z: Array) -> Array:
        n1, n2 = noise(x * 0.11 + shift, z * 0.16), noise(x * 0.9, z * 0.9 + shift)
        base = sand[:, None] * (0.80 + 0.22 * n1 + 0.22 * n2)
        line = z - np.float32(shore) - (noise(x * 0.03 + shift, x * 0 + shift) - np.float32(0.5)) * np.float32(2.2)
        _over(base, step(0.45 - line, 0.3) * np.float32(0.45), sand * np.float32(0.45))
        water = sea[:, None] * (0.75 + 0.5 * noise(x * 0.04 + shift, z * 0.25))
        base += (water - base) * step(-line, 0.05)
        foam = (np.abs(line + 0.05) < 0.07 + 0.12 * n1) | (np.abs(line + 1.3) < 0.06 * n1)
        _over(base, foam.astype(np.float32) * np.float32(0.9), _rgb(240, 244, 246))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = _sky(u, v, *BLUE_SKY, clouds, 9, shift)
        _over(base, (v < 0.9).astype(np.float32), sea * np.float32(0.8))
        if parasol is not None:
            _over(base, _rect(u, v, parasol - 0.06, parasol + 0.06, 0, 2.4), _rgb(120, 100, 80))
            _over(base, _disc(u, v, parasol, 2.0, 1.5, 1.1) * (v > 2.0), parasol_color)
        return base

    return Place("beach", "on a beach", False, ground, backdrop, -22, -22, sand, *BLUE_SKY)


def meadow(rng: Random) -> Place:
    """Grass with flowers, hills and round trees."""
    green, shift = _tint(rng, _rgb(92, 142, 48)), rng.uniform(0, 1)
    hill = _tint(rng, _rgb(70, 120, 60))
    flower = _rgb(*[(250, 240, 240), (250, 220, 60), (220, 90, 120), (150, 100, 210)][rng.integers(4)])
    trees = [(rng.uniform(-7, 7), rng.uniform(0.9, 2.0)) for _ in range(rng.integers(2, 6))]
    clouds, flowers = rng.uniform(0, 0.9), rng.uniform(0.30, 0.80)

    def ground(x: Array, z: Array) -> Array:
        blades = noise(x * 1.7 + shift, z * 0.55)
        patches = noise(x * 0.10, z * 0.10 + shift)
        base = green[:, None] * (0.35 + 0.85 * blades + 0.45 * patches)
        base[0] *= 0.75 + 0.5 * patches
        u, v = x * 3.1 + shift, z * 2.3
        du, dv = u - np.round(u), v - np.round(v)
        lucky = noise(np.round(u) * 0.037 + shift, np.round(v) * 0.053) > flowers
        _over(base, (lucky & (du * du + dv * dv < 0.035)).astype(np.float32), flower)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = _sky(u, v, *BLUE_SKY, clouds, 8, shift)
        far = 1.5 + 0.7 * np.sin(u * 0.35 + shift * 9) + 0.3 * np.sin(u * 0.9 + shift * 20)
        _over(base, (v < far).astype(np.float32), hill * np.float32(0.8) + _rgb(120, 150, 180) * np.float32(0.25))
        near = 0.7 + 0.35 * np.sin(u * 0.5 - shift * 5)
        for cu, r in trees:
            _over(base, _rect(u, v, cu - 0.12, cu + 0.12, 0, 1.2), _rgb(84, 62, 44))
            wobble = 1 + (noise(u * 0.12 + cu, v * 0.12) - np.float32(0.5)) * 0.8
            crown = ((((u - cu) / r) ** 2 + ((v - 0.9 - r) / (r * 1.1)) ** 2) < wobble).astype(np.float32)
            shade = (0.45 + 0.8 * noise(u * 0.3, v * 0.3 + cu)) * (0.75 + 0.2 * np.clip((v - 0.9 - r) / r, -1, 1))
            base += (hill[:, None] * np.float32(0.6) * shade - base) * crown
        _over(base, (v < near).astype(np.float32), green * np.float32(0.85))
        return base.astype(np.float32)

    return Place("meadow", "on the grass", False, ground, backdrop, -14, -14, green, *BLUE_SKY)


def _planks(x: Array, z: Array, color: Array, width: float, shift: float) -> Array:
    row = np.floor(x / np.float32(width) + np.float32(shift))
    tone = 0.82 + 0.36 * noise(row * np.float32(0.173) + np.float32(shift), row * np.float32(0.311))
    grain = noise(x * 0.9 + row * np.float32(0.37), z * 0.07 + row * np.float32(0.61))
    f = x / np.float32(width) + np.float32(shift) - row
    gap = np.minimum(f, 1 - f) * np.float32(width)
    base = color[:, None] * (tone * (0.66 + 0.62 * grain))
    return np.asarray(base * (0.45 + 0.55 * np.clip(gap / 0.018, 0, 1)), np.float32)


def _wall(rng: Random) -> tuple[Array, Callable[[Array, Array], Array]]:
    """A painted wall with a picture or a window: (colour, painter)."""
    color = _tint(rng, _rgb(*[(214, 206, 192), (168, 188, 196), (196, 178, 150), (190, 200, 176), (222, 214, 214), (150, 160, 176)][rng.integers(6)]))
    kind, at = rng.integers(3), rng.uniform(-1.5, 1.5)
    art, art2 = _tint(rng, _rgb(190, 90, 60), 0.4), _tint(rng, _rgb(60, 100, 140), 0.4)

    def paint(u: Array, v: Array) -> Array:
        base = color[:, None] * (0.93 + 0.12 * noise(u * 0.06, v * 0.06))
        if kind == 0:
            _over(base, _rect(u, v, at - 0.75, at + 0.75, 0.85, 2.05), _rgb(70, 50, 36))
            _over(base, _rect(u, v, at - 0.66, at + 0.66, 0.94, 1.96), _rgb(236, 232, 222))
            _over(base, _rect(u, v, at - 0.5, at + 0.5, 1.08, 1.82), art)
            _over(base, _disc(u, v, at + 0.1, 1.4, 0.3, 0.25), art2)
        elif kind == 1:
            _over(base, _rect(u, v, at - 1.0, at + 1.0, 0.6, 3.2), _rgb(240, 240, 238))
            _over(base, _rect(u, v, at - 0.9, at - 0.05, 0.7, 3.1) + _rect(u, v, at + 0.05, at + 0.9, 0.7, 3.1), _rgb(206, 228, 246))
        return base.astype(np.float32)

    return color, paint


def table(rng: Random) -> Place:
    """A wooden table in front of a wall."""
    wood = _tint(rng, _rgb(*[(150, 98, 56), (186, 136, 84), (110, 70, 42)][rng.integers(3)]))
    color, paint = _wall(rng)
    shift = rng.uniform(0, 1)
    return Place("wooden table", "on a wooden table", True, lambda x, z: _planks(z + np.float32(9), x, wood, 0.42, shift), paint,
                 -1.5, -3.2, wood, color, color * np.float32(0.8))


def kitchen(rng: Random) -> Place:
    """A stone counter, a tiled wall, shelves with jars."""
    stone = _tint(rng, _rgb(*[(196, 194, 188), (96, 98, 102), (206, 190, 166)][rng.integers(3)]))
    tile = _tint(rng, _rgb(*[(232, 234, 232), (150, 200, 200), (240, 226, 190), (120, 160, 190)][rng.integers(4)]))
    cupboard = _tint(rng, _rgb(*[(120, 140, 110), (236, 234, 228), (150, 110, 70), (60, 84, 110)][rng.integers(4)]))
    shift = rng.uniform(0, 1)
    jars = [(rng.uniform(-2.4, 2.4), rng.uniform(0.3, 0.6), _tint(rng, _rgb(180, 80, 60), 0.5)) for _ in range(4)]

    def ground(x: Array, z: Array) -> Array:
        speckle = noise(x * 1.3 + shift, z * 1.3)
        base = stone[:, None] * (0.86 + 0.2 * noise(x * 0.1, z * 0.1))
        base *= np.where(speckle < 0.32, 0.62, np.where(speckle > 0.72, 1.18, 1.0)).astype(np.float32)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        fu, fv = u / 0.36 + 0.5 * (np.floor(v / 0.24) % 2), v / 0.24
        grout = (np.abs(fu - np.round(fu)) < 0.03) | (np.abs(fv - np.round(fv)) < 0.05)
        base = tile[:, None] * (0.9 + 0.2 * noise(np.floor(fu) * 0.13, np.floor(fv) * 0.17 + shift))
        _over(base, grout.astype(np.float32), _rgb(170, 168, 160))
        _over(base, (v > 1.75).astype(np.float32), cupboard)
        door = u / 1.1 + shift
        _over(base, ((v > 1.75) & (np.abs(door - np.round(door)) < 0.02)).astype(np.float32), cupboard * np.float32(0.35))
        _over(base, ((v > 1.85) & (v < 2.0) & (np.abs(door - np.round(door) - 0.1) < 0.02)).astype(np.float32), _rgb(190, 190, 190))
        for cu, h, c in jars:
            _over(base, _rect(u, v, cu - 0.16, cu + 0.16, 0, h), c)
            _over(base, _rect(u, v, cu - 0.14, cu + 0.14, h, h + 0.08), _rgb(60, 60, 60))
        return base.astype(np.float32)

    return Place("kitchen", "in a kitchen", True, ground, backdrop, -1.7, -1.75, stone, _rgb(230, 230, 226), tile)


def snow(rng: Random) -> Place:
    """Snow with fir trees under a pale sky."""
    white, shift = _rgb(228, 235, 245), rng.uniform(0, 1)
    sky = (_rgb(150, 180, 214), _rgb(214, 224, 236))
    trees = [(rng.uniform(-7.5, 7.5), rng.uniform(2.2, 4.6)) for _ in range(rng.integers(4, 9))]

    def ground(x: Array, z: Array) -> Array:
        n1, n2 = noise(x * 0.07 + shift, z * 0.10), noise(x * 0.7, z * 0.7 + shift)
        return np.asarray(white[:, None] * (0.80 + 0.20 * n1 + 0.10 * n2), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = _sky(u, v, *sky, 0.3, 8, shift)
        _over(base, (v < 1.1 + 0.4 * np.sin(u * 0.4 + shift * 7)).astype(np.float32), _rgb(200, 212, 228))
        for cu, h in trees:
            f = (v - 0.3) / h
            saw = 0.30 * h * (1 - f) * (0.65 + 0.5 * ((-f * 5) % 1))
            inside = ((f > 0) & (f < 1) & (np.abs(u - cu) < saw)).astype(np.float32)
            snowy = step(noise(u * 0.3 + cu, v * 0.3) - np.float32(0.55), 0.05) * inside
            _over(base, inside, _rgb(36, 70, 58))
            _over(base, snowy * np.float32(0.8), _rgb(232, 238, 246))
            _over(base, _rect(u, v, cu - 0.1, cu + 0.1, 0, 0.35), _rgb(70, 50, 40))
        return base.astype(np.float32)

    return Place("snow", "in the snow", False, ground, backdrop, -13, -13, white, *sky)


def street(rng: Random) -> Place:
    """Paving stones before a row of houses."""
    stone = _tint(rng, _rgb(*[(150, 146, 140), (120, 118, 120), (168, 150, 132)][rng.integers(3)]))
    shift, size = rng.uniform(0, 1), rng.uniform(0.45, 0.75)
    houses = [_tint(rng, _rgb(*[(196, 120, 90), (214, 190, 150), (150, 160, 170), (190, 90, 70), (220, 210, 196)][rng.integers(5)])) for _ in range(6)]
    sky = (_rgb(120, 160, 210), _rgb(200, 214, 228))

    def ground(x: Array, z: Array) -> Array:
        fu = x / size + 0.5 * (np.floor(z / size) % 2)
        fv = z / size
        du, dv = np.abs(fu - np.round(fu)), np.abs(fv - np.round(fv))
        base = stone[:, None] * (0.72 + 0.35 * noise(np.floor(fu + 0.5) * 0.137 + shift, np.floor(fv + 0.5) * 0.211) + 0.22 * noise(x, z))
        _over(base, ((du < 0.03) | (dv < 0.03)).astype(np.float32), stone * np.float32(0.38))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = _sky(u, v, *sky, 0.4, 9, shift)
        block = u / 3.4 + shift
        which = np.floor(block).astype(np.int32) % 6
        height = 4.2 + 1.6 * ((which * 37) % 7) / 7
        wall = np.stack(houses, axis=1)[:, which] * (0.9 + 0.2 * noise(u * 0.2, v * 0.2))
        inside = (v < height).astype(np.float32)
        base += (wall - base) * inside
        fu, fv = (block - np.floor(block)) * 3, (v - 0.3) / 1.35
        window = (np.abs(fu - np.floor(fu) - 0.5) < 0.26) & (np.abs(fv - np.floor(fv) - 0.5) < 0.30) & (v < height - 0.4) & (v > 0.3)
        frame = (np.abs(fu - np.floor(fu) - 0.5) < 0.32) & (np.abs(fv - np.floor(fv) - 0.5) < 0.36) & (v < height - 0.4) & (v > 0.3)
        _over(base, frame.astype(np.float32), _rgb(232, 230, 224))
        _over(base, window.astype(np.float32), _rgb(60, 76, 96))
        _over(base, (v < 0.22).astype(np.float32), _rgb(96, 94, 92))
        return base.astype(np.float32)

    return Place("street", "on a street", False, ground, backdrop, -9, -9, stone, *sky)


def _weave(x: Array, z: Array, color: Array, shift: float) -> Array:
    return np.asarray(color[:, None] * (0.74 + 0.25 * noise(x * 2.3 + shift, z * 2.3) + 0.26 * noise(x * 0.12, z * 0.12 + shift)), np.float32)


def sofa(rng: Random) -> Place:
    """The seat of a sofa with back cushions."""
    cloth = _tint(rng, _rgb(*[(70, 96, 120), (150, 60, 50), (120, 126, 90), (150, 140, 130), (60, 64, 72), (196, 150, 70)][rng.integers(6)]))
    pillow = _tint(rng, _rgb(*[(230, 220, 200), (220, 150, 60), (60, 110, 120), (180, 70, 80)][rng.integers(4)]))
    wall, paint = _wall(rng)
    shift, at = rng.uniform(0, 1), rng.choice([-1, 1]) * rng.uniform(0.9, 1.7)

    def ground(x: Array, z: Array) -> Array:
        seam = np.abs((x + 1.1) / 2.2 - np.round((x + 1.1) / 2.2)) * 2.2
        return np.asarray(_weave(x, z, cloth, shift) * (0.4 + 0.6 * np.clip(seam / 0.07, 0, 1)), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = paint(u, v)
        fu = (u + 1.1) / 2.2 - np.floor((u + 1.1) / 2.2) - np.float32(0.5)
        top = np.float32(1.45) - np.float32(2.4) * fu**4
        side = np.clip(1.08 - (np.abs(fu) * 2) ** 6 * 0.75, 0, 1)
        shade = side * (0.68 + 0.3 * np.clip(v / 1.4, 0, 1)) * (1 - np.float32(0.5) * np.clip(0.12 - v, 0, 0.12) / np.float32(0.12))
        cushion = _weave(u, v, cloth, shift + 0.3) * shade
        base += (cushion - base) * (v < top)
        q = ((np.abs(u - at) / 0.62) ** 4 + (np.abs(v - 0.52) / 0.55) ** 4) < 1
        base += (_weave(u, v, pillow, shift) * (0.75 + 0.25 * np.clip(v, 0, 1)) - base) * q
        return base.astype(np.float32)

    return Place("sofa", "on a sofa", True, ground, backdrop, -0.95, -1.0, cloth, wall, cloth)


def bedroom(rng: Random) -> Place:
    """A bed with a patterned blanket, pillows and a headboard."""
    blanket = _tint(rng, _rgb(*[(90, 120, 170), (190, 110, 120), (220, 210, 190), (110, 150, 120), (150, 110, 160)][rng.integers(5)]))
    second = np.clip(blanket * np.float32(0.45) + np.float32(0.45), 0, 0.9).astype(np.float32)
    wall, _ = _wall(rng)
    wood, kind, shift = _tint(rng, _rgb(140, 92, 56)), rng.integers(3), rng.uniform(0, 1)

    def ground(x: Array, z: Array) -> Array:
        base = _weave(x, z, blanket, shift)
        if kind == 0:
            mask = (((x * 1.6) % 1) < 0.28).astype(np.float32) * np.float32(0.5) + (((z * 1.6) % 1) < 0.28).astype(np.float32) * np.float32(0.5)
        elif kind == 1:
            mask = (((x * 2.0 + shift) % 1) < 0.4).astype(np.float32)
        else:
            du, dv = x * 2 - np.round(x * 2), z * 2 - np.round(z * 2)
            mask = (du * du + dv * dv < 0.05).astype(np.float32)
        _over(base, mask * np.float32(0.8), second)
        folds = noise(x * 0.06 + shift, z * 0.09)
        return np.asarray(base * (0.78 + 0.44 * folds), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = wall[:, None] * (0.95 + 0.1 * noise(u * 0.05, v * 0.05))
        slat = np.abs(u / 0.5 - np.round(u / 0.5))
        board = wood[:, None] * (0.6 + 0.7 * noise(u * 0.05, v * 0.4)) * (0.5 + 0.5 * np.clip(slat / 0.06, 0, 1))
        base += (board - base) * (v < 1.55)
        for cu in (-1.15, 1.15):
            q = ((np.abs(u - cu) / 1.0) ** 3 + (np.abs(v - 0.42) / 0.52) ** 3) < 1
            shade = 0.72 + 0.3 * np.clip(v, 0, 1) + 0.12 * (noise(u * 0.12, v * 0.12 + shift) - np.float32(0.5))
            base += (_rgb(236, 234, 230)[:, None] * shade - base) * q
        return base.astype(np.float32)

    return Place("bed", "on a bed", True, ground, backdrop, -1.15, -1.3, blanket, wall, wall)


def forest(rng: Random) -> Place:
    """Fallen leaves between tree trunks."""
    soil, leaf, shift = _tint(rng, _rgb(92, 70, 44)), _tint(rng, _rgb(170, 104, 44), 0.2), rng.uniform(0, 1)
    trunks = [(rng.uniform(-5.5, 5.5), rng.uniform(0.14, 0.42), rng.uniform(0.5, 1.1)) for _ in range(rng.integers(7, 13))]
    sky = (_rgb(90, 130, 80), _rgb(120, 150, 100))

    def ground(x: Array, z: Array) -> Array:
        base = soil[:, None] * (0.5 + 0.9 * noise(x * 0.5 + shift, z * 0.5))
        for k, factor in ((0.0, 1.0), (0.37, 0.65)):
            u, v = x * 4.1 + k * 9 + shift, z * 3.2 + k * 5
            r = noise(np.floor(u) * 0.093 + k, np.floor(v) * 0.071)
            du, dv = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
            mask = (((du + (r - 0.5) * dv * 2) ** 2 * 4 + dv * dv * 2) < 0.3) & (r > 0.42)
            _over(base, mask.astype(np.float32) * np.float32(0.85), leaf * np.float32(factor))
        moss = step(noise(x * 0.09, z * 0.09 + shift) - np.float32(0.6), 0.08)
        _over(base, moss * np.float32(0.7), _rgb(84, 116, 50))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        light = noise(u * 0.07 + shift, v * 0.05)
        base = sky[0][:, None] * (0.25 + 1.2 * light * np.clip(v / 4 + 0.5, 0.4, 1.3))
        for cu, w, dark in trunks:
            lean = cu + (v - 1) * 0.04 * np.sin(cu * 9)
            f = (u - lean) / w
            bark = _rgb(96, 74, 54)[:, None] * dark * (0.5 + 0.8 * noise(u * 0.6, v * 0.09 + cu)) * (0.6 + 0.4 * np.clip(1 - np.abs(f + 0.3), 0, 1))
            base += (bark - base) * (np.abs(f) < 1)
        _over(base, step(0.5 + 0.5 * noise(u * 0.2, u * 0 + shift) - v, 0.1), _rgb(62, 88, 40))
        return base.astype(np.float32)

    return Place("forest", "in a forest", False, ground, backdrop, -7, -7, soil, *sky)


def desk(rng: Random) -> Place:
    """A pale desk with a computer screen, books and a paper."""
    top = _tint(rng, _rgb(*[(222, 206, 182), (236, 234, 230), (84, 70, 60)][rng.integers(3)]))
    wall = _tint(rng, _rgb(*[(188, 200, 206), (226, 220, 208), (120, 136, 150)][rng.integers(3)]))
    shift, at = rng.uniform(0, 1), rng.choice([-1, 1]) * rng.uniform(0.1, 0.8)
    screen = _tint(rng, _rgb(*[(40, 60, 96), (24, 26, 30), (70, 130, 170)][rng.integers(3)]))
    books = [(_tint(rng, _rgb(*rng.integers(40, 220, 3)), 0.1), rng.uniform(0.14, 0.26), rng.uniform(0.7, 1.1)) for _ in range(6)]
    side = -1.0 if at > 0 else 1.0

    def ground(x: Array, z: Array) -> Array:
        base = top[:, None] * (0.88 + 0.2 * noise(x * 0.07 + shift, z * 0.5))
        paper = (np.abs(x - side * 1.35 + z * 0.2) < 0.42) & (np.abs(z - 0.1) < 0.55)
        lines = paper & ((z * 9 % 1) < 0.16) & (np.abs(x - side * 1.35 + z * 0.2) < 0.34)
        _over(base, paper.astype(np.float32), _rgb(244, 243, 238))
        _over(base, lines.astype(np.float32) * np.float32(0.4), _rgb(70, 80, 110))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = wall[:, None] * (0.94 + 0.12 * noise(u * 0.05, v * 0.05 + shift))
        _over(base, _rect(u, v, at - 0.18, at + 0.18, -0.1, 0.5), _rgb(60, 60, 64))
        _over(base, _rect(u, v, at - 1.15, at + 1.15, 0.35, 1.75), _rgb(28, 28, 32))
        _over(base, _rect(u, v, at - 1.08, at + 1.08, 0.42, 1.68), screen)
        _over(base, _rect(u, v, at - 0.95, at + 0.2, 0.9, 1.55), screen * np.float32(0.5) + _rgb(200, 210, 220) * np.float32(0.45))
        position = at + side * 1.35
        for c, w, h in books:
            _over(base, _rect(u, v, min(position, position + side * w), max(position, position + side * w), -0.1, h), c)
            position += side * (w + 0.01)
        return base.astype(np.float32)

    return Place("desk", "on a desk", True, ground, backdrop, -1.4, -1.6, top, wall, wall)


def floor(rng: Random) -> Place:
    """A wooden floor with a rug, a wall with skirting board."""
    wood, rug = _tint(rng, _rgb(176, 126, 78)), _tint(rng, _rgb(*[(150, 50, 50), (60, 90, 130), (210, 196, 170), (90, 120, 90)][rng.integers(4)]))
    trim = np.clip(rug * np.float32(0.3) + np.float32(0.4), 0, 0.9).astype(np.float32)
    wall, paint = _wall(rng)
    shift, round_rug = rng.uniform(0, 1), rng.random() < 0.5

    def ground(x: Array, z: Array) -> Array:
        base = _planks(x, z, wood, 0.33, shift)
        reach = np.sqrt(x * x + z * z) / np.float32(1.6) if round_rug else np.maximum(np.abs(x) / 1.7, np.abs(z) / 1.3)
        base += (_weave(x, z, rug, shift) - base) * (reach < 1)
        _over(base, ((np.abs(reach - 0.86) < 0.045) | (np.abs(reach - 0.6) < 0.02)).astype(np.float32), trim)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = paint(u, v)
        _over(base, (v < 0.24).astype(np.float32), _rgb(236, 234, 228))
        return base

    return Place("rug", "on a rug", True, ground, backdrop, -2.6, -2.6, rug, wall, wall)


def bathroom(rng: Random) -> Place:
    """White and coloured tiles, a mirror."""
    tile = _tint(rng, _rgb(*[(120, 190, 210), (236, 240, 242), (150, 210, 180), (240, 190, 190)][rng.integers(4)]))
    shift = rng.uniform(0, 1)

    def ground(x: Array, z: Array) -> Array:
        fu, fv = x / 0.34, z / 0.34
        odd = ((np.round(fu) + np.round(fv)) % 2).astype(np.float32)
        base = _fill(_rgb(234, 238, 240), x.shape[0])
        _over(base, odd, tile * np.float32(0.8))
        _over(base, ((np.abs(np.abs(fu - np.round(fu)) - 0.5) < 0.04) | (np.abs(np.abs(fv - np.round(fv)) - 0.5) < 0.04)).astype(np.float32),
              _rgb(150, 154, 156))
        return base

    def backdrop(u: Array, v: Array) -> Array:
        fu, fv = u / 0.42, v / 0.42
        base = tile[:, None] * (0.9 + 0.2 * noise(np.floor(fu) * 0.17, np.floor(fv) * 0.13 + shift))
        _over(base, ((fu % 1 < 0.06) | (fv % 1 < 0.06)).astype(np.float32), _rgb(226, 230, 232))
        _over(base, _rect(u, v, -0.9, 0.9, 1.3, 3.0), _rgb(200, 214, 222))
        return base.astype(np.float32)

    return Place("bathroom", "in a bathroom", True, ground, backdrop, -1.8, -1.8, _rgb(230, 234, 236), tile, tile)


def studio(rng: Random) -> Place:
    """A plain paper background of one colour."""
    name = str(rng.choice(["white", "grey", "light blue", "pink", "yellow", "green", "blue", "red", "black"]))
    color = _tint(rng, linear(name), 0.06)

    def ground(x: Array, z: Array) -> Array:
        return _fill(color, x.shape[0])

    def backdrop(u: Array, v: Array) -> Array:
        return np.asarray(color[:, None] * (1.02 - 0.08 * np.clip(v, 0, 3)), np.float32)

    article = "a"
    return Place(f"{name} background", f"on {article} plain {name} background", True, ground, backdrop, -3.0, -3.0, color, color, color)


PLACES: dict[str, Callable[[Random], Place]] = {
    "beach": beach, "grass": meadow, "table": table, "kitchen": kitchen, "snow": snow, "street": street, "sofa": sofa,
    "bed": bedroom, "forest": forest, "desk": desk, "rug": floor, "bathroom": bathroom, "studio": studio,
}  # fmt: skip

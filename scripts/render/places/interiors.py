"""Places indoors: table, kitchen, sofa, bed, desk, rug, bathroom, and a plain studio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scripts.render.geometry.materials import linear, noise
from scripts.render.geometry.painting import (
    Array,
    Place,
    Random,
    disc,
    fill,
    over,
    planks,
    rect,
    rgb,
    varied,
    weave,
)


def _wall(rng: Random) -> tuple[Array, Callable[[Array, Array], Array]]:
    """A painted wall with a picture or a window: (colour, painter)."""
    color = varied(
        rng,
        rgb(
            *[
                (214, 206, 192),
                (168, 188, 196),
                (196, 178, 150),
                (190, 200, 176),
                (222, 214, 214),
                (150, 160, 176),
            ][rng.integers(6)]
        ),
    )
    kind, at = rng.integers(3), rng.uniform(-1.5, 1.5)
    art, art2 = varied(rng, rgb(190, 90, 60), 0.4), varied(rng, rgb(60, 100, 140), 0.4)

    def paint(u: Array, v: Array) -> Array:
        base = color[:, None] * (0.93 + 0.12 * noise(u * 0.06, v * 0.06))
        if kind == 0:
            over(base, rect(u, v, at - 0.75, at + 0.75, 0.85, 2.05), rgb(70, 50, 36))
            over(base, rect(u, v, at - 0.66, at + 0.66, 0.94, 1.96), rgb(236, 232, 222))
            over(base, rect(u, v, at - 0.5, at + 0.5, 1.08, 1.82), art)
            over(base, disc(u, v, at + 0.1, 1.4, 0.3, 0.25), art2)
        elif kind == 1:
            over(base, rect(u, v, at - 1.0, at + 1.0, 0.6, 3.2), rgb(240, 240, 238))
            over(
                base,
                rect(u, v, at - 0.9, at - 0.05, 0.7, 3.1) + rect(u, v, at + 0.05, at + 0.9, 0.7, 3.1),
                rgb(206, 228, 246),
            )
        return base.astype(np.float32)

    return color, paint


def table(rng: Random) -> Place:
    """A wooden table in front of a wall."""
    wood = varied(rng, rgb(*[(150, 98, 56), (186, 136, 84), (110, 70, 42)][rng.integers(3)]))
    color, paint = _wall(rng)
    shift = rng.uniform(0, 1)
    return Place(
        "wooden table",
        "on a wooden table",
        True,
        lambda x, z: planks(z + np.float32(9), x, wood, 0.42, shift),
        paint,
        -1.5,
        -3.2,
        wood,
        color,
        color * np.float32(0.8),
    )


def kitchen(rng: Random) -> Place:
    """A stone counter, a tiled wall, shelves with jars."""
    stone = varied(rng, rgb(*[(196, 194, 188), (96, 98, 102), (206, 190, 166)][rng.integers(3)]))
    tile = varied(
        rng, rgb(*[(232, 234, 232), (150, 200, 200), (240, 226, 190), (120, 160, 190)][rng.integers(4)])
    )
    cupboard = varied(
        rng, rgb(*[(120, 140, 110), (236, 234, 228), (150, 110, 70), (60, 84, 110)][rng.integers(4)])
    )
    shift = rng.uniform(0, 1)
    jars = [
        (rng.uniform(-2.4, 2.4), rng.uniform(0.3, 0.6), varied(rng, rgb(180, 80, 60), 0.5)) for _ in range(4)
    ]

    def ground(x: Array, z: Array) -> Array:
        speckle = noise(x * 1.3 + shift, z * 1.3)
        base = stone[:, None] * (0.86 + 0.2 * noise(x * 0.1, z * 0.1))
        base *= np.where(speckle < 0.32, 0.62, np.where(speckle > 0.72, 1.18, 1.0)).astype(np.float32)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        fu, fv = u / 0.36 + 0.5 * (np.floor(v / 0.24) % 2), v / 0.24
        grout = (np.abs(fu - np.round(fu)) < 0.03) | (np.abs(fv - np.round(fv)) < 0.05)
        base = tile[:, None] * (0.9 + 0.2 * noise(np.floor(fu) * 0.13, np.floor(fv) * 0.17 + shift))
        over(base, grout.astype(np.float32), rgb(170, 168, 160))
        over(base, (v > 1.75).astype(np.float32), cupboard)
        door = u / 1.1 + shift
        over(
            base,
            ((v > 1.75) & (np.abs(door - np.round(door)) < 0.02)).astype(np.float32),
            cupboard * np.float32(0.35),
        )
        over(
            base,
            ((v > 1.85) & (v < 2.0) & (np.abs(door - np.round(door) - 0.1) < 0.02)).astype(np.float32),
            rgb(190, 190, 190),
        )
        for cu, h, c in jars:
            over(base, rect(u, v, cu - 0.16, cu + 0.16, 0, h), c)
            over(base, rect(u, v, cu - 0.14, cu + 0.14, h, h + 0.08), rgb(60, 60, 60))
        return base.astype(np.float32)

    return Place(
        "kitchen", "in a kitchen", True, ground, backdrop, -1.7, -1.75, stone, rgb(230, 230, 226), tile
    )


def sofa(rng: Random) -> Place:
    """The seat of a sofa with back cushions."""
    cloth = varied(
        rng,
        rgb(
            *[(70, 96, 120), (150, 60, 50), (120, 126, 90), (150, 140, 130), (60, 64, 72), (196, 150, 70)][
                rng.integers(6)
            ]
        ),
    )
    pillow = varied(
        rng, rgb(*[(230, 220, 200), (220, 150, 60), (60, 110, 120), (180, 70, 80)][rng.integers(4)])
    )
    wall, paint = _wall(rng)
    shift, at = rng.uniform(0, 1), rng.choice([-1, 1]) * rng.uniform(0.9, 1.7)

    def ground(x: Array, z: Array) -> Array:
        seam = np.abs((x + 1.1) / 2.2 - np.round((x + 1.1) / 2.2)) * 2.2
        return np.asarray(weave(x, z, cloth, shift) * (0.4 + 0.6 * np.clip(seam / 0.07, 0, 1)), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = paint(u, v)
        fu = (u + 1.1) / 2.2 - np.floor((u + 1.1) / 2.2) - np.float32(0.5)
        top = np.float32(1.45) - np.float32(2.4) * fu**4
        side = np.clip(1.08 - (np.abs(fu) * 2) ** 6 * 0.75, 0, 1)
        shade = (
            side
            * (0.68 + 0.3 * np.clip(v / 1.4, 0, 1))
            * (1 - np.float32(0.5) * np.clip(0.12 - v, 0, 0.12) / np.float32(0.12))
        )
        cushion = weave(u, v, cloth, shift + 0.3) * shade
        base += (cushion - base) * (v < top)
        q = ((np.abs(u - at) / 0.62) ** 4 + (np.abs(v - 0.52) / 0.55) ** 4) < 1
        base += (weave(u, v, pillow, shift) * (0.75 + 0.25 * np.clip(v, 0, 1)) - base) * q
        return base.astype(np.float32)

    return Place("sofa", "on a sofa", True, ground, backdrop, -0.95, -1.0, cloth, wall, cloth)


def bedroom(rng: Random) -> Place:
    """A bed with a patterned blanket, pillows and a headboard."""
    blanket = varied(
        rng,
        rgb(
            *[(90, 120, 170), (190, 110, 120), (220, 210, 190), (110, 150, 120), (150, 110, 160)][
                rng.integers(5)
            ]
        ),
    )
    second = np.clip(blanket * np.float32(0.45) + np.float32(0.45), 0, 0.9).astype(np.float32)
    wall, _ = _wall(rng)
    wood, kind, shift = varied(rng, rgb(140, 92, 56)), rng.integers(3), rng.uniform(0, 1)

    def ground(x: Array, z: Array) -> Array:
        base = weave(x, z, blanket, shift)
        if kind == 0:
            mask = (((x * 1.6) % 1) < 0.28).astype(np.float32) * np.float32(0.5) + (
                ((z * 1.6) % 1) < 0.28
            ).astype(np.float32) * np.float32(0.5)
        elif kind == 1:
            mask = (((x * 2.0 + shift) % 1) < 0.4).astype(np.float32)
        else:
            du, dv = x * 2 - np.round(x * 2), z * 2 - np.round(z * 2)
            mask = (du * du + dv * dv < 0.05).astype(np.float32)
        over(base, mask * np.float32(0.8), second)
        folds = noise(x * 0.06 + shift, z * 0.09)
        return np.asarray(base * (0.78 + 0.44 * folds), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = wall[:, None] * (0.95 + 0.1 * noise(u * 0.05, v * 0.05))
        slat = np.abs(u / 0.5 - np.round(u / 0.5))
        board = (
            wood[:, None] * (0.6 + 0.7 * noise(u * 0.05, v * 0.4)) * (0.5 + 0.5 * np.clip(slat / 0.06, 0, 1))
        )
        base += (board - base) * (v < 1.55)
        for cu in (-1.15, 1.15):
            q = ((np.abs(u - cu) / 1.0) ** 3 + (np.abs(v - 0.42) / 0.52) ** 3) < 1
            shade = (
                0.72 + 0.3 * np.clip(v, 0, 1) + 0.12 * (noise(u * 0.12, v * 0.12 + shift) - np.float32(0.5))
            )
            base += (rgb(236, 234, 230)[:, None] * shade - base) * q
        return base.astype(np.float32)

    return Place("bed", "on a bed", True, ground, backdrop, -1.15, -1.3, blanket, wall, wall)


def desk(rng: Random) -> Place:
    """A pale desk with a computer screen, books and a paper."""
    top = varied(rng, rgb(*[(222, 206, 182), (236, 234, 230), (84, 70, 60)][rng.integers(3)]))
    wall = varied(rng, rgb(*[(188, 200, 206), (226, 220, 208), (120, 136, 150)][rng.integers(3)]))
    shift, at = rng.uniform(0, 1), rng.choice([-1, 1]) * rng.uniform(0.1, 0.8)
    screen = varied(rng, rgb(*[(40, 60, 96), (24, 26, 30), (70, 130, 170)][rng.integers(3)]))
    books = [
        (varied(rng, rgb(*rng.integers(40, 220, 3)), 0.1), rng.uniform(0.14, 0.26), rng.uniform(0.7, 1.1))
        for _ in range(6)
    ]
    side = -1.0 if at > 0 else 1.0

    def ground(x: Array, z: Array) -> Array:
        base = top[:, None] * (0.88 + 0.2 * noise(x * 0.07 + shift, z * 0.5))
        paper = (np.abs(x - side * 1.35 + z * 0.2) < 0.42) & (np.abs(z - 0.1) < 0.55)
        lines = paper & ((z * 9 % 1) < 0.16) & (np.abs(x - side * 1.35 + z * 0.2) < 0.34)
        over(base, paper.astype(np.float32), rgb(244, 243, 238))
        over(base, lines.astype(np.float32) * np.float32(0.4), rgb(70, 80, 110))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = wall[:, None] * (0.94 + 0.12 * noise(u * 0.05, v * 0.05 + shift))
        over(base, rect(u, v, at - 0.18, at + 0.18, -0.1, 0.5), rgb(60, 60, 64))
        over(base, rect(u, v, at - 1.15, at + 1.15, 0.35, 1.75), rgb(28, 28, 32))
        over(base, rect(u, v, at - 1.08, at + 1.08, 0.42, 1.68), screen)
        over(
            base,
            rect(u, v, at - 0.95, at + 0.2, 0.9, 1.55),
            screen * np.float32(0.5) + rgb(200, 210, 220) * np.float32(0.45),
        )
        position = at + side * 1.35
        for c, w, h in books:
            over(
                base,
                rect(u, v, min(position, position + side * w), max(position, position + side * w), -0.1, h),
                c,
            )
            position += side * (w + 0.01)
        return base.astype(np.float32)

    return Place("desk", "on a desk", True, ground, backdrop, -1.4, -1.6, top, wall, wall)


def floor(rng: Random) -> Place:
    """A wooden floor with a rug, a wall with skirting board."""
    wood, rug = (
        varied(rng, rgb(176, 126, 78)),
        varied(rng, rgb(*[(150, 50, 50), (60, 90, 130), (210, 196, 170), (90, 120, 90)][rng.integers(4)])),
    )
    trim = np.clip(rug * np.float32(0.3) + np.float32(0.4), 0, 0.9).astype(np.float32)
    wall, paint = _wall(rng)
    shift, round_rug = rng.uniform(0, 1), rng.random() < 0.5

    def ground(x: Array, z: Array) -> Array:
        base = planks(x, z, wood, 0.33, shift)
        reach = (
            np.sqrt(x * x + z * z) / np.float32(1.6)
            if round_rug
            else np.maximum(np.abs(x) / 1.7, np.abs(z) / 1.3)
        )
        base += (weave(x, z, rug, shift) - base) * (reach < 1)
        over(base, ((np.abs(reach - 0.86) < 0.045) | (np.abs(reach - 0.6) < 0.02)).astype(np.float32), trim)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = paint(u, v)
        over(base, (v < 0.24).astype(np.float32), rgb(236, 234, 228))
        return base

    return Place("rug", "on a rug", True, ground, backdrop, -2.6, -2.6, rug, wall, wall)


def bathroom(rng: Random) -> Place:
    """White and coloured tiles, a mirror."""
    tile = varied(
        rng, rgb(*[(120, 190, 210), (236, 240, 242), (150, 210, 180), (240, 190, 190)][rng.integers(4)])
    )
    shift = rng.uniform(0, 1)

    def ground(x: Array, z: Array) -> Array:
        fu, fv = x / 0.34, z / 0.34
        odd = ((np.round(fu) + np.round(fv)) % 2).astype(np.float32)
        base = fill(rgb(234, 238, 240), x.shape[0])
        over(base, odd, tile * np.float32(0.8))
        over(
            base,
            (
                (np.abs(np.abs(fu - np.round(fu)) - 0.5) < 0.04)
                | (np.abs(np.abs(fv - np.round(fv)) - 0.5) < 0.04)
            ).astype(np.float32),
            rgb(150, 154, 156),
        )
        return base

    def backdrop(u: Array, v: Array) -> Array:
        fu, fv = u / 0.42, v / 0.42
        base = tile[:, None] * (0.9 + 0.2 * noise(np.floor(fu) * 0.17, np.floor(fv) * 0.13 + shift))
        over(base, ((fu % 1 < 0.06) | (fv % 1 < 0.06)).astype(np.float32), rgb(226, 230, 232))
        over(base, rect(u, v, -0.9, 0.9, 1.3, 3.0), rgb(200, 214, 222))
        return base.astype(np.float32)

    return Place(
        "bathroom", "in a bathroom", True, ground, backdrop, -1.8, -1.8, rgb(230, 234, 236), tile, tile
    )


def studio(rng: Random) -> Place:
    """A plain paper background of one colour."""
    name = str(rng.choice(["white", "grey", "light blue", "pink", "yellow", "green", "blue", "red", "black"]))
    color = varied(rng, linear(name), 0.06)

    def ground(x: Array, z: Array) -> Array:
        return fill(color, x.shape[0])

    def backdrop(u: Array, v: Array) -> Array:
        return np.asarray(color[:, None] * (1.02 - 0.08 * np.clip(v, 0, 3)), np.float32)

    return Place(
        f"{name} background",
        f"on a plain {name} background",
        True,
        ground,
        backdrop,
        -3.0,
        -3.0,
        color,
        color,
        color,
    )


def photo(rng: Random) -> Place:
    """What lights and is mirrored by things in front of a photo; words say nothing of it."""
    return replace(studio(rng), name="photo", phrase="")

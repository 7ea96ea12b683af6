"""Places under the sky: beach, meadow, snow, street, forest."""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.materials import noise, step
from scripts.render.geometry.painting import Array, Place, Random, disc, over, rect, rgb, sky_gradient, varied

BLUE_SKY = (rgb(92, 150, 220), rgb(196, 220, 240))


def beach(rng: Random) -> Place:
    """Sand, a band of sea with foam, a blue sky."""
    sand, sea = varied(rng, rgb(220, 194, 146)), varied(rng, rgb(38, 128, 168))
    shift, shore, clouds = rng.uniform(0, 1), rng.uniform(-4.2, -2.6), rng.uniform(0, 0.8)
    parasol = rng.uniform(-3.5, 3.5) if rng.random() < 0.4 else None
    parasol_color = rgb(*[(220, 60, 50), (250, 210, 60), (60, 120, 210)][rng.integers(3)])

    def ground(x: Array, z: Array) -> Array:
        n1, n2 = noise(x * 0.11 + shift, z * 0.16), noise(x * 0.9, z * 0.9 + shift)
        base = sand[:, None] * (0.80 + 0.22 * n1 + 0.22 * n2)
        line = (
            z
            - np.float32(shore)
            - (noise(x * 0.03 + shift, x * 0 + shift) - np.float32(0.5)) * np.float32(2.2)
        )
        over(base, step(0.45 - line, 0.3) * np.float32(0.45), sand * np.float32(0.45))
        water = sea[:, None] * (0.75 + 0.5 * noise(x * 0.04 + shift, z * 0.25))
        base += (water - base) * step(-line, 0.05)
        foam = (np.abs(line + 0.05) < 0.07 + 0.12 * n1) | (np.abs(line + 1.3) < 0.06 * n1)
        over(base, foam.astype(np.float32) * np.float32(0.9), rgb(240, 244, 246))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = sky_gradient(u, v, *BLUE_SKY, clouds, 9, shift)
        over(base, (v < 0.9).astype(np.float32), sea * np.float32(0.8))
        if parasol is not None:
            over(base, rect(u, v, parasol - 0.06, parasol + 0.06, 0, 2.4), rgb(120, 100, 80))
            over(base, disc(u, v, parasol, 2.0, 1.5, 1.1) * (v > 2.0), parasol_color)
        return base

    return Place("beach", "on a beach", False, ground, backdrop, -22, -22, sand, *BLUE_SKY)


def meadow(rng: Random) -> Place:
    """Grass with flowers, hills and round trees."""
    green, shift = varied(rng, rgb(92, 142, 48)), rng.uniform(0, 1)
    hill = varied(rng, rgb(70, 120, 60))
    flower = rgb(*[(250, 240, 240), (250, 220, 60), (220, 90, 120), (150, 100, 210)][rng.integers(4)])
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
        over(base, (lucky & (du * du + dv * dv < 0.035)).astype(np.float32), flower)
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = sky_gradient(u, v, *BLUE_SKY, clouds, 8, shift)
        far = 1.5 + 0.7 * np.sin(u * 0.35 + shift * 9) + 0.3 * np.sin(u * 0.9 + shift * 20)
        over(
            base, (v < far).astype(np.float32), hill * np.float32(0.8) + rgb(120, 150, 180) * np.float32(0.25)
        )
        near = 0.7 + 0.35 * np.sin(u * 0.5 - shift * 5)
        for cu, r in trees:
            over(base, rect(u, v, cu - 0.12, cu + 0.12, 0, 1.2), rgb(84, 62, 44))
            wobble = 1 + (noise(u * 0.12 + cu, v * 0.12) - np.float32(0.5)) * 0.8
            crown = ((((u - cu) / r) ** 2 + ((v - 0.9 - r) / (r * 1.1)) ** 2) < wobble).astype(np.float32)
            shade = (0.45 + 0.8 * noise(u * 0.3, v * 0.3 + cu)) * (
                0.75 + 0.2 * np.clip((v - 0.9 - r) / r, -1, 1)
            )
            base += (hill[:, None] * np.float32(0.6) * shade - base) * crown
        over(base, (v < near).astype(np.float32), green * np.float32(0.85))
        return base.astype(np.float32)

    return Place("meadow", "on the grass", False, ground, backdrop, -14, -14, green, *BLUE_SKY)


def snow(rng: Random) -> Place:
    """Snow with fir trees under a pale sky."""
    white, shift = rgb(228, 235, 245), rng.uniform(0, 1)
    sky = (rgb(150, 180, 214), rgb(214, 224, 236))
    trees = [(rng.uniform(-7.5, 7.5), rng.uniform(2.2, 4.6)) for _ in range(rng.integers(4, 9))]

    def ground(x: Array, z: Array) -> Array:
        n1, n2 = noise(x * 0.07 + shift, z * 0.10), noise(x * 0.7, z * 0.7 + shift)
        return np.asarray(white[:, None] * (0.80 + 0.20 * n1 + 0.10 * n2), np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = sky_gradient(u, v, *sky, 0.3, 8, shift)
        over(base, (v < 1.1 + 0.4 * np.sin(u * 0.4 + shift * 7)).astype(np.float32), rgb(200, 212, 228))
        for cu, h in trees:
            f = (v - 0.3) / h
            saw = 0.30 * h * (1 - f) * (0.65 + 0.5 * ((-f * 5) % 1))
            inside = ((f > 0) & (f < 1) & (np.abs(u - cu) < saw)).astype(np.float32)
            snowy = step(noise(u * 0.3 + cu, v * 0.3) - np.float32(0.55), 0.05) * inside
            over(base, inside, rgb(36, 70, 58))
            over(base, snowy * np.float32(0.8), rgb(232, 238, 246))
            over(base, rect(u, v, cu - 0.1, cu + 0.1, 0, 0.35), rgb(70, 50, 40))
        return base.astype(np.float32)

    return Place("snow", "in the snow", False, ground, backdrop, -13, -13, white, *sky)


def street(rng: Random) -> Place:
    """Paving stones before a row of houses."""
    stone = varied(rng, rgb(*[(150, 146, 140), (120, 118, 120), (168, 150, 132)][rng.integers(3)]))
    shift, size = rng.uniform(0, 1), rng.uniform(0.45, 0.75)
    houses = [
        varied(
            rng,
            rgb(
                *[(196, 120, 90), (214, 190, 150), (150, 160, 170), (190, 90, 70), (220, 210, 196)][
                    rng.integers(5)
                ]
            ),
        )
        for _ in range(6)
    ]
    sky = (rgb(120, 160, 210), rgb(200, 214, 228))

    def ground(x: Array, z: Array) -> Array:
        fu = x / size + 0.5 * (np.floor(z / size) % 2)
        fv = z / size
        du, dv = np.abs(fu - np.round(fu)), np.abs(fv - np.round(fv))
        base = stone[:, None] * (
            0.72
            + 0.35 * noise(np.floor(fu + 0.5) * 0.137 + shift, np.floor(fv + 0.5) * 0.211)
            + 0.22 * noise(x, z)
        )
        over(base, ((du < 0.03) | (dv < 0.03)).astype(np.float32), stone * np.float32(0.38))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        base = sky_gradient(u, v, *sky, 0.4, 9, shift)
        block = u / 3.4 + shift
        which = np.floor(block).astype(np.int32) % 6
        height = 4.2 + 1.6 * ((which * 37) % 7) / 7
        wall = np.stack(houses, axis=1)[:, which] * (0.9 + 0.2 * noise(u * 0.2, v * 0.2))
        inside = (v < height).astype(np.float32)
        base += (wall - base) * inside
        fu, fv = (block - np.floor(block)) * 3, (v - 0.3) / 1.35
        window = (
            (np.abs(fu - np.floor(fu) - 0.5) < 0.26)
            & (np.abs(fv - np.floor(fv) - 0.5) < 0.30)
            & (v < height - 0.4)
            & (v > 0.3)
        )
        frame = (
            (np.abs(fu - np.floor(fu) - 0.5) < 0.32)
            & (np.abs(fv - np.floor(fv) - 0.5) < 0.36)
            & (v < height - 0.4)
            & (v > 0.3)
        )
        over(base, frame.astype(np.float32), rgb(232, 230, 224))
        over(base, window.astype(np.float32), rgb(60, 76, 96))
        over(base, (v < 0.22).astype(np.float32), rgb(96, 94, 92))
        return base.astype(np.float32)

    return Place("street", "on a street", False, ground, backdrop, -9, -9, stone, *sky)


def forest(rng: Random) -> Place:
    """Fallen leaves between tree trunks."""
    soil, leaf, shift = varied(rng, rgb(92, 70, 44)), varied(rng, rgb(170, 104, 44), 0.2), rng.uniform(0, 1)
    trunks = [
        (rng.uniform(-5.5, 5.5), rng.uniform(0.14, 0.42), rng.uniform(0.5, 1.1))
        for _ in range(rng.integers(7, 13))
    ]
    sky = (rgb(90, 130, 80), rgb(120, 150, 100))

    def ground(x: Array, z: Array) -> Array:
        base = soil[:, None] * (0.5 + 0.9 * noise(x * 0.5 + shift, z * 0.5))
        for k, factor in ((0.0, 1.0), (0.37, 0.65)):
            u, v = x * 4.1 + k * 9 + shift, z * 3.2 + k * 5
            r = noise(np.floor(u) * 0.093 + k, np.floor(v) * 0.071)
            du, dv = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
            mask = (((du + (r - 0.5) * dv * 2) ** 2 * 4 + dv * dv * 2) < 0.3) & (r > 0.42)
            over(base, mask.astype(np.float32) * np.float32(0.85), leaf * np.float32(factor))
        moss = step(noise(x * 0.09, z * 0.09 + shift) - np.float32(0.6), 0.08)
        over(base, moss * np.float32(0.7), rgb(84, 116, 50))
        return base.astype(np.float32)

    def backdrop(u: Array, v: Array) -> Array:
        light = noise(u * 0.07 + shift, v * 0.05)
        base = sky[0][:, None] * (0.25 + 1.2 * light * np.clip(v / 4 + 0.5, 0.4, 1.3))
        for cu, w, dark in trunks:
            lean = cu + (v - 1) * 0.04 * np.sin(cu * 9)
            f = (u - lean) / w
            bark = (
                rgb(96, 74, 54)[:, None]
                * dark
                * (0.5 + 0.8 * noise(u * 0.6, v * 0.09 + cu))
                * (0.6 + 0.4 * np.clip(1 - np.abs(f + 0.3), 0, 1))
            )
            base += (bark - base) * (np.abs(f) < 1)
        over(base, step(0.5 + 0.5 * noise(u * 0.2, u * 0 + shift) - v, 0.1), rgb(62, 88, 40))
        return base.astype(np.float32)

    return Place("forest", "in a forest", False, ground, backdrop, -7, -7, soil, *sky)

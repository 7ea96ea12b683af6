"""Ground with things growing or lying on it: turf, fallen leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, see_ground
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, mix, sample, smooth
from scripts.render.scenes.kit.skies import Color, Sky, sunlit


def low_sun(sky: Sky, least: float) -> Array:
    """The sun's direction, lifted to at least this height: a low sun leaves level ground black."""
    sun = sky.sun_direction().copy()
    sun[1] = max(float(sun[1]), least)
    return f32(sun / np.linalg.norm(sun))


@dataclass(frozen=True)
class Turf:
    """Grass: fresh and dry color, how much is dry (higher is less), blade lengths in metres, dappled shade 0..1."""

    fresh: Color = (0.10, 0.19, 0.03)
    dry: Color = (0.30, 0.30, 0.09)
    dry_at: float = 0.9
    tall: tuple[float, float] = (0.04, 0.12)
    count: int = 100_000
    width: float = 0.004
    lean: float = 0.55
    dapple: float = 0.0
    bumps: float = 0.05
    where: Callable[[plants.Points, plants.Points], plants.Points] | None = None
    soil: Color = (0.06, 0.075, 0.02)


def dappled(x: Array, z: Array, amount: float, seed: int = 5) -> Array:
    """Sun through leaves above: 1 in the light, less in the shade."""
    if not amount:
        return np.ones_like(x)
    spots = sample(fractal(700 + seed, 1.5, 3, 60), x / 9, z / 16)
    return f32(1 - amount * smooth(0.35, -0.25, spots))


def lawn(camera: Camera, size: int, sky: Sky, turf: Turf, seed: int) -> tuple[Array, Array, Array]:
    """(color, depth, cover) of a lawn with single blades."""
    rng = np.random.default_rng(seed)
    layers = [
        Layer(fractal(601, 2.3, 1, 30), 9, turf.bumps, 0.4),
        Layer(fractal(602, 1.3, 8, 300), 2.2, 0.010, 0.1, fine=0.05),
    ]
    ground = see_ground(camera, size, layers, far=70)
    light = sunlit(
        ground.normals(),
        low_sun(sky, 0.3),
        f32(sky.sun_color),
        sky.ambient(),
        dappled(ground.x, ground.z, turf.dapple),
    )
    patch = sample(fractal(603, 1.5, 2, 200), ground.x / 6, ground.z / 6)
    mean = mix(f32(turf.fresh), f32(turf.dry), smooth(turf.dry_at - 1, turf.dry_at + 1.2, patch))
    near = np.clip(6 / ground.z, 0, 1)
    soil = mix(f32(mean * 0.72), f32(turf.soil), f32(near * 0.8))
    image = np.ascontiguousarray(np.concatenate([f32(soil * light), ground.z[..., None]], -1))
    image[ground.seen < 0.5, 3] = 1000
    glow = f32(sky.sun_color) * 0.62, sky.ambient() * 0.85

    def shade(x: plants.Points, z: plants.Points, level: plants.Points) -> Array:
        here = sample(fractal(603, 1.5, 2, 200), f32(x / 6), f32(z / 6)) + f32(noise)
        tone = mix(f32(turf.fresh), f32(turf.dry), smooth(turf.dry_at - 1, turf.dry_at + 1.2, here))
        lit = dappled(f32(x), f32(z), turf.dapple)[:, None] * glow[0] + glow[1]
        return f32(tone * lit * (0.35 + 0.75 * level + vary)[:, None])

    x, z = plants.spread_on_ground(rng, camera, turf.count, 1.7, 45)
    if turf.where is not None:
        kept = rng.uniform(0, 1, len(x)) < turf.where(x, z)
        x, z = x[kept], z[kept]
    noise, vary = rng.normal(0, 0.5, len(x)), rng.normal(0, 0.09, len(x))
    tall = rng.uniform(*turf.tall, len(x))
    plants.blades(image, rng, camera, (x, z), tall, shade, turf.width, turf.lean)
    depth = f32(image[..., 3])
    return f32(image[..., :3]), np.minimum(depth, 70), f32(np.maximum(ground.seen, depth < 900))


def fallen_leaves(
    image: Array,
    rng: plants.Random,
    camera: Camera,
    count: int,
    colors: Array,
    sky: Sky,
    where: Callable[[plants.Points, plants.Points], plants.Points] | None = None,
    length: tuple[float, float] = (0.05, 0.10),
    dapple: float = 0.0,
    near_far: tuple[float, float] = (1.7, 40.0),
) -> None:
    """Leaves lying on the ground, each with a shadow, curled so that a half of it is brighter. Depth in channel 4."""
    size = image.shape[0]
    x, z = plants.spread_on_ground(rng, camera, count, *near_far)
    if where is not None:
        kept = rng.uniform(0, 1, count) < where(x, z)
        x, z = x[kept], z[kept]
    count = len(x)
    long, turn = rng.uniform(*length, count), rng.uniform(0, 2 * np.pi, count)
    tilt, side = rng.normal(0, 0.45, count), rng.uniform(0.32, 0.5, count)
    upper = np.array([[-0.5, 0], [-0.22, 0.8], [0.1, 1.0], [0.35, 0.6], [0.5, 0]])
    lit = dappled(f32(x), f32(z), dapple)[:, None] * f32(sky.sun_color) * 0.65 + sky.ambient() * 0.85
    tone = colors[rng.integers(0, len(colors), count)] * f32(rng.uniform(0.65, 1.2, (count, 1))) * lit
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]

    def placed(half: int, lift: float, shift: float) -> plants.Points:
        along = upper[None, :, 0] * long[:, None]
        across = half * upper[None, :, 1] * (long * side)[:, None]
        gx, gz = x[:, None] + along * c - across * s + shift, z[:, None] + along * s + across * c
        up = np.abs(across) * (0.35 + half * tilt)[:, None] + along * tilt[:, None] * 0.4 + lift
        px = 0.5 * size + camera.focal * gx / gz * size
        py = camera.horizon * size + camera.focal * (camera.eye - np.maximum(up, 0) * (lift > 0)) / gz * size
        return np.stack([px, py], -1)

    parts = [placed(1, 0, 0.008), placed(-1, 0, 0.008), placed(1, 0.006, 0), placed(-1, 0.006, 0)]
    fixed = [np.round(np.clip(part, -3e3, 3e4) * 16).astype(np.int32) for part in parts]
    bright = np.clip(1 + 0.8 * tilt + rng.normal(0, 0.1, count), 0.45, 1.5)[:, None]
    first = np.concatenate([tone * bright, z[:, None]], -1)
    second = np.concatenate([tone * (1.9 - bright), z[:, None]], -1)
    dark = np.concatenate([tone * 0.16, z[:, None]], -1)
    for k in range(count):
        cv2.fillPoly(image, [fixed[0][k], fixed[1][k]], dark[k].tolist(), shift=4)
        cv2.fillPoly(image, [fixed[2][k]], first[k].tolist(), shift=4)
        cv2.fillPoly(image, [fixed[3][k]], second[k].tolist(), shift=4)

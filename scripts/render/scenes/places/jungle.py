"""The jungle: palms, ferns and large leaves."""

from __future__ import annotations

import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.lawns import fallen_leaves
from scripts.render.scenes.kit.noise import Array, f32, fractal, mix, sample, smooth
from scripts.render.scenes.kit.optics import disc_blur, over
from scripts.render.scenes.kit.skies import Sky
from scripts.render.scenes.places.fields import finish
from scripts.render.scenes.places.woods import LITTER, forest_floor, glimmer, undergrowth


def frond(
    image: Array,
    rng: plants.Random,
    base: tuple[float, float],
    tip: tuple[float, float],
    wide: float,
    light: Array,
) -> None:
    """A palm or fern leaf: leaflets along a bent rib, in pixels."""
    count = 46
    t = np.linspace(0.06, 1, count)
    start, end = np.array(base), np.array(tip)
    along = end - start
    across = np.array([-along[1], along[0]])
    sag = np.array([0, 1]) * np.linalg.norm(along) * 0.28
    rib = start + t[:, None] * along + (t**2)[:, None] * sag
    length = wide * np.sin(np.pi * np.clip(t * 0.9 + 0.08, 0, 1)) ** 0.7
    unit, forward = across / np.linalg.norm(across), along / np.linalg.norm(along)
    for side in (-1, 1):
        aim = unit * side + forward * 0.75 + np.array([0, 0.25])
        end_points = rib + aim * length[:, None] * rng.uniform(0.85, 1.1, (count, 1))
        half = forward * wide * 0.055
        middle = (rib + end_points) / 2
        shape = np.stack([rib - half * 0.5, middle - half, end_points, middle + half, rib + half * 0.5], 1)
        tone = f32((0.75 + 0.3 * side * np.sign(unit[1])) * rng.uniform(0.75, 1.15, (count, 1)))
        plants.polygons(image, shape, np.concatenate([light * tone, np.ones((count, 1), np.float32)], -1))


def _broad_leaf(
    image: Array, rng: plants.Random, base: tuple[float, float], length: float, angle: float, light: Array
) -> None:
    """A large leaf with a rib and ribs to the side (banana), in pixels."""
    t = np.linspace(0, 1, 26)
    forward = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-forward[1], forward[0]])
    rib = np.array(base) + t[:, None] * forward * length + (t**2)[:, None] * np.array([0, 0.22 * length])
    half = length * 0.19 * np.sin(np.pi * t**0.8) ** 0.75
    for hand, shade in ((-1, 0.7), (1, 1.1)):
        for k in range(25):
            corners = [
                rib[k],
                rib[k + 1],
                rib[k + 1] + hand * side * half[k + 1],
                rib[k] + hand * side * half[k],
            ]
            tone = f32(shade * (0.85 + 0.13 * (k % 2) + rng.normal(0, 0.05)))
            plants.polygons(image, np.array([corners]), f32([[*(light * tone), 1]]))
    width = max(length * 0.008, 1)
    spine = np.concatenate([rib - side * width, (rib + side * width)[::-1]])
    for k in range(25):
        quad = np.array([[spine[k], spine[k + 1], spine[50 - k], spine[51 - k]]])
        plants.polygons(image, quad, f32([[*(light * 1.5), 1]]))


def _leaf_wall(picture: Array, rng: plants.Random, leaf: Array, ambient: Array, sun: Array) -> Array:
    """Two rows of palm fronds and large leaves, the nearer one open in the middle."""
    size = picture.shape[0]
    for row, (blur, low, high) in enumerate(((7.0, 0.26, 0.46), (4.5, 0.36, 0.56))):
        layer = plants.canvas(size)
        for _ in range(70):
            x = rng.uniform(-0.1, 1.1)
            if row and abs(x - 0.5) < 0.28:
                continue
            start = (x * size, rng.uniform(low, high) * size)
            aim = rng.uniform(-0.28, 0.28)
            tip = (start[0] + aim * size, start[1] - rng.uniform(0.05, 0.22) * size)
            light = leaf * (ambient * 0.5 + (sun * 0.9 + ambient * 0.4) * f32(rng.uniform(0.05, 1.1) ** 1.5))
            if rng.uniform() < 0.55:
                frond(layer, rng, start, tip, size * rng.uniform(0.035, 0.075), light)
            else:
                angle = float(np.arctan2(tip[1] - start[1], tip[0] - start[0]))
                _broad_leaf(layer, rng, start, size * rng.uniform(0.10, 0.22), angle, light)
        picture = over(picture, layer, blur)
    return picture


def jungle(size: int, sky: Sky, seed: int = 0) -> Array:
    """A clearing between palms, ferns and large leaves."""
    camera = Camera(0.95, 0.42)
    rng = np.random.default_rng(850 + seed)
    ambient, sun = sky.ambient(), f32(sky.sun_color)
    leaf = f32([0.075, 0.155, 0.03])
    far = glimmer(
        size,
        851,
        f32(leaf * ambient * 0.35),
        f32(leaf * (sun + ambient) * 0.9),
        700,
        0.018,
        f32(leaf * 6 + sun * 0.5),
    )
    picture = _leaf_wall(disc_blur(far, 12 * size / 768), rng, leaf, ambient, sun)

    def albedo(x: Array, z: Array) -> Array:
        clump = sample(fractal(852, 1.3, 3, 300), x / 3, z / 3)
        return f32(
            mix(f32([0.10, 0.07, 0.04]), f32([0.06, 0.08, 0.022]), smooth(-0.5, 1, clump))
            * (1 + 0.2 * clump[..., None])
        )

    image, seen = forest_floor(size, camera, sky, albedo, 0.05, 0.7)
    fallen_leaves(
        image,
        rng,
        camera,
        16_000,
        f32(LITTER * f32([0.8, 0.9, 0.8])),
        sky,
        None,
        (0.04, 0.12),
        0.7,
        (1.7, 30),
    )
    undergrowth(image, rng, camera, sky, 90_000, leaf * f32([0.9, 1, 0.9]), 0.7)
    seen = f32(seen * smooth(16, 9, f32(image[..., 3])))
    picture = finish(picture, (f32(image[..., :3]), f32(image[..., 3]), seen), 2.9, 5.0)
    near = plants.canvas(size)
    for x, y, angle in (
        (-0.03, 0.62, -0.9),
        (1.03, 0.58, -2.3),
        (-0.02, 0.20, 0.3),
        (1.02, 0.12, 2.7),
        (0.30, -0.05, 1.2),
        (1.0, 0.75, -2.8),
    ):
        light = leaf * (ambient * 0.7 + sun * f32(rng.uniform(0.1, 0.6)))
        if rng.uniform() < 0.5:
            tip = (x * size + np.cos(angle) * size * 0.3, y * size + np.sin(angle) * size * 0.3)
            frond(near, rng, (x * size, y * size), tip, size * 0.08, light)
        else:
            _broad_leaf(near, rng, (x * size, y * size), size * 0.3, angle, light)
    return over(picture, near, 6.0)

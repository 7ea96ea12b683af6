"""Meadow, park, garden, wheat and autumn leaves: places with grass."""

from __future__ import annotations

import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.lawns import Turf, fallen_leaves, lawn
from scripts.render.scenes.kit.noise import Array, f32, fractal, mix, sample, smooth
from scripts.render.scenes.kit.optics import disc_blur, focus, over
from scripts.render.scenes.kit.skies import Color, Sky

GREEN = (f32([0.018, 0.035, 0.010]), f32([0.17, 0.26, 0.05]))
AUTUMN = f32(
    [
        [0.42, 0.17, 0.03],
        [0.46, 0.26, 0.05],
        [0.33, 0.09, 0.025],
        [0.22, 0.12, 0.06],
        [0.50, 0.35, 0.08],
        [0.17, 0.10, 0.055],
    ]
)


def tree_row(
    size: int,
    seed: int,
    base: float,
    tall: float,
    sky: Sky,
    count: int = 16,
    tones: Array | None = None,
    gap: float = 0.35,
    leaves: int = 700,
) -> Array:
    """A row of broad-leaved trees with trunks; the middle is lower by `gap`. `tones` are colors of their leaves."""
    rng = np.random.default_rng(seed)
    image = plants.canvas(size)
    ambient, sun = sky.ambient(), f32(sky.sun_color)
    tones = f32([[0.10, 0.17, 0.04], [0.13, 0.19, 0.04], [0.08, 0.14, 0.05]]) if tones is None else tones
    toward = sky.sun_direction()
    light_from = (float(np.clip(toward[0] * 1.5, -0.8, 0.8)), -0.7)
    for row in range(2):
        for at in rng.permutation(np.linspace(-0.05, 1.05, count) + rng.normal(0, 0.02, count)):
            edge = min(1.0, abs(at - 0.5) * 2.2)
            rise = tall * size * (1 - gap + gap * edge) * rng.uniform(0.65, 1.05) * (1.05 - 0.3 * row)
            wide = rise * rng.uniform(0.34, 0.5)
            foot = (at * size, (base + 0.004 * row) * size)
            tone = tones[rng.integers(len(tones))] * f32(rng.uniform(0.8, 1.2))
            bark = f32([0.10, 0.075, 0.05]) * (ambient + sun * 0.2)
            plants.trunk(image, rng, foot, (foot[0], foot[1] - rise * 0.6), rise * 0.05, f32(bark))
            center = (foot[0], foot[1] - rise * 0.58)
            dark, light = tone * ambient * 0.20, tone * (sun * 0.95 + ambient * 0.9)
            plants.crown(
                image,
                rng,
                center,
                (wide, rise * 0.46),
                max(rise * 0.035, 2),
                leaves,
                f32(dark),
                f32(light),
                light_from,
            )
    return image


def hedge(
    size: int, seed: int, base: float, tall: float, dark: Array, light: Array, count: int = 26000
) -> Array:
    """A wall of leaves from edge to edge."""
    rng = np.random.default_rng(seed)
    image = plants.canvas(size)
    line = np.linspace(0, 1, size)
    rim = base - tall * (1 + 0.22 * sample(fractal(seed, 1.6, 1, 60), f32(line), f32(line * 0)))
    x, t = rng.uniform(-0.02, 1.02, count), rng.uniform(0, 1, count) ** 0.8
    top = rim[np.clip((x * size).astype(int), 0, size - 1)]
    y = base - (base - top) * t
    clump = sample(fractal(seed + 1, 1.3, 5, 90), f32(x), f32(y))
    lit = np.clip(0.25 + 0.45 * t + 0.22 * clump + rng.normal(0, 0.14, count), 0, 1.2) ** 1.4
    color = dark + (light - dark) * f32(lit)[:, None]
    image[int(base * size - tall * size * 0.75) : int(base * size), :, :] = f32([*dark, 1])
    shapes = plants.leaf_shapes(
        rng, np.stack([x, y], -1) * size, size * rng.uniform(0.008, 0.016, count), 0.65
    )
    plants.polygons(image, shapes, np.concatenate([color, np.ones((count, 1), np.float32)], -1))
    return image


def _far(size: int, camera: Camera, sky: Sky, hill: Color, seed: int) -> Array:
    """The sky with two hazy ridges."""
    picture = sky.radiance(camera.rays(size))
    v = camera.pixels(size)[1]
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    for k, (tall, clear) in enumerate(((0.14, 0.30), (0.08, 0.5))):
        ridge = plants.hills(size, seed + k, camera.horizon + 0.015, tall)
        tone = sample(fractal(seed + 7, 1.2, 8, 300), camera.pixels(size)[0] * 1.2, v * 3)
        color = f32(hill) * (1 + 0.25 * tone[..., None]) * (sky.ambient() + f32(sky.sun_color) * 0.4)
        color = mix(f32(color), haze, f32(np.full_like(v, 1 - clear)))
        picture = mix(picture, color, smooth(0, 2 / size, f32(v - ridge[None])))
    return picture


def finish(far: Array, ground: tuple[Array, Array, Array], sharp_at: float, far_blur: float) -> Array:
    """Lays ground with depth of field before what is far."""
    color, depth, cover = ground
    blurred = focus(np.concatenate([color, cover[..., None]], -1), depth, sharp_at, far_blur)
    return mix(far, blurred[..., :3], np.clip(blurred[..., 3], 0, 1))


def meadow(size: int, sky: Sky, seed: int = 0, flowers: int = 500) -> Array:
    """Long grass with flowers before trees and hills."""
    camera = Camera(0.95, 0.42)
    far = _far(size, camera, sky, (0.09, 0.14, 0.045), 610 + seed)
    trees = tree_row(size, 620 + seed, camera.horizon + 0.014, 0.20, sky, 18, gap=0.55, leaves=500)
    far = over(disc_blur(far, 3.5 * size / 768), trees, 5.0)
    turf = Turf((0.115, 0.175, 0.042), (0.34, 0.32, 0.12), 0.8, (0.06, 0.20), 110_000, 0.0045, 0.5, 0.0, 0.07)
    color, depth, cover = lawn(camera, size, sky, turf, 630 + seed)
    image = np.ascontiguousarray(np.concatenate([color, depth[..., None]], -1))
    rng = np.random.default_rng(640 + seed)
    x, z = plants.spread_on_ground(rng, camera, flowers, 1.9, 26)
    petals = f32([[0.85, 0.84, 0.80], [0.85, 0.60, 0.05], [0.85, 0.84, 0.80], [0.42, 0.24, 0.62]])
    light = f32(sky.sun_color) * 0.5 + sky.ambient() * 0.7
    for k in range(flowers):
        px, py = camera.project(x[k], rng.uniform(0.10, 0.20), z[k], size)
        radius = 0.016 * camera.focal / z[k] * size
        plants.flower(image, rng, (px, py), radius, petals[rng.integers(4)] * light, z[k])
    return finish(far, (f32(image[..., :3]), f32(image[..., 3]), cover), 3.0, 5.5)


def park(size: int, sky: Sky, seed: int = 0) -> Array:
    """A mown lawn in dappled light, large trees behind."""
    camera = Camera(1.0, 0.42)
    far = disc_blur(_far(size, camera, sky, (0.08, 0.13, 0.04), 650 + seed), 5 * size / 768)
    trees = tree_row(size, 660 + seed, camera.horizon + 0.02, 0.44, sky, 13, gap=0.45, leaves=1100)
    far = over(far, trees, 7.0)
    turf = Turf(
        (0.105, 0.170, 0.040), (0.24, 0.25, 0.08), 1.2, (0.02, 0.065), 130_000, 0.0038, 0.5, 0.55, 0.03
    )
    return finish(far, lawn(camera, size, sky, turf, 670 + seed), 3.0, 6.0)


def garden(size: int, sky: Sky, seed: int = 0) -> Array:
    """A lawn between flower beds, a hedge behind."""
    camera = Camera(0.95, 0.40)
    sun, ambient = f32(sky.sun_color), sky.ambient()
    far = disc_blur(_far(size, camera, sky, (0.08, 0.13, 0.04), 680 + seed), 6 * size / 768)
    trees = tree_row(size, 681 + seed, camera.horizon + 0.02, 0.42, sky, 11, gap=0.3, leaves=900)
    far = over(far, trees, 9.0)
    tone = f32([0.10, 0.16, 0.04])
    wall = hedge(
        size, 682 + seed, camera.horizon + 0.13, 0.23, f32(tone * ambient * 0.25), f32(tone * (sun + ambient))
    )
    far = over(far, wall, 6.0)
    turf = Turf((0.105, 0.170, 0.040), (0.22, 0.24, 0.08), 1.3, (0.02, 0.07), 120_000, 0.004, 0.5, 0.35, 0.03)
    color, depth, cover = lawn(camera, size, sky, turf, 683 + seed)
    picture = finish(far, (color, depth, f32(cover * (depth < 11))), 3.0, 6.0)
    for side in (-1, 1):
        for nearness, blur in ((0, 4.5), (1, 2.6)):
            picture = over(picture, _bed(size, camera, sky, side, nearness, seed), blur)
    return picture


def _bed(size: int, camera: Camera, sky: Sky, side: int, nearness: int, seed: int) -> Array:
    """A bed of flowering plants along one side of the lawn, its far (0) or near (1) part."""
    rng = np.random.default_rng(690 + seed + 2 * side + nearness)
    image = plants.canvas(size)
    sun, ambient = f32(sky.sun_color), sky.ambient()
    span = (4.6, 9.5) if nearness == 0 else (2.9, 4.6)
    petals = f32(
        [[0.75, 0.06, 0.12], [0.80, 0.30, 0.45], [0.85, 0.60, 0.06], [0.80, 0.78, 0.74], [0.36, 0.12, 0.55]]
    )
    light = sun * 0.55 + ambient * 0.75
    for z in np.sort(rng.uniform(*span, 46 if nearness == 0 else 26))[::-1]:
        x = side * (0.62 + 0.17 * z + rng.uniform(0, 1.2) + 0.25 * nearness)
        tall = rng.uniform(0.35, 0.85)
        px, py = camera.project(x, tall * 0.5, z, size)
        scale = camera.focal / z * size
        tone = f32([0.08, 0.15, 0.03]) * f32(rng.uniform(0.7, 1.3))
        dark, bright = f32(tone * ambient * 0.3), f32(tone * (sun + ambient))
        plants.crown(
            image, rng, (px, py), (0.32 * scale, tall * 0.55 * scale), 0.05 * scale, 240, dark, bright
        )
        petal = petals[rng.integers(len(petals))]
        for _ in range(int(rng.integers(7, 16))):
            at = (px + rng.normal(0, 0.16) * scale, py - abs(rng.normal(0.12, 0.14)) * scale)
            shade = f32(rng.uniform(0.7, 1.1))
            plants.flower(image, rng, at, rng.uniform(0.030, 0.05) * scale, petal * light * shade, 1.0)
    return image


def wheat(size: int, sky: Sky, seed: int = 0) -> Array:
    """A track through ripe wheat."""
    camera = Camera(1.25, 0.40)
    far = _far(size, camera, sky, (0.10, 0.12, 0.05), 710 + seed)
    trees = tree_row(size, 711 + seed, camera.horizon + 0.012, 0.08, sky, 26, gap=0.5, leaves=240)
    far = over(disc_blur(far, 3.0 * size / 768), trees, 4.0)
    track = Turf(
        (0.26, 0.20, 0.10),
        (0.42, 0.32, 0.15),
        0.3,
        (0.01, 0.05),
        40_000,
        0.005,
        0.9,
        0.0,
        0.05,
        None,
        (0.24, 0.17, 0.09),
    )
    color, depth, cover = lawn(camera, size, sky, track, 712 + seed)
    image = np.ascontiguousarray(np.concatenate([color, np.where(cover > 0.5, depth, 1000)[..., None]], -1))
    rng = np.random.default_rng(713 + seed)
    x, z = plants.spread_on_ground(rng, camera, 90_000, 2.2, 90)
    edge = 1.05 + 0.10 * sample(fractal(714, 1.2, 1, 100), f32(z / 12), f32(z * 0))
    edge = edge + rng.normal(0, 0.12, len(x)) + 0.04 * np.maximum(z - 4, 0) ** 0.5
    kept = (np.abs(x) > edge) | (z > 55)
    x, z = x[kept], z[kept]
    _stalks(image, rng, camera, (x, z), sky)
    depth = f32(image[..., 3])
    covered = f32(depth < 900)
    return finish(far, (f32(image[..., :3]), np.minimum(depth, 90), covered), 3.6, 5.0)


def _stalks(
    image: Array, rng: plants.Random, camera: Camera, at: tuple[plants.Points, plants.Points], sky: Sky
) -> None:
    """Wheat in bands from far to near: stalks, then their ears."""
    size = image.shape[0]
    light = f32(sky.sun_color) * 0.7 + sky.ambient() * 0.7
    rim = 0.35 * max(float(sky.sun_direction()[2]), 0)
    for start in range(0, len(at[0]), 3000):
        x, z = at[0][start : start + 3000], at[1][start : start + 3000]
        count = len(x)
        tall, vary = rng.uniform(0.62, 0.85, count), rng.uniform(0.75, 1.25, count)

        def shade(
            _x: plants.Points, _z: plants.Points, level: plants.Points, vary: plants.Points = vary
        ) -> Array:
            tone = mix(f32([0.16, 0.12, 0.03]), f32([0.62, 0.42, 0.14]), f32(level))
            return f32(tone * light * ((0.45 + (0.65 + rim) * level) * vary)[:, None])

        plants.blades(image, rng, camera, (x, z), tall, shade, 0.006, 0.16)
        scale = camera.focal / z * size
        px = 0.5 * size + x * scale + rng.normal(0, 0.05, count) * scale
        foot = np.stack([px, camera.horizon * size + (camera.eye - tall) * scale], -1)
        long = 0.085 * scale
        tip = foot + np.stack([rng.normal(0.25, 0.35, count) * long, -long], -1)
        side = np.stack([np.maximum(0.009 * scale, 0.6), np.zeros(count)], -1)
        middle = (foot + tip) / 2
        shape = np.stack([foot, middle + side, tip, middle - side], 1)
        bright = shade(x, z, np.ones(count)) * 1.15
        plants.polygons(image, shape, np.concatenate([bright, f32(z)[:, None]], -1))


def autumn(size: int, sky: Sky, seed: int = 0) -> Array:
    """Fallen leaves under autumn trees."""
    camera = Camera(0.95, 0.40)
    far = disc_blur(_far(size, camera, sky, (0.22, 0.15, 0.05), 720 + seed), 6 * size / 768)
    for k, (tall, count, blur) in enumerate(((0.34, 16, 9.0), (0.55, 9, 8.0))):
        trees = tree_row(
            size, 721 + seed + k, camera.horizon + 0.02 + 0.02 * k, tall, sky, count, AUTUMN * 0.75, 0.35, 900
        )
        far = over(far, trees, blur)
    turf = Turf((0.12, 0.15, 0.03), (0.30, 0.24, 0.08), 0.2, (0.02, 0.07), 60_000, 0.004, 0.6, 0.5, 0.04)
    color, depth, cover = lawn(camera, size, sky, turf, 730 + seed)
    image = np.ascontiguousarray(np.concatenate([color, depth[..., None]], -1))
    rng = np.random.default_rng(731 + seed)
    fallen_leaves(image, rng, camera, 26_000, AUTUMN, sky, None, (0.05, 0.11), 0.5, (1.7, 45))
    return finish(far, (f32(image[..., :3]), f32(image[..., 3]), cover), 2.9, 6.5)

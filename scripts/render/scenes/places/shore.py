"""Beach, lake shore, a boat's deck and the sea bed: places with water."""

from __future__ import annotations

import numpy as np

from scripts.render.scenes.kit.camera import Camera, Ground, flat_ground
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, mix, ridged, ripples, sample, smooth
from scripts.render.scenes.kit.optics import focus
from scripts.render.scenes.kit.skies import Sky, hazy, sunlit

SEA_LEVEL = -0.16


def waves(choppy: float) -> list[Layer]:
    """Heights of the sea: swell, waves and ripples."""
    return [
        Layer(ripples(11, 14, 0.35, 0.35), 90, 0.22 * choppy, 0.15, fine=6),
        Layer(ripples(12, 20, 0.5, 0.7), 23, 0.045 * choppy, -0.35, fine=1.2),
        Layer(fractal(13, 1.0, 6, 120), 5, 0.012 * choppy, 0.5, fine=0.2),
    ]


def water(
    camera: Camera, size: int, sky: Sky, level: float, body: Array, choppy: float = 1.0
) -> tuple[Array, Ground]:
    """The colors of a water surface `level` metres high, down to the picture's edge: reflection and body."""
    above = Camera(camera.eye - level, camera.horizon, camera.focal)
    ground = flat_ground(above, size, waves(choppy))
    n = ground.normals()
    view = camera.rays(size)
    facing = np.clip(-(view * n).sum(-1), 0.02, 1)
    reflected = view - 2 * (view * n).sum(-1, keepdims=True) * n
    reflected[..., 1] = np.abs(reflected[..., 1]) + 0.01
    mirror = sky.radiance(f32(reflected / np.linalg.norm(reflected, axis=-1, keepdims=True)), disc=False)
    fresnel = 0.02 + 0.98 * (1 - facing) ** 5
    # Far waves hide their backs: what is seen there is steeper than the mean plane.
    fresnel = np.minimum(fresnel, 0.62)
    half = sky.sun_direction() - view
    half = half / np.linalg.norm(half, axis=-1, keepdims=True)
    spark = np.clip((half * n).sum(-1), 0, 1) ** 420
    color = mix(body, mirror, f32(fresnel)) + f32(spark)[..., None] * f32(sky.sun_color) * 9
    return f32(color), ground


def beach(size: int, sky: Sky, seed: int = 0, wet: float = 1.0) -> Array:
    """Sand with ripples and footprint-like hollows, a foam line, the sea up to the horizon."""
    camera = Camera(1.05, 0.42)
    layers = [
        Layer(fractal(21 + seed, 2.2, 1, 20), 14, 0.035, 0.4),
        Layer(fractal(22, 1.6, 6, 200), 2.6, 0.006, 0.9, fine=0.03),
        Layer(ripples(23, 30, 0.35, 0.5), 4.5, 0.005, 0.12, fine=0.07),
        Layer(fractal(24, 0.8, 40, 400), 0.9, 0.0007, 0.2, fine=0.006),
    ]
    ground = flat_ground(camera, size, layers)
    sun = sky.sun_direction()
    slope_sun = sun.copy()
    slope_sun[1] = max(slope_sun[1], 0.22)
    light = sunlit(ground.normals(), f32(slope_sun), f32(sky.sun_color), sky.ambient())
    grain = sample(fractal(25, 0.3, 60, 500), ground.x * 1.3, ground.z * 1.3)
    patch = sample(fractal(26, 1.5, 2, 60), ground.x / 7, ground.z / 7)
    sand = (
        f32([0.50, 0.395, 0.27]) * (1 + 0.10 * grain / (1 + ground.footprint * 60) + 0.07 * patch)[..., None]
    )
    wave = sample(fractal(27 + seed, 1.9, 1, 24), ground.x / 26, ground.x * 0 + 0.3)
    line = ground.z - (11.5 + 1.3 * wave + 0.05 * ground.x)
    damp = smooth(-4.2, -1.2, line)
    sand = sand * (1 - 0.52 * damp)[..., None]
    color = f32(sand * light)
    view = camera.rays(size)
    up = view * f32([1, -1, 1])
    mirror = sky.radiance(f32(up), disc=False)
    color = mix(color, mirror, f32(damp * (0.10 + 0.5 * (1 - np.abs(view[..., 1])) ** 8) * wet * 0.6))
    body = f32(sky.ambient()) * f32([0.10, 0.36, 0.42])
    sea, _surface = water(camera, size, sky, SEA_LEVEL, body)
    shallow = np.exp(-np.clip(line, 0, None) / 14)
    sea = mix(sea, f32(sea * 0.55 + sky.ambient() * f32([0.22, 0.48, 0.45]) * 0.55), f32(shallow * 0.8))
    color = mix(color, sea, smooth(-0.12, 0.25, line))
    color = _foam(color, ground, line, sky)
    far = sky.radiance(view)
    haze = f32(sky.radiance(f32(view * f32([1, 0, 1]) + f32([0, 0.01, 0])), clouds=False))
    color = hazy(color, ground.z, haze, 2600)
    seen = smooth(camera.horizon - 0.5 / size, camera.horizon + 1.0 / size, camera.pixels(size)[1])
    picture = mix(far, color, seen)
    depth = f32(np.where(seen > 0, ground.z, 4000))
    return focus(picture, depth, 3.4, 3.2)


def _foam(color: Array, ground: Ground, line: Array, sky: Sky) -> Array:
    """Foam at the water's edge and on three breaking waves."""
    lace = sample(ridged(28, 1.5, 6), ground.x / 5, ground.z / 5)
    soft = sample(fractal(29, 1.2, 6, 200), ground.x / 4, ground.z / 4)
    white = (sky.ambient() * 0.85 + f32(sky.sun_color) * 0.42) * 0.95
    edge = smooth(0.5, 0.0, np.abs(line - 0.1 + 0.1 * soft)) * smooth(-0.7, 0.6, lace + 0.4)
    trail = smooth(-0.2, 0.4, line) * smooth(5.5, 0.5, line) * smooth(0.5, 1.6, lace) * 0.75
    color = mix(color, white, f32(np.clip(edge + trail, 0, 0.95)))
    for k, distance in enumerate((6.5, 15.0, 32.0)):
        bend = sample(fractal(31 + k, 1.6, 1, 20), ground.x / (40 + 20 * k), ground.x * 0 + 0.1 * k)
        crest = line - distance - (1.2 + k) * bend
        width = 0.5 + 0.35 * k
        there = smooth(
            -0.3, 0.9, sample(fractal(35 + k, 1.7, 1, 30), ground.x / (34 + 15 * k), crest * 0 + 0.2)
        )
        face = smooth(-width * 1.6, -width * 0.3, crest) * smooth(width * 0.6, -width * 0.2, crest) * there
        color = f32(color * (1 - 0.45 * face)[..., None])
        cap = smooth(-width * 0.5, 0, crest) * smooth(width * 2.2, width * 0.2, crest) * there
        color = mix(color, white, f32(np.clip(cap * (0.75 + 0.35 * soft), 0, 0.95)))
    return color

"""Lake shore, a boat's deck and the sea bed."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, flat_ground, see_ground
from scripts.render.scenes.kit.facades import cobbles
from scripts.render.scenes.kit.lawns import low_sun
from scripts.render.scenes.kit.noise import (
    Array,
    Layer,
    f32,
    fractal,
    mix,
    ridged,
    ripples,
    sample,
    smooth,
    streaks,
)
from scripts.render.scenes.kit.optics import disc_blur, focus, over
from scripts.render.scenes.kit.skies import Sky, hazy, sunlit
from scripts.render.scenes.places.fields import finish, tree_row
from scripts.render.scenes.places.shore import water
from scripts.render.scenes.places.streets import mirrored


def lake(size: int, sky: Sky, seed: int = 0) -> Array:
    """Pebbles at the edge of a calm lake that mirrors woods and mountains."""
    camera = Camera(1.0, 0.43)
    u, v = camera.pixels(size)
    view = camera.rays(size)
    far = sky.radiance(view)
    sun, ambient = f32(sky.sun_color), sky.ambient()
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    for k, (tall, clear, tone) in enumerate(
        ((0.34, 0.35, (0.16, 0.17, 0.18)), (0.20, 0.5, (0.07, 0.10, 0.06)), (0.10, 0.7, (0.05, 0.085, 0.035)))
    ):
        ridge = plants.hills(size, 1201 + k + seed, camera.horizon + 0.008, tall, 1.7)
        rough = sample(fractal(1205, 1.3, 6, 400), u * 1.3 + 0.2 * k, v * 2.6 + u * 0.8)
        hill = f32(tone) * (1 + 0.35 * rough[..., None]) * (ambient + sun * 0.45)
        if k == 0:
            snow = smooth(0.10, 0.02, f32(v - ridge[None] + 0.03 * rough))
            hill = mix(f32(hill), f32(ambient * 0.7 + sun * 0.3), f32(snow * smooth(0.34, 0.26, v)))
        far = mix(
            far,
            mix(f32(hill), haze, f32(np.full_like(v, 1 - clear))),
            smooth(0, 2 / size, f32(v - ridge[None])),
        )
    trees = tree_row(size, 1206 + seed, camera.horizon + 0.006, 0.055, sky, 34, gap=0.4, leaves=160)
    far = over(disc_blur(far, 2.2 * size / 768), trees, 2.6)
    calm = [
        Layer(ripples(1207, 18, 0.5, 0.6), 14, 0.010, 0.2, fine=1.5),
        Layer(fractal(1208, 1.2, 4, 90), 4, 0.003, 0.5, fine=0.2),
    ]
    surface = flat_ground(camera, size, calm)
    glass = mirrored(far, camera, surface, 0.8)
    fresnel = 0.03 + 0.80 * (1 - np.abs(view[..., 1])) ** 4.5
    body = ambient * f32([0.05, 0.12, 0.12])
    lake_color = mix(np.broadcast_to(f32(body), far.shape), glass, f32(fresnel))
    relief, owner = cobbles(1209, 16)
    layers = [
        Layer(relief, 1.5, 0.022, 0.3, fine=0.04),
        Layer(fractal(1212, 1.4, 8, 200), 1.1, 0.006, 1.2, fine=0.02),
        Layer(fractal(1210, 2, 1, 20), 7, 0.05, 0.2),
    ]
    ground = see_ground(camera, size, layers, far=30)
    toward = low_sun(sky, 0.32)
    light = sunlit(ground.normals(), toward, sun, ambient, ground.shadow(toward, 0.25, 8, 5))
    at = layers[0].coordinates(ground.x, ground.z)
    value = sample(owner, *at)
    stone = (
        mix(f32([0.20, 0.19, 0.185]), f32([0.42, 0.36, 0.29]), value)
        * (0.55 + 0.6 * ((value * 7.3) % 1))[..., None]
    )
    stone = stone * (0.3 + 0.7 * smooth(0.05, 0.5, sample(relief, *at)))[..., None]
    bend = sample(fractal(1211 + seed, 1.8, 1, 24), ground.x / 16, ground.x * 0 + 0.3)
    line = ground.z - (7.0 + 0.7 * bend + 0.1 * ground.x)
    wet = smooth(-1.1, -0.2, line)
    shore = f32(stone * light) * (1 - 0.55 * wet)[..., None]
    through = smooth(0, 2.2, f32(line))
    shallow = f32(shore * f32([0.55, 0.75, 0.7]))
    edge = mix(mix(shallow, lake_color, f32(fresnel * 0.8)), lake_color, through)
    color = mix(shore, edge, smooth(-0.03, 0.08, f32(line)))
    below = smooth(camera.horizon, camera.horizon + 2 / size, v)
    picture = mix(far, color, below)
    return focus(picture, f32(np.where(below > 0, ground.z, 900)), 3.1, 2.2)


def boat(size: int, sky: Sky, seed: int = 0) -> Array:
    """The deck of a boat that narrows to the bow, a rail, the open sea."""
    camera = Camera(1.1, 0.42)
    view = camera.rays(size)
    far = sky.radiance(view)
    sea, surface = water(camera, size, sky, -1.3, f32(sky.ambient() * f32([0.05, 0.20, 0.28])), 1.5)
    haze = sky.radiance(f32(view * f32([1, 0, 1]) + f32([0, 0.01, 0])), clouds=False)
    sea = hazy(sea, surface.z, f32(haze), 3000)
    far = mix(
        far, sea, smooth(camera.horizon - 0.5 / size, camera.horizon + 1 / size, camera.pixels(size)[1])
    )
    picture = disc_blur(far, 2.4 * size / 768)
    ground = flat_ground(camera, size, [Layer(fractal(1221, 1, 10, 300), 1.2, 0.0010, 0, fine=0.01)])
    half = 2.0 * np.sqrt(np.clip(1 - (ground.z / 8.2) ** 2.2, 0, 1))
    inside = smooth(0.01, -0.01, f32(np.abs(ground.x) - half)) * (ground.z < 8.2) * ground.seen
    light = sunlit(ground.normals(), low_sun(sky, 0.35), f32(sky.sun_color), sky.ambient())
    plank = ground.x / 0.095
    number, within = np.floor(plank), plank - np.floor(plank)
    grain = sample(
        streaks(1222, 3, 140), f32(ground.x / 0.8 + number * 0.37), f32(ground.z / 3.5 + number * 0.71)
    )
    teak = (
        f32([0.36, 0.235, 0.135])
        * (0.85 + 0.25 * ((np.sin(number * 91.7) * 4375.5) % 1) + 0.10 * grain)[..., None]
    )
    seam = smooth(0.0, 0.05, f32(np.minimum(within, 1 - within)))
    seam = seam / (1 + 0 * seam) * smooth(0.10, 0.02, ground.footprint) + 0.8 * (
        1 - smooth(0.10, 0.02, ground.footprint)
    )
    teak = teak * (0.18 + 0.82 * seam)[..., None]
    border = smooth(-0.30, -0.28, f32(np.abs(ground.x) - half))
    teak = mix(f32(teak), f32([0.66, 0.66, 0.65]), border)
    deck = focus(
        f32(np.concatenate([teak * light, inside[..., None]], -1)), np.minimum(ground.z, 8.2), 3.2, 3.0
    )
    picture = mix(picture, deck[..., :3], np.clip(deck[..., 3], 0, 1))
    return over(picture, _rail(size, camera, sky), 2.2)


def _rail(size: int, camera: Camera, sky: Sky) -> Array:
    """Posts with two wires around the bow."""
    image = plants.canvas(size)
    steel = f32(sky.ambient() * 0.75 + f32(sky.sun_color) * 0.25)
    depth = np.linspace(2.0, 8.199, 60)
    half = 1.93 * np.sqrt(np.clip(1 - (depth / 8.2) ** 2.2, 0, 1))
    for side in (-1, 1):
        for lift, thick in ((0.62, 0.024), (0.34, 0.009)):
            points = [camera.project(side * h, lift, z, size) for h, z in zip(half, depth, strict=True)]
            for (p, q), z in zip(itertools.pairwise(points), depth, strict=False):
                width = max(1, round(thick * camera.focal / z * size))
                start, end = (int(p[0]), int(p[1])), (int(q[0]), int(q[1]))
                cv2.line(image, start, end, [*(float(c) for c in steel), 1.0], width)
        for k in range(0, 60, 9):
            foot, top = (camera.project(side * half[k], lift, depth[k], size) for lift in (0.0, 0.62))
            width = max(1, round(0.022 * camera.focal / depth[k] * size))
            start, end = (int(foot[0]), int(foot[1])), (int(top[0]), int(top[1]))
            cv2.line(image, start, end, [*(float(c * 0.8) for c in steel), 1.0], width)
    return image


def _reef(picture: Array, camera: Camera, rng: plants.Random, fog: Array) -> Array:
    """Corals and weed at both sides, far and near."""
    size = picture.shape[0]
    for depth, blur in ((9.0, 4.5), (5.0, 3.2)):
        layer = plants.canvas(size)
        fade = f32(np.exp(-depth / 8.5))
        for _ in range(26):
            side = rng.choice([-1, 1])
            x = side * depth * rng.uniform(0.20, 0.42)
            tones = f32([[0.10, 0.22, 0.10], [0.30, 0.12, 0.14], [0.34, 0.22, 0.08], [0.20, 0.12, 0.26]])
            tone = tones[rng.integers(4)] * f32([0.5, 0.9, 0.85]) * fade + fog * (1 - fade)
            px, py = camera.project(x, 0.05, depth, size)
            scale = camera.focal / depth * size
            if rng.uniform() < 0.5:
                wide = rng.uniform(0.12, 0.35) * scale
                plants.crown(
                    layer,
                    rng,
                    (px, py - wide * 0.5),
                    (wide, wide * 0.7),
                    0.05 * scale,
                    260,
                    f32(tone * 0.4),
                    f32(tone * 1.6),
                )
                continue
            for _ in range(9):
                sway, tall = rng.normal(0, 0.18), rng.uniform(0.4, 1.3)
                t = np.linspace(0, 1, 14)
                line = np.stack(
                    [px + (sway * t + 0.05 * np.sin(t * 9 + px)) * scale, py - tall * t * scale], -1
                )
                width = 0.03 * scale * (1 - 0.7 * t)
                for k in range(13):
                    w = np.array([width[k], 0])
                    quad = np.array([[line[k] - w, line[k + 1] - w, line[k + 1] + w, line[k] + w]])
                    plants.polygons(layer, quad, f32([[*(tone * f32(0.6 + 0.6 * t[k])), 1]]))
        picture = over(picture, layer, blur)
    return picture


def sea_bed(size: int, seed: int = 0) -> Array:
    """Rippled sand under blue water: caustics, shafts of light, weed and corals at the sides."""
    camera = Camera(0.9, 0.42)
    rng = np.random.default_rng(1231 + seed)
    u, v = camera.pixels(size)
    blue, surface = f32([0.010, 0.13, 0.25]), f32([0.20, 0.62, 0.72])
    far = mix(np.broadcast_to(blue, (size, size, 3)), surface, f32(np.clip(1 - v / 0.55, 0, 1) ** 1.8))
    glitter = sample(ridged(1232, 1.5, 6), u / (0.12 + v) * 0.35, 0.3 / (0.06 + v))
    far = far * (1 + 0.25 * np.clip(glitter, -1, 2) * smooth(0.28, 0.0, v))[..., None]
    layers = [
        Layer(ripples(1233, 26, 0.35, 0.5), 5.0, 0.016, 0.2, fine=0.1),
        Layer(fractal(1234, 2.2, 1, 30), 9, 0.10, 0.4),
        Layer(fractal(1235, 0.8, 40, 400), 0.9, 0.0012, 0.2, fine=0.006),
    ]
    ground = see_ground(camera, size, layers, far=50)
    sun = f32([-0.25, 0.93, 0.25])
    wobble = sample(fractal(1236, 1.6, 2, 20), ground.x / 5, ground.z / 5) * np.float32(0.12)
    net = np.minimum(
        np.abs(sample(fractal(1237, 1.0, 3, 9), ground.x / 2.6 + wobble, ground.z / 2.6)),
        np.abs(sample(fractal(1238, 1.0, 3, 9), ground.x / 2.2, ground.z / 2.2 + wobble)),
    )
    caustic = np.exp(-net / 0.11) * 1.5 + 0.45
    light = sunlit(ground.normals(), sun, f32([0.55, 0.95, 0.85]), f32([0.10, 0.36, 0.42]), f32(caustic))
    grain = sample(fractal(1239, 0.3, 60, 500), ground.x * 1.3, ground.z * 1.3)
    sand = f32([0.48, 0.44, 0.34]) * (1 + 0.10 * grain / (1 + ground.footprint * 60))[..., None]
    fog = far[int(size * 0.43)].mean(0)
    color = hazy(f32(sand * light), ground.z, fog, 8.5)
    picture = finish(far, (color, ground.z, ground.seen), 2.9, 2.5)
    picture = _reef(picture, camera, rng, fog)
    angle = (u - 0.42) / (v + 0.35)
    shafts = smooth(0.2, 2.2, sample(fractal(1240, 1.3, 3, 60), f32(angle * 0.9), f32(angle * 0))) * np.exp(
        -v / 0.5
    )
    picture = picture + f32(shafts)[..., None] * surface * 0.35
    motes = np.zeros_like(picture)
    for _ in range(70):
        cv2.circle(motes, (int(rng.uniform(0, size)), int(rng.uniform(0, size))), 1, [1.2, 2.6, 2.6], -1)
    return f32(picture + disc_blur(motes, 3.5 * size / 768))


__all__ = ["boat", "lake", "sea_bed"]

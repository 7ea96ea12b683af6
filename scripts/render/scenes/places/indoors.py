"""Living room, sofa, bed, kitchen, desk, studio and Christmas: places under a roof."""

from __future__ import annotations

import cv2
import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, flat_ground
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, sample, smooth
from scripts.render.scenes.kit.optics import disc_blur, focus, over
from scripts.render.scenes.kit.rooms import Box, Light, Room, books, cloth, painting, plain, render_room, wood
from scripts.render.scenes.kit.skies import Color
from scripts.render.scenes.places.jungle import frond
from scripts.render.scenes.places.streets import lamps, mirrored

OAK: Color = (0.36, 0.21, 0.105)
WINDOW = Light((15, 16.5, 18), (1.6, 4.2, 0.75, 2.5), sun=(7.5, 6.6, 5.2), sun_from=(-0.72, 0.58, 0.16))


def glossy(color: Array, depth: Array, owner: Array, camera: Camera, strength: float, on: int) -> Array:
    """Adds what a varnished level surface (the part `on`) mirrors of the picture."""
    size = color.shape[0]
    grain = Layer(fractal(1101, 1.0, 4, 200), 0.9, 0.0009, 0.1, fine=0.01)
    ground = flat_ground(camera, size, [grain])
    glance = (1 - np.abs(camera.rays(size)[..., 1])) ** 5
    image = mirrored(color, camera, ground, 0.25)
    return f32(color + image * f32(strength * (0.06 + 0.94 * glance) * (owner == on))[..., None])


def plant(size: int, at: tuple[float, float], tall: float, light: Array, seed: int) -> Array:
    """A pot plant with long leaves, in parts of the picture."""
    rng = np.random.default_rng(seed)
    image = plants.canvas(size)
    for _ in range(22):
        angle, length = rng.uniform(-2.6, -0.55), tall * size * rng.uniform(0.6, 1.0)
        base = (at[0] * size, (at[1] - tall * 0.25) * size)
        tip = (base[0] + np.cos(angle) * 0.6 * length, base[1] + np.sin(angle) * length)
        frond(image, rng, base, tip, length * 0.22, light * f32(rng.uniform(0.4, 1.2)))
    x, y, w = at[0] * size, at[1] * size, tall * size * 0.17
    pot = np.array([[[x - w, y - w * 1.9], [x + w, y - w * 1.9], [x + w * 0.75, y], [x - w * 0.75, y]]])
    plants.polygons(image, pot, f32([[*(light.mean() * f32([2.0, 1.7, 1.5])), 1]]))
    return image


def _sofa(x: float, z: float, width: float, paint: Color, floor: float = 0.0) -> list[Box]:
    fabric = cloth(paint)
    seat = width / 2 - 0.16
    return [
        Box((x, floor + 0.20, z), (width / 2, 0.16, 0.44), fabric, 0.05),
        Box((x - seat / 2, floor + 0.42, z - 0.04), (seat / 2 - 0.005, 0.09, 0.40), fabric, 0.07, soft=0.008),
        Box((x + seat / 2, floor + 0.42, z - 0.04), (seat / 2 - 0.005, 0.09, 0.40), fabric, 0.07, soft=0.008),
        Box((x - seat / 2, floor + 0.70, z + 0.30), (seat / 2 - 0.005, 0.26, 0.13), fabric, 0.10, soft=0.010),
        Box((x + seat / 2, floor + 0.70, z + 0.30), (seat / 2 - 0.005, 0.26, 0.13), fabric, 0.10, soft=0.010),
        Box((x - width / 2 + 0.07, floor + 0.38, z), (0.11, 0.26, 0.46), fabric, 0.09),
        Box((x + width / 2 - 0.07, floor + 0.38, z), (0.11, 0.26, 0.46), fabric, 0.09),
    ]


def living_room(size: int, lamp: bool = False) -> Array:
    """Oak floor, a gray sofa at the wall, a picture, light from a window or a lamp."""
    camera = Camera(1.0, 0.42)
    boxes = [
        *_sofa(1.0, 5.25, 2.2, (0.22, 0.25, 0.28)),
        Box((0.55, 0.72, 5.30), (0.22, 0.20, 0.07), cloth((0.50, 0.28, 0.06)), 0.06, 0.3, 0.01),
        Box((1.0, 1.85, 5.88), (0.52, 0.38, 0.02), plain((0.10, 0.08, 0.06)), 0.005),
        Box((1.0, 1.85, 5.86), (0.47, 0.33, 0.02), painting((0.16, 0.24, 0.26), (0.60, 0.52, 0.38)), 0.005),
        Box((-1.75, 0.32, 5.45), (0.62, 0.32, 0.24), wood((0.30, 0.18, 0.09), 0.3, False), 0.01),
        Box((-1.95, 0.78, 5.45), (0.16, 0.13, 0.10), books(5), 0.004),
        Box((0, 0.05, 5.89), (4, 0.05, 0.015), plain((0.62, 0.61, 0.58)), 0.004),
        Box((0.75, 0.008, 4.0), (1.25, 0.008, 0.75), cloth((0.50, 0.46, 0.40), 0.25), 0.006),
    ]
    lights: list[Light] = [WINDOW]
    ambient: Color = (0.34, 0.34, 0.345)
    if lamp:
        boxes.append(
            Box((-1.45, 1.02, 5.42), (0.13, 0.14, 0.13), plain((0.9, 0.8, 0.6)), 0.05, glow=(5.0, 2.7, 1.05))
        )
        lights = [
            Light((2.3, 1.30, 0.58), at=(-1.45, 1.05, 5.1)),
            Light((2.6, 1.5, 0.72), at=(1.2, 2.4, 1.6)),
        ]
        ambient = (0.085, 0.060, 0.045)
    room = Room((-2.9, 3.4, 5.9, 0, 2.7), wood(OAK), plain((0.62, 0.58, 0.52)), boxes, lights, ambient)
    color, depth, owner = render_room(room, camera, size)
    color = glossy(color, depth, owner, camera, 0.55, 0)
    leaf = f32([0.07, 0.13, 0.035]) * (f32([0.9, 0.55, 0.3]) if lamp else f32([1.6, 1.6, 1.6]))
    picture = focus(color, depth, 2.9, 6.5)
    return over(picture, plant(size, (0.115, 0.60), 0.26, f32(leaf), 1102), 3.6)


def sofa(size: int, tone: Color, night: bool = False) -> Array:
    """Close before a sofa: its seat below, cushions behind. The seat is at height 0."""
    camera = Camera(0.52, 0.34)
    fabric = cloth(tone, 0.17)
    boxes = [
        *(Box((x, -0.10, 1.62), (0.573, 0.105, 0.58), fabric, 0.08, soft=0.010) for x in (-1.15, 0, 1.15)),
        *(Box((x, 0.28, 2.12), (0.57, 0.33, 0.16), fabric, 0.13, soft=0.016) for x in (-1.15, 0, 1.15)),
        Box((0, 0.10, 2.42), (2.2, 0.50, 0.14), fabric, 0.09),
        Box((-1.15, 0.18, 1.88), (0.24, 0.22, 0.08), cloth((0.55, 0.52, 0.45), 0.12), 0.075, 0.35, 0.010),
        Box((1.12, 0.18, 1.90), (0.23, 0.21, 0.08), cloth((0.10, 0.13, 0.17), 0.12), 0.075, -0.3, 0.010),
        Box((0.1, 1.35, 3.6), (0.5, 0.36, 0.02), painting((0.20, 0.17, 0.14), (0.58, 0.50, 0.38)), 0.005),
    ]
    light = Light((11, 12, 13), (0.2, 2.2, 0.35, 2.1))
    lights, ambient = [light], (0.22, 0.22, 0.23)
    if night:
        lights = [Light((2.4, 1.4, 0.66), at=(-1.6, 1.5, 1.7)), Light((0.7, 0.44, 0.24), at=(1.0, 1.7, 0.4))]
        ambient = (0.05, 0.036, 0.03)
    room = Room((-2.4, 3.2, 3.65, -0.45, 2.2), wood(OAK), plain((0.60, 0.56, 0.50)), boxes, lights, ambient)
    color, depth, _owner = render_room(room, camera, size)
    return focus(color, depth, 1.65, 6.0)


def bed(size: int) -> Array:
    """On a bed: a white cover with folds, pillows and a headboard behind. The cover is at height 0."""
    camera = Camera(0.60, 0.32)
    linen = cloth((0.74, 0.73, 0.71), 0.05)
    boxes = [
        Box((0, -0.28, 1.75), (1.25, 0.29, 1.45), linen, 0.16, soft=0.030),
        Box((-0.58, 0.12, 2.88), (0.46, 0.24, 0.13), linen, 0.12, 0.08, 0.022),
        Box((0.52, 0.12, 2.90), (0.46, 0.24, 0.13), linen, 0.12, -0.06, 0.022),
        Box((-0.10, 0.05, 2.66), (0.30, 0.17, 0.09), cloth((0.20, 0.30, 0.36), 0.12), 0.08, 0.2, 0.010),
        Box((0, 0.20, 3.22), (1.35, 0.55, 0.05), wood((0.30, 0.18, 0.09), 0.45, False), 0.02),
        Box((-1.85, -0.25, 3.0), (0.28, 0.30, 0.24), wood((0.34, 0.21, 0.11), 0.6), 0.01),
        Box((-1.85, 0.32, 3.0), (0.13, 0.13, 0.13), plain((0.8, 0.75, 0.65)), 0.05),
        Box((0, 1.35, 3.28), (0.55, 0.28, 0.015), painting((0.22, 0.30, 0.33), (0.62, 0.60, 0.54)), 0.005),
    ]
    light = Light((15, 16, 17), (0.6, 2.6, 0.2, 1.7), sun=(3.2, 2.8, 2.2), sun_from=(-0.8, 0.42, 0.05))
    room = Room(
        (-2.5, 2.8, 3.3, -0.57, 2.0), wood(OAK), plain((0.55, 0.56, 0.55)), boxes, [light], (0.26, 0.26, 0.27)
    )
    color, depth, _owner = render_room(room, camera, size)
    return focus(color, depth, 1.5, 5.0)


def kitchen(size: int) -> Array:
    """A wooden table top before a bright kitchen out of focus. The table is at height 0."""
    camera = Camera(0.46, 0.36)
    white, dark = plain((0.60, 0.60, 0.58), 0.03), plain((0.07, 0.07, 0.075))
    boxes = [Box((0, -0.03, 1.0), (1.6, 0.03, 0.62), wood((0.42, 0.26, 0.13), 0.17, False, 0.5, 0.22), 0.012)]
    for k in range(7):
        x = -2.7 + 0.9 * k
        boxes.append(Box((x, -0.32, 4.3), (0.443, 0.38, 0.30), white, 0.008))
        boxes.append(Box((x, -0.02, 3.985), (0.16, 0.010, 0.012), dark, 0.005))
        if k not in (2, 3):
            boxes.append(Box((x, 1.20, 4.42), (0.443, 0.40, 0.17), white, 0.008))
    boxes += [
        Box((0, 0.09, 4.28), (3.3, 0.022, 0.33), wood((0.22, 0.13, 0.07), 0.4, False), 0.006),
        Box((-0.45, 1.02, 4.585), (0.82, 0.52, 0.01), plain((0.6, 0.7, 0.8)), 0.004, glow=(3.4, 3.8, 4.2)),
        Box((-0.45, 1.02, 4.57), (0.02, 0.52, 0.012), white, 0.004),
        Box((1.05, 0.24, 4.2), (0.09, 0.13, 0.09), plain((0.55, 0.10, 0.06)), 0.05),
        Box((1.35, 0.20, 4.25), (0.07, 0.09, 0.07), plain((0.75, 0.73, 0.66)), 0.04),
        Box((-1.5, 0.28, 4.25), (0.10, 0.17, 0.10), plain((0.16, 0.26, 0.28)), 0.05),
        Box((-1.95, 0.18, 4.2), (0.18, 0.07, 0.12), plain((0.60, 0.38, 0.05)), 0.06),
        Box((2.2, 0.22, 4.25), (0.20, 0.12, 0.12), dark, 0.03),
    ]
    light = Light((14, 14.5, 15), (0.3, 2.6, 0.4, 1.8), sun=(2.6, 2.3, 1.8), sun_from=(-0.78, 0.5, 0.12))
    room = Room(
        (-2.6, 3.2, 4.6, -0.75, 1.9), wood(OAK), plain((0.62, 0.62, 0.56)), boxes, [light], (0.30, 0.30, 0.30)
    )
    color, depth, owner = render_room(room, camera, size)
    color = glossy(color, depth, owner, camera, 0.6, 2)
    return focus(color, depth, 0.95, 10.0)


def desk(size: int) -> Array:
    """A dark desk under a lamp; shelves with books and a screen out of focus."""
    camera = Camera(0.44, 0.37)
    boxes = [
        Box((0, -0.03, 1.0), (1.5, 0.03, 0.62), wood((0.23, 0.125, 0.065), 0.3, False, 0.2, 0.16), 0.012)
    ]
    for k in range(4):
        y = -0.1 + 0.42 * k
        boxes.append(
            Box((0.2, y - 0.02, 3.0), (2.2, 0.018, 0.16), wood((0.26, 0.15, 0.08), 0.4, False), 0.004)
        )
        boxes.append(Box((-0.7 + 0.35 * k, y + 0.14, 3.0), (0.85, 0.135, 0.12), books(20 + k), 0.004))
        boxes.append(Box((1.6 - 0.1 * k, y + 0.11, 3.0), (0.30, 0.105, 0.12), books(30 + k), 0.004))
    boxes += [
        Box((0.78, 0.25, 1.72), (0.36, 0.21, 0.015), plain((0.02, 0.02, 0.022)), 0.008),
        Box(
            (0.78, 0.25, 1.704),
            (0.34, 0.19, 0.002),
            plain((0.02, 0.02, 0.02)),
            0.001,
            glow=(0.10, 0.20, 0.34),
        ),
        Box((0.78, 0.02, 1.72), (0.03, 0.04, 0.03), plain((0.03, 0.03, 0.03)), 0.01),
        Box((-0.72, 0.025, 1.45), (0.17, 0.025, 0.12), books(41), 0.006, 0.3),
        Box((-0.82, 0.46, 1.55), (0.10, 0.07, 0.10), plain((0.05, 0.10, 0.07)), 0.05, glow=(2.6, 1.5, 0.6)),
        Box((-0.82, 0.20, 1.57), (0.010, 0.22, 0.010), plain((0.10, 0.08, 0.05)), 0.005),
    ]
    lights = [Light((0.62, 0.38, 0.18), at=(-0.75, 0.55, 1.3)), Light((0.9, 0.6, 0.34), at=(-0.3, 1.6, 2.0))]
    room = Room(
        (-2.4, 2.6, 3.2, -0.75, 1.8),
        wood(OAK),
        plain((0.28, 0.26, 0.22)),
        boxes,
        lights,
        (0.07, 0.062, 0.058),
    )
    color, depth, owner = render_room(room, camera, size)
    color = glossy(color, depth, owner, camera, 0.6, 2)
    return focus(color, depth, 0.95, 9.0)


def studio(size: int, tone: Color) -> Array:
    """A paper backdrop that sweeps into the floor, lit from the left."""
    camera = Camera(1.0, 0.40)
    u, v = camera.pixels(size)
    sweep = smooth(camera.horizon, 0.95, v)
    back = 0.60 * np.exp(-(((u - 0.46) / 0.50) ** 2 + ((v - 0.34) / 0.50) ** 2)) + 0.20
    floor = 0.46 * np.exp(-(((u - 0.48) / 0.62) ** 2 + ((v - 0.86) / 0.40) ** 2)) + 0.28
    light = back * (1 - sweep) + floor * sweep
    paper = (
        1
        + 0.012 * sample(fractal(1103, 0.9, 4, 400), u, v)
        + 0.02 * sample(fractal(1104, 2, 1, 8), u * 0.5, v * 0.5)
    )
    return f32(f32(tone) * (light * paper)[..., None])


def christmas(size: int) -> Array:
    """A wooden floor, a tree with lights and presents out of focus, warm light."""
    camera = Camera(0.95, 0.42)
    gifts: list[Box] = []
    rng = np.random.default_rng(1105)
    tones: list[Color] = [
        (0.42, 0.04, 0.04),
        (0.06, 0.20, 0.10),
        (0.55, 0.42, 0.16),
        (0.60, 0.57, 0.52),
        (0.10, 0.12, 0.28),
    ]
    for k, x in enumerate((-2.25, -1.75, -1.3, -0.95, -1.55, 1.9, 2.4)):
        half = (rng.uniform(0.14, 0.22), rng.uniform(0.09, 0.2), rng.uniform(0.14, 0.2))
        z, yaw = 4.2 + 0.25 * (k % 2), float(rng.uniform(-0.5, 0.5))
        ribbon = tones[(k + 2) % 5]
        gifts.append(Box((x, half[1], z), half, plain(tones[k % 5]), 0.01, yaw))
        gifts.append(
            Box((x, half[1] + 0.004, z), (0.022, half[1] + 0.003, half[2] + 0.006), plain(ribbon), 0.003, yaw)
        )
    boxes = [
        *gifts,
        *_sofa(1.55, 5.1, 1.9, (0.30, 0.24, 0.18)),
        Box((0, 0.06, 5.78), (4, 0.06, 0.015), plain((0.5, 0.47, 0.42)), 0.004),
    ]
    lights = [Light((3.2, 1.75, 0.75), at=(-1.3, 1.3, 3.5)), Light((2.6, 1.5, 0.72), at=(1.4, 2.3, 2.0))]
    room = Room(
        (-3.2, 3.4, 5.8, 0, 2.8), wood(OAK), plain((0.46, 0.38, 0.30)), boxes, lights, (0.085, 0.06, 0.045)
    )
    color, depth, owner = render_room(room, camera, size)
    tree = plants.canvas(size)
    green = f32([0.02, 0.034, 0.018])
    plants.conifer(
        tree,
        rng,
        (0.185 * size, 0.665 * size),
        0.74 * size,
        green * 0.5,
        f32(green * 2.3 + f32([0.02, 0.01, 0])),
        0.0,
    )
    picture = focus(color, depth, 2.9, 7.0)
    picture = over(picture, tree, 5.0)
    light = np.zeros_like(picture)
    for _ in range(120):
        t = rng.uniform(0.04, 0.97) ** 0.7
        x, y = 0.185 + rng.uniform(-1, 1) * 0.155 * t, 0.665 - 0.74 * (1 - t * 0.9)
        tone = [(46, 25, 8), (46, 25, 8), (40, 9, 5), (12, 26, 10), (44, 30, 14)][int(rng.integers(5))]
        cv2.circle(light, (int(x * size), int(y * size)), max(1, size // 640), [float(c) for c in tone], -1)
    light += 0.5 * lamps(size, rng, 26, (0.05, 0.12), 60, 0.0014)
    picture = picture + disc_blur(light, 8.5 * size / 768)
    return glossy(f32(picture), depth, owner, camera, 0.5, 0)

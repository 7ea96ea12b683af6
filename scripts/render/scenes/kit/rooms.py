"""Rooms of rounded boxes, met by marching along signed distances, under light from a window and lamps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.noise import Array, f32, fractal, mix, sample, smooth, streaks
from scripts.render.scenes.kit.skies import Color

Triple = tuple[float, float, float]
Paint = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Box:
    """A rounded box: center and half sizes in metres, a paint, turned about y; `soft` metres of folds (cloth)."""

    center: Triple
    half: Triple
    paint: Paint
    radius: float = 0.01
    yaw: float = 0.0
    soft: float = 0.0
    glow: Color | None = None

    def distance(self, p: Array) -> Array:
        """Signed distances of points [n, 3]."""
        x, y, z = (p[:, k] - np.float32(self.center[k]) for k in range(3))
        if self.yaw:
            c, s = np.float32(np.cos(self.yaw)), np.float32(np.sin(self.yaw))
            x, z = x * c - z * s, x * s + z * c
        r = np.float32(self.radius)
        x, y, z = (np.abs(q) - np.float32(h) + r for q, h in zip((x, y, z), self.half, strict=True))
        inner = np.minimum(np.maximum(np.maximum(x, y), z), 0)
        for q in (x, y, z):
            np.maximum(q, 0, out=q)
        d = np.sqrt(x * x + y * y + z * z) + inner - r
        if self.soft:
            fold = sample(
                fractal(1001, 2.1, 1, 16), p[:, 0] * 0.55 + p[:, 1] * 0.3, p[:, 2] * 0.55 + p[:, 1] * 0.45
            )
            d = d - np.float32(self.soft) * fold
        return f32(d)


@dataclass(frozen=True)
class Light:
    """A window on the left wall (z from, to; y from, to) or, without one, a lamp at `at`."""

    color: Color
    window: tuple[float, float, float, float] | None = None
    at: Triple = (0.0, 1.5, 0.0)
    sun: Color | None = None
    sun_from: Triple = (-0.75, 0.55, -0.1)


@dataclass(frozen=True)
class Room:
    """A shell (left, right, back, floor, ceiling), what stands in it, its lights and what light is everywhere."""

    shell: tuple[float, float, float, float, float]
    floor: Paint
    wall: Paint
    boxes: Sequence[Box]
    lights: Sequence[Light]
    ambient: Color = (0.10, 0.10, 0.10)

    def distances(self, p: Array) -> tuple[Array, Array]:
        """(distance, what is nearest: 0 floor, 1 walls, 2 and up boxes) of points [n, 3]."""
        left, right, back, floor, ceiling = (np.float32(s) for s in self.shell)
        nearest = f32(p[:, 1] - floor)
        owner = np.zeros(len(p), np.int32)
        walls = np.minimum(
            np.minimum(p[:, 0] - left, right - p[:, 0]), np.minimum(back - p[:, 2], ceiling - p[:, 1])
        )
        owner[walls < nearest] = 1
        nearest = np.minimum(nearest, walls)
        for k, box in enumerate(self.boxes):
            d = box.distance(p)
            closer = d < nearest
            owner[closer] = k + 2
            nearest = np.minimum(nearest, d)
        return nearest, owner

    def obstacles(self, p: Array) -> Array:
        """Distance to the boxes alone: walls throw no shadows."""
        nearest = np.full(len(p), np.float32(9))
        for box in self.boxes:
            if box.glow is None:
                nearest = np.minimum(nearest, box.distance(p))
        return nearest

    def shadow(self, p: Array, toward: Array, reach: Array, steps: int, soft: float) -> Array:
        """Light that gets through from `toward`, softened by how near the ray passes obstacles."""
        light, t = np.ones(len(p), np.float32), np.full(len(p), np.float32(0.03))
        for _ in range(steps):
            d = self.obstacles(f32(p + toward * t[:, None]))
            inside = t < reach
            light = np.where(
                inside, np.minimum(light, np.clip(0.5 + 0.5 * d * np.float32(soft) / t, 0, 1)), light
            )
            t = t + np.clip(d, 0.03, 0.5)
        return f32(light)


def _march(room: Room, eye: Array, rays: Array, steps: int = 90) -> Array:
    """Depth along each ray."""
    t = np.full(len(rays), np.float32(0.2))
    active = np.arange(len(rays))
    for _ in range(steps):
        d, _owner = room.distances(f32(eye + rays[active] * t[active, None]))
        t[active] += d * np.float32(0.9)
        active = active[d > 0.0006 * t[active]]
        if not len(active):
            break
    return t


def _normals(room: Room, p: Array) -> Array:
    total = np.zeros_like(p)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        d, _owner = room.distances(f32(p + f32(corner) * 0.0035))
        total += f32(corner) * d[:, None]
    return f32(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


def _window_light(room: Room, light: Light, p: Array, n: Array) -> Array:
    """Sky light through the window, from points on it, and the sun's patches."""
    assert light.window is not None
    z0, z1, y0, y1 = light.window
    left = room.shell[0]
    total = np.zeros(len(p), np.float32)
    grid = [(i, j) for i in (0.17, 0.5, 0.83) for j in (0.2, 0.75)]
    for i, j in grid:
        to = f32([left + 0.02, y0 + (y1 - y0) * j, z0 + (z1 - z0) * i]) - p
        reach = np.linalg.norm(to, axis=1)
        to = to / reach[:, None]
        facing = np.clip((to * n).sum(1), 0, 1) * np.clip(-to[:, 0], 0, 1)
        area = (z1 - z0) * (y1 - y0) / len(grid)
        total += facing / (reach**2 + 0.3) * np.float32(area) * room.shadow(p, f32(to), f32(reach), 9, 5)
    result = total[:, None] * f32(light.color)
    if light.sun is not None:
        toward = f32(light.sun_from) / np.linalg.norm(light.sun_from)
        t = (left - p[:, 0]) / min(float(toward[0]), -1e-3)
        y, z = p[:, 1] + t * toward[1], p[:, 2] + t * toward[2]
        inside = smooth(0, 0.05, np.minimum(y - y0, y1 - y)) * smooth(0, 0.05, np.minimum(z - z0, z1 - z))
        bar = smooth(0.02, 0.06, np.abs((z - z0) % ((z1 - z0) / 3) - 0.03)) * smooth(
            0.02, 0.06, np.abs(y - (y0 + y1) / 2)
        )
        facing = np.clip(n @ toward, 0, 1) * inside * bar
        facing = facing * room.shadow(p, np.broadcast_to(toward, p.shape), f32(np.abs(t)), 24, 22)
        result = result + f32(facing)[:, None] * f32(light.sun)
    return f32(result)


def _lamp_light(room: Room, light: Light, p: Array, n: Array) -> Array:
    to = f32(light.at) - p
    reach = np.linalg.norm(to, axis=1)
    to = to / reach[:, None]
    facing = np.clip((to * n).sum(1) * 0.85 + 0.15, 0, 1)
    shadow = room.shadow(p, f32(to), f32(reach - 0.1), 18, 7)
    return f32((facing * shadow / (reach**2 + 0.15))[:, None] * f32(light.color))


def _occlusion(room: Room, p: Array, n: Array) -> Array:
    open_ = np.ones(len(p), np.float32)
    for reach, weight in ((0.03, 0.9), (0.09, 0.8), (0.25, 0.6), (0.6, 0.35)):
        d, _owner = room.distances(f32(p + n * np.float32(reach)))
        open_ *= 1 - weight * np.clip(1 - d / reach, 0, 1)
    return f32(open_)


def _lit(room: Room, p: Array, n: Array) -> Array:
    """Irradiance at points."""
    light = f32(room.ambient) * (0.75 + 0.25 * n[:, 1:2]) * _occlusion(room, p, n)[:, None]
    for source in room.lights:
        light = light + (_window_light if source.window else _lamp_light)(room, source, p, n)
    return f32(light)


def _band(room: Room, eye: Array, rays: Array) -> tuple[Array, Array, Array, Array, Array]:
    """(albedo, glow, irradiance at half the resolution, depth, owner) of some rows; few at a time fit the cache."""
    rows, columns = rays.shape[:2]
    flat = np.ascontiguousarray(rays.reshape(-1, 3))
    p = f32(eye + flat * _march(room, eye, flat)[:, None])
    _d, owner = room.distances(p)
    n = _normals(room, p)
    albedo, glow = np.zeros_like(p), np.zeros_like(p)
    for k, paint in enumerate([room.floor, room.wall, *(box.paint for box in room.boxes)]):
        here = owner == k
        if here.any():
            albedo[here] = paint(p[here], n[here])
            if k >= 2 and room.boxes[k - 2].glow is not None:
                glow[here] = f32(room.boxes[k - 2].glow)
    shape = (rows, columns, 3)
    half_p, half_n = (np.ascontiguousarray(a.reshape(shape)[::2, ::2]) for a in (p, n))
    light = _lit(room, half_p.reshape(-1, 3), half_n.reshape(-1, 3)).reshape(half_p.shape)
    return (
        albedo.reshape(shape),
        glow.reshape(shape),
        light,
        p[:, 2].reshape(shape[:2]),
        owner.reshape(shape[:2]),
    )


def render_room(room: Room, camera: Camera, size: int) -> tuple[Array, Array, Array]:
    """(color, depth, which part is seen) of a room; light is computed at half the resolution."""
    rays, eye = camera.rays(size), f32([0, camera.eye, 0])
    bands = [_band(room, eye, rays[row : row + 16]) for row in range(0, size, 16)]
    albedo, glow, light, depth, owner = (np.concatenate(parts) for parts in zip(*bands, strict=True))
    irradiance = cv2.resize(light, (size, size), interpolation=cv2.INTER_LINEAR)
    return f32(albedo * irradiance + glow), f32(depth), f32(owner)


def _plane(p: Array, n: Array) -> tuple[Array, Array]:
    """Coordinates on a surface: those two axes that its normal points along least."""
    axis = np.abs(n).argmax(1)
    u = np.where(axis == 0, p[:, 2], p[:, 0])
    v = np.where(axis == 1, p[:, 2], p[:, 1])
    return f32(u), f32(v)


def plain(color: Color, uneven: float = 0.05, period: float = 1.7) -> Paint:
    """Paint or plaster."""

    def paint(p: Array, n: Array) -> Array:
        u, v = _plane(p, n)
        rough = sample(fractal(1011, 1.3, 2, 400), u / period, v / period)
        return f32(f32(color) * (1 + uneven * rough[:, None]))

    return paint


def painting(first: Color, second: Color, period: float = 1.1) -> Paint:
    """Two colors in soft shapes: a picture on a wall, out of focus."""

    def paint(p: Array, n: Array) -> Array:
        u, v = _plane(p, n)
        shape = sample(fractal(1016, 2.4, 1, 12), u / period, v / period * 2.2) + v - v.mean()
        return mix(np.broadcast_to(f32(first), p.shape), f32(second), smooth(-0.3, 0.5, f32(shape)))

    return paint


def cloth(color: Color, thread: float = 0.10, second: Color | None = None) -> Paint:
    """Woven fabric; with a second color, stripes of a blanket."""

    def paint(p: Array, n: Array) -> Array:
        u, v = _plane(p, n)
        weave = sample(fractal(1012, 0.4, 60, 500), u / 0.45, v / 0.45)
        worn = sample(fractal(1013, 1.6, 1, 100), u / 1.3, v / 1.3)
        tone = np.broadcast_to(f32(color), p.shape)
        if second is not None:
            tone = mix(f32(tone), f32(second), smooth(0.45, 0.5, np.abs((u / 0.16) % 1 - 0.5) * 2))
        return f32(tone * (1 + thread * weave + 0.07 * worn)[:, None])

    return paint


def wood(
    color: Color, plank: float = 0.13, along_z: bool = True, gap: float = 1.0, vary: float = 0.30
) -> Paint:
    """Boards: grain along them, each of its own tone, dark gaps."""

    def paint(p: Array, n: Array) -> Array:
        u, v = _plane(p, n)
        if not along_z:
            u, v = v, u
        number = np.floor(u / plank)
        chance = (np.sin(number * 91.7) * 4375.5) % 1
        length = 1.35
        row = np.floor((v + chance * length) / length)
        tone = (np.sin(number * 12.9 + row * 78.2) * 4375.5) % 1
        grain = sample(streaks(1014, 3, 130), f32(u / 0.8 + tone * 3.1), f32(v / 3.2 + tone * 7.7))
        rings = sample(fractal(1015, 1.6, 2, 60), f32(u / 0.5 + tone * 5), f32(v / 5 + tone))
        rings = np.sin(rings * 5 + u * 30) * 0.5
        shade = 1 - vary / 2 + vary * tone + 0.11 * grain + 0.07 * rings
        edge = np.minimum(u - number * plank, (number + 1) * plank - u)
        end = np.minimum((v + chance * length) % length, length - (v + chance * length) % length)
        dark = np.minimum(smooth(0.0, 0.004, f32(edge)), smooth(0.0, 0.004, f32(end)))
        return f32(f32(color) * (shade * (1 - 0.6 * gap * (1 - dark)))[:, None])

    return paint


def books(seed: int) -> Paint:
    """The spines of a row of books."""

    def paint(p: Array, n: Array) -> Array:
        number = np.floor(p[:, 0] / 0.042 + 0.4 * np.sin(p[:, 0] * 9))
        rng = np.random.default_rng(seed)
        table = f32(rng.uniform(0.03, 0.5, (97, 1)) * (0.4 + rng.uniform(0, 1, (97, 3))))
        tone = table[number.astype(int) % 97]
        return f32(tone * (1 - 0.5 * (np.abs((p[:, 1] * 9) % 1 - 0.5) < 0.05))[:, None])

    return paint

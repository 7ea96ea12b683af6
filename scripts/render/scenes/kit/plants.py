"""Grass, leaves, flowers, trees and trunks: thousands of small shapes drawn from far to near on float pictures.

A canvas is [size, size, 4]: linear RGB and opacity, for trees, or depth, for what stands on the ground.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.noise import Array, f32, fractal, sample, streaks

Random = np.random.Generator
Points = npt.NDArray[np.float64]
_SHIFT = 4


def canvas(size: int) -> Array:
    """An empty transparent picture."""
    return np.zeros((size, size, 4), np.float32)


def polygons(image: Array, corners: Points, colors: Array) -> None:
    """Fills convex polygons [n, k, 2] in pixels, one color [n, 4] each, in order."""
    fixed = np.round(np.clip(corners, -3e4, 3e4) * (1 << _SHIFT)).astype(np.int32)
    for shape, color in zip(fixed, colors.astype(float), strict=True):
        cv2.fillConvexPoly(image, shape, color.tolist(), shift=_SHIFT)


def spread_on_ground(
    rng: Random, camera: Camera, count: int, near: float, far: float
) -> tuple[Points, Points]:
    """(x, z) of points in view, equally dense in the picture's logarithm of depth, from far to near."""
    z = np.sort(near * (far / near) ** rng.uniform(0, 1, count))[::-1]
    x = rng.uniform(-0.62, 0.62, count) / camera.focal * z
    return x, z


def blades(
    image: Array,
    rng: Random,
    camera: Camera,
    at: tuple[Points, Points],
    tall: Points,
    color: Callable[[Points, Points, Points], Array],
    width: float = 0.004,
    lean: float = 0.4,
) -> None:
    """Blades of grass as two bent pieces; `color(x, z, level)` gives RGB at level 0 (root) to 1 (tip)."""
    size, (x, z) = image.shape[0], at
    count = len(x)
    scale = camera.focal / z * size
    base_x, base_y = (0.5 * size + x * scale), (camera.horizon * size + camera.eye * scale)
    bend = rng.normal(0, lean, count)
    mid_x, mid_y = base_x + bend * 0.35 * tall * scale, base_y - 0.6 * tall * scale
    tip_x, tip_y = base_x + bend * tall * scale, base_y - tall * scale * (1 - 0.25 * np.abs(bend))
    half = np.maximum(width * scale * rng.uniform(0.5, 1.3, count) / 2, 0.34)
    low = np.stack(
        [base_x - half, base_y, base_x + half, base_y, mid_x + half, mid_y, mid_x - half, mid_y], -1
    )
    high = np.stack([mid_x - half, mid_y, mid_x + half, mid_y, tip_x, tip_y], -1)
    depth = f32(z)[:, None]
    dark = np.concatenate([color(x, z, np.full(count, 0.3)), depth], -1)
    bright = np.concatenate([color(x, z, np.full(count, 0.85)), depth], -1)
    low_fixed = np.round(np.clip(low.reshape(count, 4, 2), -3e3, 3e4) * 16).astype(np.int32)
    high_fixed = np.round(np.clip(high.reshape(count, 3, 2), -3e3, 3e4) * 16).astype(np.int32)
    for k in range(count):
        cv2.fillConvexPoly(image, low_fixed[k], dark[k].tolist(), shift=_SHIFT)
        cv2.fillConvexPoly(image, high_fixed[k], bright[k].tolist(), shift=_SHIFT)


def leaf_shapes(rng: Random, centers: Points, length: Points, aspect: float = 0.5) -> Points:
    """Six-cornered leaves [n, 6, 2], turned at random and foreshortened."""
    count = len(centers)
    angle, squeeze = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.35, 1.0, count)
    outline = np.array([[-0.5, 0], [-0.2, 0.42], [0.2, 0.38], [0.5, 0], [0.2, -0.38], [-0.2, -0.42]])
    x = outline[None, :, 0] * length[:, None]
    y = outline[None, :, 1] * length[:, None] * aspect * squeeze[:, None]
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([centers[:, :1] + x * c - y * s, centers[:, 1:] + (x * s + y * c)], -1)


def crown(
    image: Array,
    rng: Random,
    center: tuple[float, float],
    radii: tuple[float, float],
    leaf: float,
    count: int,
    dark: Array,
    light: Array,
    sun: tuple[float, float] = (-0.5, -0.8),
    holes: float = 0.25,
) -> None:
    """A crown of leaves in clumps, lit from `sun` (picture direction), darker inside and below. Pixels."""
    clumps = max(6, count // 90)
    angle, reach = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.uniform(0.02, 1, clumps)) * 0.85
    middle = np.stack([np.cos(angle) * reach, np.sin(angle) * reach], -1)
    order = np.argsort(rng.uniform(0, 1, clumps) - 0.5 * (middle @ np.array(sun)))[::-1]
    middle = middle[order]
    which = np.sort(rng.integers(0, clumps, count))
    offset = rng.normal(0, 0.15 + 0.1 * (1 - holes), (count, 2)) * np.array([1.2, 0.8])
    place = middle[which] + offset
    inside = np.linalg.norm(place, axis=1) < 1.12
    place, offset, which = place[inside], offset[inside], which[inside]
    lit = (
        0.42
        + 0.28 * (place @ np.array(sun))
        + 1.1 * (offset @ np.array(sun))
        + rng.normal(0, 0.16, len(place))
    )
    lit = np.clip(lit, 0, 1.15) ** 1.5
    pixels = np.array(center) + place * np.array(radii)
    color = dark + (light - dark) * f32(lit)[:, None]
    color = color * f32(rng.uniform(0.85, 1.15, (len(place), 1)))
    shapes = leaf_shapes(rng, pixels, leaf * rng.uniform(0.6, 1.3, len(place)), 0.7)
    polygons(image, shapes, np.concatenate([color, np.ones((len(place), 1), np.float32)], -1))


def trunk(
    image: Array,
    rng: Random,
    base: tuple[float, float],
    top: tuple[float, float],
    width: float,
    bark: Array,
    sun: float = -0.6,
    rim: float = 0.35,
) -> None:
    """A tapering trunk from base to top, in pixels, rounded by light from the side `sun` (-1 left, 1 right)."""
    size = image.shape[0]
    y = np.arange(max(0, int(top[1])), min(size, int(base[1]) + 1))
    if not len(y):
        return
    t = (base[1] - y) / max(base[1] - top[1], 1)
    phase = rng.uniform(0, 6)
    middle = base[0] + (top[0] - base[0]) * t + width * 0.12 * np.sin(t * 7 + phase)
    half = width / 2 * (1 - 0.45 * t) * (1 + 0.7 * np.exp(-t * 26)) + 0.5
    x0, x1 = max(0, int((middle - half).min())), min(size, int((middle + half).max()) + 1)
    if x1 <= x0:
        return
    across = f32((np.arange(x0, x1)[None] - middle[:, None]) / half[:, None])
    inside = np.abs(across) < 1
    angle = np.arcsin(np.clip(across, -1, 1))
    light = 0.30 + rim * (1 + np.sin(angle) * np.sign(sun)) * np.clip(np.cos(angle), 0.15, 1) ** 0.4
    along = f32(np.broadcast_to(y[:, None] / size * 3, across.shape))
    grain = sample(streaks(41, 9, 120), f32(angle / 6.3 + phase), along * 0.4)
    patch = sample(fractal(42, 1.3, 4, 300), f32(angle / 9 + phase), along * 0.5)
    shade = np.clip(light * (1 + 0.30 * grain + 0.18 * patch), 0.04, 2)
    region = image[y[0] : y[-1] + 1, x0:x1]
    region[inside, :3] = (shade[..., None] * bark)[inside]
    region[inside, 3] = 1


def conifer(
    image: Array,
    rng: Random,
    base: tuple[float, float],
    tall: float,
    dark: Array,
    light: Array,
    snow: float = 0.0,
    frost: Array | None = None,
) -> None:
    """A fir: tiers of drooping twigs, from the top down, in pixels; a part `snow` of them is white."""
    frost = f32([0.75, 0.80, 0.9]) if frost is None else frost
    tiers = int(np.clip(tall / 9, 10, 48))
    polygons(
        image,
        np.array(
            [
                [
                    [base[0] - tall * 0.012, base[1]],
                    [base[0] + tall * 0.012, base[1]],
                    [base[0], base[1] - tall],
                ]
            ]
        ),
        f32([[*dark * 0.7, 1]]),
    )
    for tier in range(tiers):
        t = (tiers - tier) / tiers  # drawn from below up: upper tiers lie over lower ones
        y = base[1] - tall * (1 - t * 0.9)
        reach = tall * 0.21 * t**0.85 * rng.uniform(0.85, 1.15)
        count = int((22 + 26 * t) * np.clip(tall / 300, 1, 3))
        side = rng.uniform(-1, 1, count)
        root = np.stack([base[0] + side * reach * 0.25, np.full(count, y - tall * 0.03)], -1)
        tip = np.stack(
            [base[0] + side * reach, y + reach * (0.20 + 0.30 * side**2) + rng.normal(0, 1, count)], -1
        )
        width = max(min(tall, 300 + tall * 0.3) * 0.011, 0.7)
        up = np.array([0, -width])
        shape = np.stack([root + up, root - up, tip - up * 0.5, tip + up * 0.5], 1)
        lit = np.clip(0.35 - 0.35 * side + rng.normal(0, 0.2, count), 0, 1)
        color = dark + (light - dark) * f32(lit)[:, None]
        white = rng.uniform(0, 1, count) < snow
        color[white] = frost * f32(0.55 + 0.45 * lit[white])[:, None]
        polygons(image, shape, np.concatenate([color, np.ones((count, 1), np.float32)], -1))


def flower(
    image: Array, rng: Random, center: tuple[float, float], radius: float, petal: Array, depth: float
) -> None:
    """A blossom of five to eight petals, seen from the side or above, in pixels."""
    count, squash = int(rng.integers(5, 9)), rng.uniform(0.4, 1.0)
    turn = rng.uniform(0, 6.3)
    for k in range(count):
        a = turn + k * 2 * np.pi / count
        direction = np.array([np.cos(a), np.sin(a) * squash])
        side = np.array([-direction[1], direction[0]]) * 0.42
        tip = np.array(center) + direction * radius
        middle = np.array(center) + direction * radius * 0.6
        shape = np.array([[center, middle + side * radius, tip, middle - side * radius]])
        shade = f32(0.75 + 0.35 * rng.uniform() - 0.2 * direction[1])
        polygons(image, shape, f32([[*(petal * shade), depth]]))
    eye = leaf_shapes(rng, np.array([center]), np.array([radius * 0.55]), 1.0)
    polygons(image, eye, f32([[0.55, 0.32, 0.03, depth]]))


def hills(size: int, seed: int, base: float, tall: float, rough: float = 1.9) -> Array:
    """A ridge line: for each column the picture's y (0..1) of a far wood or range."""
    line = f32((np.arange(size) + 0.5) / size)
    return f32(
        base - tall * (0.5 + 0.35 * sample(fractal(seed, rough, 1, 200), line * 0.4, np.zeros_like(line)))
    )

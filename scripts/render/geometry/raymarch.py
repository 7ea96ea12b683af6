"""Marches rays through distance fields: where they meet a solid, how much light arrives, how enclosed a point is.

All vectorised over rays in float32; knows nothing of colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scripts.render.geometry.sdf import Solid
from scripts.render.scene import Camera, Item, Light

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


class Posed:
    """An item with its rotation at hand."""

    def __init__(self, item: Item) -> None:
        self.item, self.turn = item, item.turn()
        self.at = np.asarray(item.at, dtype=np.float32)[:, None]
        self.inverse = np.float32(1 / item.scale)

    def points(self, p: Array) -> Array:
        return np.asarray(self.turn.T @ (p - self.at) * self.inverse, dtype=np.float32)

    def directions(self, d: Array) -> Array:
        return np.asarray(self.turn.T @ d, dtype=np.float32)

    def span(self, origin: Array, direction: Array, grow: float = 0.0) -> tuple[Array, Array]:
        """Entry and exit distances, in the solid's units, of local rays through its box."""
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.float32(1) / np.where(np.abs(direction) < 1e-6, np.float32(1e-6), direction)
        a = (self.item.solid.low[:, None] - np.float32(grow) - origin) * inverse
        b = (self.item.solid.high[:, None] + np.float32(grow) - origin) * inverse
        return np.minimum(a, b).max(axis=0), np.maximum(a, b).min(axis=0)


def chunks(indices: Indices, size: int = 400_000) -> list[Indices]:
    """Pieces that bound the memory of large pictures; small pieces are slower, as the last steps march few points."""
    return [indices[i : i + size] for i in range(0, indices.size, size)]


def camera_rays(camera: Camera, width: int, height: int) -> tuple[Array, Array, float]:
    """Eye [3, 1], unit directions [3, n] and the angle of a pixel in radians."""
    eye, target = np.asarray(camera.eye, np.float64), np.asarray(camera.target, np.float64)
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    roll = np.radians(camera.roll_deg)
    right, up = right * np.cos(roll) + up * np.sin(roll), up * np.cos(roll) - right * np.sin(roll)
    pixel = 2 * np.tan(np.radians(camera.fov_deg) / 2) / max(width, height)
    xs = (np.arange(width) + 0.5 - width / 2) * pixel
    ys = (height / 2 - np.arange(height) - 0.5) * pixel
    d = (
        forward[:, None, None]
        + right[:, None, None] * xs[None, None, :]
        + up[:, None, None] * ys[None, :, None]
    )
    d = d.reshape(3, -1)
    d /= np.sqrt((d * d).sum(axis=0))
    return eye.astype(np.float32)[:, None], d.astype(np.float32), float(pixel)


def march(
    solid: Solid, origin: Array, direction: Array, t0: Array, t1: Array, pixel: float, steps: int
) -> tuple[Array, Array]:
    """Distance along each ray to the surface or closest approach, and coverage 0…1 of the pixel."""
    n = direction.shape[1]
    t, best, at = t0.copy(), np.full(n, 9.0, np.float32), t0.copy()
    alive = np.arange(n)
    for _ in range(steps):
        ta = t[alive]
        d = solid.distance(origin + direction[:, alive] * ta)
        size = np.maximum(ta, np.float32(0.2)) * np.float32(pixel)
        ratio = d / size
        better = ratio < best[alive]
        improved = alive[better]
        best[improved] = ratio[better]
        at[improved] = ta[better]
        ta = ta + np.maximum(d * np.float32(0.92), size * np.float32(0.25))
        t[alive] = ta
        alive = alive[(ratio > 0.2) & (ta < t1[alive])]
        if alive.size == 0:
            break
    return at, np.clip(1.3 - best, 0, 1)


def shadow(posed: Sequence[Posed], p: Array, light: Light, steps: int) -> Array:
    """Share of the key light [n] that reaches world points [3, n]."""
    lit = np.ones(p.shape[1], np.float32)
    toward = np.asarray(light.direction, np.float32)[:, None]
    for one in posed:
        local = one.points(p)
        direction = one.directions(toward)
        t0, t1 = one.span(local, np.broadcast_to(direction, local.shape), 0.03)
        near = np.flatnonzero((t1 > np.maximum(t0, 0)) & (lit > 0.01))
        if near.size == 0:
            continue
        start, end = local[:, near], t1[near]
        t = np.maximum(t0[near], np.float32(0.012))
        least = np.ones(near.size, np.float32)
        alive = np.arange(near.size)
        for _ in range(steps):
            ta = t[alive]
            d = one.item.solid.distance(start[:, alive] + direction * ta)
            seen = np.clip(
                np.float32(0.5) + np.float32(0.5) * d * np.float32(light.softness) / (ta + np.float32(0.05)),
                0,
                1,
            )
            least[alive] = np.minimum(least[alive], seen)
            ta = ta + np.maximum(d, np.float32(1.1 / (steps + 4)) * np.float32(0.35))
            t[alive] = ta
            alive = alive[(least[alive] > 0.02) & (ta < end[alive])]
            if alive.size == 0:
                break
        least = least * least * (3 - 2 * least)
        lit[near] *= least
    return lit


def ground_occlusion(posed: Sequence[Posed], p: Array) -> Array:
    """Darkening [n] of ground points near where things stand."""
    result = np.ones(p.shape[1], np.float32)
    for one in posed:
        local = one.points(p)
        low, high = (
            one.item.solid.low[:, None] - np.float32(0.28),
            one.item.solid.high[:, None] + np.float32(0.28),
        )
        near = np.flatnonzero(((local > low) & (local < high)).all(axis=0))
        if near.size:
            d = np.clip(one.item.solid.distance(local[:, near]) * np.float32(1 / 0.34), 0, 1)
            result[near] *= np.float32(0.32) + np.float32(0.68) * np.sqrt(d)
    return result


def occlusion(one: Posed, local: Array, normal: Array, samples: int) -> Array:
    total = np.zeros(local.shape[1], np.float32)
    weight = 0.0
    for i in range(samples):
        h = 0.05 * 2.1**i
        d = np.clip(one.item.solid.distance(local + normal * np.float32(h)) * np.float32(1 / h), 0, 1)
        total += d * np.float32(0.7**i)
        weight += 0.7**i
    own = total * np.float32(1 / weight)
    floor = np.clip((local[1] + np.float32(0.05)) * np.float32(3.2) + np.maximum(normal[1], 0), 0, 1)
    return np.asarray(
        (np.float32(0.25) + np.float32(0.75) * own) * (np.float32(0.45) + np.float32(0.55) * floor),
        np.float32,
    )

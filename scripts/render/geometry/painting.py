"""What painted places are made of: the Place record, and rectangles, discs, skies, planks and cloth in linear RGB.

World units: a subject is about one high. A place gives albedo only; light is applied by the renderer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.render.geometry.materials import linear, noise, step

Array = npt.NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True)
class Place:
    """One concrete place. `ground(x, z)` and `backdrop(u, v)` return linear albedo [3, n]."""

    name: str
    phrase: str
    indoor: bool
    ground: Callable[[Array, Array], Array]
    backdrop: Callable[[Array, Array], Array]
    edge_z: float
    wall_z: float
    mean: Array
    zenith: Array
    horizon: Array


def rgb(*srgb: float) -> Array:
    return linear((srgb[0], srgb[1], srgb[2]))


def fill(color: Array, n: int) -> Array:
    return np.repeat(color[:, None], n, axis=1)


def over(base: Array, mask: Array, color: Array) -> None:
    """Blends `color` [3] into base [3, n] where mask [n] is 1 (in place)."""
    base += (color[:, None] - base) * mask


def rect(u: Array, v: Array, u0: float, u1: float, v0: float, v1: float) -> Array:
    return ((u > u0) & (u < u1) & (v > v0) & (v < v1)).astype(np.float32)


def disc(u: Array, v: Array, cu: float, cv: float, ru: float, rv: float) -> Array:
    return ((((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2) < 1).astype(np.float32)


def sky_gradient(
    u: Array, v: Array, top: Array, low: Array, clouds: float, height: float, shift: float
) -> Array:
    t = np.clip(v / np.float32(height), 0, 1)
    sky = low[:, None] + (top - low)[:, None] * t
    if clouds > 0:
        c = step(
            noise(u * np.float32(0.018) + np.float32(shift), v * np.float32(0.05))
            - np.float32(0.62 - 0.2 * clouds),
            0.16,
        )
        over(sky, c * np.float32(0.75), rgb(244, 245, 248))
    return sky.astype(np.float32)


def varied(rng: Random, color: Array, amount: float = 0.10) -> Array:
    return np.asarray(
        np.clip(color * np.exp(rng.normal(0, amount)) * np.exp(rng.normal(0, amount * 0.35, 3)), 0, 0.93),
        np.float32,
    )


def planks(x: Array, z: Array, color: Array, width: float, shift: float) -> Array:
    row = np.floor(x / np.float32(width) + np.float32(shift))
    tone = 0.82 + 0.36 * noise(row * np.float32(0.173) + np.float32(shift), row * np.float32(0.311))
    grain = noise(x * 0.9 + row * np.float32(0.37), z * 0.07 + row * np.float32(0.61))
    f = x / np.float32(width) + np.float32(shift) - row
    gap = np.minimum(f, 1 - f) * np.float32(width)
    base = color[:, None] * (tone * (0.66 + 0.62 * grain))
    return np.asarray(base * (0.45 + 0.55 * np.clip(gap / 0.018, 0, 1)), np.float32)


def weave(x: Array, z: Array, color: Array, shift: float) -> Array:
    return np.asarray(
        color[:, None]
        * (0.74 + 0.25 * noise(x * 2.3 + shift, z * 2.3) + 0.26 * noise(x * 0.12, z * 0.12 + shift)),
        np.float32,
    )

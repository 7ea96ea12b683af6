"""A level pinhole camera whose horizon may lie anywhere in the picture, and the ground that it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.render.scenes.kit.noise import Array, Layer, f32, height, slopes


@dataclass(frozen=True)
class Camera:
    """`eye` metres above the ground; `horizon` from the top and `focal` length as parts of the picture's height.

    A ground point at depth z shows at y = horizon + focal * eye / z, and there a height of s metres spans
    focal * s / z of the picture. So the picture's whole height spans z / focal = eye / (y - horizon) metres
    for a thing that stands at y, whatever the focal length is.
    """

    eye: float = 1.0
    horizon: float = 0.44
    focal: float = 1.35

    def metres_per_height(self, y: float) -> float:
        """How many metres the picture's height spans for a thing standing at y."""
        return self.eye / (y - self.horizon)

    def depth(self, y: float) -> float:
        """Depth in metres of the ground at y."""
        return self.focal * self.eye / (y - self.horizon)

    def pixels(self, size: int) -> tuple[Array, Array]:
        """Picture coordinates (u, v), 0..1, of all pixel centers."""
        line = f32((np.arange(size) + 0.5) / size)
        u, v = np.meshgrid(line, line)
        return f32(u), f32(v)

    def rays(self, size: int) -> Array:
        """Unit view vectors [size, size, 3]: right, up, forward."""
        u, v = self.pixels(size)
        d = np.stack([(u - 0.5) / self.focal, (self.horizon - v) / self.focal, np.ones_like(u)], -1)
        return f32(d / np.linalg.norm(d, axis=-1, keepdims=True))

    def project(self, x: float, y: float, z: float, size: int) -> tuple[float, float]:
        """World metres → pixels."""
        return (0.5 + self.focal * x / z) * size, (self.horizon + self.focal * (self.eye - y) / z) * size


@dataclass
class Ground:
    """What each pixel sees of the ground: metres and slopes; `seen` is false above it."""

    x: Array
    z: Array
    height: Array
    footprint: Array
    slope_x: Array
    slope_z: Array
    seen: Array
    layers: Sequence[Layer]

    def normals(self) -> Array:
        """Unit normals [..., 3]."""
        n = np.stack([-self.slope_x, np.ones_like(self.x), -self.slope_z], -1)
        return f32(n / np.linalg.norm(n, axis=-1, keepdims=True))

    def shadow(self, sun: Array, reach: float = 6.0, steps: int = 18, hardness: float = 14.0) -> Array:
        """How much of the sun reaches each point (0..1), by marching over the heights."""
        light = np.ones_like(self.x)
        start = np.maximum(self.footprint * 1.5, 0.004)
        for k in range(steps):
            t = start * (np.float32(reach) / start) ** np.float32((k + 0.5) / steps)
            clearance = (
                self.height + t * sun[1] - height(self.layers, self.x + t * sun[0], self.z + t * sun[2])
            )
            light = np.minimum(light, np.clip(0.5 + hardness * clearance / t, 0, 1))
        return f32(light)


def see_ground(
    camera: Camera, size: int, layers: Sequence[Layer], far: float = 4000.0, samples: int = 1500
) -> Ground:
    """Meets all view rays with a height field: heights along each column, then the first that covers a pixel."""
    near = 0.55 * camera.focal * camera.eye / (1 - camera.horizon)
    z = f32(near * (far / near) ** (np.arange(samples) / (samples - 1)))
    line = f32((np.arange(size) + 0.5) / size)
    across = (line - np.float32(0.5)) / np.float32(camera.focal)
    heights = height(layers, z[:, None] * across[None], np.broadcast_to(z[:, None], (samples, size)))
    v = camera.horizon + camera.focal * (camera.eye - heights) / z[:, None]
    v = np.minimum.accumulate(v, axis=0)
    depth = np.full((size, size), np.float32(far))
    seen = np.zeros((size, size), np.float32)
    order = np.arange(samples) * 1e-9
    for column in range(size):
        rising = order - v[:, column]
        depth[:, column] = np.interp(-line, rising, z)
        seen[:, column] = line >= v[-1, column]
    x = depth * across[None]
    footprint = depth / np.float32(camera.focal * size)
    # Seen at a flat angle, a pixel is much longer than wide; the mean of both keeps detail without sparkle.
    footprint = footprint * np.sqrt(np.clip(depth / camera.eye, 1, 12))
    surface = height(layers, x, depth)
    sx, sz = slopes(layers, x, depth, footprint)
    return Ground(x, depth, surface, f32(footprint), sx, sz, seen, layers)


def flat_ground(camera: Camera, size: int, layers: Sequence[Layer], far: float = 4000.0) -> Ground:
    """A plane whose layers only tilt the normals: water, floors, roads."""
    u, v = camera.pixels(size)
    below = np.maximum(v - np.float32(camera.horizon), np.float32(camera.focal * camera.eye / far))
    depth = f32(camera.focal * camera.eye / below)
    x = f32((u - 0.5) * depth / camera.focal)
    footprint = f32(depth / (camera.focal * size) * np.sqrt(np.clip(depth / camera.eye, 1, 12)))
    sx, sz = slopes(layers, x, depth, footprint)
    return Ground(x, depth, np.zeros_like(x), footprint, sx, sz, f32(v > camera.horizon), layers)

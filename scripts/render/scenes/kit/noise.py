"""Periodic noise: square tiles of a chosen spectrum that are sampled anywhere, and sums of them as heights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
TILE = 1024


def f32(values: object) -> Array:
    """Any numbers as float32."""
    return np.asarray(values, np.float32)


def smooth(low: float, high: float, values: Array) -> Array:
    """Smoothstep from 0 at `low` to 1 at `high`."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return f32(t * t * (3 - 2 * t))


def mix(first: Array, second: Array, weight: Array) -> Array:
    """Blends two pictures [..., 3], or colors, by a weight [...]."""
    w = f32(weight)[..., None]
    return f32(first * (1 - w) + second * w)


def _normalized(values: npt.NDArray[np.float64]) -> Array:
    centered = values - values.mean()
    return f32(centered / max(centered.std(), 1e-9))


def _frequencies(size: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    cycles = np.fft.fftfreq(size) * size
    return np.meshgrid(cycles, cycles)


def _filtered(seed: int, size: int, amplitude: npt.NDArray[np.float64]) -> Array:
    white = np.random.default_rng(seed).standard_normal((size, size))
    return _normalized(np.real(np.fft.ifft2(np.fft.fft2(white) * amplitude)))


@lru_cache(maxsize=24)
def fractal(seed: int, slope: float = 1.8, low: float = 1.0, high: float = 400.0, size: int = TILE) -> Array:
    """Noise with amplitude 1 / frequency^slope between two frequencies in cycles a tile. Mean 0, deviation 1."""
    fx, fy = _frequencies(size)
    f = np.hypot(fx, fy)
    band = (f >= low) * np.exp(-((f / high) ** 2))
    return _filtered(seed, size, band / np.maximum(f, 1) ** slope)


@lru_cache(maxsize=24)
def ridged(seed: int, slope: float = 1.9, octaves: int = 7) -> Array:
    """Sharp crests: octaves of 1 - |noise|, each stronger where the one before is high. Mean 0, deviation 1."""
    total = np.zeros((TILE, TILE))
    weight = np.ones((TILE, TILE))
    for octave in range(octaves):
        f = 2.0**octave
        crest = 1 - np.abs(fractal(seed + 31 * octave, 0.5, 1.2 * f, 3.2 * f)) / 1.6
        crest = np.clip(crest, 0, 1) ** 2
        total += weight * crest / f ** (slope - 1)
        weight = np.clip(crest * 1.6, 0, 1) * 0.8 + 0.2
    return _normalized(total)


@lru_cache(maxsize=24)
def ripples(seed: int, frequency: float = 24, spread: float = 0.22, angle: float = 0.22) -> Array:
    """Wave trains along y (sand ripples, swell): a narrow band of frequencies around one direction."""
    fx, fy = _frequencies(TILE)
    f, direction = np.hypot(fx, fy), np.arctan2(fx, np.abs(fy) + 1e-9)
    amplitude = np.exp(-((np.log(np.maximum(f, 0.5) / frequency) / spread) ** 2) - (direction / angle) ** 2)
    return _filtered(seed, TILE, amplitude)


@lru_cache(maxsize=24)
def streaks(seed: int, along: float = 3.0, across: float = 160.0) -> Array:
    """Long fibers along y: wood grain, brushed plaster, bark."""
    fx, fy = _frequencies(TILE)
    amplitude = np.exp(-((fy / along) ** 2) - (fx / across) ** 2) / np.maximum(np.hypot(fx, fy), 1) ** 0.6
    return _filtered(seed, TILE, amplitude)


@lru_cache(maxsize=8)
def cells(seed: int, count: int, jitter: float = 0.6, offset: bool = True) -> tuple[Array, Array]:
    """A periodic tiling with `count` x `count` stones: (distance to the border in cells, a number for each stone)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32) / TILE * count
    rows, columns = np.mgrid[0:count, 0:count]
    cx = columns + 0.5 + (rows % 2) * 0.5 * offset + rng.uniform(-0.5, 0.5, (count, count)) * jitter
    cy = rows + 0.5 + rng.uniform(-0.5, 0.5, (count, count)) * jitter
    value = rng.uniform(0, 1, (count, count))
    first, second = np.full_like(x, 9), np.full_like(x, 9)
    owner = np.zeros_like(x)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            i, j = np.floor(y).astype(int) + dy, np.floor(x).astype(int) + dx
            wrap_i, wrap_j = i % count, j % count
            px = x - (cx[wrap_i, wrap_j] + (j - wrap_j))
            py = y - (cy[wrap_i, wrap_j] + (i - wrap_i))
            distance = f32((np.abs(px) ** 2.6 + np.abs(py) ** 2.6) ** (1 / 2.6))
            closer = distance < first
            second = np.where(closer, first, np.minimum(second, distance))
            owner = np.where(closer, value[wrap_i, wrap_j], owner)
            first = np.where(closer, distance, first)
    return f32(second - first), f32(owner)


def sample(tile: Array, u: Array, v: Array) -> Array:
    """The tile at (u, v), counted in periods, repeated for ever."""
    size = tile.shape[0]
    x, y = f32((u - np.floor(u)) * size), f32((v - np.floor(v)) * size)
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = np.ascontiguousarray(np.broadcast_to(x, shape)), np.ascontiguousarray(np.broadcast_to(y, shape))
    if x.ndim != 2:  # OpenCV takes pictures of less than 32,768 a side
        rows = -(-x.size // 4096)
        padded = np.zeros((2, rows * 4096), np.float32)
        padded[0, : x.size], padded[1, : y.size] = x.ravel(), y.ravel()
        x, y = padded.reshape(2, rows, 4096)
    flat = cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return f32(f32(flat).ravel()[: int(np.prod(shape))].reshape(shape))


Shape = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Layer:
    """A tile laid over the ground: its period and amplitude in metres, turned, stretched along z, scaled by `shape`.

    Slopes fade where a pixel is wider than `fine` metres, so that far detail does not alias.
    """

    tile: Array
    period: float
    amplitude: float
    turn: float = 0.3
    stretch: float = 1.0
    fine: float = 0.0
    shape: Shape | None = None

    def coordinates(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Ground metres as periods of the tile."""
        c, s = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        p = np.float32(1 / self.period)
        return f32((x * c - z * s) * p + 0.37), f32((x * s + z * c) * p / self.stretch + 0.11)

    def at(self, x: Array, z: Array) -> Array:
        """Height in metres."""
        height = sample(self.tile, *self.coordinates(x, z)) * np.float32(self.amplitude)
        return height if self.shape is None else f32(height * self.shape(x, z))


def height(layers: Sequence[Layer], x: Array, z: Array) -> Array:
    """The sum of the layers at ground points."""
    total = np.zeros(np.broadcast_shapes(x.shape, z.shape), np.float32)
    for layer in layers:
        total += layer.at(x, z)
    return total


def slopes(layers: Sequence[Layer], x: Array, z: Array, footprint: Array) -> tuple[Array, Array]:
    """(dh/dx, dh/dz) by finite differences over about a pixel, of `footprint` metres."""
    sx, sz = np.zeros_like(x), np.zeros_like(x)
    for layer in layers:
        step = np.maximum(footprint, np.float32(layer.period / layer.tile.shape[0]))
        fade = 1 / (1 + (footprint / layer.fine) ** 2) if layer.fine else np.float32(1)
        sx += (layer.at(x + step, z) - layer.at(x - step, z)) / (2 * step) * fade
        sz += (layer.at(x, z + step) - layer.at(x, z - step)) / (2 * step) * fade
    return sx, sz

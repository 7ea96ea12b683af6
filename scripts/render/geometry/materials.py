"""Named colours, finishes and surface patterns: from a material and surface points to albedo.

Colours are given as sRGB names and handled as linear RGB; knows nothing of shapes or light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (205, 38, 38),
    "orange": (238, 125, 28),
    "yellow": (246, 205, 40),
    "green": (52, 148, 66),
    "teal": (22, 142, 140),
    "light blue": (120, 188, 232),
    "blue": (36, 82, 190),
    "purple": (126, 62, 168),
    "pink": (240, 138, 172),
    "brown": (122, 74, 40),
    "beige": (218, 192, 150),
    "black": (30, 30, 33),
    "white": (242, 241, 238),
    "grey": (132, 134, 138),
    "golden": (214, 160, 84),
    "silver": (196, 199, 204),
}
COLOR_NAMES = tuple(name for name in PALETTE if name not in ("golden", "silver"))


def linear(rgb: tuple[float, float, float] | str) -> Array:
    """Linear RGB [3] of a palette name or an sRGB triple 0…255."""
    triple = PALETTE[rgb] if isinstance(rgb, str) else rgb
    return np.asarray((np.asarray(triple, dtype=np.float64) / 255.0) ** 2.2, dtype=np.float32)


@dataclass(frozen=True)
class Material:
    """Surface of a part. `pattern` uses color2; `finish` is matte, plush, fur, glossy, metal, wood or skin."""

    color: Array
    color2: Array | None = None
    pattern: str = "plain"
    scale: float = 1.0
    axis: int = 1
    finish: str = "matte"
    phase: float = 0.0
    cover: float = 0.5
    glow: float = 0.0


_CLOSE = (
    ("golden", "orange", "yellow", "beige", "brown"),
    ("silver", "grey", "white"),
    ("white", "beige"),
    ("blue", "light blue", "teal"),
    ("teal", "green"),
    ("red", "orange", "pink"),
    ("purple", "blue", "pink"),
    ("brown", "orange", "black"),
    ("light blue", "silver"),
)


def similar(color: str) -> tuple[str, ...]:
    """Palette names that a small or tinted picture could confuse with this one (itself included)."""
    return (color, *(name for group in _CLOSE if color in group for name in group))


# finish: (specular strength, shininess, reflectivity, rim light, grain)
FINISHES: dict[str, tuple[float, float, float, float, float]] = {
    "matte": (0.05, 12.0, 0.0, 0.0, 0.04),
    "plush": (0.0, 8.0, 0.0, 0.30, 0.22),
    "fur": (0.04, 14.0, 0.0, 0.16, 0.26),
    "glossy": (0.65, 90.0, 0.16, 0.0, 0.0),
    "metal": (0.9, 60.0, 0.55, 0.0, 0.03),
    "wood": (0.12, 24.0, 0.02, 0.0, 0.0),
    "skin": (0.10, 20.0, 0.0, 0.10, 0.03),
    "rubber": (0.28, 36.0, 0.05, 0.0, 0.0),
}


@lru_cache(maxsize=1)
def noise_tile() -> Array:
    """Periodic fractal noise [512, 512] in 0…1 (mean 0.5), always the same."""
    rng = np.random.default_rng(20240229)
    total = np.zeros((512, 512))
    f = np.fft.fftfreq(512) * 512
    radius = np.sqrt(f[:, None] ** 2 + f[None, :] ** 2)
    for low, high, weight in ((6, 14, 1.0), (14, 40, 0.7), (40, 110, 0.5), (110, 256, 0.35)):
        spectrum = np.fft.fft2(rng.standard_normal((512, 512))) * ((radius >= low) & (radius < high))
        field = np.real(np.fft.ifft2(spectrum))
        total += weight * field / field.std()
    total = 0.5 + 0.17 * total / total.std()
    return np.clip(total, 0, 1).astype(np.float32)


def noise(u: Array, v: Array) -> Array:
    """Fractal noise 0…1 at the points; the pattern repeats every 1.0 and has about ten blobs a period."""
    tile = noise_tile()
    x, y = u * np.float32(512), v * np.float32(512)
    xf, yf = np.floor(x), np.floor(y)
    fx, fy = x - xf, y - yf
    xi, yi = xf.astype(np.int32), yf.astype(np.int32)
    x0, y0 = xi & 511, yi & 511
    x1, y1 = (xi + 1) & 511, (yi + 1) & 511
    a = tile[y0, x0]
    a = a + (tile[y0, x1] - a) * fx
    b = tile[y1, x0]
    b = b + (tile[y1, x1] - b) * fx
    return np.asarray(a + (b - a) * fy, dtype=np.float32)


def blobs(p: Array, phase: float) -> Array:
    """Smooth pseudo-random field of points [3, n], about -1…1, with features about one unit wide."""
    x, y, z = p
    f = np.float32(phase)
    total = (
        np.sin(x * 2.9 + y * 1.3 + f)
        + np.sin(y * 3.1 - z * 1.7 + f * 2.1)
        + np.sin(z * 2.7 + x * 1.9 + f * 3.3)
    )
    total += np.float32(0.5) * np.sin(x * 5.3 - z * 3.1 + f * 1.7) + np.float32(0.5) * np.sin(
        y * 5.9 + x * 2.3 - f
    )
    return np.asarray(total * np.float32(0.28), dtype=np.float32)


def step(x: Array, width: float) -> Array:
    """0…1 ramp over ±width around zero."""
    return np.asarray(np.clip(x * np.float32(0.5 / width) + np.float32(0.5), 0, 1), dtype=np.float32)


def albedo(material: Material, p: Array, soft: float) -> Array:
    """Linear albedo [3, n] of object-space points; `soft` is the width of a pixel in object units."""
    n = p.shape[1]
    base = np.repeat(material.color[:, None], n, axis=1)
    if material.color2 is not None and material.pattern != "plain":
        mix = pattern_mix(material, p, soft)
        base += (material.color2[:, None] - base) * mix
    if material.finish == "wood":
        base *= wood_grain(p, material.phase)
    grain = FINISHES[material.finish][4]
    if grain:
        grain *= min(1.0, max(0.3, 0.010 / max(soft, 1e-4)))  # finer than a pixel, hair averages out
        if material.finish in ("fur", "plush"):
            u, v = (
                p[0] * np.float32(0.9) + p[2] * np.float32(0.7),
                p[1] * np.float32(0.42) + p[2] * np.float32(0.2),
            )
        else:
            u, v = p[0] + p[2] * np.float32(0.6), p[1] + p[2] * np.float32(0.3)
        base *= 1 + np.float32(grain * 2.2) * (noise(u * 1.3, v * 1.3) - np.float32(0.5))
    return base


def wood_grain(p: Array, phase: float) -> Array:
    """Brightness factor [n] of wood grain along y."""
    x, y, z = p
    wobble = noise(x * np.float32(0.12) + np.float32(phase), y * np.float32(0.05)) * np.float32(9)
    rings = np.sin((x * 16 + z * 11 + y * np.float32(1.5)) + wobble)
    return np.asarray(np.float32(0.86) + np.float32(0.16) * rings, dtype=np.float32)


def pattern_mix(material: Material, p: Array, soft: float) -> Array:
    """Share of color2 [n] at the points."""
    kind, s = material.pattern, np.float32(material.scale)
    width = max(soft * material.scale, 1e-3)
    x, y, z = p
    if kind == "stripes":
        t = p[material.axis] * s + np.float32(material.phase)
        return step(np.float32(material.cover / 2) - np.abs(t - np.round(t)), width)
    if kind == "rays":  # vertical stripes around the y axis
        turns = np.arctan2(x, z) * (s / np.float32(2 * np.pi)) + np.float32(material.phase)
        radius = np.sqrt(x * x + z * z) + np.float32(0.05)
        w = width / (2 * np.pi) / radius
        return np.asarray(
            np.clip((np.float32(material.cover / 2) - np.abs(turns - np.round(turns))) / (2 * w) + 0.5, 0, 1),
            np.float32,
        )
    if kind == "checks":
        angle = np.arctan2(x, z) * np.float32(0.32)
        u = angle * s if material.axis == 1 else x * s
        a, b = (
            np.sin(u * np.float32(2 * np.pi)),
            np.sin(y * s * np.float32(2 * np.pi) + np.float32(material.phase)),
        )
        return step(a * b, width * 4)
    if kind == "dots":
        if material.axis == 1:
            u, v = np.arctan2(x, z) * np.float32(0.32) * s, y * s
        elif material.axis == 2:
            u, v = x * s, y * s
        else:
            u, v = x * s, z * s
        row = np.round(v)
        u = u + np.float32(0.5) * (row % 2) + np.float32(material.phase)
        du, dv = u - np.round(u), v - row
        return step(np.float32(material.cover * 0.62) - np.sqrt(du * du + dv * dv), width)
    if kind == "patches":
        return step(blobs(p * s, material.phase) - np.float32(0.6 - 1.1 * material.cover), width * 0.9 + 0.03)
    if kind == "spots":
        field = blobs(p * (s * np.float32(3.2)), material.phase)
        return step(field - np.float32(0.75 - 0.9 * material.cover), width * 2 + 0.05)
    if kind == "tabby":
        wobble = blobs(p * np.float32(2.2), material.phase) * np.float32(0.35)
        t = p[material.axis] * s + wobble * s * np.float32(0.25)
        return step(np.sin(t * np.float32(2 * np.pi)) - np.float32(0.9 - material.cover), width * 3 + 0.15)
    if kind == "split":  # upper colour, lower colour2
        return step(np.float32(material.phase) - p[material.axis], soft + 0.01)
    if kind == "fade":
        return np.asarray(
            np.clip((np.float32(material.phase) - p[material.axis]) * s + 0.5, 0, 1), np.float32
        )
    raise ValueError(f"unknown pattern {kind!r}")

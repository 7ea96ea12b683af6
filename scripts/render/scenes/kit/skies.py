"""The sky as light from every direction: gradient, sun, glow and clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scripts.render.scenes.kit.noise import Array, f32, fractal, mix, sample, smooth

Color = tuple[float, float, float]


def direction(azimuth_deg: float, altitude_deg: float) -> Array:
    """Unit vector towards the sun; azimuth 0 is straight ahead, 90 to the right."""
    a, h = np.radians(azimuth_deg), np.radians(altitude_deg)
    return f32([np.sin(a) * np.cos(h), np.sin(h), np.cos(a) * np.cos(h)])


@dataclass(frozen=True)
class Sky:
    """Linear RGB radiance. `cover` 0..1 is how much cloud there is, `puffy` how sharp its edges are."""

    zenith: Color
    horizon: Color
    sun: tuple[float, float]
    sun_color: Color
    glow: Color = (0.5, 0.4, 0.3)
    glow_width: float = 0.35
    disc: float = 0.0
    cover: float = 0.4
    puffy: float = 0.5
    cloud_light: Color = (1.0, 0.98, 0.95)
    cloud_dark: Color = (0.55, 0.6, 0.68)
    cloud_scale: float = 5.0
    seed: int = 1

    def sun_direction(self) -> Array:
        """Unit vector towards the sun."""
        return direction(*self.sun)

    def _clouds(self, d: Array, up: Array) -> tuple[Array, Array]:
        """(opacity, brightness) of clouds on a plane far above."""
        lift = np.maximum(up, 0) + np.float32(0.09)
        u, v = d[..., 0] / lift / self.cloud_scale, d[..., 2] / lift / self.cloud_scale
        bank, detail = fractal(self.seed, 1.75, 2, 300), fractal(self.seed + 5, 1.2, 12, 400)
        toward = self.sun_direction()
        density = sample(bank, u, v) + np.float32(0.22) * sample(detail, u * 1.7, v * 1.7)
        lit = sample(bank, u + toward[0] * 0.012, v + toward[2] * 0.012 + 0.006)
        edge = 1.3 - 2.4 * self.cover
        width = 1.5 * (1 - self.puffy) + 0.35
        opacity = smooth(edge, edge + width, density)
        bright = np.clip(0.62 + 0.5 * (density - lit) - 0.16 * (density - edge), 0, 1)
        return f32(opacity * smooth(-0.01, 0.05, up)), f32(bright)

    def radiance(self, d: Array, clouds: bool = True, disc: bool = True) -> Array:
        """Light from the directions d [..., 3]."""
        up = d[..., 1]
        fall = np.exp(-np.maximum(up, 0) / np.float32(0.22))
        color = mix(f32(self.zenith), f32(self.horizon), f32(fall))
        toward = self.sun_direction()
        angle = np.arccos(np.clip(d @ toward, -1, 1))
        near = np.exp(-angle / np.float32(self.glow_width))
        if clouds and self.cover > 0:
            opacity, bright = self._clouds(d, up)
            shade = mix(f32(self.cloud_dark), f32(self.cloud_light), bright)
            shade = (
                shade * (1 + 0.7 * near[..., None] * f32(self.glow))
                + near[..., None] ** 2 * f32(self.glow) * 0.6
            )
            haze = np.exp(-np.maximum(up, 0) / np.float32(0.06)) * 0.75
            color = mix(color, mix(f32(shade), color, f32(haze)), opacity)
        color = color + f32(self.glow) * near[..., None]
        if disc and self.disc:
            spot = smooth(0.022, 0.015, f32(angle)) * np.float32(self.disc)
            color = color + spot[..., None] * f32(self.sun_color)
        return f32(color)

    def ambient(self) -> Array:
        """Mean light from above."""
        return f32(
            0.6 * f32(self.zenith) + 0.4 * f32(self.horizon) + 0.25 * self.cover * f32(self.cloud_light)
        )


DAY = Sky(
    (0.085, 0.21, 0.56), (0.50, 0.66, 0.86), (-72, 42), (1.9, 1.75, 1.5), glow=(0.25, 0.24, 0.2), cover=0.42
)
SUNSET = Sky(
    (0.10, 0.15, 0.34),
    (0.62, 0.34, 0.20),
    (14, 5),
    (1.9, 0.85, 0.32),
    glow=(1.5, 0.55, 0.12),
    glow_width=0.24,
    disc=18.0,
    cover=0.45,
    cloud_light=(0.95, 0.5, 0.32),
    cloud_dark=(0.25, 0.2, 0.28),
    seed=3,
)
OVERCAST = Sky(
    (0.50, 0.55, 0.62),
    (0.74, 0.77, 0.80),
    (-30, 50),
    (0.25, 0.25, 0.25),
    glow=(0.1, 0.1, 0.1),
    cover=0.8,
    puffy=0.1,
    cloud_light=(0.86, 0.88, 0.9),
    cloud_dark=(0.42, 0.46, 0.52),
    seed=7,
)
DUSK = Sky(
    (0.020, 0.035, 0.09),
    (0.13, 0.12, 0.17),
    (30, -3),
    (0.05, 0.06, 0.1),
    glow=(0.14, 0.07, 0.04),
    cover=0.35,
    cloud_light=(0.06, 0.06, 0.09),
    cloud_dark=(0.02, 0.025, 0.05),
    seed=9,
)
NIGHT = Sky(
    (0.012, 0.02, 0.06),
    (0.05, 0.05, 0.085),
    (30, 40),
    (0.02, 0.025, 0.04),
    glow=(0.03, 0.02, 0.02),
    cover=0.35,
    cloud_light=(0.03, 0.03, 0.05),
    cloud_dark=(0.012, 0.015, 0.03),
    seed=9,
)
SPACE = Sky((0, 0, 0), (0, 0, 0), (-68, 20), (2.6, 2.55, 2.45), cover=0)
ALPENGLOW = Sky(
    (0.14, 0.18, 0.38),
    (0.62, 0.42, 0.42),
    (-62, 9),
    (1.5, 0.85, 0.55),
    glow=(0.5, 0.25, 0.15),
    cover=0.42,
    cloud_light=(0.95, 0.58, 0.50),
    cloud_dark=(0.28, 0.25, 0.36),
    seed=4,
)


def sunlit(
    normals: Array,
    sun: Array,
    sun_color: Array,
    ambient: Array,
    shadow: Array | float = 1.0,
    bounce: float = 0.25,
) -> Array:
    """Irradiance of surfaces under the sun and the sky, with a little light back from the ground."""
    direct = np.clip(normals @ sun, 0, None) * f32(shadow)
    above = 0.5 + 0.5 * normals[..., 1]
    return f32(direct[..., None] * sun_color + (above + bounce * (1 - above))[..., None] * ambient)


def hazy(color: Array, depth: Array, haze: Array, distance: float) -> Array:
    """Atmospheric perspective: colors fade into the haze over `distance` metres."""
    return mix(color, haze, f32(1 - np.exp(-depth / np.float32(distance))))

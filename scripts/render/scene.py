"""What a picture is made of: solids in a place, a light, a camera, and how much effort to spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.render.geometry.materials import Material
from scripts.render.geometry.painting import Place
from scripts.render.geometry.sdf import Solid, rotation

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """A key light from a direction, with ambient light from above. Colours are linear RGB strengths."""

    name: str
    direction: tuple[float, float, float]
    color: tuple[float, float, float]
    ambient: tuple[float, float, float]
    softness: float = 10.0
    falloff: float = 0.0


@dataclass(frozen=True)
class Camera:
    """Pinhole camera; `fov_deg` spans the longer side of the picture."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float = 36.0
    roll_deg: float = 0.0


@dataclass(frozen=True)
class Item:
    """A solid standing at (x, z), lifted by y, turned by yaw and then tipped, scaled."""

    solid: Solid
    materials: Sequence[Material]
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_deg: float = 0.0
    scale: float = 1.0
    tip: tuple[float, float] = (0.0, 0.0)

    def turn(self) -> Array:
        """Rotation [3, 3] from the solid's space to the world."""
        return rotation(0, self.yaw_deg, 0) @ rotation(self.tip[0], 0, self.tip[1])


@dataclass(frozen=True)
class Quality:
    """Effort: march and shadow steps, ambient-occlusion samples, supersampling factor."""

    steps: int = 26
    shadow_steps: int = 9
    occlusion: int = 2
    supersample: int = 1
    focus_blur: float = 1.0
    noise: float = 0.012


FAST = Quality()
FINE = Quality(steps=90, shadow_steps=28, occlusion=4, supersample=2, focus_blur=1.0, noise=0.008)


@dataclass(frozen=True)
class Scene:
    """Everything that is needed for a picture; `seed` drives sensor noise only, `blur` scales that of the distance."""

    items: Sequence[Item]
    place: Place
    light: Light
    camera: Camera
    seed: int = 0
    exposure: float = 1.0
    blur: float = 1.0

"""One scene: how it is drawn and developed, and what a montage must know about it.

A scene's camera is level, so the picture's whole height spans eye / (y - horizon) metres for a thing that stands at
y (`Camera`); `eye` is the height above that surface on which things stand (ground, table, seat).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.noise import Array, f32
from scripts.render.scenes.kit.optics import blur_at, develop, film
from scripts.render.scenes.kit.skies import Color, Sky
from scripts.render.scenes.words import light_words_for, words_for

SIZE = 768
SUPERSAMPLE = 1.5
CREDITS = "rendered by scripts/render/scenes"
OPEN_GROUND = (0.12, 0.68, 0.88, 0.98)
Region = tuple[float, float, float, float]
Shadow = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """One picture. `lit` is the light on a subject where the sky does not say it; `sun` is then given too."""

    name: str
    place: str
    light: str
    draw: Callable[[int], Array]
    camera: Camera
    exposure: float
    sky: Sky | None = None
    lit: Color = (1.0, 1.0, 1.0)
    shadow: Shadow = (0.71, 0.7, 0.45, 0.6)
    surface: str = "ground"
    indoors: bool = False
    ground: Region = OPEN_GROUND
    focus: tuple[float, float] = (3.0, 5.0)
    white: Color | None = None
    saturation: float = 0.92
    grain: float = 0.008
    waist_up: bool = True
    key: str = ""

    @property
    def file(self) -> str:
        """The picture's file."""
        return f"{self.name}.webp"

    @property
    def balance(self) -> Color:
        """White balance: a camera takes a part of the evening's red away."""
        return self.white or ((0.84, 1.0, 1.18) if self.light == "sunset" else (1.0, 1.0, 1.0))

    def render(self, size: int = SIZE) -> npt.NDArray[np.uint8]:
        """The picture [size, size, 3]."""
        linear = self.draw(round(size * SUPERSAMPLE / 2) * 2)
        seed = sum(map(ord, self.name))
        return develop(
            linear, size, self.exposure, self.balance, grain=self.grain, saturation=self.saturation, seed=seed
        )

    def _subject_light(self) -> Array:
        """Linear light on the side of a subject that faces the camera."""
        if self.sky is None:
            return f32(self.lit) * f32(self.balance)
        front = 0.5 - 0.3 * max(0.0, float(self.sky.sun_direction()[2]))
        return f32((self.sky.ambient() * 0.6 + f32(self.sky.sun_color) * front) * f32(self.balance))

    def _shadow(self) -> Shadow:
        """(dx, dy, strength, softness): away from the sun, foreshortened by a third like the ground."""
        if self.sky is None or float(self.sky.sun_direction()[1]) < 0 or self.light in ("overcast", "night"):
            return self.shadow
        sun = self.sky.sun_direction()
        fall = np.array([-float(sun[0]), 0.35 * float(sun[2])])
        dx, dy = fall / np.linalg.norm(fall)
        return float(dx), float(dy), 0.62, 0.25

    def facts(self) -> dict[str, object]:
        """The scene's object in `scenes.json`."""
        light = self._subject_light()
        dx, dy, strength, softness = self._shadow()
        levels = np.linspace(self.ground[1], min(self.ground[3], 0.98), 5)
        level = film(f32([0.18 * self.exposure * float(light.mean())]))[0]
        return {
            "name": self.name,
            "file": self.file,
            "place": self.place,
            "words": words_for(self.key or self.place),
            "light": self.light,
            "light_words": light_words_for(self.light),
            "surface": self.surface,
            "indoors": self.indoors,
            "horizon": self.camera.horizon,
            "ground": list(self.ground),
            "metres_per_height_at": [
                [round(float(y), 3), round(self.camera.metres_per_height(float(y)), 3)] for y in levels
            ],
            "sun": [round(dx, 3), round(dy, 3)],
            "shadow_strength": strength,
            "shadow_softness": softness,
            "light_color": [round(float(c), 3) for c in light / light.mean()],
            "ambient_level": round(float(level), 3),
            "blur_far": round(
                blur_at(self.camera, (self.ground[1] + 2 * self.ground[3]) / 3, *self.focus), 2
            ),
            "waist_up": self.waist_up,
            "credits": CREDITS,
        }


GLOOM: Shadow = (0.0, 1.0, 0.30, 0.9)

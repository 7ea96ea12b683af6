"""The scenes that things are set into: those that ship, and any other picture. Knows pictures and words; no library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from personalizer.home import PACKAGE_DATA

SCENES_DIR = PACKAGE_DATA / "scenes"
SIDE_PX = 768
_TITLES = {
    "snow": "rendered snow", "moon": "a rendered moonscape", "wheat": "a rendered wheat field",
    "autumn": "rendered autumn leaves",
    "christmas": "a rendered Christmas room", "square": "a rendered square with a tower",
    "boat": "a rendered boat deck",
}  # fmt: skip
"""Of places whose word is no thing that one can be set into."""
Surface = Literal["ground", "table", "seat", "water"]
Light = Literal["day", "sunset", "night", "overcast", "lamp"]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A square picture with what a montage has to know of it. Lengths are shares of its side, from the top left."""

    image: Image.Image
    title: str
    """What the user is told, such as "a rendered beach" or a photo's name."""
    photo: Path | None = None
    """Of the user's, where it is one."""
    content_hash: str | None = None
    """Of that photo."""
    light: Light | None = None
    """None where nobody knows."""
    horizon: float = 0.45
    blur_px: float = 3.0
    """How blurred what is far behind the thing looks."""
    surface: Surface = "ground"
    ground: tuple[float, float, float, float] = (0.1, 0.66, 0.9, 0.97)
    """Left, top, right, bottom of where things may stand."""
    shadow_direction: tuple[float, float] = (0.4, 0.3)
    shadow_strength: float = 0.4
    shadow_softness: float = 0.7
    light_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient_level: float = 0.55
    """How bright something mid-gray looks there."""
    shows_what_was_asked: bool = True
    waist_up: bool = True
    """Whether somebody cut off at the waist looks right at the lower edge."""


@dataclass(frozen=True, slots=True)
class ShippedScene:
    """One entry of `scenes.json`; the picture is read when it is used."""

    name: str
    file: str
    place: str
    words: tuple[str, ...]
    light: Light
    entry: Any

    @property
    def allows_waist_up(self) -> bool:
        """Whether somebody cut off at the waist looks right at the lower edge."""
        return bool(self.entry["waist_up"])

    def open(self) -> Scene:
        """With its picture."""
        found = self.entry
        return Scene(
            image=square(Image.open(SCENES_DIR / self.file)),
            title=_TITLES.get(self.place, f"a rendered {self.place}"),
            surface=found["surface"],
            ground=tuple(found["ground"]),
            shadow_direction=tuple(found["sun"]),
            shadow_strength=found["shadow_strength"],
            shadow_softness=found["shadow_softness"],
            light_color=tuple(found["light_color"]),
            ambient_level=found["ambient_level"],
            waist_up=found["waist_up"],
            light=self.light,
            horizon=found["horizon"],
            blur_px=found["blur_far"],
        )


@cache
def shipped_scenes(folder: Path = SCENES_DIR) -> tuple[ShippedScene, ...]:
    """All that ship, in the order of their file."""
    entries = json.loads((folder / "scenes.json").read_text())
    return tuple(
        ShippedScene(
            entry["name"], entry["file"], entry["place"], tuple(entry["words"]), entry["light"], entry
        )
        for entry in entries
    )


def square(image: Image.Image) -> Image.Image:
    """The middle of a picture, `SIDE_PX` on both sides."""
    return ImageOps.fit(image.convert("RGB"), (SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


def photo_scene(
    image: Image.Image, title: str, photo: Path | None = None, content_hash: str | None = None
) -> Scene:
    """A photo as a scene: what it does not tell is guessed, its light from its own colors."""
    picture = square(image)
    pixels = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), dtype=np.float32) / 255
    # Gray world, halfway: a green lawn is no green light.
    color = pixels.mean(axis=(0, 1))
    light = 1 + 0.35 * (color / max(float(color.mean()), 1e-3) - 1)
    level = float(np.clip(pixels.mean(), 0.15, 0.75))
    color_of_light = (float(light[0]), float(light[1]), float(light[2]))
    return Scene(picture, title, photo, content_hash, light_color=color_of_light, ambient_level=level)

"""All classes of subjects, and subjects as a class with fixed seed parameters.

A Subject is one individual thing; the same Subject looks the same in every view.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits
from scripts.render.geometry.materials import Material
from scripts.render.geometry.sdf import Solid
from scripts.render.subjects import animals, household, pets, things, toys

Builder = Callable[[Draw, Pose, Kit], Traits]

CLASSES: dict[str, Builder] = {
    "mug": household.mug,
    "plush bear": toys.plush_bear,
    "rubber duck": toys.rubber_duck,
    "robot": toys.robot,
    "backpack": things.backpack,
    "sneaker": things.sneaker,
    "dog": pets.dog,
    "cat": pets.cat,
    "bird": animals.bird,
    "car": toys.car,
    "teapot": household.teapot,
    "lamp": household.lamp,
    "chair": household.chair,
    "ball": toys.ball,
    "book": things.book,
    "bottle": household.bottle,
    "apple": things.apple,
    "potted plant": household.flower_pot,
    "person": toys.person,
    "fish": animals.fish,
    "hat": things.hat,
    "clock": household.clock,
    "guitar": things.guitar,
    "can": household.can,
    "vase": household.vase,
    "candle": household.candle,
    "umbrella": things.umbrella,
    "banana": things.banana,
    "orange": things.orange,
    "rabbit": animals.rabbit,
    "horse": animals.horse,
    "boat": toys.boat,
    "snowman": toys.snowman,
    "mushroom": things.mushroom,
    "house": things.house,
}


@dataclass(frozen=True)
class Subject:
    """One individual: a class, a seed, and parameters fixed by hand (by their names in the class)."""

    label: str
    seed: int
    fixed: Mapping[str, object] = field(default_factory=dict)

    def build(self, pose: Pose | None = None) -> tuple[Solid, list[Material], Traits]:
        """Solid, its materials and what words say about it."""
        kit = Kit()
        draw = Draw([zlib.crc32(self.label.encode()), self.seed], self.fixed)
        traits = CLASSES[self.label](draw, pose or Pose(), kit)
        return kit.solid(), kit.materials, traits

    def traits(self) -> Traits:
        """What words say about it, without building the solid."""
        return CLASSES[self.label](
            Draw([zlib.crc32(self.label.encode()), self.seed], self.fixed), Pose(), Kit()
        )

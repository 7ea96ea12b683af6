"""The small language in which subject classes are written: drawing parameters, collecting materials and parts.

A class is a function (Draw, Pose, Kit) → Traits; it knows shapes, not how they are rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from scripts.render.geometry.materials import COLOR_NAMES, Material, linear, similar
from scripts.render.geometry.sdf import REST, Frame, Part, Solid, Vector, rotation


@dataclass(frozen=True)
class Pose:
    """How a subject holds itself in one view: degrees for the head and limbs, sit 0 or 1."""

    head_turn: float = 0.0
    head_tilt: float = 0.0
    limb: float = 0.0
    sit: bool = False


@dataclass(frozen=True)
class Traits:
    """What words say about a subject; `color2` and `extras` may be empty."""

    color: str
    color2: str = ""
    pattern: str = "plain"
    material: str = ""
    extras: tuple[str, ...] = ()


class Draw:
    """Named random parameters of a subject. Every parameter has its own stream, so that fixing one changes no other."""

    def __init__(self, entropy: Sequence[int], fixed: Mapping[str, object] | None = None) -> None:
        self._entropy = list(entropy)
        self._fixed = dict(fixed or {})

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([*self._entropy, *name.encode()])

    def number(self, name: str, low: float, high: float) -> float:
        """A number in low…high."""
        value = self._fixed.get(name, self._rng(name).uniform(low, high))
        return float(value)  # type: ignore[arg-type]

    def pick(self, name: str, options: Sequence[str]) -> str:
        """One of the options (repeat one to make it likelier)."""
        return str(self._fixed.get(name, options[int(self._rng(name).integers(len(options)))]))

    def chance(self, name: str, probability: float) -> bool:
        """True with the probability."""
        return bool(self._fixed.get(name, self._rng(name).random() < probability))

    def color(self, name: str, options: Sequence[str] = COLOR_NAMES, unlike: Sequence[str] = ()) -> str:
        """A palette colour name, not among `unlike`."""
        return self.pick(name, [c for c in options if c not in unlike])

    def tint(self, name: str, color: str) -> np.ndarray:
        """The colour as linear RGB, slightly varied so that two red things are not the same red."""
        rng = self._rng("tint " + name)
        rgb = linear(color) * np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.05, 3))
        return np.clip(rgb, 0.004, 0.92).astype(np.float32)


@dataclass
class Kit:
    """Collects the materials and parts of one solid."""

    materials: list[Material] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    frame: Frame = REST

    def material(self, color: str | np.ndarray, finish: str = "matte", **more: object) -> int:
        """Registers a material and returns its index."""
        rgb = linear(color) if isinstance(color, str) else color
        self.materials.append(Material(rgb, finish=finish, **more))  # type: ignore[arg-type]
        return len(self.materials) - 1

    def joint(self, at: Vector, x: float = 0, y: float = 0, z: float = 0) -> None:
        """Following parts turn around `at` by these degrees, until `rest`."""
        self.frame = Frame(at, rotation(x, y, z)) if (x or y or z) else Frame(at)

    def rest(self) -> None:
        """Following parts do not turn."""
        self.frame = REST

    def add(
        self,
        kind: str,
        params: tuple[object, ...],
        material: int = 0,
        at: Vector = (0, 0, 0),
        turn: Vector | None = None,
        blend: float = 0.0,
        mirror: bool = False,
        op: str = "add",
        flat_z: float = 1.0,
    ) -> None:
        """Adds a part; `turn` is (x, y, z) degrees. With `mirror`, give the part for x > 0."""
        matrix = rotation(*turn) if turn is not None else None
        self.parts.append(Part(kind, params, material, at, matrix, blend, mirror, op, flat_z, self.frame))

    def ball(self, r: float | Vector, material: int, at: Vector, **more: object) -> None:
        """An ellipsoid."""
        radii = (r, r, r) if isinstance(r, int | float) else r
        self.add("ellipsoid", radii, material, at, **more)  # type: ignore[arg-type]

    def limb(self, a: Vector, b: Vector, ra: float, rb: float, material: int, **more: object) -> None:
        """A tapering capsule."""
        self.add("capsule", (a, b, ra, rb), material, **more)  # type: ignore[arg-type]

    def paint(
        self, kind: str, params: tuple[object, ...], material: int, at: Vector = (0, 0, 0), **more: object
    ) -> None:
        """Colours the coat inside a primitive."""
        self.add(kind, params, material, at, op="paint", **more)  # type: ignore[arg-type]

    def solid(self) -> Solid:
        """The finished solid."""
        return Solid(self.parts)


def surface(
    draw: Draw, kit: Kit, color: str, finish: str, patterns: Sequence[str], **more: object
) -> tuple[int, str, str]:
    """The main material of an object with a drawn pattern: (index, pattern word, second colour or "")."""
    pattern = draw.pick("pattern", patterns)
    color2 = "" if pattern == "plain" else draw.color("color2", unlike=similar(color))
    settings: dict[str, object] = {"phase": draw.number("pattern phase", 0, 1)}
    if pattern == "stripes":
        settings |= {
            "scale": draw.number("stripe scale", 4.5, 8.5),
            "cover": draw.number("stripe cover", 0.35, 0.6),
        }
    elif pattern == "dots":
        settings |= {
            "scale": draw.number("dot scale", 5.0, 8.0),
            "cover": draw.number("dot cover", 0.42, 0.6),
        }
    elif pattern == "checks":
        settings |= {"scale": draw.number("check scale", 2.6, 4.2)}
    elif pattern == "patches":
        settings |= {
            "scale": draw.number("patch scale", 1.8, 2.8),
            "cover": draw.number("patch cover", 0.4, 0.55),
        }
    settings |= more
    second = draw.tint("color2", color2) if color2 else None
    index = kit.material(draw.tint("color", color), finish, color2=second, pattern=pattern, **settings)
    return index, pattern, color2

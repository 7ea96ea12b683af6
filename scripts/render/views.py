"""Draws views: a subject in a place, under a light, seen by a camera, perhaps with company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scripts.render import captions
from scripts.render.catalogue import CLASSES, Subject
from scripts.render.geometry.kit import Pose, Traits
from scripts.render.geometry.sdf import Solid
from scripts.render.places.places import PLACES
from scripts.render.scene import Camera, Item, Light, Scene

Random = np.random.Generator
OUTDOOR = ("beach", "grass", "snow", "street", "forest")


@dataclass(frozen=True)
class View:
    """A scene with the words that describe it."""

    scene: Scene
    traits: Traits
    caption: str
    place: str
    light: str
    view: str
    count: int
    questions: list[list[str]]


def make_light(name: str, side: float, height: float, front: float) -> Light:
    """A light preset from the left (side < 0) or right, `height` 0…1 high, from the front (> 0) or behind."""
    direction = np.array([side, {"evening": 0.22 + 0.25 * height}.get(name, 0.5 + 0.6 * height), front])
    direction = direction / np.linalg.norm(direction)
    toward = (float(direction[0]), float(direction[1]), float(direction[2]))
    if name == "daylight":
        return Light(name, toward, (1.02, 0.97, 0.88), (0.40, 0.45, 0.52), 14.0)
    if name == "cloudy":
        return Light(name, toward, (0.34, 0.35, 0.37), (0.66, 0.69, 0.74), 3.5)
    if name == "evening":
        return Light(name, toward, (1.20, 0.66, 0.30), (0.30, 0.27, 0.34), 14.0)
    return Light(name, toward, (1.18, 0.82, 0.46), (0.27, 0.22, 0.17), 7.0, falloff=0.22)


def draw_light(rng: Random, indoor: bool) -> Light:
    """A random light that suits the place."""
    names, chances = (
        (("daylight", "lamp", "evening"), (0.55, 0.30, 0.15))
        if indoor
        else (("daylight", "cloudy", "evening"), (0.55, 0.2, 0.25))
    )
    name = str(rng.choice(names, p=chances))
    side = float(rng.choice([-1, 1]) * rng.uniform(0.25, 0.9))
    front = float(rng.uniform(0.15, 0.9)) if rng.random() < 0.85 else float(rng.uniform(-0.5, 0.0))
    return make_light(name, side, float(rng.random()), front)


def draw_pose(rng: Random, label: str) -> Pose:
    """A random pose."""
    turn = float(np.clip(rng.normal(0, 16), -40, 40))
    return Pose(
        turn,
        float(rng.normal(0, 6)),
        float(rng.uniform(-15, 15)),
        label in ("dog", "cat") and bool(rng.random() < 0.45),
    )


def draw_yaw(rng: Random) -> float:
    """Degrees; fronts and three-quarter views are likelier than backs."""
    kind = rng.random()
    if kind < 0.30:
        return float(rng.uniform(-28, 28))
    if kind < 0.92:
        return float(rng.choice([-1, 1]) * rng.uniform(25, 110))
    return float(rng.uniform(120, 240))


def view_word(yaw: float, elevation: float, fill: float) -> str:
    """Front, side, three-quarter or back; "from above" and "close-up" where that stands out."""
    if elevation > 34:
        return "from above"
    if fill > 0.97:
        return "close-up"
    turned = abs((yaw + 180) % 360 - 180)
    return "front" if turned < 28 else "three-quarter" if turned < 62 else "side" if turned < 118 else "back"


def frame(
    solid: Solid,
    scale: float,
    elevation: float,
    azimuth: float,
    fov: float,
    fill: float,
    offset: tuple[float, float],
    center_x: float = 0.0,
    extra: float = 0.0,
    roll: float = 0.0,
) -> Camera:
    """A camera that shows the solid at `fill` of the picture's longer side, from `elevation` degrees."""
    low, high = solid.low * scale, solid.high * scale
    middle = float(max(0.0, low[1]) + high[1]) / 2
    size = float(np.linalg.norm((high - low) * np.array([0.72, 1.0, 0.72]))) / 2 * 0.84 + extra
    distance = size / np.tan(np.radians(fov / 2)) / fill
    e, a = np.radians(elevation), np.radians(azimuth)
    target = (center_x - offset[0] * size, middle - offset[1] * size, 0.0)
    eye = (
        target[0] + distance * np.cos(e) * np.sin(a),
        target[1] + distance * np.sin(e),
        distance * np.cos(e) * np.cos(a),
    )
    eye = (eye[0], max(eye[1], 0.16), eye[2])
    return Camera(
        (float(eye[0]), float(eye[1]), float(eye[2])), (float(target[0]), float(target[1]), 0.0), fov, roll
    )


def draw_view(rng: Random, subject: Subject, place_name: str, company: bool = True) -> View:
    """A random view of the subject in the place (a key of PLACES); a sixth with two or three things."""
    place = PLACES[place_name](rng)
    light = draw_light(rng, place.indoor)
    pose, yaw, scale = draw_pose(rng, subject.label), draw_yaw(rng), float(rng.uniform(0.82, 1.15))
    solid, materials, traits = subject.build(pose)
    elevation, fov = float(rng.uniform(7, 40)), float(rng.uniform(26, 40))
    fill = float(rng.uniform(0.62, 1.02))
    half = float(max(abs(solid.low[0]), solid.high[0], abs(solid.low[2]) * 0.8, solid.high[2] * 0.8)) * scale
    items = [Item(solid, materials, yaw_deg=yaw, scale=scale)]
    count, other, relation, center, extra = 1, "", "", 0.0, 0.0
    present = [subject.label]
    draw = rng.random() if company else 1.0
    if draw < 0.09:  # the same thing twice or thrice
        count = 2 if rng.random() < 0.65 else 3
        for i in range(1, count):
            x = 2 * half * 1.02 * (i if i == 1 else -1)
            items.append(
                Item(
                    solid,
                    materials,
                    (x, 0, float(rng.uniform(-0.2, 0.2))),
                    yaw + float(rng.normal(0, 25)),
                    scale,
                )
            )
        center, extra = (half if count == 2 else 0.0), half * (0.75 if count == 2 else 1.5)
    elif draw < 0.18:  # something else beside it or before it
        label = str(rng.choice([name for name in CLASSES if name != subject.label]))
        companion = Subject(label, int(rng.integers(800_000, 900_000)))
        other_solid, other_materials, other_traits = companion.build(draw_pose(rng, label))
        behind = rng.random() < 0.45
        size = float(rng.uniform(0.45, 0.6)) if behind else float(rng.uniform(0.7, 1.0))
        reach = float(max(abs(other_solid.low[0]), other_solid.high[0])) * size
        side = float(rng.choice([-1, 1]))
        at = (
            (side * half * 0.62, 0.0, half * 0.7 + reach + 0.1)
            if behind
            else (side * (half + reach) * 0.98, 0.0, 0.0)
        )
        items.append(Item(other_solid, other_materials, at, float(rng.uniform(-40, 40)), size))
        count, relation, other = (
            2,
            "behind" if behind else "next to",
            captions.noun_phrase(label, other_traits),
        )
        center, extra = (0.0, 0.1) if behind else (side * reach, reach * 0.7)
        present.append(label)
    offset = (float(rng.uniform(-0.16, 0.16)), float(rng.uniform(-0.14, 0.10)))
    camera = frame(
        solid,
        scale,
        elevation,
        float(rng.uniform(-10, 10)),
        fov,
        fill,
        offset,
        center,
        extra,
        float(rng.normal(0, 1.5)),
    )
    scene = Scene(items, place, light, camera, int(rng.integers(2**31)), float(np.exp(rng.normal(0, 0.08))))
    text = captions.caption(
        captions.noun_phrase(subject.label, traits, count if not other else 1),
        place.phrase,
        light.name,
        other,
        relation,
    )
    asked = captions.questions(
        rng, subject.label, traits, place_name, place.phrase, light.name, place.indoor, count, present
    )
    return View(scene, traits, text, place.name, light.name, view_word(yaw, elevation, fill), count, asked)


def suitable_places(label: str) -> tuple[str, ...]:
    """Painted places where such a thing is seen."""
    if label == "snowman":
        return ("snow", "snow", "grass", "street", "forest", "table")
    return tuple(name for name in PLACES if name not in ("studio", "photo"))

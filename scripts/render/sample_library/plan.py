"""The sample library's photos as scenes with words and camera data, ordered by the moment they were taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from scripts.render import captions
from scripts.render.catalogue import Subject
from scripts.render.geometry.kit import Pose
from scripts.render.places.places import PLACES
from scripts.render.sample_library.subjects import (
    GPS,
    MONTHS,
    OTHERS,
    OTHERS_HELD_OUT,
    PLACES_OF,
    SHIPPED,
    SHOTS,
    SMALL,
)
from scripts.render.scene import Camera, Item, Scene
from scripts.render.views import OUTDOOR, frame, make_light, view_word


@dataclass(frozen=True)
class Photo:
    """One photo of the library: its scene, what it shows, and its camera data."""

    number: int
    scene: Scene
    width: int
    height: int
    subject: str | None
    label: str | None
    caption: str
    place: str
    view: str
    light: str
    split: str
    taken_at: datetime
    orientation: int
    gps: tuple[float, float] | None

    @property
    def file(self) -> str:
        """Path inside the sample library."""
        return f"{self.split}/IMG_{self.number:04d}.jpg"


@dataclass(frozen=True)
class _Draft:
    scene: Scene
    subject: str | None
    label: str | None
    caption: str
    place: str
    view: str
    light: str
    split: str
    portrait: bool


def _light_name(kind: str, outdoor: bool) -> str:
    if kind == "warm":
        return "evening" if outdoor else "lamp"
    return "cloudy" if kind == "soft" and outdoor else "daylight"


def _shot(name: str | None, subject: Subject, place_name: str, shot: int, seed: int, split: str) -> _Draft:
    """A view of a subject after the numbered shot list."""
    rng = np.random.default_rng([20240501, seed, shot])
    kind, yaw, elevation, fill, offset, relation = SHOTS[shot]
    place = PLACES[place_name](rng)
    light_name = _light_name(kind, place_name in OUTDOOR)
    side = float(rng.choice([-1, 1]))
    light = make_light(
        light_name,
        side * float(rng.uniform(0.35, 0.75)),
        float(rng.uniform(0.3, 0.9)),
        float(rng.uniform(0.35, 0.8)),
    )
    flip = -1.0 if seed % 2 else 1.0
    yaw = flip * yaw + float(rng.normal(0, 6))
    sits = subject.label in ("dog", "cat") and shot in (0, 2, 6)
    pose = Pose(
        flip * float(rng.uniform(0, 22)) * (-1 if yaw > 0 else 1),
        float(rng.normal(0, 4)),
        float(rng.uniform(-12, 12)),
        sits,
    )
    solid, materials, traits = subject.build(pose)
    items = [Item(solid, materials, yaw_deg=yaw)]
    half = float(max(abs(solid.low[0]), solid.high[0], solid.high[2] * 0.8))
    other, center, extra = "", 0.0, 0.0
    if relation:
        small = SMALL[place_name not in OUTDOOR]
        companion = Subject(small[int(rng.integers(len(small)))], 920_000 + seed * 10 + shot)
        other_solid, other_materials, other_traits = companion.build()
        scale = float(rng.uniform(0.50, 0.60)) if relation == "behind" else float(rng.uniform(0.6, 0.72))
        reach = float(max(abs(other_solid.low[0]), other_solid.high[0])) * scale
        at = (
            (side * half * 0.3, 0.0, half * 0.8 + reach)
            if relation == "behind"
            else (side * (half + reach * 1.2), 0.0, 0.15)
        )
        items.append(Item(other_solid, other_materials, at, float(rng.uniform(-30, 30)), scale))
        other = captions.noun_phrase(companion.label, other_traits)
        center, extra = (0.0, 0.0) if relation == "behind" else (side * reach, reach * 0.45)
    portrait = bool(rng.random() < (0.2 if relation == "next to" else 0.35))
    camera = frame(
        solid,
        1.0,
        elevation,
        float(rng.uniform(-8, 8)),
        float(rng.uniform(30, 38)),
        fill * 0.80,
        offset,
        center,
        extra,
        float(rng.normal(0, 1.0)),
    )
    scene = Scene(items, place, light, camera, int(rng.integers(2**31)))
    words = captions.caption(
        captions.noun_phrase(subject.label, traits), place.phrase, light_name, other, relation
    )
    return _Draft(
        scene,
        name,
        subject.label,
        words,
        place.name,
        view_word(yaw, elevation, fill),
        light_name,
        split,
        portrait,
    )


def _empty(place_name: str, seed: int, split: str) -> _Draft:
    """A place without anything in it."""
    rng = np.random.default_rng([20240502, seed])
    place = PLACES[place_name](rng)
    name = _light_name(("day", "warm")[seed % 2], place_name in OUTDOOR)
    light = make_light(name, 0.5, 0.6, 0.5)
    camera = Camera((0.2, 1.1, 3.6), (0.0, 0.42, -1.5), 48.0)
    words = {
        "beach": "an empty beach",
        "forest": "a forest without anybody",
        "kitchen": "an empty kitchen",
        "street": "an empty street",
    }[place_name]
    text = " ".join(w for w in (words, captions.LIGHT_PHRASES[name]) if w)
    return _Draft(
        Scene([], place, light, camera, seed, blur=0.4),
        None,
        None,
        text,
        place.name,
        "wide",
        name,
        split,
        False,
    )


def _drafts() -> list[_Draft]:
    result = []
    for i, (name, subject) in enumerate(SHIPPED.items()):
        for shot, place in enumerate(PLACES_OF[name]):
            result.append(_shot(name, subject, place, shot, i, "held_out" if shot >= 6 else "library"))
    for i, (other, place) in enumerate(OTHERS):
        split = "held_out" if i in OTHERS_HELD_OUT else "library"
        result.append(
            _shot(None, other, place, (0, 1, 6, 2)[i % 4], 100 + i, split)
            if other
            else _empty(place, 100 + i, split)
        )
    return result


def _moment(rng: np.random.Generator, place: str, light: str) -> datetime:
    """A plausible moment for a photo in this place and light, 2017 to 2024."""
    low, high = MONTHS.get(place, (1, 12))
    hour = {"evening": 19, "lamp": 21}.get(light, int(rng.integers(9, 17)))
    start = datetime(
        int(rng.integers(2017, 2025)), int(rng.integers(low, high + 1)), int(rng.integers(1, 28)), hour
    )
    return start + timedelta(minutes=int(rng.integers(0, 60)), seconds=int(rng.integers(0, 60)))


@cache
def photos() -> tuple[Photo, ...]:
    """All photos of the library, ordered and numbered by the moment they were taken."""
    rng = np.random.default_rng(20240503)
    dated = []
    for draft in _drafts():
        taken = _moment(rng, draft.place, draft.light)
        turned = int(rng.choice([1, 6, 8, 3, 2], p=[0.72, 0.12, 0.08, 0.06, 0.02]))
        spot = GPS.get(draft.place) if rng.random() < 0.45 else None
        gps = (spot[0] + float(rng.normal(0, 0.003)), spot[1] + float(rng.normal(0, 0.003))) if spot else None
        dated.append((taken, draft, turned, gps))
    dated.sort(key=lambda entry: entry[0])
    result, number = [], 17
    for taken, d, turned, gps in dated:
        number += int(rng.integers(1, 40))
        width, height = (360, 480) if d.portrait else (480, 360)
        result.append(
            Photo(
                number,
                d.scene,
                width,
                height,
                d.subject,
                d.label,
                d.caption,
                d.place,
                d.view,
                d.light,
                d.split,
                taken,
                turned,
                gps,
            )
        )
    return tuple(result)

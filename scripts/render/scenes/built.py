"""The scenes that people built: streets, a castle, a roof, rooms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.noise import Array
from scripts.render.scenes.kit.skies import DAY, DUSK, NIGHT, OVERCAST
from scripts.render.scenes.places import indoors, streets
from scripts.render.scenes.places.streets import Street
from scripts.render.scenes.scene import GLOOM, Region, Scene

COBBLES, PAVING = Camera(1.05, 0.43), Camera(1.05, 0.44)

STREETS_AND_ROOFS: tuple[Scene, ...] = (
    Scene(
        "street_day",
        "street",
        "day",
        partial(streets.street, sky=DAY, kind=Street()),
        COBBLES,
        1.00,
        DAY,
        focus=(3.2, 7.5),
    ),
    Scene(
        "street_night",
        "street",
        "night",
        partial(streets.street, sky=DUSK, kind=Street(lit=0.5, lamps=True, wet=0.8)),
        COBBLES,
        1.0,
        None,
        (0.62, 0.42, 0.25),
        (0.1, 1.0, 0.35, 0.8),
        focus=(3.2, 7.5),
    ),
    Scene(
        "street_winter",
        "street",
        "overcast",
        partial(streets.street, sky=OVERCAST, kind=Street(snow=1, lit=0.25)),
        COBBLES,
        0.95,
        OVERCAST,
        shadow=GLOOM,
        focus=(3.2, 7.5),
        key="winter street",
    ),
    Scene(
        "paris_day",
        "square",
        "day",
        partial(streets.square, sky=DAY),
        PAVING,
        0.72,
        DAY,
        focus=(3.2, 5.5),
    ),
    Scene(
        "paris_night",
        "square",
        "night",
        partial(streets.square, sky=DUSK, evening=True),
        PAVING,
        1.05,
        None,
        (0.5, 0.36, 0.25),
        (0.1, 1.0, 0.3, 0.9),
        focus=(3.2, 5.5),
    ),
    Scene(
        "castle_day",
        "castle",
        "day",
        partial(streets.castle, sky=DAY),
        Camera(1.05, 0.45),
        0.8,
        DAY,
        focus=(3.2, 5.5),
    ),
    Scene(
        "rooftop_night",
        "rooftop",
        "night",
        partial(streets.rooftop, sky=NIGHT),
        Camera(1.1, 0.43),
        0.9,
        None,
        (0.45, 0.32, 0.22),
        (0.8, 0.6, 0.35, 0.7),
        focus=(3.2, 4.0),
        ground=(0.12, 0.72, 0.88, 0.98),
    ),
)


ROOM, SEAT = Camera(1.0, 0.42), Camera(0.52, 0.34)
WINDOW, WARM = (2.6, 2.65, 2.75), (0.75, 0.48, 0.26)
FROM_LEFT, FROM_LAMP = (0.9, 0.44, 0.45, 0.65), (0.55, 0.83, 0.4, 0.75)


def inside(
    name: str,
    place: str,
    light: str,
    draw: Callable[[int], Array],
    camera: Camera,
    exposure: float,
    **more: object,
) -> Scene:
    facts: dict[str, object] = {
        "lit": WINDOW if light == "day" else WARM,
        "shadow": FROM_LEFT if light == "day" else FROM_LAMP,
    }
    return Scene(name, place, light, draw, camera, exposure, indoors=True, **{**facts, **more})  # type: ignore[arg-type]


LOW: Region = (0.15, 0.72, 0.85, 0.98)

ROOMS: tuple[Scene, ...] = (
    inside(
        "living_room_day",
        "living room",
        "day",
        indoors.living_room,
        ROOM,
        0.40,
        ground=LOW,
        focus=(2.9, 6.5),
    ),
    inside(
        "living_room_lamp",
        "living room",
        "lamp",
        partial(indoors.living_room, lamp=True),
        ROOM,
        1.1,
        ground=LOW,
        focus=(2.9, 6.5),
        white=(0.85, 1.0, 1.25),
    ),
    inside(
        "sofa_red",
        "sofa",
        "day",
        partial(indoors.sofa, tone=(0.36, 0.03, 0.03)),
        SEAT,
        0.42,
        surface="seat",
        waist_up=False,
        ground=(0.15, 0.72, 0.85, 0.93),
        focus=(1.65, 6.0),
        key="red sofa",
    ),
    inside(
        "sofa_lamp",
        "sofa",
        "lamp",
        partial(indoors.sofa, tone=(0.20, 0.24, 0.26), night=True),
        SEAT,
        1.1,
        surface="seat",
        waist_up=False,
        ground=(0.15, 0.72, 0.85, 0.93),
        focus=(1.65, 6.0),
        white=(0.85, 1.0, 1.25),
    ),
    inside(
        "bed_day",
        "bed",
        "day",
        indoors.bed,
        Camera(0.60, 0.32),
        0.36,
        surface="seat",
        waist_up=False,
        ground=(0.12, 0.68, 0.88, 0.96),
        focus=(1.5, 5.0),
    ),
    inside(
        "kitchen_day",
        "kitchen",
        "day",
        indoors.kitchen,
        Camera(0.46, 0.36),
        0.43,
        surface="table",
        waist_up=False,
        ground=(0.10, 0.80, 0.90, 0.98),
        focus=(0.95, 10.0),
    ),
    inside(
        "desk_lamp",
        "desk",
        "lamp",
        indoors.desk,
        Camera(0.44, 0.37),
        1.6,
        surface="table",
        waist_up=False,
        ground=(0.18, 0.80, 0.80, 0.98),
        focus=(0.95, 9.0),
        white=(0.9, 1.0, 1.15),
    ),
    inside(
        "studio",
        "studio",
        "day",
        partial(indoors.studio, tone=(0.42, 0.44, 0.46)),
        Camera(1.0, 0.40),
        1.0,
        lit=(1.0, 1.0, 1.0),
        ground=(0.15, 0.74, 0.85, 0.98),
        focus=(3.0, 0.0),
        shadow=(0.83, 0.55, 0.35, 0.85),
    ),
    inside(
        "christmas",
        "christmas",
        "lamp",
        indoors.christmas,
        Camera(0.95, 0.42),
        1.0,
        ground=(0.22, 0.74, 0.85, 0.98),
        focus=(2.9, 7.0),
        white=(0.85, 1.0, 1.25),
    ),
)

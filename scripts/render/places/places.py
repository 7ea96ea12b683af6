"""All kinds of places by name; each is drawn anew from a random generator."""

from __future__ import annotations

from collections.abc import Callable

from scripts.render.geometry.painting import Place, Random
from scripts.render.places import interiors, outdoors

PLACES: dict[str, Callable[[Random], Place]] = {
    "beach": outdoors.beach,
    "grass": outdoors.meadow,
    "table": interiors.table,
    "kitchen": interiors.kitchen,
    "snow": outdoors.snow,
    "street": outdoors.street,
    "sofa": interiors.sofa,
    "bed": interiors.bedroom,
    "forest": outdoors.forest,
    "desk": interiors.desk,
    "rug": interiors.floor,
    "bathroom": interiors.bathroom,
    "studio": interiors.studio,
    "photo": interiors.photo,
}

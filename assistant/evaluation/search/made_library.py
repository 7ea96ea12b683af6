"""A made-up library of photos, with what each of them shows, where and when: a search's right answers are known by it.

Random by a seed only. Writes what importing and grouping would have stored; no file of a photo is there.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.library.photos.texts import TextKind
from personalizer.scan.texts import prepare_search
from personalizer.schemas import BoundingBox, Embedding, NewDetection, PhotoLabel

NOW = datetime(2026, 11, 30, 12, 0)
"""What the searches count from."""
_FIRST = datetime(2016, 1, 1)
_BATCH = 500
PEOPLE = ("Amy", "Ben", "Carla", "David", "Grandma Ingrid", "Noor", "Zoë", "Li Wei")
PETS = ("Bo", "Minka")
# fmt: off
PLACES: dict[str, tuple[float, float, str, str]] = {
    "Lisbon": (38.7223, -9.1393, "Lisbon", "Portugal"), "Porto": (41.1496, -8.6110, "Porto", "Portugal"),
    "Berlin": (52.5200, 13.4050, "Berlin", "Germany"), "Hamburg": (53.5511, 9.9937, "Hamburg", "Germany"),
    "Paris": (48.8566, 2.3522, "Île-de-France", "France"),
    "Sydney": (-33.8688, 151.2093, "New South Wales", "Australia"),
    "Kyoto": (35.0116, 135.7681, "Kyoto", "Japan"), "Oslo": (59.9139, 10.7522, "Oslo", "Norway"),
    "Reykjavík": (64.1466, -21.9426, "Capital Region", "Iceland"), "Zürich": (47.3769, 8.5417, "Zurich", "Switzerland"),
}
"""By name: degrees, region and country."""
SCENES = ("beach", "mountain", "castle", "church", "lake", "bridge", "flower", "restaurant", "boat", "train", "bicycle",
          "car", "pizza", "ice cream", "tent", "balloon", "cat", "dog", "horse", "duck", "guitar", "candle")
ALBUMS = ("Portugal 2019", "Wedding of Carla and David", "Ski trip", "Christmas 2021", "Birthdays", "Garden",
          "[2018] Norway", "Fête de la Musique", "Road trip", "Work")
TITLES = ("First day of school", "Harbour festival", "The old lighthouse keeper", "New kitchen", "Marathon finish",
          "Grandpa's workshop", "Northern lights", "Moving day", "Graduation", "Picnic under the oak")
KEYWORDS = (("holiday", "sailing"), ("family", "reunion"), ("garden", "harvest"), ("concert",), ("hiking", "summit"))
LETTERING = ("Happy Birthday", "Exit", "Café Central", "No parking", "Welcome home", "Platform 9")
CAMERAS = ("Canon EOS R6", "Apple iPhone 12", "Google Pixel 7", "NIKON D750")
# fmt: on


@dataclass(frozen=True, slots=True)
class MadePhoto:
    """What is true of one photo."""

    id: int
    path: Path
    people: frozenset[str]
    """Everybody with a name who is in it, pets too."""
    strangers: int
    taken_at: datetime | None
    place: str | None
    album: str | None
    shows: frozenset[str]
    """Words of the classifier, as surely as it has to be said."""
    title: str | None
    keywords: tuple[str, ...]
    lettering: str | None
    camera: str

    @property
    def country(self) -> str | None:
        return None if self.place is None else PLACES[self.place][3]

    @property
    def faces(self) -> int:
        return len(self.people - set(PETS)) + self.strangers

    @property
    def year(self) -> int | None:
        return None if self.taken_at is None else self.taken_at.year

    @property
    def month(self) -> int | None:
        return None if self.taken_at is None else self.taken_at.month

    def taken_between(self, first: str, last: str) -> bool:
        """Whether it was taken on one of these days, written as `2023-05-01`."""
        return self.taken_at is not None and first <= self.taken_at.date().isoformat() <= last


def make_library(library: Library, folder: Path, *, photos: int, seed: int = 0) -> list[MadePhoto]:
    """Fill an empty library with so many photos below `folder`, which gets registered; what is true of each."""
    folder.mkdir(parents=True, exist_ok=True)
    root = library.add_root(folder)
    concepts = {name: library.create_concept("face", name).id for name in PEOPLE}
    concepts |= {name: library.create_concept("object", name).id for name in PETS}
    random_ = random.Random(seed)
    made: list[MadePhoto] = []
    while len(made) < photos:
        with library.transaction():
            members: dict[int, list[int]] = {concept: [] for concept in concepts.values()}
            for _ in range(min(_BATCH, photos - len(made))):
                made.append(_make(library, root, len(made), random_, concepts, members))
            for concept, detections in members.items():
                library.add_members(concept, detections, source="cluster", status="confirmed")
    library.add_fact(concepts["Carla"], "is my sister")
    library.add_fact(concepts["Bo"], "loves cheese")
    prepare_search(library, progress=lambda _: None, cancelled=lambda: False)
    return made


def _make(
    library: Library,
    root: Path,
    number: int,
    random_: random.Random,
    concepts: dict[str, int],
    members: dict[int, list[int]],
) -> MadePhoto:
    chosen = _draw(number, root, random_)
    people = sorted(chosen.people)
    found = [_detection("photo", number, random_)]
    found += [_detection("face", number, random_) for _ in range(chosen.faces)]
    stored = library.record_photo(
        NewPhoto(
            content_hash=f"made {number}",
            path=chosen.path,
            size=1,
            mtime_ns=1,
            width_px=4000,
            height_px=3000,
            taken_at=chosen.taken_at,
            latitude=None if chosen.place is None else PLACES[chosen.place][0] + random_.uniform(-0.01, 0.01),
            longitude=None
            if chosen.place is None
            else PLACES[chosen.place][1] + random_.uniform(-0.01, 0.01),
            camera=chosen.camera,
            detections=found,
            labels=_labels(chosen, random_),
            texts=_texts(chosen),
        )
    )
    detections = library.detections(stored.id)
    whole = next(one.id for one in detections if one.kind == "photo")
    faces = [one.id for one in detections if one.kind == "face"]
    for name in people:
        members[concepts[name]].append(whole if name in PETS else faces.pop())
    if chosen.lettering is not None:
        library.store_lettering(stored.id, chosen.lettering)
    return replace(chosen, id=stored.id)


def _draw(number: int, root: Path, random_: random.Random) -> MadePhoto:
    count = random_.choices((0, 1, 2, 3), (45, 30, 18, 7))[0]
    people = frozenset(random_.sample((*PEOPLE, *PETS), count))
    taken_at = None
    if random_.random() < 0.95:
        seconds = random_.randrange(int((NOW - _FIRST).total_seconds()))
        taken_at = (_FIRST + timedelta(seconds=seconds)).replace(microsecond=0)
    album = random_.choice(ALBUMS) if random_.random() < 0.5 else None
    year = "Undated" if taken_at is None else str(taken_at.year)
    folder = root / year / (album if album is not None else "Camera")
    return MadePhoto(
        id=0,
        path=folder / f"IMG_{number:05d}.jpg",
        people=people,
        strangers=random_.choices((0, 1, 2), (80, 12, 8))[0],
        taken_at=taken_at,
        place=random_.choice(list(PLACES)) if random_.random() < 0.7 else None,
        album=album,
        shows=frozenset(random_.sample(SCENES, random_.choices((0, 1, 2), (30, 50, 20))[0])),
        title=random_.choice(TITLES) if random_.random() < 0.08 else None,
        keywords=random_.choice(KEYWORDS) if random_.random() < 0.08 else (),
        lettering=random_.choice(LETTERING) if random_.random() < 0.05 else None,
        camera=random_.choice(CAMERAS),
    )


def _detection(kind: str, number: int, random_: random.Random) -> tuple[NewDetection, Embedding]:
    left = random_.uniform(0, 3000)
    box = BoundingBox(0, 0, 4000, 3000) if kind == "photo" else BoundingBox(left, 500, left + 200, 700)
    vector = np.array([random_.random(), number % 7 + 1], dtype=np.float32)
    kind_: str = kind
    return NewDetection(kind_, box, 0.9, "made"), Embedding(vector, "made", "1")  # type: ignore[arg-type]


def _labels(photo: MadePhoto, random_: random.Random) -> list[PhotoLabel]:
    """What is shown, surely; and, as a network has it, two other words less surely."""
    labels = [
        PhotoLabel(word, round(random_.uniform(0.985, 1.0), 3), _kind(word)) for word in sorted(photo.shows)
    ]
    others = [word for word in SCENES if word not in photo.shows]
    labels += [
        PhotoLabel(word, round(random_.uniform(0.3, 0.85), 3), _kind(word))
        for word in random_.sample(others, 2)
    ]
    return labels


def _kind(word: str) -> str:
    return "animal" if word in {"cat", "dog", "horse", "duck"} else "thing"


def _texts(photo: MadePhoto) -> dict[TextKind, str]:
    texts: dict[TextKind, str] = {}
    if photo.title is not None:
        texts["title"] = photo.title
    if photo.keywords:
        texts["keywords"] = ", ".join(photo.keywords)
    return texts

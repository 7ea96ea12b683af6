"""Reads texts about photos and names of their places, for photos imported before these were stored.

New imports store both at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.library.library import Library
from personalizer.library.photos.texts import PlaceNames, TextKind
from personalizer.photos.decode import HEADS_IN_PYTHON
from personalizer.photos.embedded import read_embedded
from personalizer.photos.places import place_near
from personalizer.photos.sidecars import NOTHING_WRITTEN, SidecarFacts, read_sidecar
from personalizer.schemas import OnProgress, Progress

logger = logging.getLogger(__name__)
_BATCH = 200
_SAME_PLACE_DEGREES = 0.002
"""200 meters: one look at the table of places for all photos taken there."""


@dataclass(frozen=True, slots=True)
class TextsReport:
    """How many texts and place names were stored."""

    read: int
    """Photos whose own file was read."""
    places: int
    """Photos whose place got names."""


def texts_of(written: SidecarFacts, *, with_title: bool = True) -> dict[TextKind, str]:
    """What search keeps of what is written about a photo."""
    texts: dict[TextKind, str] = {}
    if with_title and written.title:
        texts["title"] = written.title
    if written.description:
        texts["description"] = written.description
    if written.keywords:
        texts["keywords"] = ", ".join(written.keywords)
    return texts


def prepare_search(library: Library, *, progress: OnProgress, cancelled: Callable[[], bool]) -> TextsReport:
    """Read and store what is missing; may be stopped at any moment and goes on the next time."""
    return TextsReport(_read_texts(library, progress, cancelled), _name_places(library, progress, cancelled))


def _read_texts(library: Library, progress: OnProgress, cancelled: Callable[[], bool]) -> int:
    waiting, read = library.without_texts_read(), 0
    while not cancelled() and (photo_ids := library.unread_texts(_BATCH)):
        found = [one for photo_id in photo_ids for one in _written_about(library, photo_id)]
        with library.transaction():
            for photo_id, texts, beside in found:
                library.replace_texts(photo_id, texts, beside=beside)
            library.note_texts_read(photo_ids)
        read += len(photo_ids)
        progress(Progress(read, waiting, "Reading titles"))
    return read


def _written_about(library: Library, photo_id: int) -> Iterator[tuple[int, dict[TextKind, str], Path | None]]:
    """What its own file says, and each file beside it."""
    yield photo_id, texts_of(_written_in(library, photo_id)), None
    for companion in library.companion_files(photo_id):
        if companion.kind in ("xmp", "takeout"):
            written = read_sidecar(companion.path) or NOTHING_WRITTEN
            yield photo_id, texts_of(written, with_title=companion.kind == "xmp"), companion.path


def _written_in(library: Library, photo_id: int) -> SidecarFacts:
    for path in library.photo_paths(photo_id):
        # Whatever is wrong with a file, analysis has the say about it.
        with (
            suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError),
            Image.open(path, formats=HEADS_IN_PYTHON) as image,
        ):
            return read_embedded(image).facts
    return NOTHING_WRITTEN


def _name_places(library: Library, progress: OnProgress, cancelled: Callable[[], bool]) -> int:
    waiting = library.photos_without_place_names()
    named: dict[tuple[int, int], PlaceNames] = {}
    done = 0
    for batch in _batches(waiting):
        if cancelled():
            break
        names = {}
        for photo_id, latitude, longitude in batch:
            cell = round(latitude / _SAME_PLACE_DEGREES), round(longitude / _SAME_PLACE_DEGREES)
            if cell not in named:
                try:
                    place = place_near(latitude, longitude)
                except (NotReadyError, CorruptArtifactError) as error:
                    logger.warning("%s", error)
                    return done
                named[cell] = (
                    PlaceNames(None, None, None, None)
                    if place is None
                    else PlaceNames(place.name, place.region, place.country, place.words)
                )
            names[photo_id] = named[cell]
        library.store_place_names(names)
        done += len(names)
        progress(Progress(done, len(waiting), "Looking up places"))
    return done


def _batches(waiting: list[tuple[int, float, float]]) -> Iterator[list[tuple[int, float, float]]]:
    for start in range(0, len(waiting), _BATCH):
        yield waiting[start : start + _BATCH]

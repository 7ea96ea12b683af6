"""A search: words → the photos of a library that fit all of them, with a reason for each part, and an answer.

Start at `Searcher.find`. Stores nothing and runs no network.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assistant.results import FoundPhoto, FoundPhotos
from assistant.search.parts import Held, Parts
from assistant.search.phrases import Fits, PhraseFinder
from assistant.search.query import Query, Words, understand
from assistant.search.sentences import PLACES_SAID, Seen, answer
from assistant.search.wording import Some
from personalizer.library.library import Library
from personalizer.library.photos.search import FoundFile

_WHERE = re.compile(r"\W*(?:and )?(?:where|wo|dónde|donde)\b", re.IGNORECASE)
_NO_FOLDERS = "There is nothing to search yet. Add a folder first: familiar add ~/Pictures"


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a search, and the photos for which all of it holds."""

    query: Query
    held: list[Held]
    photos: set[int]
    scores: dict[int, float]
    """How sure that is; of a photo that is not here, quite."""


class Searcher:
    """Searches one library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def find(self, text: str, *, limit: int | None = None, now: datetime | None = None) -> FoundPhotos:
        """The photos that fit `text`; with `limit` only so many of them are listed, while all are counted.

        Raises `UsageError` for a text that is too long.
        """
        started = time.perf_counter()
        names = self._library.names()
        if not names and not self._library.roots():
            return FoundPhotos(text, _NO_FOLDERS, [], 0, {}, 0.0)
        at = now or datetime.now()
        phrases = PhraseFinder(self._library)
        # "Norway 2018" is a place and a year, and may be the name of an album.
        queries = dict.fromkeys((understand(text, names, at), understand(text, names, at, phrases.albums)))
        readings = [self._read(query, Parts(self._library, query, phrases).held()) for query in queries]
        main = next((one for one in reversed(readings) if one.photos), readings[0])
        found = set().union(*(one.photos for one in readings))
        count = self._library.count_and_times(found)
        fitting = count.photos
        some = main.query.some
        if some is not None and some.most < fitting:
            shown = self._some(some, main.query, readings, found)
            count = self._library.count_and_times({file.photo_id for file in shown})
            shown = shown[:limit]
        else:
            shown = self._shown(main.query, readings, found, limit)
        asks_for_one = main.query.asks in {"last", "first"}
        seen = Seen(
            asks=main.query.asks,
            count=count,
            parts=[one.part for one in main.held],
            place=self._library.place_words(shown[0].photo_id) if asks_for_one and shown else None,
            perhaps=self._perhaps(main.query),
            is_empty=main.query.is_empty and not _asks_for_everything(main.query),
            names=names,
            unread=self._unread(main.query),
            fitting=fitting,
            places=self._library.places_of(found, PLACES_SAID + 1) if _WHERE.match(text) else [],
            which=None if some is None else some.which,
            opinions=(*main.query.opinions, *phrases.left_out),
        )
        return FoundPhotos(
            text=text,
            answer=answer(seen),
            photos=[_found(file, readings) for file in shown],
            count=count.photos,
            understood=_understood(main.query, main.held),
            elapsed_s=round(time.perf_counter() - started, 3),
        )

    def _shown(
        self, query: Query, readings: Sequence[_Reading], found: set[int], limit: int | None
    ) -> list[FoundFile]:
        """What is listed, in its order: the surest first, of equal ones the newest."""
        if query.asks == "first":
            files = [file for file in self._library.files_of(found) if file.stored_time is not None]
            return files[::-1][:limit]
        scores = {photo_id: score for one in readings for photo_id, score in one.scores.items() if score != 1}
        if query.asks == "last" or not scores:
            files = self._library.files_of(found, limit)
            return [file for file in files if file.stored_time is not None] if query.asks == "last" else files
        files = self._library.files_of(found)
        # Stable: of equal ones the newest stays first.
        return sorted(files, key=lambda file: -scores.get(file.photo_id, 1.0))[:limit]

    def _some(
        self, some: Some, query: Query, readings: Sequence[_Reading], found: set[int]
    ) -> list[FoundFile]:
        """So many of those that fit as are wanted; the newest or the oldest of those with a date."""
        if some.which is None:
            return self._shown(query, readings, found, some.most)
        dated = [file for file in self._library.files_of(found) if file.stored_time is not None]
        return (dated if some.which == "newest" else dated[::-1])[: some.most]

    def _read(self, query: Query, held: list[Held]) -> _Reading:
        """The photos for which everything holds."""
        if query.is_empty and not _asks_for_everything(query):
            return _Reading(query, held, set(), {})
        if any(not one.part.understood for one in held):
            # What is not known cannot be left out either.
            return _Reading(query, held, set(), {})
        found: set[int] | None = None
        scores: dict[int, float] = {}
        for one in held:
            if not one.negated:
                own = one.fits.scores
                found = set(own) if found is None else found & own.keys()
                if one.fits.is_doubtful:
                    scores = {photo_id: scores.get(photo_id, 1.0) * own[photo_id] for photo_id in found}
        chosen = self._library.all_photos() if found is None else found
        for one in held:
            if one.negated:
                chosen = chosen - one.fits.scores.keys() - one.fits.unknown
        return _Reading(query, held, chosen, scores)

    def _unread(self, query: Query) -> int:
        """Photos whose lettering is not known, where that is searched for."""
        wanted = (one for condition in query.conditions for one in condition.any_of)
        if not any(isinstance(one, Words) and one.role == "text" for one in wanted):
            return 0
        return self._library.count_without_lettering()

    def _perhaps(self, query: Query) -> int:
        """Photos that may show somebody who is searched for, and wait for an answer."""
        concepts = filter(None, map(self._library.concept_by_name, query.names))
        return len(self._library.photos_showing(*(one.id for one in concepts), status="suggested"))


def _found(file: FoundFile, readings: Sequence[_Reading]) -> FoundPhoto:
    reading = next(one for one in reversed(readings) if file.photo_id in one.photos)
    score = round(reading.scores.get(file.photo_id, 1.0), 3)
    return FoundPhoto(file.path, score, _reasons(file, reading.held), file.taken_at)


def _reasons(file: FoundFile, held: Iterable[Held]) -> list[str]:
    reasons = []
    for one in held:
        if one.negated:
            if one.part.kind == "name":
                reasons.append(f"I don't see {one.part.typed}")
            continue
        if one.part.kind == "time":
            continue
        reasons += one.fits.why(file.photo_id)[:2]
    return list(dict.fromkeys(reason for reason in reasons if reason))


def _asks_for_everything(query: Query) -> bool:
    """ "all photos", "the oldest photo", "how many photos do I have?" """
    words = set(query.text.casefold().split())
    everything = {"all", "every", "everything", "newest", "latest", "recent"}
    return query.asks != "list" or query.some is not None or (bool(words & everything) and len(words) < 8)


def _understood(query: Query, held: Sequence[Held]) -> dict[str, Any]:
    return {
        "asks": query.asks,
        "names": query.names,
        "without": [one.part.typed for one in held if one.negated],
        "times": [one.part.span for one in held if one.part.kind == "time" and not one.negated],
        "words": [
            {"text": one.part.typed, "as": list(dict.fromkeys(one.fits.known_as)) or _sources(one.fits)}
            for one in held
            if one.part.kind == "words" and not one.negated
        ],
        "not_understood": [one.part.typed for one in held if not one.part.understood],
    }


def _sources(fits: Fits) -> list[str]:
    return list(dict.fromkeys(fit.source for fit in fits.of))

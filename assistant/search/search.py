"""A search: words → the photos of a library that fit all of them, with a reason for each part, and an answer.

Start at `Searcher.find`. Stores nothing and runs no network.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from assistant.answers.wording import joined
from assistant.results import FoundPhoto, FoundPhotos
from assistant.search.phrases import Fit, Fits, PhraseFinder
from assistant.search.query import Condition, Faces, Named, Query, Time, Words, understand
from assistant.search.sentences import Part, Seen, answer, span_text
from personalizer.errors import counted
from personalizer.library.library import Library
from personalizer.library.photos.search import FoundFile
from personalizer.schemas import Concept

_NO_FOLDERS = "There is nothing to search yet. Add a folder first: familiar add ~/Pictures"


@dataclass(frozen=True, slots=True)
class _Held:
    """One part of the search with the photos that it holds for."""

    part: Part
    fits: Fits
    negated: bool
    may_be_meant: bool = False
    """Whether these are ordinary words, which may be taken for others like them."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a search, and the photos for which all of it holds."""

    query: Query
    held: list[_Held]
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
        readings = [self._read(query, _Parts(self._library, query, phrases).held()) for query in queries]
        main = next((one for one in reversed(readings) if one.photos), readings[0])
        found = set().union(*(one.photos for one in readings))
        count = self._library.count_and_times(found)
        shown = self._shown(main.query, readings, found, limit)
        asks_for_one = main.query.asks in {"last", "first"}
        seen = Seen(
            text=text,
            asks=main.query.asks,
            count=count,
            parts=[one.part for one in main.held],
            place=self._library.place_words(shown[0].photo_id) if asks_for_one and shown else None,
            perhaps=self._perhaps(main.query),
            is_empty=main.query.is_empty and not _asks_for_everything(main.query),
            names=names,
            unread=self._unread(main.query),
        )
        return FoundPhotos(
            text=text,
            answer=answer(seen, at),
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

    def _read(self, query: Query, held: list[_Held]) -> _Reading:
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
        return len(self._library.photos_without_lettering())

    def _perhaps(self, query: Query) -> int:
        """Photos that may show somebody who is searched for, and wait for an answer."""
        waiting: set[int] = set()
        for condition in query.conditions:
            for one in condition.any_of:
                if isinstance(one, Named) and not condition.negated:
                    concept = self._library.concept_by_name(one.name)
                    if concept is not None:
                        waiting |= self._library.photos_perhaps_showing(concept.id)
        return len(waiting)


class _Parts:
    """The parts of one search."""

    def __init__(self, library: Library, query: Query, phrases: PhraseFinder) -> None:
        self._library = library
        self._query = query
        self._phrases = phrases

    @cached_property
    def _concepts(self) -> dict[str, Concept]:
        return {
            concept.name: concept
            for concept in self._library.concepts()
            if concept.name is not None and concept.state != "hidden"
        }

    def held(self) -> list[_Held]:
        """Each part, with the photos that it holds for."""
        held = self._by_meaning([self._condition(condition) for condition in self._query.conditions])
        held += [self._times(times) for times in _grouped(self._query.times)]
        if self._query.alone:
            held.append(self._alone())
        return held

    def _by_meaning(self, held: list[_Held]) -> list[_Held]:
        """The same, where what nothing is called by is taken for what is alike in meaning.

        Words alone are taken as a whole, "something to sit on"; beside names and times each phrase by itself. A word
        with a capital may be somebody's name, and is not.
        """
        unknown = [one for one in held if not one.part.understood]
        if not unknown or any(one.part.kind != "words" or not one.may_be_meant for one in unknown):
            return held
        query = self._query
        if all(one.part.kind == "words" and not one.negated for one in held) and not query.times:
            fits = self._phrases.find_by_meaning(query.free_text)
            if fits.of:
                return [_meant(query.free_text, fits)]
        found = []
        for one in held:
            fits = self._phrases.find_by_meaning(one.part.typed) if one in unknown else Fits()
            found.append(_meant(one.part.typed, fits, negated=one.negated) if fits.of else one)
        return found

    def _condition(self, condition: Condition) -> _Held:
        fits, understood, kinds = Fits(), True, []
        for one in condition.any_of:
            found = self._one(one)
            fits.of += found.of
            fits.known_as += found.known_as
            understood &= found.is_understood
            kinds.append(_kind(one))
        typed = " or ".join(_typed(one) for one in condition.any_of)
        # One of several that is not known does no harm.
        understood = understood or (len(condition.any_of) > 1 and fits.is_understood)
        count = len(fits.scores)
        part = Part(typed, kinds[0], condition.negated, count, understood, _may_be_name(condition))
        may_be_meant = all(
            isinstance(one, Words) and one.role == "any" and not one.typed[:1].isupper()
            for one in condition.any_of
        )
        return _Held(part, fits, condition.negated, may_be_meant)

    def _one(self, one: Named | Faces | Words) -> Fits:
        if isinstance(one, Words):
            return self._phrases.find(one)
        if isinstance(one, Named):
            fits = Fits(known_as=["a name"])
            concept = self._concepts.get(one.name)
            shown = set() if concept is None else self._library.photos_showing(concept.id)
            fits.of.append(Fit(dict.fromkeys(shown, 1.0), lambda _: f"{one.name} is in it", "name"))
            return fits
        fits = Fits(known_as=["people"], unknown=self._library.photos_without_known_faces())
        faces = self._library.photos_with_faces(one.least, one.most)
        fits.of.append(
            Fit(
                dict.fromkeys(faces, 1.0),
                lambda photo_id: f"{counted(faces[photo_id], 'face')} in it",
                "people",
            )
        )
        return fits

    def _times(self, times: Sequence[Time]) -> _Held:
        spans = [span for one in times for span in one.spans]
        understood = all(one.spans for one in times)
        fits = Fits(known_as=["a time"])
        fits.of.append(Fit(dict.fromkeys(self._library.photos_taken(spans), 1.0), lambda _: "", "name"))
        typed = " or ".join(one.typed for one in times)
        text = span_text(spans) if understood else None
        return _Held(Part(typed, "time", False, len(fits.scores), understood, None, text), fits, False)

    def _alone(self) -> _Held:
        """Photos in which no other known one is, and no face but that of a person who is searched for."""
        wanted = {
            one.name
            for condition in self._query.conditions
            for one in condition.any_of
            if isinstance(one, Named) and not condition.negated
        }
        others = self._library.photos_showing(
            *(concept.id for name, concept in self._concepts.items() if name not in wanted)
        )
        people = sum(self._concepts[name].kind == "face" for name in wanted if name in self._concepts)
        crowd = set(self._library.photos_with_faces(people + 1)) if wanted else set()
        if not wanted:
            single = self._library.photos_with_faces(1, 1)
            alone = set(single)
        else:
            alone = self._library.all_photos() - others - crowd
        fits = Fits(known_as=["alone"])
        fits.of.append(Fit(dict.fromkeys(alone, 1.0), lambda _: "nobody else is seen", "people"))
        return _Held(Part("alone", "alone", False, len(alone), True, None), fits, False)


def _found(file: FoundFile, readings: Sequence[_Reading]) -> FoundPhoto:
    reading = next(one for one in reversed(readings) if file.photo_id in one.photos)
    score = round(reading.scores.get(file.photo_id, 1.0), 3)
    return FoundPhoto(file.path, score, _reasons(file, reading.held), file.taken_at)


def _grouped(times: Sequence[Time]) -> list[list[Time]]:
    """Times that are to hold together, each with those of which one is enough: 2019 or 2021, each on a Sunday."""
    either: list[Time] = []
    groups: list[list[Time]] = []
    for one in times:
        is_range = bool(one.spans) and all(
            span.start is not None
            and span.end is not None
            and not (span.months or span.weekdays or span.hours)
            for span in one.spans
        )
        if is_range:
            either.append(one)
        else:
            groups.append([one])
    return [*([either] if either else []), *groups]


def _reasons(file: FoundFile, held: Iterable[_Held]) -> list[str]:
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


def _meant(typed: str, fits: Fits, *, negated: bool = False) -> _Held:
    taken_for = joined(
        (name.removeprefix("what photos show: ") for name in dict.fromkeys(fits.known_as)), "or"
    )
    return _Held(
        Part(typed, "words", negated, len(fits.scores), True, None, taken_for=taken_for), fits, negated
    )


def _kind(one: Named | Faces | Words) -> str:
    return "name" if isinstance(one, Named) else "people" if isinstance(one, Faces) else "words"


def _typed(one: Named | Faces | Words) -> str:
    if isinstance(one, Named):
        return one.name
    if isinstance(one, Words):
        return one.typed
    if one.most == one.least:
        return counted(one.least, "face")
    return "people" if one.least == 1 else f"{one.least} faces or more"


def _may_be_name(condition: Condition) -> str | None:
    """A word with a capital that may be somebody's name."""
    for one in condition.any_of:
        if isinstance(one, Words) and one.typed[:1].isupper() and not one.is_place and one.role == "any":
            return one.typed
    return None


def _asks_for_everything(query: Query) -> bool:
    """ "all photos", "the oldest photo", "how many photos do I have?" """
    words = set(query.text.casefold().split())
    return query.asks != "list" or (bool(words & {"all", "every", "everything"}) and len(words) < 8)


def _understood(query: Query, held: Sequence[_Held]) -> dict[str, Any]:
    names = [
        one.name
        for condition in query.conditions
        for one in condition.any_of
        if isinstance(one, Named) and not condition.negated
    ]
    return {
        "asks": query.asks,
        "names": names,
        "without": [one.part.typed for one in held if one.negated],
        "times": [one.part.span for one in held if one.part.kind == "time"],
        "words": [
            {"text": one.part.typed, "as": list(dict.fromkeys(one.fits.known_as)) or _sources(one.fits)}
            for one in held
            if one.part.kind == "words" and not one.negated
        ],
        "not_understood": [one.part.typed for one in held if not one.part.understood],
    }


def _sources(fits: Fits) -> list[str]:
    return list(dict.fromkeys(fit.source for fit in fits.of))

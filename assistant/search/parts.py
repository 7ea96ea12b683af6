"""Evaluates the parts of a search to sets of photos."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from assistant.answers.wording import joined
from assistant.search.phrases import Fit, Fits, PhraseFinder
from assistant.search.query import Condition, KnownPeople, Named, Query, Time, Wanted, Words
from assistant.search.sentences import Part, span_text
from personalizer.errors import counted
from personalizer.library.library import Library
from personalizer.library.photos.search import TimeSpan
from personalizer.schemas import Concept

_MOST_SPANS = 24
"""Spans that are said one by one; of more it is a feast of every year."""
_AT = re.compile(r"^(?:(?:at|in|on|from|over|during|around|an|zu|en|em) )?(?:the )?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """One part of the search and the photos that fit it."""

    part: Part
    fits: Fits
    negated: bool
    may_be_meant: bool = False
    """Whether these are ordinary words, which may be taken for others like them."""


class Parts:
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
            if concept.name is not None and concept.is_spoken_of
        }

    def held(self) -> list[Held]:
        """Each part, with the photos that it holds for."""
        held = self._by_meaning([self._condition(condition) for condition in self._query.conditions])
        held += [self._times(times) for times in _grouped(self._query.times)]
        if self._query.alone:
            held.append(self._alone())
        return held

    def _by_meaning(self, held: list[Held]) -> list[Held]:
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

    def _condition(self, condition: Condition) -> Held:
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
            isinstance(one, Words) and self._phrases.may_be_meant(one) for one in condition.any_of
        )
        return Held(part, fits, condition.negated, may_be_meant)

    def _one(self, one: Wanted) -> Fits:
        if isinstance(one, Words):
            return self._phrases.find(one)
        if isinstance(one, KnownPeople):
            fits = Fits(known_as=["people with a name"])
            known = self._library.photos_showing(
                *(known.id for known in self._concepts.values() if known.kind == "face")
            )
            fits.of.append(Fit(dict.fromkeys(known, 1.0), lambda _: "somebody you named is in it", "people"))
            return fits
        if isinstance(one, Named):
            fits = Fits(known_as=["a name"])
            concept = self._concepts.get(one.name)
            shown = set() if concept is None else self._library.photos_showing(concept.id)
            fits.of.append(Fit(dict.fromkeys(shown, 1.0), lambda _: f"{one.name} is in it", "name"))
            return fits
        fits = Fits(known_as=["people"], unknown=self._library.photos_without_known_faces())
        named = len(self._named_people()) if one.beside_named else 0
        faces = self._library.photos_with_faces(
            one.least + named, None if one.most is None else one.most + named
        )
        fits.of.append(
            Fit(
                dict.fromkeys(faces, 1.0),
                lambda photo_id: f"{counted(faces[photo_id], 'face')} in it",
                "people",
            )
        )
        return fits

    def _named_people(self) -> list[str]:
        """Those who are searched for and have a face."""
        return [
            name
            for name in dict.fromkeys(self._query.names)
            if name in self._concepts and self._concepts[name].kind == "face"
        ]

    def _times(self, times: Sequence[Time]) -> Held:
        spans = [span for one in times for span in one.spans]
        understood = all(one.spans for one in times)
        fits = Fits(known_as=["a time"])
        fits.of.append(Fit(dict.fromkeys(self._library.photos_taken(spans), 1.0), lambda _: "", "name"))
        typed = " or ".join(one.typed for one in times)
        text = span_text(spans) if understood else None
        if understood and len(spans) > _MOST_SPANS:
            text = f"{_AT.sub('', typed)} of any year"
        negated = times[0].negated
        if negated:
            # Of a photo without a date nobody can tell.
            fits.unknown = self._library.all_photos() - self._library.photos_taken([TimeSpan()])
        part = Part(typed, "time", negated, len(fits.scores), understood, None, text, spans=tuple(spans))
        return Held(part, fits, negated)

    def _alone(self) -> Held:
        """Photos in which no other known one is, and no face but that of a person who is searched for."""
        wanted = set(self._query.names)
        others = self._library.photos_showing(
            *(concept.id for name, concept in self._concepts.items() if name not in wanted)
        )
        people = len(self._named_people())
        crowd = set(self._library.photos_with_faces(people + 1)) if wanted else set()
        if not wanted:
            single = self._library.photos_with_faces(1, 1)
            alone = set(single)
        else:
            alone = self._library.all_photos() - others - crowd
        fits = Fits(known_as=["alone"])
        fits.of.append(Fit(dict.fromkeys(alone, 1.0), lambda _: "nobody else is seen", "people"))
        return Held(Part("alone", "alone", False, len(alone), True, None), fits, False)


def _grouped(times: Sequence[Time]) -> list[list[Time]]:
    """Times that are to hold together, each with those of which one is enough: 2019 or 2021, each on a Sunday."""
    groups: dict[object, list[Time]] = {}
    for place, one in enumerate(times):
        kinds = {
            (
                span.start is not None and span.end is not None,
                bool(span.months),
                bool(span.weekdays),
                bool(span.hours),
            )
            for span in one.spans
        }
        # "before 2020" and what is none stand for themselves.
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        alike = kind is not None and any(kind) and not one.negated
        groups.setdefault(kind if alike else place, []).append(one)
    return list(groups.values())


def _meant(typed: str, fits: Fits, *, negated: bool = False) -> Held:
    taken_for = joined(
        (name.removeprefix("what photos show: ") for name in dict.fromkeys(fits.known_as)), "or"
    )
    return Held(
        Part(typed, "words", negated, len(fits.scores), True, None, taken_for=taken_for), fits, negated
    )


def _kind(one: Wanted) -> str:
    return "name" if isinstance(one, Named) else "words" if isinstance(one, Words) else "people"


def _typed(one: Wanted) -> str:
    if isinstance(one, Named):
        return one.name
    if isinstance(one, Words):
        return one.typed
    if isinstance(one, KnownPeople):
        return "people you named"
    kind = "other face" if one.beside_named else "face"
    if one.most == one.least:
        return counted(one.least, kind)
    people = "other people" if one.beside_named else "people"
    return people if one.least == 1 else f"{one.least} {kind}s or more"


def _may_be_name(condition: Condition) -> str | None:
    """A word with a capital that may be somebody's name."""
    for one in condition.any_of:
        if isinstance(one, Words) and one.typed[:1].isupper() and not one.is_place and one.role == "any":
            return one.typed
    return None

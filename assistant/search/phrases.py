"""Words of a search → the photos that they fit, by everything that is stored: what photos show, places, folders, texts.

Knows the library and the words of the classifier. Makes no sentence but the reason for a photo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from assistant.answers.photo_facts import said_beside_people_from
from assistant.answers.wording import with_article
from assistant.language.ordinary_words import word_set
from assistant.language.question_words import PEOPLE, RELATIONS, fold, singular
from assistant.presentation.printable import percent
from assistant.search.grammar import OPINIONS, QUALITIES, TRIPS
from assistant.search.meaning import texts_alike, words_alike
from assistant.search.query import Words
from personalizer.analysis.labels import SAID_FROM, PlainWord, find_word
from personalizer.library.library import Library
from personalizer.library.photos.texts import PlaceNames

Source = Literal["name", "people", "label", "place", "folder", "text", "camera", "file", "told", "meaning"]
Reason = Callable[[int], str]

_GENERIC_FOLDERS = word_set("""
    pictures photos images bilder fotos imagenes camera dcim home desktop documents downloads media mnt users data tmp
""")
_COUNTRIES = {
    "usa": "united states", "us": "united states", "america": "united states", "uk": "united kingdom",
    "britain": "united kingdom", "great britain": "united kingdom", "holland": "netherlands",
    "deutschland": "germany", "frankreich": "france", "spanien": "spain", "italien": "italy", "osterreich": "austria",
    "schweiz": "switzerland", "griechenland": "greece", "alemania": "germany", "francia": "france", "espana": "spain",
    "italia": "italy", "grecia": "greece", "suiza": "switzerland", "inglaterra": "england", "turkei": "turkey",
    "danemark": "denmark", "norwegen": "norway", "schweden": "sweden", "niederlande": "netherlands", "polen": "poland",
    "kroatien": "croatia", "noruega": "norway", "suecia": "sweden", "islandia": "iceland", "japon": "japan",
    "dinamarca": "denmark", "polonia": "poland", "belgica": "belgium", "belgien": "belgium", "irland": "ireland",
    "irlanda": "ireland", "ungarn": "hungary", "kanada": "canada", "australien": "australia", "brasilien": "brazil",
    "brasil": "brazil", "marokko": "morocco", "neuseeland": "new zealand",
    "czechia": "czech republic", "czech republic": "czechia",
}  # fmt: skip
"""Other names of countries, folded."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Photos that fit a part of a search."""

    scores: Mapping[int, float]
    """By photo: how sure that is, 0 to 1."""
    why: Reason
    source: Source


@dataclass(slots=True)
class Fits:
    """Everything that a part of a search fits; empty where no word of it is known to the library."""

    of: list[Fit] = field(default_factory=list)
    known_as: list[str] = field(default_factory=list)
    """What the words were taken for, as of a word of the classifier that no photo shows."""
    unknown: set[int] = field(default_factory=set)
    """Photos of which nobody can tell whether they fit."""

    @property
    def scores(self) -> Mapping[int, float]:
        """By photo: the highest of its scores."""
        if len(self.of) == 1:
            return self.of[0].scores
        best: dict[int, float] = {}
        for fit in self.of:
            for photo_id, score in fit.scores.items():
                if score > best.get(photo_id, -1.0):
                    best[photo_id] = score
        return best

    @property
    def is_doubtful(self) -> bool:
        """Whether some fit is not quite sure."""
        return any(fit.source in {"label", "meaning"} for fit in self.of)

    @property
    def is_understood(self) -> bool:
        return bool(self.of) or bool(self.known_as)

    def has(self, source: Source) -> bool:
        """Whether anything fits by this."""
        return any(fit.source == source for fit in self.of)

    def why(self, photo_id: int) -> list[str]:
        """The reasons for a photo, the surest first."""
        fitting = [fit for fit in self.of if photo_id in fit.scores]
        return [fit.why(photo_id) for fit in sorted(fitting, key=lambda fit: -fit.scores[photo_id])]


class PhraseFinder:
    """Looks for phrases in one library; made for one search."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.left_out: list[str] = []
        """Words of praise, by which no photo is chosen."""

    @cached_property
    def albums(self) -> list[str]:
        """Names of folders of more than one word."""
        return sorted({name for name in self._folders.values() if len(_in_one_form(name)) > 1})

    def find(self, words: Words) -> Fits:
        """All that the words fit. What they fit as one comes first; else each word must fit."""
        fits = self._as_one(words)
        parts = words.text.split()
        if fits.is_understood or len(parts) < 2 or words.role != "any":
            return fits
        typed = words.typed.split()
        pairs = list(zip(parts, typed if len(typed) == len(parts) else parts, strict=True))
        if not QUALITIES.isdisjoint(parts):
            return fits  # a title with "old" in it makes no bicycle an old one
        told_apart = [(part, shown) for part, shown in pairs if part not in OPINIONS | TRIPS]
        if not told_apart or len(told_apart) == len(parts) > 3:
            return fits
        each = [self._as_one(Words(part, shown, is_place=words.is_place)) for part, shown in told_apart]
        if not all(one.is_understood for one in each):
            return fits
        self.left_out += [shown for part, shown in pairs if part in OPINIONS]
        return _all_of(each)

    @staticmethod
    def may_be_meant(words: Words) -> bool:
        """Whether these are ordinary words, which may be taken for others like them: nobody's name, and not people."""
        parts = words.text.split()
        if words.role != "any" or words.typed[:1].isupper():
            return False
        return PEOPLE.union(RELATIONS).isdisjoint([*parts, *map(singular, parts)])

    def find_by_meaning(self, phrase: str) -> Fits:
        """What is alike in meaning; for words that nothing is called by."""
        fits = Fits()
        alike = words_alike(phrase)
        if alike and alike[0][0].word in _words_in(phrase):
            alike = []  # "a broken bicycle" is not any bicycle
        for word, similarity in alike:
            self._by_word(word, fits, "meaning", similarity)
        for text, photos, similarity in texts_alike(phrase, self._library):
            fits.known_as.append(f"“{_shortened(text)}”")
            _add(fits, dict.fromkeys(photos, similarity), _said(f"is about “{_shortened(text)}”"), "meaning")
        return fits

    def _as_one(self, words: Words) -> Fits:
        fits = Fits()
        if words.role == "any":
            self._by_label(words, fits)
            self._by_place(words, fits)
            self._by_camera(words, fits)
            self._by_told_relation(words, fits)
        # A photo that was taken elsewhere is not "in Portugal", wherever it is kept.
        elsewhere = self._library.photos_with_place() if words.is_place and fits.has("place") else set()
        if words.role in {"any", "album", "quoted"}:
            self._by_folder(words, fits, elsewhere)
        if words.role in {"any", "text", "title", "quoted"}:
            self._by_text(words, fits, elsewhere)
        if words.role in {"file", "quoted"} or (
            words.role == "any" and re.search(r"\d.*(?<=....)$|_|\.\w{3,4}$", words.text)
        ):
            self._by_file(words, fits)
        return fits

    def _by_label(self, words: Words, fits: Fits) -> None:
        word = find_word(words.text) or find_word(singular(words.text))
        if word is not None:
            self._by_word(word, fits, "label", 1.0)

    def _by_word(self, word: PlainWord, fits: Fits, source: Source, share: float) -> None:
        fits.known_as.append(f"what photos show: {word.word}")
        found = self._library.photos_labelled(word.word, SAID_FROM, said_beside_people_from(word))

        def why(photo_id: int) -> str:
            return f"looks like {with_article(word.word)} ({percent(found[photo_id])})"

        _add(fits, {photo_id: share * confidence for photo_id, confidence in found.items()}, why, source)

    @cached_property
    def _places(self) -> list[PlaceNames]:
        return self._library.known_places()

    def _by_place(self, words: Words, fits: Fits) -> None:
        wanted = {words.text, fold(words.typed)}
        wanted |= {_COUNTRIES[name] for name in wanted if name in _COUNTRIES}
        places = [place for place in self._places if not wanted.isdisjoint(_names_of(place))]
        if places:
            fits.known_as.append("a place")
            found = self._library.photos_in_places(places)
            _add(fits, dict.fromkeys(found, 1.0), lambda photo_id: f"taken {found[photo_id]}", "place")

    def _by_camera(self, words: Words, fits: Fits) -> None:
        wanted = set(re.findall(r"\w+", words.text))
        cameras = [
            camera for camera in self._library.cameras() if wanted <= set(re.findall(r"\w+", fold(camera)))
        ]
        if cameras and not wanted <= {"camera", "digital", "corporation"}:
            fits.known_as.append("a camera")
            found = self._library.photos_taken_with(cameras)
            _add(fits, dict.fromkeys(found, 1.0), lambda photo_id: f"taken with {found[photo_id]}", "camera")

    def _by_told_relation(self, words: Words, fits: Fits) -> None:
        """ "my sister", where somebody was told to be one."""
        if words.text not in RELATIONS:
            return
        relation = re.compile(rf"^(?:is|was) (?:my|our) (?:\w+ )?{re.escape(words.text)}\b")
        for concept in self._library.concepts():
            if not concept.is_spoken_of or concept.name is None:
                continue
            told = [fact.text for fact in self._library.facts(concept.id)]
            said = next((text for text in told if relation.search(_about(text, concept.name))), None)
            if said is not None:
                fits.known_as.append(concept.name)
                reason = f"{concept.name} is in it (you told me: “{said}”)"
                _add(
                    fits,
                    dict.fromkeys(self._library.photos_showing(concept.id), 1.0),
                    _said(reason),
                    "told",
                )

    @cached_property
    def _folders(self) -> dict[Path, str]:
        """The folders with a name of their own; a registered one's counts unless it is generic."""
        roots = self._library.roots()
        named: dict[Path, str] = {}
        for folder in self._library.photo_folders():
            for part in (folder, *folder.parents):
                root = next((root for root in roots if part.is_relative_to(root)), None)
                if root is None or part in named:
                    break
                if part != root or fold(part.name) not in _GENERIC_FOLDERS:
                    named[part] = part.name
        return named

    def _by_folder(self, words: Words, fits: Fits, without: Collection[int]) -> None:
        names = dict.fromkeys((words.text, fold(words.typed)))
        wanted = [
            _in_one_form(name)
            for name in (*names, *(_COUNTRIES[name] for name in names if name in _COUNTRIES))
        ]
        folders = [
            folder
            for folder, name in self._folders.items()
            if any(_contains(_in_one_form(fold(name)), each) for each in wanted)
        ]
        if not folders:
            return
        fits.known_as.append("a folder")
        found = self._library.photos_below(folders)
        _add(
            fits,
            {photo_id: 1.0 for photo_id in found if photo_id not in without},
            lambda photo_id: f"in the folder “{found[photo_id].name}”",
            "folder",
        )

    def _by_text(self, words: Words, fits: Fits, without: Collection[int]) -> None:
        forms = [words.text.split(), fold(words.typed).split()]
        forms += [[*form[:-1], singular(form[-1])] for form in forms]
        forms += [[*form[:-1], f"{form[-1]}s"] for form in forms]
        found = self._library.photos_written_about(
            [form for index, form in enumerate(forms) if form not in forms[:index]],
            lettering=words.role == "text",
        )

        def why(photo_id: int) -> str:
            kind, text = found[photo_id]
            said = {"lettering": "says", "keywords": "has the keywords"}.get(kind, f"its {kind} is")
            return f"{said} “{_shortened(text)}”"

        _add(fits, {photo_id: 1.0 for photo_id in found if photo_id not in without}, why, "text")

    def _by_file(self, words: Words, fits: Fits) -> None:
        found = self._library.photos_in_files_named(words.typed)
        _add(fits, dict.fromkeys(found, 1.0), lambda photo_id: f"its file is {found[photo_id]}", "file")


def _words_in(phrase: str) -> set[str]:
    """Words of the classifier that are part of a phrase of more words."""
    parts = re.findall(r"\w+", fold(phrase))
    starts = [
        (start, end)
        for start in range(len(parts))
        for end in range(start + 1, min(start + 4, len(parts) + 1))
    ]
    texts = (" ".join(parts[start:end]) for start, end in starts)
    found = (find_word(text) or find_word(singular(text)) for text in texts)
    return {word.word for word in found if word is not None}


def _said(reason: str) -> Reason:
    """The same reason for every photo."""
    return lambda _: reason


def _add(fits: Fits, scores: Mapping[int, float], why: Reason, source: Source) -> None:
    if scores:
        fits.of.append(Fit(scores, why, source))


def _all_of(parts: Iterable[Fits]) -> Fits:
    """What fits each of the parts."""
    each = list(parts)
    scores = [one.scores for one in each]
    common = set(scores[0]).intersection(*scores[1:])
    together = {photo_id: min(score[photo_id] for score in scores) for photo_id in common}
    fits = Fits(known_as=[name for one in each for name in one.known_as or ["words"]])

    def why(photo_id: int) -> str:
        return ", ".join(reason for one in each for reason in one.why(photo_id)[:1])

    _add(fits, together, why, "label")
    return fits


def _names_of(place: PlaceNames) -> set[str]:
    """Folded: its town, region and country, and the town with either."""
    # Far from every place only the country is said.
    near = place.name if place.words is not None and place.words.startswith("near ") else None
    names = [fold(name) for name in (near, place.region, place.country) if name]
    pairs = {f"{names[0]} {other}" for other in names[1:]} if near else set()
    return {re.sub(r"[^\w]+", " ", name).strip() for name in (*names, *pairs)}


def _in_one_form(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"[^\W_]+", text)]


def _contains(words: list[str], part: list[str]) -> bool:
    """Whether all of `part` is in `words`, one after the other."""
    size = len(part)
    return size > 0 and any(words[at : at + size] == part for at in range(len(words) - size + 1))


def _about(fact: str, name: str) -> str:
    """A fact as what is said of the concept: "Amy is my sister" → "is my sister"."""
    folded = fold(fact)
    return folded.removeprefix(fold(name)).strip()


def _shortened(text: str, most: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"

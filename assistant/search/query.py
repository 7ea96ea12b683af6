"""What a search asks for: its words → names, times and phrases that must hold, and those that must not.

"Amy and Bo on a beach last summer, without Rex" → Amy, Bo, "beach", three months, not Rex. Knows no library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from assistant.language.ordinary_words import word_set
from assistant.language.question_words import fold
from assistant.search.times import times_in
from assistant.search.words import NAME, QUOTED, Word, words_of
from personalizer.errors import UsageError
from personalizer.library.photos.search import TimeSpan

MAX_LETTERS = 1000
Asks = Literal["list", "count", "last", "first"]
Role = Literal["any", "album", "text", "title", "file", "quoted"]

_TIME = "@time"
# fmt: off
_FILLERS = word_set("""
    show me us find search searching for get give list display look looking up all my our the any some every each
    both of photo photos picture pictures image images pic pics shot shots snap snaps do does did i we you have has
    had there are is was were be been see saw seen last first newest oldest latest earliest recent recently most
    many how count number please can could would like want to where when which that those these who whom what taken
    made shot a an it its his her their this together one ones go went gone visit visited ever time times please
    thanks also else anything something everything stuff library collection mine know about been
""")
_NEGATIONS = word_set("without except excluding minus not no never")
_PLACES = word_set("in on at near inside outside around beside under over by from during into onto through along")
_LINKS = word_set("with of showing shows featuring containing including where while as")
_TEXT = word_set("saying says say reads reading written text words lettering sign")
_TITLE = word_set("titled captioned tagged called entitled keyword keywords caption title description described")
_ALBUM = word_set("album albums folder folders directory")
_FILE = word_set("file files filename")
_PEOPLE = word_set("""
    people persons person faces face somebody someone anybody anyone humans human everybody everyone
""")
_NOBODY = word_set("nobody noone")
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
            "ten": 10, "eleven": 11, "twelve": 12}
_OWN = word_set("my our the your his her their")
_ALONE = word_set("alone only just solo himself herself itself themselves")
# fmt: on
_COURTESIES = re.compile(
    r"""^(?:please|can|could|you|show|me|us|find|search|look|for|give|list|get|all|any|some|my|the|do|i|have|we|are|is
    |there|photos?|pictures?|pics?|images?|shots?|of|with|where|that|showing|which|show|taken|\s)+(?=\s)""",
    re.IGNORECASE | re.VERBOSE,
)
_LETTERS = re.compile(r"[^\W_]+")
_COUNTS = re.compile(r"^(?:and |so )?(?:how many|count|number of|the number of)\b")
_LAST = re.compile(r"\b(?:last|latest|newest|most recent)(?:ly)?\b")
_FIRST = re.compile(r"\b(?:first|oldest|earliest)\b")
_ONE_PHOTO = re.compile(
    r"\b(?:see|saw|seen|meet|visit|visited|photo|picture|pic|image|shot|time|with|was|is|been|in|at|go|went|@name)\b"
)
_MANY_PHOTOS = re.compile(r"\b(?:photos|pictures|pics|images|shots)\b")


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something with a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Faces:
    """A number of faces."""

    least: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What a photo shows, where it is from, or what is written about it."""

    text: str
    """Folded, in English."""
    typed: str
    role: Role = "any"
    is_place: bool = False
    """Whether "in" or "near" stands before it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a photo, or must not."""

    any_of: tuple[Named | Faces | Words, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """A time at which a photo must have been taken."""

    typed: str
    spans: tuple[TimeSpan, ...]
    """Empty for a time that is in no calendar, or that nobody can tell."""


@dataclass(frozen=True, slots=True)
class Query:
    """A whole search."""

    text: str
    asks: Asks = "list"
    conditions: tuple[Condition, ...] = ()
    times: tuple[Time, ...] = ()
    alone: bool = False
    """Whether nobody else may be there."""

    @property
    def free_text(self) -> str:
        """What is typed without the courtesies in front of it."""
        return _COURTESIES.sub("", self.text.strip(), count=1).strip(" ?!.,;:")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said that a photo could be chosen by."""
        return not self.conditions and not self.times


@dataclass(slots=True)
class _Reader:
    """Reads words from left to right."""

    conditions: list[Condition] = field(default_factory=list)
    phrase: list[Word] = field(default_factory=list)
    role: Role = "any"
    is_place: bool = False
    negated: bool = False
    negation_used: bool = False
    joins_last: bool = False
    """After "or"."""
    number: int | None = None
    alone: bool = False
    owned: bool = False
    """Whether the phrase begins with "my" or "the": "my dog Bo" is Bo."""

    def read(self, word: Word) -> None:
        text = word.word
        if text == NAME:
            if self.owned and len(self.phrase) == 1:
                self.phrase = []
            self.end_phrase()
            self.add(Named(word.typed))
        elif text == QUOTED:
            role: Role = self.role if self.role != "any" else "quoted"
            self.end_phrase()
            self.add(Words(" ".join(word.typed.casefold().split()), word.typed, role))
        elif text in _PEOPLE or text in _NOBODY:
            self._read_people(text)
        elif text in _NUMBERS or (text.isdigit() and len(text) < 3):
            self._read_number(word)
        elif self._read_grammar(text) or text in _FILLERS:
            if not self.phrase:
                self.owned = text in _OWN
            return
        else:
            self._keep_number()
            self.phrase.append(word)

    def _read_grammar(self, text: str) -> bool:
        """Words that say how the others belong together."""
        if text in _NEGATIONS:
            self.end_phrase()
            self.negated, self.negation_used = True, False
        elif text in {"or", "and", ",", ";", "but"}:
            self.end_phrase()
            self.joins_last = text == "or"
            if text == "but":
                self.negated = False
        elif text in _PLACES or text in _LINKS or text == _TIME:
            self.end_phrase()
            self.is_place = text in _PLACES
            if self.negation_used:
                self.negated = False
        elif text in _ALBUM or text in _FILE:
            self.role = "album" if text in _ALBUM else "file"
            if self.phrase:
                self.end_phrase()
        elif text in _TEXT and not self.phrase:
            self.role = "text"
        elif text in _TITLE and not self.phrase:
            self.role = "title"
        elif text in _ALONE:
            self.end_phrase()
            self.alone = True
        elif text == "group" and not self.phrase:
            self.add(Faces(3))
        else:
            return False
        return True

    def _read_number(self, word: Word) -> None:
        if self.phrase:
            self.phrase.append(word)
        else:
            self.number = _NUMBERS.get(word.word) or int(word.word)

    def _read_people(self, text: str) -> None:
        number, self.number = self.number, None
        self.end_phrase()
        if text in _NOBODY:
            self.conditions.append(Condition((Faces(1),), negated=True))
        else:
            self.add(Faces(1) if number is None else Faces(number, number))

    def _keep_number(self) -> None:
        """A number that counted no people belongs to the phrase: "5 o'clock", "42nd street"."""
        if self.number is not None:
            self.phrase.append(Word(str(self.number), str(self.number)))
            self.number = None

    def end_phrase(self) -> None:
        words, self.phrase, self.owned = self.phrase, [], False
        if self.number is not None and not words:
            self.number = None
        if words:
            text = " ".join(word.word for word in words)
            self.add(Words(text, " ".join(word.typed for word in words), self.role, self.is_place))

    def add(self, one: Named | Faces | Words) -> None:
        self.role, self.is_place = "any", False
        if self.joins_last and self.conditions and self.conditions[-1].negated == self.negated:
            last = self.conditions.pop()
            self.conditions.append(Condition((*last.any_of, one), last.negated))
        else:
            self.conditions.append(Condition((one,), self.negated))
        self.joins_last = False
        self.negation_used = self.negated


def understand(text: str, names: Sequence[str], now: datetime, albums: Sequence[str] = ()) -> Query:
    """What is searched for. `albums` are names of folders, which are read as names even where they have others in them:
    "Wedding of Carla and David". Raises `UsageError` for a text that is longer than anybody's search."""
    if len(text) > MAX_LETTERS:
        raise UsageError(
            tried="searching your photos",
            found=f"the search has {len(text)} characters, and at most {MAX_LETTERS} are read",
            fix="Say it in a few words: who or what, where, when.",
        )
    words = words_of(_with_quoted_albums(text, names, albums, now), names)
    found = [
        time for time in times_in([word.word for word in words], now) if not _is_in_title(words, time.start)
    ]
    times = tuple(
        Time(" ".join(word.typed for word in words[one.start : one.end]), one.spans) for one in found
    )
    for one in reversed(found):
        words[one.start : one.end] = [Word(_TIME, "")]
    reader = _Reader()
    for word in words:
        reader.read(word)
    reader.end_phrase()
    plain = " ".join(word.word for word in words)
    conditions = tuple(dict.fromkeys(reader.conditions))
    return Query(text, _asks(plain), conditions, times, reader.alone)


def _with_quoted_albums(text: str, names: Sequence[str], albums: Sequence[str], now: datetime) -> str:
    """The text with quotes around each album whose name would fall apart: one with somebody's name or a year in it."""
    for album in sorted(albums, key=len, reverse=True):
        place = _place_of(album, text)
        if place is None or any(mark in text for mark in '"“”„«»'):
            continue
        words = [word.word for word in words_of(album, names)]
        has_name = NAME in words or bool(times_in(words, now))
        own = [
            word
            for word in words
            if word not in _FILLERS | _LINKS | _PLACES | {NAME, "and"} and not word.isdigit()
        ]
        if has_name and own:
            return f'{text[: place[0]]} "{album}" {text[place[1] :]}'
    return text


def _place_of(album: str, text: str) -> tuple[int, int] | None:
    """Where the words of an album's name stand in the text, one after the other, whatever the marks between them."""
    wanted = [fold(word) for word in _LETTERS.findall(unicodedata.normalize("NFC", album))]
    there = list(_LETTERS.finditer(text))
    words = [fold(match[0]) for match in there]
    for at in range(len(words) - len(wanted) + 1):
        if wanted and words[at : at + len(wanted)] == wanted:
            return there[at].start(), there[at + len(wanted) - 1].end()
    return None


def _is_in_title(words: Sequence[Word], start: int) -> bool:
    """Whether a time belongs to the name of an album: "the album Portugal 2019"."""
    before = [word.word for word in words[:start]]
    while before and before[-1] not in _PLACES | _LINKS | _ALBUM | {"and", "or", ","}:
        before.pop()
    return bool(before) and before[-1] in _ALBUM


def _asks(words: str) -> Asks:
    if _COUNTS.match(words):
        return "count"
    for pattern, asks in ((_LAST, "last"), (_FIRST, "first")):
        if pattern.search(words) and _ONE_PHOTO.search(words) and not _MANY_PHOTOS.search(words):
            return "last" if asks == "last" else "first"
    return "list"

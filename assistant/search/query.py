"""What a search asks for: its words → names, times and phrases that must hold, and those that must not.

"Amy and Bo on a beach last summer, without Rex" → Amy, Bo, "beach", three months, not Rex. Knows no library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from assistant.search.albums import with_quoted_albums
from assistant.search.grammar import (
    ALBUM,
    ALONE,
    AT_LEAST,
    FILE,
    FILLERS,
    KNOWN_PEOPLE,
    LINKS,
    MORE_THAN,
    NEGATIONS,
    NOBODY,
    NUMBERS,
    OPINIONS,
    OTHERS,
    OWN,
    PEOPLE,
    PLACES,
    TEXT,
    TITLE,
    TRIPS,
    VERBATIM,
)
from assistant.search.times import FoundTime, times_in
from assistant.search.wording import Asks, Some, asks_of, plain_wording, some_photos
from assistant.search.words import NAME, QUOTED, Word, words_of
from personalizer.errors import UsageError
from personalizer.library.photos.search import TimeSpan

MAX_LETTERS = 1000
Role = Literal["any", "album", "text", "title", "file", "quoted"]

_TIME = "@time"
_COURTESIES = re.compile(
    r"""^(?:please|can|could|you|show|me|us|find|search|look|for|give|list|get|all|any|some|my|the|do|i|have|we|are|is
    |there|photos?|pictures?|pics?|images?|shots?|of|with|where|that|showing|which|show|taken|\s)+(?=\s)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something with a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Faces:
    """A number of faces."""

    least: int
    most: int | None = None
    beside_named: bool = False
    """Whether those who are named are not counted: "Amy with two others"."""


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """Anybody with a name."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a photo shows, where it is from, or what is written about it."""

    text: str
    """Folded, in English."""
    typed: str
    role: Role = "any"
    is_place: bool = False
    """Whether "in" or "near" stands before it."""


Wanted = Named | Faces | KnownPeople | Words


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a photo, or must not."""

    any_of: tuple[Wanted, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """A time at which a photo must have been taken."""

    typed: str
    spans: tuple[TimeSpan, ...]
    """Empty for a time that is in no calendar, or that nobody can tell."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole search."""

    text: str
    asks: Asks = "list"
    conditions: tuple[Condition, ...] = ()
    times: tuple[Time, ...] = ()
    alone: bool = False
    """Whether nobody else may be there."""
    some: Some | None = None
    """How many photos are wanted; None for all."""
    opinions: tuple[str, ...] = ()
    """Words of praise, by which no photo is chosen."""

    @property
    def names(self) -> list[str]:
        """Those who are to be in a photo, or of whom one is."""
        wanted = (one for condition in self.conditions if not condition.negated for one in condition.any_of)
        return [one.name for one in wanted if isinstance(one, Named)]

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
    is_verbatim: bool = False
    """Whether what is written in the photo follows."""
    is_place: bool = False
    negation: Word | None = None
    negation_used: bool = False
    joins_last: bool = False
    """After "or"."""
    row: int = 0
    """At which condition a row of them began, which only commas part: "Amy, Bo or Rex"."""
    behind_comma: bool = False
    number: Word | None = None
    bound: Word | None = None
    """ "at least" or "more than"."""
    alone: bool = False
    owned: bool = False
    """Whether the phrase begins with "my" or "the": "my dog Bo" is Bo."""
    has_time: bool = False
    opinions: list[str] = field(default_factory=list)

    def read(self, word: Word) -> None:
        text = word.word
        if self._is_written(text):
            self.phrase.append(word)
        elif text == NAME:
            if self.owned and len(self.phrase) == 1:
                self.phrase = []
            self.end_phrase()
            self.add(Named(word.typed))
        elif text == QUOTED:
            role: Role = self.role if self.role != "any" else "quoted"
            self.end_phrase()
            self.add(Words(" ".join(word.typed.casefold().split()), word.typed, role))
        elif text in PEOPLE or text in NOBODY or text == OTHERS:
            self._read_people(text)
        elif text == KNOWN_PEOPLE:
            self.end_phrase()
            self.add(KnownPeople())
        elif text in {AT_LEAST, MORE_THAN}:
            self.end_phrase()
            self.bound = word
        elif text in NUMBERS or (text.isdigit() and len(text) < 3):
            self._read_number(word)
        elif self._read_grammar(word) or text in FILLERS:
            if not self.phrase:
                self.owned = text in OWN
        else:
            self._keep_number()
            self.phrase.append(word)

    def _is_written(self, text: str) -> bool:
        """Whether the word is part of what the photo says, be it "no" or "all"."""
        if not self.is_verbatim or text in PLACES | LINKS | {
            NAME,
            QUOTED,
            _TIME,
            ",",
            ";",
            "and",
            "or",
            "but",
        }:
            return False
        return bool(self.phrase or text in {"no", "not", "never"}) and text not in {"without", "except"}

    def _read_grammar(self, word: Word) -> bool:
        """Words that say how the others belong together."""
        text = word.word
        if text in NEGATIONS:
            self.end_phrase()
            self.negation, self.negation_used = word, False
        elif text in {"or", "and", ",", ";", "but", "nor"}:
            self._read_conjunction(text)
        elif text == "to" and not {one.word for one in self.phrase} - TRIPS:
            self.phrase, self.is_place = [], True
        elif text in PLACES or text in LINKS or text == _TIME:
            self.end_phrase()
            self.is_place, self.has_time = text in PLACES, self.has_time or text == _TIME
            if self.negation_used:
                self.negation = None
            if not self.behind_comma:
                self.row = len(self.conditions)
        elif text in ALBUM or text in FILE:
            self.role = "album" if text in ALBUM else "file"
            if self.phrase:
                self.end_phrase()
        elif text in TEXT and not self.phrase:
            self.role, self.is_verbatim = "text", text in VERBATIM
        elif text in TITLE and not self.phrase:
            self.role = "title"
        elif text in ALONE:
            self.end_phrase()
            self.alone = True
        elif text == "group" and not self.phrase:
            self.add(Faces(3))
        else:
            return False
        return True

    def _read_conjunction(self, text: str) -> None:
        self.end_phrase()
        if text == "," and self.negation is not None and self._negate_last():
            self.negation = None
        self.joins_last = text == "or"
        self.behind_comma = text in {",", "or"}
        if text == "but":
            self.negation = None
        if not self.behind_comma:
            self.row = len(self.conditions)

    def _read_number(self, word: Word) -> None:
        if self.phrase:
            self.phrase.append(word)
        else:
            self.number = word

    def _read_people(self, text: str) -> None:
        number, self.number = self.number, None
        bound, self.bound = self.bound, None
        self.end_phrase()
        if text in NOBODY:
            self.conditions.append(Condition((Faces(1),), negated=True))
            return
        beside_named = text == OTHERS
        if number is None:
            self.add(Faces(1, None, beside_named))
            return
        count = NUMBERS.get(number.word) or int(number.word)
        least = count + (bound is not None and bound.word == MORE_THAN)
        self.add(Faces(least, None if bound else count, beside_named))

    def _keep_number(self) -> None:
        """A number that counted no people belongs to the phrase: "5 o'clock", "42nd street"."""
        self.phrase += [word for word in (self.bound, self.number) if word is not None]
        self.bound = self.number = None

    def end_phrase(self) -> None:
        if self.number is not None and self.number.word != "one":
            self._keep_number()  # what it counts is not known, and it may change what is meant
        words, self.phrase, self.owned = self.phrase, [], False
        self.is_verbatim = self.is_verbatim and not words
        self.number = self.bound = None
        if not words:
            return
        if self.role == "any" and not self.is_place and all(word.word in OPINIONS for word in words):
            self.opinions += [word.typed for word in words]
            return
        text = " ".join(word.word for word in words)
        self.add(Words(text, " ".join(word.typed for word in words), self.role, self.is_place))

    def add(self, one: Wanted) -> None:
        self.role, self.is_place = "any", False
        negated = self.negation is not None
        if isinstance(one, Words) and self.behind_comma and self._is_behind_place():
            one = replace(one, is_place=True)
        any_of = [one]
        if self.joins_last:
            while self._joins(any_of, negated):
                any_of = [*self.conditions.pop().any_of, *any_of]
        if not self.behind_comma:
            self.row = len(self.conditions)
        self.conditions.append(Condition(tuple(any_of), negated))
        self.joins_last = self.behind_comma = False
        self.negation_used = negated

    def _is_behind_place(self) -> bool:
        """Whether the row is one of places: "in Paris, Berlin or Oslo"."""
        last = self.conditions[-1].any_of[-1] if self.conditions else None
        return isinstance(last, Words) and last.is_place

    def _joins(self, any_of: Sequence[Wanted], negated: bool) -> bool:
        """Whether the last condition is one of those of which one is enough."""
        if not self.conditions or self.conditions[-1].negated != negated:
            return False
        # The nearest is joined whatever it is, those before it where they are of its kind.
        last = self.conditions[-1].any_of
        return len(any_of) == 1 or (len(self.conditions) > self.row and type(last[-1]) is type(any_of[-1]))

    def finish(self) -> None:
        self.end_phrase()
        if self.opinions and not self.conditions and not self.has_time:
            text = " ".join(self.opinions)
            self.opinions = []
            self.conditions.append(Condition((Words(text.casefold(), text),)))
        if self.negation is None or self.negation_used:
            return
        if self._negate_last() or not self.conditions:
            return
        self.conditions.append(Condition((Words(self.negation.word, self.negation.typed),)))

    def _negate_last(self) -> bool:
        """ "photos that Amy isn't in": what is not wanted stands before the "not"."""
        last = self.conditions[-1] if self.conditions else None
        if last is None or last.negated or not isinstance(last.any_of[-1], Named):
            return False
        if self.negation is None or self.negation.word != "not" or self.negation_used:
            return False
        self.conditions[-1] = Condition(last.any_of, negated=True)
        self.negation_used = True
        return True


def understand(text: str, names: Sequence[str], now: datetime, albums: Sequence[str] = ()) -> Query:
    """What is searched for. `albums` are names of folders, which are read as names even where they have others in them:
    "Wedding of Carla and David". Raises `UsageError` for a text that is longer than anybody's search."""
    if len(text) > MAX_LETTERS:
        raise UsageError(
            tried="searching your photos",
            found=f"the search has {len(text)} characters, and at most {MAX_LETTERS} are read",
            fix="Say it in a few words: who or what, where, when.",
        )
    words = plain_wording(words_of(with_quoted_albums(text, names, albums, now), names))
    some = some_photos(words)
    times = _take_times(words, now)
    reader = _Reader()
    for word in words:
        reader.read(word)
    reader.finish()
    asks = "list" if some is not None else asks_of(" ".join(word.word for word in words))
    conditions = tuple(dict.fromkeys(reader.conditions))
    return Query(text, asks, conditions, times, reader.alone, some, tuple(reader.opinions))


def _take_times(words: list[Word], now: datetime) -> tuple[Time, ...]:
    """The times in the words, each replaced by a mark; with it the "not" before it."""
    found = [time for time in times_in([word.word for word in words], now) if not _is_in_title(words, time)]
    times = []
    for one in reversed(found):
        typed = " ".join(word.typed for word in words[one.start : one.end])
        negated = one.start > 0 and words[one.start - 1].word in NEGATIONS
        times.append(Time(typed, one.spans, negated))
        words[one.start - negated : one.end] = [Word(_TIME, "")]
    return tuple(reversed(times))


def _is_in_title(words: Sequence[Word], time: FoundTime) -> bool:
    """Whether a time belongs to the name of an album, or to what is written: "the album Portugal 2019"."""
    before = [word.word for word in words[: time.start]]
    while before and before[-1] not in PLACES | LINKS | ALBUM | VERBATIM | {"and", "or", ","}:
        before.pop()
    return bool(before) and before[-1] in ALBUM | VERBATIM and words[time.start].word not in PLACES

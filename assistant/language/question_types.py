"""What a question about a photo can ask for: one record per kind, with all that an answer needs.

A question is a tuple of such parts: "who is with Amy and when was it taken?" has two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.language.question_dates import Period

Position = Literal["left", "right", "middle", "front", "back"]
Kind = Literal["person", "animal", "thing"]


@dataclass(frozen=True, slots=True)
class Describe:
    """Who and what is in the photo: nothing in particular is asked."""


@dataclass(frozen=True, slots=True)
class WhoIsThere:
    """Who can be seen."""

    besides: tuple[str, ...] = ()
    """Known names that are left out: "who else besides Bo?"."""
    position: Position | None = None
    kind: Kind | None = None
    others: bool = False
    """Whether "who else" is asked."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether these people, animals or things are in the photo."""

    names: tuple[str, ...] = ()
    unknown_names: tuple[str, ...] = ()
    """Names that the library does not know, as typed."""
    relations: tuple[str, ...] = ()
    """Those who are said by what they are to somebody: "my mother". No name is known for them."""
    any_of: bool = False
    """Whether one of them is enough: "Bo or Rex"."""
    negated: bool = False
    """Whether the question is put as "is this not Bo?"."""
    position: Position | None = None
    asks_where: bool = False
    """Whether it is asked where in the photo they are, not only whether."""


@dataclass(frozen=True, slots=True)
class HowMany:
    """How many of a kind can be seen."""

    what: str
    """"people", "faces", "animals", "known" (of those with names), or an English noun in the singular: "dog"."""
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class WithWhom:
    """Who is together with somebody; with no name, with the one whom the photo is about."""

    names: tuple[str, ...] = ()
    unknown_names: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alone:
    """Whether somebody is the only one there; with no name, the one whom the photo is about."""

    names: tuple[str, ...] = ()
    unknown_names: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """When the photo was taken."""

    asks: Literal["date", "year", "month", "season", "weekday", "time", "age"] = "date"
    period: Period | None = None
    """The time that is asked for, in a yes or no question: "before 2020?"."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the photo was taken."""

    asks: Literal["place", "country", "city", "coordinates"] = "place"
    place: str | None = None
    """The place that is asked for, as typed, in a yes or no question: "in Lisbon?"."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What the photo was taken with."""

    asked: str | None = None
    """A camera, as typed, in a yes or no question: "with an iPhone?"."""


@dataclass(frozen=True, slots=True)
class Album:
    """In which folder or album the photo is, or what its file is called."""

    asks: Literal["album", "file"] = "album"
    asked: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether things, scenes or unnamed people or animals can be seen: English nouns in the singular."""

    words: tuple[str, ...]
    any_of: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class WhatIsIt:
    """Which animal, flower, make or breed something is."""

    kind: str
    """The noun that is asked for: "flower", "dog breed"."""


@dataclass(frozen=True, slots=True)
class Colors:
    """Which colors somebody, something or the whole photo has."""

    of: str | None = None
    """A known name, or an English noun."""
    is_name: bool = False
    asked: str | None = None
    """The color in a yes or no question; "black and white" asks whether there is any."""


@dataclass(frozen=True, slots=True)
class Light:
    """Whether it is dark, bright, day, night or sunny: the word asked for, in English."""

    asked: str


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Whether the photo is sharp or blurred."""

    asked: Literal["sharp", "blurred"]


@dataclass(frozen=True, slots=True)
class Text:
    """What is written in the photo."""

    contains: str | None = None
    """Words as typed, in a yes or no question: "does it say EXIT?"."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height, file size or format of the photo."""

    asks: Literal["pixels", "bytes", "format", "orientation"] = "pixels"


@dataclass(frozen=True, slots=True)
class Told:
    """Something about known names that no photo tells, though the user may have."""

    names: tuple[str, ...]
    text: str
    """The question."""
    is_open: bool = False
    """Whether everything that is known is asked for: "who is Bo?"."""


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else. Nothing is guessed: an answer says that it cannot tell, and what is known."""

    text: str
    names: tuple[str, ...] = ()
    unknown_names: tuple[str, ...] = ()
    """Words that may be names the library does not know."""


Part = (
    Describe
    | WhoIsThere
    | Presence
    | HowMany
    | WithWhom
    | Alone
    | When
    | Where
    | Camera
    | Album
    | Shown
    | WhatIsIt
    | Colors
    | Light
    | Sharpness
    | Text
    | Size
    | Told
    | Other
)
Question = tuple[Part, ...]
"""At least one part, in the order of asking."""

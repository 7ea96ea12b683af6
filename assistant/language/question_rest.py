"""What stands behind "is Bo …" or "was this …": places, times, things, colors, company."""

from __future__ import annotations

import re

from assistant.language.clauses import Clause
from assistant.language.question_dates import period_in
from assistant.language.question_patterns import ARTICLE, COLOR, ENTITIES, NO_THING, PREPOSITION
from assistant.language.question_types import (
    Alone,
    Camera,
    Colors,
    Light,
    Part,
    Presence,
    Sharpness,
    Shown,
    When,
    Where,
    WithWhom,
)
from assistant.language.question_words import KNOWN_NOUNS, singular

_MAX_NOUN_WORDS = 3
_DEVICE = re.compile(
    r"\b(?:camera|phone|iphone|canon|nikon|sony|pixel|samsung|galaxy|fuji\w*|leica|gopro|drone|olympus|huawei|lens|android|smartphone|mobile|dslr)\b"
)
_PHRASE = re.compile(rf"(?:^| )(?:, )?(?:and )?(?={PREPOSITION} )")
LIGHT_WORDS = {
    "dark": "dark", "bright": "bright", "night": "night", "nighttime": "night", "day": "day", "daytime": "day",
    "daylight": "day", "sunny": "sunny", "light": "bright", "gloomy": "dark", "cloudy": "cloudy", "overcast": "cloudy",
    "evening": "evening", "morning": "morning", "dusk": "evening", "dawn": "morning", "underexposed": "dark",
    "overexposed": "bright", "sunshine": "sunny",
}  # fmt: skip


def things_in(words: str, clause: Clause) -> tuple[str, ...] | None:
    """The things that a phrase names, as English nouns in the singular; None for what is no list of things."""
    found = []
    for piece in re.split(rf" (?:and|or|{PREPOSITION}) | , ", words):
        noun = re.sub(rf"^(?:{ARTICLE} )*", "", piece.strip()).strip()
        parts = noun.split()
        if not 0 < len(parts) <= _MAX_NOUN_WORDS or NO_THING & set(parts) or re.search(r"@[krp]", noun):
            return None
        if parts[-1] in {"s", "of"} or parts[-1].isdigit():
            return None
        parts = [clause.entity(part).text if part.startswith("@u") else part for part in parts]
        if len(parts) > 1:
            # Words that are no names are in small letters already: else it would be "border Collie".
            parts = [part.lower() for part in parts]
        found.append(" ".join([*parts[:-1], singular(parts[-1])]))
    return tuple(dict.fromkeys(found)) or None


def is_thing(word: str) -> bool:
    """Whether a folded word is a known noun for something that photos show."""
    return word in KNOWN_NOUNS or singular(word) in KNOWN_NOUNS


def company(words: str, clause: Clause) -> WithWhom:
    """Together with the entities in `words`."""
    return WithWhom(clause.texts(words, "k"), clause.texts(words, "u"), clause.texts(words, "r"))


def alone(words: str, clause: Clause, negated: bool = False) -> Alone:
    """The entities in `words`, alone."""
    return Alone(clause.texts(words, "k"), clause.texts(words, "u"), clause.texts(words, "r"), negated)


def phrases(rest: str) -> list[str]:
    """ "on the beach in 2019" → its two prepositional phrases."""
    return [
        re.sub(r" (?:and|or)$", "", piece.strip(" ,"))
        for piece in _PHRASE.split(rest)
        if piece and piece.strip(" ,")
    ]


def parts_of_rest(rest: str, at: int, clause: Clause, was_taken: bool = False) -> tuple[Part, ...] | None:
    """What the words of `rest`, which begin at `at` of the clause, ask for besides; None: not understood."""
    parts: list[Part] = []
    for phrase in phrases(re.sub(r" (?:taken|made|shot)$", "", rest)):
        start = clause.text.find(phrase, at)
        part = _part_of(phrase, clause.typed_at(start, start + len(phrase)), clause, was_taken)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts) or None


def _part_of(phrase: str, typed: str, clause: Clause, was_taken: bool) -> Part | None:
    if phrase in LIGHT_WORDS or re.fullmatch(
        r"(?:at|by|in|during) (?:the )?(?:night|day|daytime|daylight|dark|sunshine|evening|morning|dusk|dawn)",
        phrase,
    ):
        return _light(phrase)
    if phrase in {"in focus", "sharp", "blurred", "blurry", "out of focus"}:
        return Sharpness("sharp" if phrase in {"in focus", "sharp"} else "blurred")
    period = period_in(phrase, typed)
    if period is not None and (was_taken or period.year or period.month):
        return When(period=period)
    if re.fullmatch(COLOR, phrase):
        return Colors(asked=phrase.removeprefix("in ") if "and" in phrase else phrase)
    match = re.fullmatch(rf"(?P<preposition>{PREPOSITION}) (?P<what>.+)", phrase)
    if match is None:
        return None
    preposition, what = match["preposition"], match["what"]
    bare = re.sub(rf"^(?:{ARTICLE} )+", "", what)
    if preposition == "with":
        if was_taken and _DEVICE.search(what):
            return Camera(re.sub(r"^with (?:an? |the |my )?", "", typed, flags=re.IGNORECASE))
        if re.fullmatch(ENTITIES, what):
            return Presence(clause.texts(what, "k"), clause.texts(what, "u"), clause.texts(what, "r"))
    if (
        preposition in {"in", "at", "near", "from", "close to"}
        and "@k" not in what
        and (was_taken or what.startswith("@u"))
    ):
        is_place = what.startswith("@u") or not re.match(rf"{ARTICLE} ", what)
        is_place = is_place and not (NO_THING & set(bare.split()) or re.search(r"(?<!@u)\d", bare))
        if is_place and not is_thing(bare.split()[-1]):
            return Where(place=re.sub(rf"^{preposition} ", "", typed, flags=re.IGNORECASE))
    things = things_in(what, clause)
    if preposition in {"from", "before", "after", "since", "until", "during"} and not is_thing(
        bare.split()[-1]
    ):
        return None
    if things is None or any(
        thing in {"way", "case", "fact", "time", "charge", "love", "trouble"} for thing in things
    ):
        return None
    return Shown(things)


def _light(phrase: str) -> Part:

    return Light(LIGHT_WORDS[phrase.rsplit(maxsplit=1)[-1]])

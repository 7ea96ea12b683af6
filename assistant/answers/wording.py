"""Small pieces of sentences: lists, percentages, dates, places. Knows no photo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from assistant.presentation.printable import percent
from personalizer.schemas import PhotoLabel

CANNOT_TELL = "I can't tell that."
_VOWELS = "aeiou"
_SPOKEN_WITH_VOWEL = ("hour", "heir", "honest")
_SPOKEN_WITH_CONSONANT = ("uni", "use", "euro", "one", "ukulele")
_WITHOUT_ARTICLE = frozenset({
    "clothing", "food", "furniture", "coffee", "wine", "bread", "corn", "rapeseed", "wool", "velvet", "thatch",
    "lotion", "perfume", "sunscreen", "snow", "ice", "rain", "water", "grass", "sand", "money", "hair", "fur", "smoke",
    "fire", "tea", "beer", "cheese", "meat", "text", "writing", "jewelry", "luggage", "traffic", "fog", "mud", "wood",
})  # fmt: skip
_PLURAL = frozenset({
    "sunglasses", "glasses", "binoculars", "scissors", "jeans", "trousers", "pants", "shorts", "headphones",
    "parallel bars", "clothes", "people", "stairs", "pajamas", "fireworks",
})  # fmt: skip


def joined(words: Iterable[str], conjunction: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; empty for none."""
    listed = list(words)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {conjunction} {listed[-1]}"


def sure(name: str, probability: float) -> str:
    """`Bo (78 % sure)`."""
    return f"{name} ({percent(probability)} sure)"


def looks_like(label: PhotoLabel) -> str:
    """`It looks like a beach (93 %).`"""
    return f"It looks like {with_article(label.word)} ({percent(label.confidence)})."


def is_plural(word: str) -> bool:
    """Whether a noun has no singular: `sunglasses`."""
    return word in _PLURAL


def with_article(word: str) -> str:
    """`a dog`, `an ape`; words for stuff and pairs have none."""
    if word in _WITHOUT_ARTICLE or is_plural(word):
        return word
    by_sound = word.startswith(_SPOKEN_WITH_VOWEL) or (
        word.startswith(tuple(_VOWELS)) and not word.startswith(_SPOKEN_WITH_CONSONANT)
    )
    return f"{'an' if by_sound else 'a'} {word}"


def date_text(at: datetime, *, weekday: bool = False, time: bool = True) -> str:
    """`4 May 2024 at 10:00`; the time only where it is known."""
    day = f"{at:%A}, {at.day} {at:%B %Y}" if weekday else f"{at.day} {at:%B %Y}"
    return f"{day} at {at:%H:%M}" if time else day


def coordinates_text(latitude: float, longitude: float) -> str:
    """`38.7100° N, 9.1400° W`."""
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"

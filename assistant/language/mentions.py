"""Finds photo paths and known concept names in what a user typed. Knows no intent and touches no file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

PHOTO = "⟦photo⟧"
CONCEPT = "⟦concept⟧"

_SUFFIX = r"\.(?:jpe?g|jpe|png|webp|heic|heif|tiff?|gif|bmp)"
_PHOTO_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"""(?P<quote>["'`])(?P<path>[^"'`\n]*{_SUFFIX})(?P=quote)""",
        rf"(?P<path>file://\S+?{_SUFFIX})(?!\w)",
        # Spaces escaped as a shell would: IMG\ 1.jpg
        rf"(?P<path>(?<!\S)\S*\\ (?:\\ |\S)*?{_SUFFIX})(?!\w)",
        # An anchored path may contain bare spaces: ~/My Photos/IMG 1.jpg
        rf"(?P<path>(?<![\w/.~])(?:~[\w-]*|\.{{1,2}}|[A-Za-z]:)?[/\\](?!/)[^\"'`\n]*?{_SUFFIX})(?!\w)",
        rf"(?P<path>[^\s\"'`,;:()\[\]]+{_SUFFIX})(?!\w)",
    )
)
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})

# Names that are also ordinary words count only when they are written with their capital letters.
# fmt: off
_WORD_NAMES = frozenset({
    "art", "bag", "bill", "bob", "buddy", "can", "car", "cat", "chance", "chip", "dawn", "do", "dog",
    "drew", "faith", "frank", "grace", "grant", "guy", "home", "hope", "house", "hunter", "it", "ivy",
    "jack", "joy", "june", "lamp", "lucky", "mark", "may", "me", "mug", "nick", "olive", "pat",
    "patience", "penny", "pepper", "pip", "ray", "rich", "rob", "robin", "rose", "sandy", "shoe", "sky",
    "star", "sue", "sunny", "that", "toy", "will", "you",
})
# fmt: on
_AUXILIARY_START = re.compile(
    r"^(?:may|will|can)\s+(?:i|you|we|it|he|she|they|there|the|this|that|my|your)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Mentions:
    """A request with its photos and concepts lifted out."""

    skeleton: str
    """The text with `PHOTO` and `CONCEPT` in place of what was found; quotes made plain, spaces collapsed."""
    photos: tuple[str, ...]
    """Paths as the user wrote them, without quotes, escapes and `file://`, in order."""
    concepts: tuple[str, ...]
    """Names as the library spells them, in order of appearance."""

    def restore(self, fragment: str, skeleton_start: int = 0) -> str:
        """Put the names back into `fragment`, which begins at `skeleton_start` of the skeleton."""
        return self.restore_names(fragment, skeleton_start).replace(PHOTO, "").strip()

    def restore_names(self, fragment: str, skeleton_start: int = 0) -> str:
        """The same, leaving the photos' places marked."""
        number = self.skeleton[:skeleton_start].count(CONCEPT)
        parts = fragment.split(CONCEPT)
        restored = parts[0]
        for offset, part in enumerate(parts[1:]):
            restored += self.concepts[number + offset] + part
        return restored


def find_mentions(text: str, concepts: Sequence[str]) -> Mentions:
    """Lift photo paths and names out of `text`. Longer names win over names inside them."""
    plain = unicodedata.normalize("NFC", text).translate(_QUOTES)
    photos: list[tuple[int, str]] = []
    for pattern in _PHOTO_PATTERNS:
        plain = _lift_photos(plain, pattern, photos)
    plain = re.sub(r"\s+", " ", plain).strip()
    ordered = [path for _, path in sorted(photos, key=lambda item: _position(plain, item[0]))]
    plain = re.sub(r"⟦photo\d+⟧", PHOTO, plain)
    skeleton, found = _lift_concepts(plain, concepts)
    return Mentions(skeleton, tuple(ordered), tuple(found))


def is_ordinary_word(name: str) -> bool:
    """Whether a name counts as one only where it is written with its capital letters."""
    return _folded(name) in _WORD_NAMES


def _lift_photos(text: str, pattern: re.Pattern[str], photos: list[tuple[int, str]]) -> str:
    def lift(match: re.Match[str]) -> str:
        path = match["path"]
        if "⟦" in path:
            return match[0]
        if path.lower().startswith("file://"):
            path = unquote(path[len("file://") :])
        photos.append((len(photos), path.replace("\\ ", " ")))
        return f"⟦photo{len(photos) - 1}⟧"

    return pattern.sub(lift, text)


def _position(text: str, number: int) -> int:
    return text.find(f"⟦photo{number}⟧")


def _lift_concepts(text: str, concepts: Sequence[str]) -> tuple[str, list[str]]:
    names = sorted({name for name in concepts if name.strip()}, key=len, reverse=True)
    if not names:
        return text, []
    canonical = {_folded(name): name for name in names}
    alternatives = "|".join(re.escape(unicodedata.normalize("NFC", name)) for name in names)
    # "the" and "my" belong to the mention ("my striped mug" is the concept "striped mug") unless to the name itself.
    pattern = re.compile(rf"(?<![\w⟦])(?:(?:the|my|our) )??(?P<name>{alternatives})(?![\w⟧])", re.IGNORECASE)
    found: list[str] = []

    def lift(match: re.Match[str]) -> str:
        name = canonical.get(_folded(match["name"]))
        if name is None:
            return match[0]
        if is_ordinary_word(name):
            is_auxiliary = match.start() == 0 and _AUXILIARY_START.match(text)
            if match["name"] != name or is_auxiliary:
                return match[0]
        found.append(name)
        return CONCEPT

    return pattern.sub(lift, text), found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

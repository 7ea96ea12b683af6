"""A request in words → one structure that everything after it reads: photos and names lifted out, with their places.

What a user typed is parsed here once. Knows no intent and touches no file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.language.ordinary_words import folded, stands_for_name
from assistant.language.photo_paths import lift_photos

PHOTO = "⟦photo⟧"
CONCEPT = "⟦concept⟧"

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Mention:
    """A known name in a text."""

    name: str
    """As the library spells it."""
    start: int
    end: int
    """Where it stands in the text, the end exclusive; an article before it is left out."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words with the concepts in them: what is asked, drawn or kept."""

    text: str
    """As it is shown: quotes made plain, spaces collapsed, composed letters."""
    skeleton: str
    """The text with `CONCEPT` in place of every mention (and its article) and `PHOTO` in place of every path."""
    mentions: tuple[Mention, ...] = ()

    @property
    def concepts(self) -> tuple[str, ...]:
        """Names as the library spells them, in order of appearance."""
        return tuple(mention.name for mention in self.mentions)

    @property
    def is_only_name(self) -> bool:
        """Whether nothing but one known name was said."""
        return self.skeleton.strip(" .!?,") == CONCEPT

    def with_slots(self, slots: Mapping[str, str]) -> str:
        """The text with a slot for every mention of a name that has one; braces that the user typed are dropped."""
        parts, end = [], 0
        for mention in self.mentions:
            if mention.name in slots:
                parts += [_without_braces(self.text[end : mention.start]), slots[mention.name]]
                end = mention.end
        return "".join([*parts, _without_braces(self.text[end:])])


@dataclass(frozen=True, slots=True)
class Request(Phrase):
    """Everything that was typed."""

    photos: tuple[str, ...] = ()
    """Paths as the user wrote them, without quotes, escapes and `file://`, in order."""

    def part(self, fragment: str, skeleton_start: int = 0) -> Phrase:
        """The words behind `fragment` of the skeleton, which begins at `skeleton_start` of it, without photos."""
        number = self.skeleton[:skeleton_start].count(CONCEPT)
        pieces = fragment.replace(PHOTO, "").strip().split(CONCEPT)
        text, mentions = pieces[0], []
        for name, piece in zip(self.concepts[number:], pieces[1:], strict=False):
            mentions.append(Mention(name, len(text), len(text) + len(name)))
            text += name + piece
        return Phrase(text, CONCEPT.join(pieces), tuple(mentions))


def parse(text: str, names: Sequence[str]) -> Request:
    """Lift photo paths and known names out of `text`. Longer names win over names inside them."""
    # Paths first, letter by letter: on the disk another form of an accent or an apostrophe is another name.
    plain, paths = lift_photos(text)
    photos = [_Lifted(_plain(typed), path) for typed, path in paths]
    plain = _plain(plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    plain, found = _lift_concepts(plain, names)
    return _assembled(plain, photos, found)


def _plain(text: str) -> str:
    """Composed letters, straight quotes, no halves of characters."""
    return encodable(unicodedata.normalize("NFC", text).translate(_QUOTES))


def encodable(text: str) -> str:
    """The text without halves of characters, which bytes that are not UTF-8 become: a replacement mark instead."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


@dataclass(frozen=True, slots=True)
class _Lifted:
    """Something that a placeholder stands for."""

    typed: str
    meant: str
    """The path, or the name as the library spells it."""
    name_starts: int = 0
    """Of a name with an article: where in `typed` it begins."""


def _assembled(plain: str, photos: Sequence[_Lifted], concepts: Sequence[_Lifted]) -> Request:
    """The request behind a text in which placeholders with numbers stand for photos, and `CONCEPT` for names."""
    text, skeleton = "", ""
    mentions: list[Mention] = []
    paths: list[str] = []
    left = iter(concepts)
    for piece in re.split(rf"(⟦photo\d+⟧|{re.escape(CONCEPT)})", plain):
        number = re.fullmatch(r"⟦photo(\d+)⟧", piece)
        if number is not None and int(number[1]) < len(photos):
            lifted = photos[int(number[1])]
            paths.append(lifted.meant)
            text, skeleton = text + lifted.typed, skeleton + PHOTO
        elif piece == CONCEPT and (concept := next(left, None)) is not None:
            start = len(text) + concept.name_starts
            text, skeleton = text + concept.typed, skeleton + CONCEPT
            mentions.append(Mention(concept.meant, start, len(text)))
        else:
            text, skeleton = text + piece, skeleton + piece
    return Request(text, skeleton, tuple(mentions), tuple(paths))


def _lift_concepts(text: str, concepts: Sequence[str]) -> tuple[str, list[_Lifted]]:
    names = sorted({name for name in concepts if name.strip()}, key=len, reverse=True)
    # What the user typed in the form of a placeholder is none.
    text = text.replace(CONCEPT, "(concept)")
    if not names:
        return text, []
    # A name with other accents than the user typed is still the name: "Zoe" is Zoë, unless somebody else is Zoe.
    canonical = {_without_accents(name): name for name in names} | {folded(name): name for name in names}
    alternatives = "|".join(re.escape(_without_accents(name)) for name in names)
    # "the" and "my" belong to the mention ("my striped mug" is the concept "striped mug") unless to the name itself.
    pattern = re.compile(rf"(?<![\w⟦])(?:(?:the|my|our) )??(?P<name>{alternatives})(?![\w⟧])", re.IGNORECASE)
    found: list[_Lifted] = []
    pieces, end = [], 0
    for match in pattern.finditer(_without_accents(text, keep_case=True)):
        start, name_start = match.start(), match.start("name")
        typed = text[name_start : match.end()]
        name = canonical.get(folded(typed)) or canonical.get(_without_accents(typed))
        if name is not None and stands_for_name(text, name_start, match.end(), name):
            found.append(_Lifted(text[start : match.end()], name, name_start - start))
            pieces += [text[end:start], CONCEPT]
            end = match.end()
    return "".join([*pieces, text[end:]]), found


def _without_accents(text: str, keep_case: bool = False) -> str:
    """The text with as many characters, each without its accent."""
    composed = unicodedata.normalize("NFC", text)
    plain = "".join(unicodedata.normalize("NFD", letter)[0] for letter in composed)
    return plain if keep_case else plain.casefold()


def _without_braces(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")

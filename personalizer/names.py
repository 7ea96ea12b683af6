"""Validates names of concepts and other one-line texts. Knows characters, not concepts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from personalizer.errors import UsageError

MAX_NAME_CHARACTERS = 80
_LONE = re.compile("[\ud800-\udfff]")
"""Surrogates, which decode bytes that are not UTF-8."""

# Marks that reorder the text around them: a name holding one could make a list of names read as another.
REORDERING_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates, unassigned and private code points, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class LineRules:
    """Rules for one line of text."""

    called: str
    """What the text is in messages."""
    most: int
    """Characters."""
    empty_fix: str
    long_fix: str = ""
    needed: str = "LNPS"
    """The Unicode categories of which one character has to be there."""
    refused: frozenset[str] = _REFUSED_CATEGORIES
    """Those of which none may be."""
    allowed: str = ""
    """Control characters that become spaces."""


_NAME = LineRules("name", MAX_NAME_CHARACTERS, "Give it at least one letter or emoji.")


def name_key(text: str) -> str:
    """A key that is equal for spellings of one name that differ only in case, spaces and composition."""
    # SQLite's NOCASE folds ASCII only; names are folded here so that Zoë and ZOË are one concept.
    # Bytes that are no text are in no name: what asks for one finds nobody.
    return " ".join(unicodedata.normalize("NFC", _LONE.sub("\ufffd", text)).split()).casefold()


def valid_name(text: str) -> str:
    """`text` as it is stored: normalised (NFC), with single spaces and none at the ends.

    Any script and emoji are allowed. Raises `UsageError` when nothing visible remains, when it is longer than
    `MAX_NAME_CHARACTERS`, or when it holds control characters or marks that reorder text.
    """
    return visible_line(text, "naming a concept", _NAME)


def visible_line(text: str, tried: str, rules: LineRules) -> str:
    """What a person typed, as one normalised line, or `UsageError`."""
    for character in text:
        if character in rules.allowed:
            continue
        if unicodedata.category(character) in rules.refused or character in REORDERING_MARKS:
            raise UsageError(
                tried=tried,
                found=f"the {rules.called} holds U+{ord(character):04X}, which cannot be shown",
                fix="Use letters, digits, spaces, punctuation or emoji.",
            )
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(character)[0] in rules.needed for character in line):
        raise UsageError(tried=tried, found=f"the {rules.called} is empty", fix=rules.empty_fix)
    if len(line) > rules.most:
        raise UsageError(
            tried=tried,
            found=f"the {rules.called} has {len(line)} characters",
            fix=f"Use at most {rules.most}{rules.long_fix}.",
        )
    return line

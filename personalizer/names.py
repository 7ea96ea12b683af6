"""What may be the name of a concept. Knows characters, not concepts."""

from __future__ import annotations

import unicodedata

from personalizer.errors import UsageError

MAX_NAME_CHARACTERS = 80

# Marks that reorder the text around them: a name holding one could make a list of names read as another.
REORDERING_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates, unassigned and private code points, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})


def name_key(text: str) -> str:
    """What two spellings of one name have in common: they differ in case, spaces and composition only."""
    # SQLite's NOCASE folds ASCII only; names are folded here so that Zoë and ZOË are one concept.
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def valid_name(text: str) -> str:
    """`text` as it is stored: normalised (NFC), with single spaces and none at the ends.

    Any script and emoji are allowed. Raises `UsageError` when nothing visible remains, when it is longer than
    `MAX_NAME_CHARACTERS`, or when it holds control characters or marks that reorder text.
    """
    return visible_line(
        text,
        tried="naming a concept",
        called="name",
        most=MAX_NAME_CHARACTERS,
        empty_fix="Give it at least one letter or emoji.",
    )


def visible_line(
    text: str,
    *,
    tried: str,
    called: str,
    most: int,
    empty_fix: str,
    long_fix: str = "",
    needed: str = "LNPS",
    refused: frozenset[str] = _REFUSED_CATEGORIES,
    allowed: str = "",
) -> str:
    """What a person typed, as one normalised line, or `UsageError`.

    `needed` are the Unicode categories of which one character has to be there, `refused` those of which none may be,
    `allowed` control characters that become spaces; `called` is what the text is in messages.
    """
    for character in text:
        if character in allowed:
            continue
        if unicodedata.category(character) in refused or character in REORDERING_MARKS:
            raise UsageError(
                tried=tried,
                found=f"the {called} holds U+{ord(character):04X}, which cannot be shown",
                fix="Use letters, digits, spaces, punctuation or emoji.",
            )
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(character)[0] in needed for character in line):
        raise UsageError(tried=tried, found=f"the {called} is empty", fix=empty_fix)
    if len(line) > most:
        raise UsageError(
            tried=tried,
            found=f"the {called} has {len(line)} characters",
            fix=f"Use at most {most}{long_fix}.",
        )
    return line

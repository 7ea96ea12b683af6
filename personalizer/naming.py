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
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES or character in REORDERING_MARKS:
            raise UsageError(
                tried="naming a concept",
                found=f"the name holds U+{ord(character):04X}, which cannot be shown",
                fix="Use letters, digits, spaces, punctuation or emoji.",
            )
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise UsageError(
            tried="naming a concept", found="the name is empty", fix="Give it at least one letter or emoji."
        )
    if len(name) > MAX_NAME_CHARACTERS:
        raise UsageError(
            tried="naming a concept",
            found=f"the name has {len(name)} characters",
            fix=f"Use at most {MAX_NAME_CHARACTERS}.",
        )
    return name

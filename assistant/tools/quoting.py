"""Marks what others wrote (file names, text in photos, told facts) as data, so that nobody takes it for instructions.

Knows text only.
"""

from __future__ import annotations

import re
import unicodedata

MOST_QUOTED = 200
"""Characters of one quoted piece."""
MOST_IN_RESULT = 6_000
"""Characters of a tool's whole text."""
_JOINERS = "\u200c\u200d"
"""Invisible, but without them words in several scripts and many emoji fall apart."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BREAKS = frozenset({"Zl", "Zp"})
_INNER = str.maketrans(dict.fromkeys("“„‟«❝〝", "‘") | dict.fromkeys('”»❞〞＂″"', "’"))
_ANGLES = str.maketrans({"<": "‹", ">": "›"})
_CONTROL_WORD = re.compile(r"\[(/?[A-Z_]{3,})\]")
"""Such as `[TOOL_CALLS]` and `[/INST]`; with `<|im_start|>` and `<tool_call>`, what chat templates are made of."""
_PLAIN_MARKS = frozenset("._-'’")


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and what nobody sees (marks that reorder, tags)."""
    shown = "".join(
        " " if _breaks(character) else character for character in text if not _is_hidden(character)
    )
    return " ".join(shown.split())


def quote(text: str, most: int = MOST_QUOTED) -> str:
    """`text` in “…”, on one line, shortened, with no such mark inside: where the quotation ends is never in doubt."""
    plain = one_line(text).translate(_INNER)
    return f"“{plain if len(plain) <= most else plain[: most - 1] + '…'}”"


def quote_data(text: str, most: int = MOST_QUOTED * 3) -> str:
    """`quote`, with nothing in it that looks like a call of a tool or another turn of the conversation."""
    return quote(_CONTROL_WORD.sub(r"(\1)", one_line(text).translate(_ANGLES)), most)


def as_data(tool: str, text: str) -> str:
    """A tool's whole text for a model: one quotation."""
    return f"{tool} says: {quote_data(text, MOST_IN_RESULT)}"


def title(text: str) -> str:
    """A name within a sentence: bare where it is one short word, such as `Bo` or `IMG_1.jpg`, else quoted."""
    plain = one_line(text)
    word = all(character.isalnum() or character in _PLAIN_MARKS for character in plain)
    return plain if plain and word and len(plain) <= 40 else quote(plain)


def _breaks(character: str) -> bool:
    return character in "\n\r\t\v\f\x1c\x1d\x1e\x85" or unicodedata.category(character) in _BREAKS


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS and not _breaks(character)

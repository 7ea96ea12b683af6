"""Finds mentions of names in machine-written text: log lines, records, file names. Knows no concept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}")


class NameMentions:
    """Finds any of several names as whole words, ignoring case: Bo is in "bo.jpg" and "Bo's", not in "about".

    A name in a script without case matches anywhere, since such scripts may not separate words. JSON and Python
    escapes are decoded.
    """

    def __init__(
        self, names: Iterable[str], others: Iterable[str] = (), case_sensitive: Collection[str] = ()
    ) -> None:
        """`names` are searched. A name inside one of the longer `others` ("Bo's ball") is not a mention.

        Names in `case_sensitive` match case-sensitively: "May" is a name, "may" is not. Blank names are ignored.
        """
        searched = {name for name in names if name.strip()}
        longest_first = sorted(searched | {name for name in others if name.strip()}, key=len, reverse=True)
        parts = [
            f"(?P<n{number}>{_pattern(name, name not in case_sensitive)})"
            if name in searched
            else _pattern(name, True)
            for number, name in enumerate(longest_first)
        ]
        # Without any name, a pattern that never matches.
        self._pattern = re.compile("|".join(parts) or "(?!)")

    def in_text(self, text: str) -> bool:
        """Whether `text` mentions a name, escaped or not."""
        return self._in_plain(text) or ("\\" in text and self._in_plain(_unescaped(text)))

    def in_value(self, value: Any) -> bool:
        """Whether any string in a JSON value mentions a name, object keys included."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, dict):
            return any(self.in_value(part) for item in value.items() for part in item)
        return isinstance(value, list | tuple) and any(map(self.in_value, value))

    def _in_plain(self, text: str) -> bool:
        plain = unicodedata.normalize("NFC", text)
        return any(match.lastgroup is not None for match in self._pattern.finditer(plain))


def _pattern(name: str, any_case: bool) -> str:
    """The regular expression of a name as a whole word."""
    words = unicodedata.normalize("NFC", name).split()
    # File names made from a name have dashes or underscores instead of spaces.
    body = r"[\s_-]+".join(map(re.escape, words))
    if any_case:
        body = f"(?i:{body})"
    return f"{_word_boundary(words[0][0], '<!')}{body}{_word_boundary(words[-1][-1], '!')}"


def _word_boundary(edge: str, direction: str) -> str:
    """A lookaround (`direction` "<!" or "!") that no digit or letter continues the word at the character `edge`."""
    if edge.isdigit():
        return rf"(?{direction}\d)"
    return rf"(?{direction}[^\W\d_])" if edge.lower() != edge.upper() else ""


def _unescaped(text: str) -> str:
    """The text with JSON and Python escapes decoded."""
    return _ESCAPE.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    if match[0][1] == "u":
        units = bytes.fromhex(match[0].replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    return chr(min(int(match[0][2:], 16), 0x10FFFF))

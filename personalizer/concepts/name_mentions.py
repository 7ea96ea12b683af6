"""Finds names in what programs wrote: log lines, notes in files, records. Knows characters, not concepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}")


class NameMentions:
    """Looks for any of some names, in any case, as words: Bo is in "bo.jpg" and "Bo's", not in "about".

    A name in a script without case, which may also do without spaces, is found anywhere. JSON's and Python's
    escapes are understood.
    """

    def __init__(
        self, names: Iterable[str], others: Iterable[str] = (), as_written: Collection[str] = ()
    ) -> None:
        """Where one of the `others` is written (Bo's ball), a name inside it is not meant.

        Names that are `as_written` count in this spelling only: "May" is a name and "may" is none.
        """
        own = {name for name in names if name.strip()}
        longest_first = sorted(own | {name for name in others if name.strip()}, key=len, reverse=True)
        parts = [
            f"(?P<n{number}>{_pattern(name, name not in as_written)})"
            if name in own
            else _pattern(name, True)
            for number, name in enumerate(longest_first)
        ]
        # Without any name: something that nothing matches.
        self._pattern = re.compile("|".join(parts) or "(?!)")

    def in_text(self, text: str) -> bool:
        """Whether a name is in `text`, escaped or not."""
        return self._in_plain(text) or ("\\" in text and self._in_plain(_unescaped(text)))

    def in_value(self, value: Any) -> bool:
        """Whether a name is in a JSON value, be it in its keys."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, dict):
            return any(self.in_value(part) for item in value.items() for part in item)
        return isinstance(value, list | tuple) and any(map(self.in_value, value))

    def _in_plain(self, text: str) -> bool:
        plain = unicodedata.normalize("NFC", text)
        return any(match.lastgroup is not None for match in self._pattern.finditer(plain))


def _pattern(name: str, any_case: bool) -> str:
    words = unicodedata.normalize("NFC", name).split()
    # File names have dashes for the spaces of what they are named after.
    body = r"[\s_-]+".join(map(re.escape, words))
    if any_case:
        body = f"(?i:{body})"
    return f"{_no_more_of(words[0][0], '<!')}{body}{_no_more_of(words[-1][-1], '!')}"


def _no_more_of(edge: str, direction: str) -> str:
    """That the word does not go on beyond its `edge`."""
    if edge.isdigit():
        return rf"(?{direction}\d)"
    return rf"(?{direction}[^\W\d_])" if edge.lower() != edge.upper() else ""


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match[0][1] == "u":
        units = bytes.fromhex(match[0].replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    return chr(min(int(match[0][2:], 16), 0x10FFFF))

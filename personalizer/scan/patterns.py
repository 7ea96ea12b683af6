"""Exclusion patterns of the user: how they are stored, and which paths they match.

Like .gitignore, without taking back: a pattern without a slash matches a name anywhere (`Screenshots`, `*.png`); one
with a slash inside is a place below a root (`Scans/2019`); one that starts with a slash is an absolute path. A slash at
the end matches folders only. `*` and `?` stop at slashes, `**` does not, `[a-c]` is one of these.

Users type names as they see them. So accents match in either Unicode form, and brackets and backslashes also match
themselves: `[2019] trip` excludes the folder of that name as well as `2 trip`. In doubt a photo is excluded.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from personalizer.errors import UsageError

_FLAGS = re.IGNORECASE | re.DOTALL


class PathMatcher:
    """Which absolute paths below a root several patterns match."""

    def __init__(self, patterns: Sequence[str]) -> None:
        joined = "|".join(f"(?:{pattern_regex(pattern)})" for pattern in patterns)
        self._regex = re.compile(joined, _FLAGS)

    def matches_folder(self, path: str, root: str) -> bool:
        """Whether the folder at `path` is meant."""
        return self._matches(path, root, "/")

    def matches_file(self, path: str, root: str) -> bool:
        """Whether the file at `path` is meant."""
        return self._matches(path, root, "")

    def _matches(self, path: str, root: str, ending: str) -> bool:
        # Two spellings of one path: patterns that start at the root, and patterns that name a place.
        return any(
            self._regex.fullmatch(composed(text) + ending) is not None
            for text in (path[len(root) :].lstrip("/"), path)
        )


def composed(text: str) -> str:
    """The text with each accented letter as one character: Macs write names in parts, keyboards do not."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def valid_pattern(typed: str) -> str:
    """The pattern as it is stored. Raises UsageError for one that can match nothing, or everything."""
    text = composed(typed.strip())
    if text.lower().startswith("file://"):
        text = composed(unquote(text[len("file://") :], errors="surrogateescape"))
    found = None
    if not text.strip("/*"):
        found = "it would leave out everything" if text else "it is empty"
    elif text.startswith("!"):
        found = "it takes something back, which patterns here cannot"
    elif "\0" in text or "\n" in text:
        found = "it has a line break or a zero in it"
    if found is not None:
        fix = "Give a name (Screenshots), a pattern (*.png), a place (Scans/2019, /mnt/photos/private)."
        raise UsageError(tried=f"excluding {typed!r}", found=found, fix=fix)
    if text.startswith(("~", "/")):
        ending = "/" if text.endswith("/") else ""
        try:
            place = os.fspath(Path(text).expanduser())
        except RuntimeError as error:
            raise UsageError(
                tried=f"excluding {typed!r}",
                found="there is no such user behind the ~",
                fix="Write the path without ~, or start it with ./~.",
            ) from error
        text = composed(_real_place(place)) + ending
    return text.removeprefix("./")


def _real_place(path: str) -> str:
    """An absolute pattern with the links of its folders resolved, since folders are registered by their real names.

    What is on the disk is followed as it is spelt there; from the first part that is not, the pattern stays as typed.
    """
    here, parts = "/", list(filter(None, path.split("/")))
    while parts:
        entry = _entry(here, parts[0])
        if entry is None:
            break
        here = os.path.realpath(os.path.join(here, entry))  # noqa: PTH118
        parts.pop(0)
    return "/".join([here.rstrip("/"), *parts])


def _entry(folder: str, typed: str) -> str | None:
    """What `typed` is called in `folder`: as it stands, unescaped, or in the other Unicode form."""
    if typed in (".", ".."):
        return typed
    spellings = dict.fromkeys([typed, re.sub(r"\\(.)", r"\1", typed)])
    for name in spellings:
        if os.path.lexists(os.path.join(folder, name)):  # noqa: PTH118
            return name
    if typed.isascii():
        return None
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return None
    return next((name for name in names if composed(name) in spellings), None)


def pattern_regex(pattern: str) -> str:
    """A regular expression for a composed path: relative to its root or absolute, a folder's with a slash behind it."""
    pattern = composed(pattern)
    folders_only = pattern.endswith("/")
    body = pattern.strip("/") if not pattern.startswith("/") else pattern.rstrip("/")
    anywhere = "/" not in body
    regex = "".join(_pieces(body))
    # A file name stands at the end, a folder's name before its slash.
    return f"{'(?:.*/)?' if anywhere else ''}{regex}{'/' if folders_only else '/?'}"


def _pieces(body: str) -> Iterator[str]:
    position = 0
    while position < len(body):
        if body.startswith("**/", position):
            yield "(?:.*/)?"
            position += 3
        elif body.startswith("**", position):
            yield ".*"
            position += 2
        elif body[position] == "[" and (end := _class_end(body, position)) is not None:
            yield _either(body[position:end])
            position = end
        elif body[position] == "\\" and position + 1 < len(body):
            # An escape, or a backslash in a name.
            yield rf"\\?{re.escape(body[position + 1])}"
            position += 2
        else:
            letter = body[position]
            yield {"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter)
            position += 1


def _class_end(body: str, start: int) -> int | None:
    """Where the class that is opened at `start` has ended; a bracket right behind its opening belongs to it."""
    position = start + (2 if body[start + 1 : start + 2] in ("!", "^") else 1) + 1
    while position < len(body) and body[position] not in "]/":
        position += 2 if body[position] == "\\" else 1
    return position + 1 if body[position : position + 1] == "]" else None


def _either(bracketed: str) -> str:
    """One of the letters in the brackets, or the brackets as they stand."""
    literal = "".join(_pieces_of_literal(bracketed))
    inside = bracketed[1:-1]
    negated = inside[:1] in ("!", "^")
    letters = inside[1:] if negated else inside
    letters = re.sub(r"\\(.)", r"\1", letters).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    # Two signs in a row that Python keeps for sets.
    letters = re.sub(r"(&&|\|\||~~|--)", lambda match: "\\" + match[0][0] + "\\" + match[0][1], letters)
    one = rf"(?!/)[{'^' if negated else ''}{letters}]"
    try:
        re.compile(one)
    except re.error:  # "[Bob-Anna]" is no range of letters
        return literal
    return f"(?:{literal}|{one})"


def _pieces_of_literal(text: str) -> Iterable[str]:
    return (rf"\\?{re.escape(match[1] or match[2])}" for match in re.finditer(r"\\(.)|(.)", text, re.DOTALL))

"""Paths of photos in a text, as people type them and terminals, file managers and shells paste them. Touches no file.

`"/a b/c.jpg"`, `/a\\ b/c\\(1\\).jpg`, `'/Mom'\\''s/c.jpg'`, `file:///a%20b/c.jpg`, `/a b/c.jpg`, `c.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from personalizer.photos.formats import PHOTO_SUFFIXES

_SUFFIX = rf"(?:{'|'.join(map(re.escape, sorted(PHOTO_SUFFIXES, reverse=True)))})"
_ANY_SUFFIX = re.compile(_SUFFIX, re.IGNORECASE)
_ENDS = re.compile(rf"{_SUFFIX}$", re.IGNORECASE)
_QUOTED = r"'[^'\n]*'|\"(?:[^\"\\\n]|\\.)*\""
_SHELL_PIECE = re.compile(r"'([^'\n]*)'|\"((?:[^\"\\\n]|\\.)*)\"|\\(.)|([^'\"\\]+)", re.DOTALL)
_NO_WINDOWS = r"(?![A-Za-z]:\\|\\\\\w)"
_INNER = r"(?<=\w)['’](?=\w)"
"""An apostrophe inside a word."""


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _as_it_stands(typed: str) -> str:
    return typed


def _from_shell(word: str) -> str:
    """What a shell takes a word for, with its quotes and escapes."""
    parts = []
    for single, double, escaped, plain in _SHELL_PIECE.findall(word):
        # Inside double quotes a backslash is kept before all but these.
        parts.append(single or re.sub(r'\\(["\\$`])', r"\1", double) or escaped or plain)
    return "".join(parts)


def _from_address(address: str) -> str:
    """The path of a file:// address."""
    path = re.sub(r"^file://(?:localhost(?=/))?", "", address, flags=re.IGNORECASE)
    return unquote(path, errors="surrogateescape")


def _without_marks(typed: str) -> tuple[str, str]:
    """A word without the marks of a sentence behind it, and these."""
    bare = typed.rstrip(".:)]")
    return bare, typed[len(bare) :]


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_compiled(rf"(?P<path>file://[^\s\"`<>]{{1,1000}}?{_SUFFIX})(?!\w)"), _from_address),
    # A word for a shell, with something in it that only a shell understands.
    (
        _compiled(
            rf"(?<![^\s(\[,:;])(?<![A-Za-z]:){_NO_WINDOWS}"
            rf"(?P<path>(?:{_QUOTED}|\\.|[^\s'\"\\])(?:\\.|[^\s'\"\\?!,;]|(?<=[/'\"])(?:{_QUOTED}))*)"
        ),
        _from_shell,
    ),
    # In quotes, with apostrophes between.
    (_compiled(rf"(?<!\w)\"(?P<path>[^\"\n]{{0,1000}}?{_SUFFIX})\""), _as_it_stands),
    (_compiled(rf"(?<!\w)“(?P<path>[^“”\n]{{0,1000}}?{_SUFFIX})”"), _as_it_stands),
    (_compiled(rf"(?<!\w)`(?P<path>[^`\n]{{0,1000}}?{_SUFFIX})`"), _as_it_stands),
    (_compiled(rf"(?<!\w)['‘](?P<path>[^\"\n]{{0,1000}}?{_SUFFIX})['’](?!\w)"), _as_it_stands),
    # An anchored path may contain bare spaces: ~/My Photos/IMG 1.jpg
    (
        _compiled(
            rf"(?P<path>(?<![\w/.~])(?:~[\w-]*|\.{{1,2}}|[A-Za-z]:)?(?:/(?!/)|\\(?=[\w\\]))"
            rf"(?:[^\"'’`\n]|(?<=\w)['’](?=[\w ])){{0,500}}?{_SUFFIX})(?!\w)"
        ),
        _as_it_stands,
    ),
    (
        _compiled(
            rf"(?<![^\s\"'`,;:()\[\]])(?P<path>(?:[^\s\"'’`,;:()\[\]]|{_INNER}|\([^\s()]*\)|\[[^\s\[\]]*\])+?{_SUFFIX})(?!\w)"
        ),
        _as_it_stands,
    ),
)


def lift_photos(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The text with `⟦photo0⟧`, `⟦photo1⟧` in place of paths; for each what was typed, and its path."""
    photos: list[tuple[str, str]] = []
    if not _ANY_SUFFIX.search(text):
        return text, photos
    for pattern, meant in _KINDS:

        def lift(match: re.Match[str], meant: Callable[[str], str] = meant) -> str:
            typed = match["path"]
            if "⟦" in typed:
                return match[0]
            behind = ""
            if meant is _from_shell and not _ENDS.search(meant(typed)):
                typed, behind = _without_marks(typed)
            path = meant(typed)
            if not _ENDS.search(path) or (meant is _from_shell and path == typed):
                return match[0]
            photos.append((match[0].removesuffix(behind), path))
            return f"⟦photo{len(photos) - 1}⟧{behind}"

        text = pattern.sub(lift, text)
    return text, photos

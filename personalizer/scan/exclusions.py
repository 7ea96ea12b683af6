"""Which folders and files are never looked at: what other programs keep for themselves, and what the user excluded.

Knows names and patterns, opens no folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from personalizer.errors import UsageError
from personalizer.library.library import Library

SKIPPED_FOLDERS = frozenset(
    name.lower()
    for name in (
        # Thumbnails, snapshots and bins of network drives and systems. Hidden ones are left out anyway.
        *("@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@SynoResource"),
        *("$RECYCLE.BIN", "System Volume Information", "lost+found", "RECYCLER"),
        # Previews that Capture One puts beside the photos.
        "CaptureOne",
    )
)
SKIPPED_FOLDER_ENDINGS = (".lrdata", ".lrcat-data", ".cocatalogdb")
"""Previews and databases of Lightroom and Capture One."""
_LIBRARY_ENDINGS = (".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary")
_ORIGINALS = frozenset({"originals", "masters"})
"""The only folders in a library of Apple's programs that hold what the user took; the rest is made from it."""


@dataclass(frozen=True)
class Exclusions:
    """The rules of one scan. `patterns` are the user's, as `pattern_regex` understands them."""

    patterns: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    """Absolute folders that are never entered, such as our own."""
    _regex: re.Pattern[str] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        parts = [pattern_regex(pattern) for pattern in self.patterns]
        joined = "|".join(f"(?:{part})" for part in parts)
        object.__setattr__(self, "_regex", re.compile(joined, re.IGNORECASE | re.DOTALL) if parts else None)

    @cached_property
    def _private(self) -> frozenset[str]:
        return frozenset(self.private)

    def skips_folder(self, path: str, name: str, root: str) -> bool:
        """Whether the folder at the absolute `path` below `root`, whose last part is `name`, is left out."""
        if name.startswith(".") or path in self._private:
            return True
        lower = name.lower()
        if lower in SKIPPED_FOLDERS or lower.endswith(SKIPPED_FOLDER_ENDINGS):
            return True
        parent = path[: -len(name) - 1]
        if parent.lower().endswith(_LIBRARY_ENDINGS) and lower not in _ORIGINALS:
            return True
        return self._regex is not None and self._matches(path, root, "/")

    def skips_file(self, path: str, name: str, root: str) -> bool:
        """The same for a file."""
        return name.startswith(".") or (self._regex is not None and self._matches(path, root, ""))

    def _matches(self, path: str, root: str, ending: str) -> bool:
        assert self._regex is not None
        # Two spellings of one path: patterns that start at the root, and patterns that name a place.
        return any(
            self._regex.fullmatch(text + ending) is not None for text in (path[len(root) :].lstrip("/"), path)
        )

    def skips_path(self, path: str, root: str) -> bool:
        """Whether the file at `path` below `root` is left out, because of its own name or that of any folder above."""
        folder, _, name = path.rpartition("/")
        return self.skips_tree(folder, root) or self.skips_file(path, name, root)

    def skips_tree(self, folder: str, root: str) -> bool:
        """Whether `folder`, which is `root` or below it, is left out, or any folder between them."""
        if self.is_private(root):
            return True
        here = root.rstrip("/")
        for name in filter(None, folder[len(root) :].split("/")):
            here = f"{here}/{name}"
            if self.skips_folder(here, name, root):
                return True
        return False

    def is_private(self, folder: str) -> bool:
        """Whether `folder` is one of the private ones or below it."""
        return any(folder == one or folder.startswith(f"{one}/") for one in self.private)


def exclusions_of(library: Library) -> Exclusions:
    """What is left out of this library: what the user says, and the library's own folder."""
    return Exclusions(tuple(library.exclusions()), (os.path.realpath(library.path.parent),))


def left_out_by(library: Library, patterns: Iterable[str]) -> dict[str, int]:
    """How many of the files that the library knows each pattern leaves out, those of earlier scans included."""
    roots = [os.fspath(root) for root in library.roots()]
    files = [
        (path, root)
        for path in map(os.fspath, library.files())
        for root in roots
        if path.startswith(f"{root.rstrip('/')}/")
    ]
    counts = {}
    for pattern in patterns:
        rules = Exclusions((pattern,))
        counts[pattern] = len({path for path, root in files if rules.skips_path(path, root)})
    return counts


def valid_pattern(pattern: str) -> str:
    """The pattern as it is stored. Raises UsageError for one that can match nothing, or everything."""
    text = pattern.strip()
    found = None
    if not text.strip("/*"):
        found = "it would leave out everything" if text else "it is empty"
    elif text.startswith("!"):
        found = "it takes something back, which patterns here cannot"
    elif "\0" in text or "\n" in text:
        found = "it has a line break or a zero in it"
    if found is not None:
        fix = "Give a name (Screenshots), a pattern (*.png), a place (Scans/2019, /mnt/photos/private)."
        raise UsageError(tried=f"excluding {pattern!r}", found=found, fix=fix)
    if text.startswith(("~", "/")):
        ending = "/" if text.endswith("/") else ""
        text = os.fspath(Path(text).expanduser())
        # Folders are registered by their real names.
        text = (text if set(text) & set("*?[") else os.path.realpath(text)) + ending
    text = text.removeprefix("./")
    try:
        re.compile(pattern_regex(text))
    except re.error as error:
        raise UsageError(
            tried=f"excluding {pattern!r}", found=f"it is no pattern: {error}", fix="Check its brackets."
        ) from error
    return text


def pattern_regex(pattern: str) -> str:
    """A regular expression for a path: relative to its root or absolute, with a slash behind it for a folder.

    Like .gitignore, without taking back: a pattern without a slash matches a name anywhere (`Screenshots`, `*.png`);
    one with a slash inside is a place below a root (`Scans/2019`); one that starts with a slash is an absolute path.
    A slash at the end matches folders only. `*` and `?` stop at slashes, `**` does not, `[a-c]` is one of these.
    """
    folders_only = pattern.endswith("/")
    body = pattern.strip("/") if not pattern.startswith("/") else pattern.rstrip("/")
    anywhere = "/" not in body
    regex = "".join(_pieces(body))
    # A file name stands at the end, a folder's name before its slash.
    return f"{'(?:.*/)?' if anywhere else ''}{regex}{'/' if folders_only else '/?'}"


def _pieces(body: str) -> Iterable[str]:
    position = 0
    while position < len(body):
        if body.startswith("**/", position):
            yield "(?:.*/)?"
            position += 3
            continue
        if body.startswith("**", position):
            yield ".*"
            position += 2
            continue
        letter = body[position]
        closing = body.find("]", position + 2) if letter == "[" else -1
        if closing > 0:
            inside = body[position + 1 : closing].replace("\\", "\\\\").replace("[", "\\[")
            yield f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"
            position = closing + 1
            continue
        yield {"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter)
        position += 1

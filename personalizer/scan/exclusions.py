"""Decides which folders and files scans skip: internal data of other programs, and the user's exclusions.

Knows names and patterns, opens no folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from personalizer.library.library import Library
from personalizer.scan.patterns import PathMatcher, valid_pattern

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
    """The rules of one scan. `patterns` are the user's, as `PathMatcher` understands them."""

    patterns: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    """Absolute folders that are never entered, such as our own."""
    _matcher: PathMatcher | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matcher", PathMatcher(self.patterns) if self.patterns else None)

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
        return self._matcher is not None and self._matcher.matches_folder(path, root)

    def skips_file(self, path: str, name: str, root: str) -> bool:
        """The same for a file."""
        if name.startswith("."):
            return True
        return self._matcher is not None and self._matcher.matches_file(path, root)

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


def is_left_out(library: Library, rules: Exclusions, photo_id: int) -> bool:
    """Whether every file of a photo below the registered folders is excluded, by rules that may be newer than any scan.

    A photo that lies in no registered folder is not: the user gave it as it is.
    """
    roots = [str(root).rstrip("/") for root in library.roots()]
    inside = [
        (path, root)
        for path in map(str, library.photo_paths(photo_id))
        for root in roots
        if path.startswith(f"{root}/")
    ]
    return bool(inside) and all(rules.skips_path(path, root) for path, root in inside)


def stored_pattern(library: Library, typed: str) -> str | None:
    """The pattern of the library that `typed` means, however it was spelt when it was stored."""
    known = library.exclusions()
    if typed in known:
        return typed
    wanted = valid_pattern(typed)
    return next((pattern for pattern in known if valid_pattern(pattern) == wanted), None)


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

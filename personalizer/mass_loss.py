"""Tells photos that somebody deleted from a folder that is not what it was: unmounted, moved away, half copied.

Nothing is concluded from the second until a person says so. Knows counts, not files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MAX_SHARE = 0.1
"""More of a folder's photos do not go at once without a question."""
MIN_FILES = 10
"""That many may always go: a small folder is cleaned up in one evening."""
MIN_ALL = 3
"""Unless it is all of them."""


@dataclass(frozen=True, slots=True)
class FolderCount:
    """What a scan found of a folder that it knows."""

    known: int
    """Files that were there the last time."""
    gone: int
    """Of these, how many are nowhere any more; those that moved are not counted."""
    device_before: int | None
    """The file system it was on, where that is known."""
    device: int | None
    """The one it is on now; None when the folder is not there."""


def why_frozen(folder: FolderCount) -> str | None:
    """Why nothing may be concluded from what is gone; None when it may."""
    if folder.device is None:
        return "the folder is not there" if folder.known else None
    if not folder.gone:
        return None
    if folder.gone == folder.known >= MIN_ALL:
        return f"all {folder.known} photos are gone at once"
    if folder.device_before not in (None, folder.device):
        return f"it is on another disk than before, and {folder.gone} of {folder.known} photos are gone"
    if folder.gone > max(MIN_FILES, MAX_SHARE * folder.known):
        return f"{folder.gone} of {folder.known} photos are gone at once"
    return None


def device_of(folder: Path) -> int | None:
    """The file system of a folder, None when it cannot be listed."""
    try:
        with os.scandir(folder):
            return folder.stat().st_dev
    except OSError:
        return None

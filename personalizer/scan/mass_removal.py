"""Distinguishes deleted photos from a folder that is unmounted, moved away or half copied.

In the second case no photo counts as deleted until the user confirms it. Knows counts, not files.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_SHARE = 0.1
"""More of a folder's photos do not go at once without a question."""
MIN_FILES = 10
"""That many may always go: a small folder is cleaned up in one evening."""
MIN_ALL = 3
"""Unless it is all of them."""


@dataclass(frozen=True, slots=True)
class FolderCount:
    """Counts of known and missing photos of a folder, and its file system before and now."""

    known: int
    """Files that were there the last time."""
    gone: int
    """Of these, how many are nowhere any more; those that moved are not counted."""
    device_before: str | None
    """The file system it was on, where that is known."""
    device: str | None
    """The one it is on now; None when the folder is not there."""
    trouble: str | None = None
    """Why it could not be walked: also of one that is there."""


def why_frozen(folder: FolderCount) -> str | None:
    """Why nothing may be concluded from what is gone; None when it may."""
    if folder.trouble is not None or folder.device is None:
        return _trouble(folder.trouble) if folder.known else None
    if not folder.gone:
        return None
    if folder.gone == folder.known >= MIN_ALL:
        return f"all {folder.known} photos are gone at once"
    # Numbers of file systems change at a restart, which alone is no reason.
    if folder.device_before not in (None, folder.device):
        return f"it is on another disk than before, and {folder.gone} of {folder.known} photos are gone"
    if folder.gone > max(MIN_FILES, MAX_SHARE * folder.known):
        return f"{folder.gone} of {folder.known} photos are gone at once"
    return None


def _trouble(trouble: str | None) -> str:
    return (
        "the folder is not there"
        if trouble in (None, "it is not there")
        else f"the folder cannot be used: {trouble}"
    )


def more_than_asked(asked: int, gone: int) -> bool:
    """Whether more is gone now than when a person was asked about it, so that the answer does not cover it."""
    return gone > max(asked + MIN_FILES, asked * (1 + MAX_SHARE))

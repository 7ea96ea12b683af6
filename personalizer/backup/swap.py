"""Replaces a home's library by a restored one atomically: a kill at any moment leaves the old or the new library.

A marker file commits the staged library: once it is written, whoever opens the home next finishes the swap before
anything else. Knows names of files, not their contents.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from personalizer.errors import NotReadyError
from personalizer.home import Home, settle_folder, write_atomically
from personalizer.library.file import is_in_use

LOCK_PATIENCE_S = 60.0
"""How long opening a home waits for another process to finish a committed swap."""
_BUSY_S = 2.0
"""How long the library is tested for other users before the swap is refused."""
_MARK = "whole"
_BESIDE_LIBRARY = ("-wal", "-shm", "-journal")


def staging(home: Home) -> Path:
    """The staging folder of a restore; it exists only while one is in progress or was interrupted."""
    return home.root / "restore"


def staged(home: Home) -> Path:
    """The folder for the new library's file and its learned prefixes, inside `staging`."""
    return staging(home) / "new"


@contextmanager
def hold_restore_lock(home: Home, patience_s: float) -> Iterator[bool]:
    """Hold the exclusive lock of a restore for the block; yields False if another process keeps it for `patience_s`."""
    descriptor = os.open(home.root / "restore.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    yield False
                    return
                time.sleep(0.05)
        yield True
    finally:
        os.close(descriptor)


def finish_restore(home: Home) -> None:
    """Finish a killed restore if it was committed, else remove what it staged. Called when a home is opened.

    Raises `NotReadyError` while another process restores, or while the old library is still in use.
    """
    folder = staging(home)
    if not folder.exists():
        return
    whole = is_whole(home)
    with hold_restore_lock(home, LOCK_PATIENCE_S if whole else 0.0) as held:
        if held:
            if is_whole(home):
                _swap(home)
            discard(home)
        elif whole:
            raise NotReadyError(
                tried=f"opening the library {home.database}",
                found="a backup is being restored",
                fix="Try again when that is done.",
            )


def restore_state(home: Home) -> Literal["none", "going on", "to be finished", "to be taken away"]:
    """State of the last restore; a killed one is finished or removed when the home is next opened."""
    if not staging(home).exists():
        return "none"
    with hold_restore_lock(home, 0.0) as held:
        if not held:
            return "going on"
        return "to be finished" if is_whole(home) else "to be taken away"


def discard(home: Home) -> None:
    """Remove the staged and the replaced library. The caller holds the restore lock."""
    if staging(home).exists():
        shutil.rmtree(staging(home))


def abandon(home: Home) -> None:
    """Remove the staged library unless it is committed. The caller holds the restore lock."""
    if not is_whole(home):
        discard(home)


def is_whole(home: Home) -> bool:
    """Whether the staged library is committed: an interrupted swap then continues until it is done."""
    return (staging(home) / _MARK).exists()


def swap(home: Home) -> None:
    """Commit the staged library and put it in the place of the home's. The caller holds the restore lock.

    Raises `NotReadyError`, with everything as it was, while another program uses the library. After any other error,
    such as `OSError`, the swap continues when the home is next opened.
    """
    _settle_below(staged(home))
    write_atomically(staging(home) / _MARK, b"")
    settle_folder(staging(home))
    try:
        _swap(home)
    except NotReadyError:
        (staging(home) / _MARK).unlink()
        raise
    with suppress(OSError):  # The swap is done; the next open of the home removes the old library.
        discard(home)


def _swap(home: Home) -> None:
    """Move the old library away and the new one in; idempotent, so that an interrupted call can be repeated."""
    folder, new, old = staging(home), staged(home), staging(home) / "old"
    old.mkdir(mode=0o700, exist_ok=True)
    if (new / home.database.name).exists():
        if home.database.exists():
            _refuse_in_use(home.database)
        for end in ("", *_BESIDE_LIBRARY):
            _move(home.database.with_name(home.database.name + end), old)
        os.replace(new / home.database.name, home.database)
    if (new / home.concepts.name).exists():
        _move(home.concepts, old)
        os.replace(new / home.concepts.name, home.concepts)
    # The vector index belongs to the old library; the new one marks all its vectors as not yet indexed.
    _move(home.chroma, old)
    settle_folder(home.root)
    (folder / _MARK).unlink()
    settle_folder(folder)


def _move(path: Path, folder: Path) -> None:
    """Move `path`, if it exists, into `folder` without overwriting anything there."""
    if path.exists():
        target = folder / path.name
        # The target is the old library, moved before an interruption; a file that appeared since gets another name.
        os.replace(path, target if not target.exists() else target.with_name(f"{path.name}.{time.time_ns()}"))


def _settle_below(folder: Path) -> None:
    """Sync all files and folders below `folder` to the disk."""
    for directory, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(Path(directory) / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        settle_folder(Path(directory))


def _refuse_in_use(database: Path) -> None:
    """Raise `NotReadyError` where any program has the library open: what it writes from now on would be lost."""
    # A damaged library is not refused: it is a reason to restore.
    if is_in_use(database, _BUSY_S):
        raise NotReadyError(
            tried="replacing the library",
            found="another program has it open",
            fix="End the chat, the web page and other `familiar` commands of this home, and try again.",
        )

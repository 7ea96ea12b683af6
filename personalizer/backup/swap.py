"""Puts a restored library into the place of the one in a home, so that a kill at any moment leaves the old or the new.

What is staged counts from the moment a mark says that it is whole: from then on whoever opens the home finishes the
swap before anything else. Knows names of files, not what is in them.
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
_BUSY_S = 2.0
_MARK = "whole"
_BESIDE_LIBRARY = ("-wal", "-shm", "-journal")


def staging(home: Home) -> Path:
    """Where a restored library is made ready."""
    return home.root / "restore"


def staged(home: Home) -> Path:
    """The folder that is to hold the new library's file and its learned prefixes."""
    return staging(home) / "new"


@contextmanager
def hold_restore_lock(home: Home, patience_s: float) -> Iterator[bool]:
    """Be the one that restores, or finishes a restore, for the duration of the block; False where another one is."""
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
    """Finish what a restore that was killed has begun, or take away what it had not finished. For who opens a home.

    Raises `NotReadyError` while the old library is still in use.
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
    """What became of the last restore: one that was killed is settled by the next who opens the home."""
    if not staging(home).exists():
        return "none"
    with hold_restore_lock(home, 0.0) as held:
        if not held:
            return "going on"
        return "to be finished" if is_whole(home) else "to be taken away"


def discard(home: Home) -> None:
    """Remove what is staged, and what was replaced. For the holder of the lock."""
    if staging(home).exists():
        shutil.rmtree(staging(home))


def abandon(home: Home) -> None:
    """Remove what is staged unless it counts already. For the holder of the lock."""
    if not is_whole(home):
        discard(home)


def is_whole(home: Home) -> bool:
    """Whether what is staged counts: the swap goes on however often it is interrupted."""
    return (staging(home) / _MARK).exists()


def swap(home: Home) -> None:
    """Let what is staged take the place of what is there. For the holder of the lock.

    Raises `NotReadyError`, with everything as it was, while another program uses the library. After any other error
    the next one who opens the home goes on.
    """
    _settle_below(staged(home))
    write_atomically(staging(home) / _MARK, b"")
    settle_folder(staging(home))
    try:
        _swap(home)
    except NotReadyError:
        (staging(home) / _MARK).unlink()
        raise
    with suppress(OSError):  # it is done; the next one who opens the home takes the old one away
        discard(home)


def _swap(home: Home) -> None:
    """Each step is done once, however often this begins again."""
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
    # The index is of the old library; the new one says of none of its vectors that it is in there.
    _move(home.chroma, old)
    settle_folder(home.root)
    (folder / _MARK).unlink()
    settle_folder(folder)


def _move(path: Path, folder: Path) -> None:
    if path.exists():
        target = folder / path.name
        # What is there already is the old one; this came since and is of nobody.
        os.replace(path, target if not target.exists() else target.with_name(f"{path.name}.{time.time_ns()}"))


def _settle_below(folder: Path) -> None:
    """See that the files and their names are on the disk."""
    for here, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(Path(here) / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        settle_folder(Path(here))


def _refuse_in_use(database: Path) -> None:
    """Raise `NotReadyError` where any program has the library open: what it writes from now on would be lost."""
    # One that is damaged is a reason to restore.
    if is_in_use(database, _BUSY_S):
        raise NotReadyError(
            tried="replacing the library",
            found="another program has it open",
            fix="End the chat, the web page and other `familiar` commands of this home, and try again.",
        )

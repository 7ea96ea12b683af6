"""Whether a file is at rest or somebody is still writing it. Knows the file system and clocks, no photo and no library.

A file is at rest when two looks find the same. The first is the walk's. Where the file was last written long ago the
second comes when it is its turn; for one that was written just now, or at a time that says nothing (the future: a clock
was put back), some time has to be between them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import time
from dataclasses import dataclass, replace
from pathlib import Path

from personalizer.schemas import SeenFile


@dataclass(frozen=True, slots=True)
class Settling:
    """How long a file is given."""

    recent_s: float = 10.0
    """One that was written to so recently may still be written to."""
    look_s: float = 0.3
    """Between two looks. A program that has the file open for writing is noticed without waiting."""
    network_look_s: float = 3.0
    """The same across a network, where sizes and times are known from a few seconds ago."""
    writer_s: float = 600.0
    """A file that a program has open for writing without writing to it for so long is read nevertheless."""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 0:
                raise ValueError(f"Settling.{name} must not be negative, not {getattr(self, name)}")


def age_s(file: SeenFile) -> float | None:
    """How long ago the file was written, by the clock on the wall; None for a time in the future."""
    age = time.time() - file.mtime_ns / 1e9
    return age if age >= 0 else None


def look(file: SeenFile) -> SeenFile | None:
    """The file as it is now; None when it is not there, or no file, any more. Raises OSError for other reasons."""
    try:
        status = os.lstat(file.text)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise
    if not stat.S_ISREG(status.st_mode):
        return None
    return replace(
        file,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        device=status.st_dev,
        inode=status.st_ino,
    )


def is_same(before: SeenFile, now: SeenFile, *, network: bool) -> bool:
    """Whether two looks found the same. Across a network a file's number may change without the file."""
    if (before.size, before.mtime_ns) != (now.size, now.mtime_ns):
        return False
    return network or (before.device, before.inode) == (now.device, now.inode)


def rest_s(file: SeenFile, settling: Settling, *, network: bool) -> float:
    """How long after the first look the second may come."""
    if network:
        return settling.network_look_s  # the clock of another machine may be another one
    age = age_s(file)
    return settling.look_s if age is None or age < settling.recent_s else 0.0


def is_being_written(path: Path) -> bool:
    """Whether a program has the file open for writing, as far as the system tells.

    Asks for a read lease, which Linux grants only when nobody does, and gives it back at once. False where leases do
    not exist or are not for us. Not for files across a network: there a refusal says nothing.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, MemoryError):
        return False
    try:
        # Somebody who opens it in this instant would have SIGIO sent to us, which ends a program; this one does not.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False

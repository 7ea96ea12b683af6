"""Reads mounts and detects network file systems; checks that a file is stable, with no write in progress.

A file is stable if its size and times are equal at two checks. The walk makes the first, the import the second. If the
file was written a moment ago, or has a time in the future, the checks are some time apart. Knows no photo and no
library.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from personalizer.schemas import SeenFile

_MOUNTINFO = Path("/proc/self/mountinfo")
NETWORK_KINDS = frozenset(
    {
        *("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "davfs", "9p"),
        *("ceph", "glusterfs", "lustre", "beegfs", "orangefs", "gfs2", "ocfs2", "gpfs"),
        # Folders of the machine that this one is a guest of: changes made there cause no event here.
        *("virtiofs", "vboxsf", "prl_fs", "vmhgfs", "drvfs"),
    }
)
# What else is behind FUSE is mostly remote, and polling a local one only costs a scan now and then.
_WITHOUT_NUMBERS = frozenset({"vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfs", "iso9660", "udf"})
"""File systems whose numbers of files are made up by the driver, or whose change time is something else."""
_LOCAL_FUSE = frozenset({"fuse.gocryptfs", "fuse.cryfs", "fuse.encfs", "fuse.bindfs", "fuse.mergerfs"})


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system and where it hangs."""

    point: str
    kind: str
    """`ext4`, `nfs4`, `fuse.sshfs`."""
    source: str
    """The device, or the other machine's folder."""

    @property
    def is_network(self) -> bool:
        """Whether things can change in it without any event here."""
        return self.kind in NETWORK_KINDS or (self.kind.startswith("fuse.") and self.kind not in _LOCAL_FUSE)

    @property
    def keeps_numbers(self) -> bool:
        """Whether a file has the same number and change time after the file system was mounted anew."""
        return not self.is_network and not self.kind.startswith("fuse") and self.kind not in _WITHOUT_NUMBERS


def read_mounts(table: Path = _MOUNTINFO) -> list[Mount]:
    """What is mounted, in the order of mounting; nothing on systems that do not tell."""
    try:
        lines = table.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    mounts = []
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) >= 5 and len(kinds) >= 2:
            mounts.append(Mount(_unescaped(fields[4]), kinds[0], _unescaped(kinds[1])))
    return mounts


def _unescaped(text: str) -> str:
    r"""`\040` is a space."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def mount_of(folder: Path, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that `folder` is in."""
    text = os.fspath(folder)
    # The later of two at one place hides the earlier one.
    return max(
        (mount for mount in reversed(mounts) if _is_in(text, mount.point)),
        key=lambda mount: len(mount.point),
        default=None,
    )


def mounts_around(folder: Path, mounts: Sequence[Mount]) -> list[Mount]:
    """The mount that `folder` is in and those below it."""
    own = mount_of(folder, mounts)
    inside = [m for m in mounts if m is not own and _is_in(m.point, os.fspath(folder))]
    return inside if own is None else [own, *inside]


def has_network_part(folder: Path, mounts: Sequence[Mount]) -> bool:
    """Whether `folder`, or anything mounted below it, is across a network."""
    return any(mount.is_network for mount in mounts_around(folder, mounts))


def _is_in(path: str, folder: str) -> bool:
    return folder in ("/", path) or path.startswith(f"{folder}/")


def file_system_id(folder: Path, mounts: Sequence[Mount]) -> str:
    """A text that stays the same while the same file system is there, across restarts as far as possible.

    Raises OSError when the folder is not there. Device numbers are handed out anew at every start for some file
    systems, so they are the last choice: for others there is the share's name or an id that is stored in them.
    """
    mount = mount_of(folder, mounts)
    if mount is not None and mount.is_network:
        return f"{mount.kind} {mount.source}"
    stored = os.statvfs(folder).f_fsid
    return f"id {stored:x}" if stored else f"device {folder.stat().st_dev:x}"


@dataclass(frozen=True, slots=True)
class Settling:
    """Times of the stability check."""

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


def current_state(file: SeenFile) -> SeenFile | None:
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

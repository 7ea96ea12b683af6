"""Which file system a folder is on, and whether it is across a network. Knows mounts, not what is in the folders."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

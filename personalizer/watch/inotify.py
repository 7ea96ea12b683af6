"""Linux's own notices of changes in folders, with what they may lose said aloud. Knows no photo and no library.

Not through watchdog, which says nothing of it when the kernel had to drop notices, nor when it could watch only a part
of the folders, and which keeps a copy of every path that a storm of renames goes through. Nothing but folders is
watched, and none that is left out.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from inotify_simple import Event, INotify, flags, parse_events

# Reading is left out: a scan would fill the queue with it. A file that is written is noticed when it is closed.
_MASK = (
    flags.ATTRIB
    | flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.CREATE
    | flags.DELETE
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
)
_BUFFER_BYTES = 2**16
NO_MORE_WATCHES = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What the kernel answers when its limits are reached: of watched folders, and of programs that watch."""

SkipsFolder = Callable[[str, str, str], bool]
"""Whether the folder at a path, with this name, below this root is left out."""
ConcernsUs = Callable[[str], bool]
"""Whether a file with this name may be a photo."""


@dataclass(slots=True)
class Happened:
    """What was noticed since the last time."""

    files: set[str] = field(default_factory=set)
    """Folders in which files were written, changed or moved into place."""
    more: bool = False
    """Anything else happened, of which only a look at everything can tell."""
    lost: bool = False
    """Notices were dropped: anything may have changed, and new folders are not watched yet."""
    given_up: dict[Path, OSError] = field(default_factory=dict)
    """Roots that cannot be watched any longer."""

    @property
    def changed(self) -> bool:
        return self.more or bool(self.files)


class FolderNotices:
    """Watches folders with everything below them. For one thread, except for `wake`."""

    def __init__(self, skips_folder: SkipsFolder, concerns_us: ConcernsUs) -> None:
        self._skips_folder = skips_folder
        self._concerns_us = concerns_us
        self._inotify = INotify(nonblocking=True)
        self._folders: dict[int, tuple[str, str]] = {}
        """By the kernel's number: the folder and the root that it was watched for."""
        self._wake_end, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        for descriptor in (self._inotify.fileno(), self._wake_end):
            self._poll.register(descriptor, select.POLLIN)

    def __len__(self) -> int:
        """How many folders are watched."""
        return len(self._folders)

    def watch(self, root: Path) -> None:
        """Watch `root` and what is below it; folders that are watched already are no more than looked at again.

        Raises OSError when not all of it can be watched, and then watches nothing of it: a part of the notices is not
        worth the share of a limit that all programs have together.
        """
        try:
            self._add(os.fspath(root), os.fspath(root))
        except OSError:
            self.unwatch(root)
            raise

    def unwatch(self, root: Path) -> None:
        """Watch a root no longer."""
        text = os.fspath(root)
        for number in [number for number, (_, of_root) in self._folders.items() if of_root == text]:
            self._remove(number)

    def _remove(self, number: int) -> None:
        del self._folders[number]
        # Of a folder that is gone the kernel has ended the watch itself.
        with suppress(OSError):
            self._inotify.rm_watch(number)

    def _add(self, folder: str, root: str) -> None:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                number = self._inotify.add_watch(here, _MASK)
                self._folders[number] = (here, root)
                # Watched first: what appears in between is then noticed as well.
                with os.scandir(here) as entries:
                    waiting += [
                        entry.path
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        and not self._skips_folder(entry.path, entry.name, root)
                    ]
            except OSError as error:
                # One that is gone, or may not be looked into, is the scan's business.
                if error.errno in NO_MORE_WATCHES or here == root:
                    raise

    def wait(self, timeout_s: float) -> Happened:
        """What happened; waits for the first notice, or for `wake`."""
        happened = Happened()
        ready = {descriptor for descriptor, _ in self._poll.poll(timeout_s * 1000)}
        if self._wake_end in ready:
            os.read(self._wake_end, 4096)
        if self._inotify.fileno() in ready:
            # Not the whole queue at once: a storm of renames has tens of thousands of notices.
            with suppress(BlockingIOError):
                self._take(parse_events(os.read(self._inotify.fileno(), _BUFFER_BYTES)), happened)
        return happened

    def _take(self, events: Sequence[Event], happened: Happened) -> None:
        added, moved_away = [], set()
        for number, mask, _, name in events:
            if mask & flags.Q_OVERFLOW:
                happened.lost = happened.more = True
                continue
            folder, root = self._folders.get(number, ("", ""))
            if mask & flags.IGNORED:
                self._folders.pop(number, None)
                happened.more |= folder == root != ""
            elif not folder:
                continue
            elif mask & (flags.UNMOUNT | flags.DELETE_SELF | flags.MOVE_SELF):
                # Of folders below the root the one above tells.
                happened.more |= folder == root or bool(mask & flags.UNMOUNT)
            else:
                path = f"{folder.rstrip('/')}/{name}"
                if not name:
                    # Of itself; of folders below the root the one above tells as well.
                    happened.more |= folder == root
                elif not mask & flags.ISDIR:
                    if not self._concerns_us(name):
                        continue
                    if mask & (flags.MOVED_FROM | flags.DELETE):
                        happened.more = True
                    else:
                        happened.files.add(folder)
                elif not self._skips_folder(path, name, root):
                    happened.more = True
                    # Also one that may be looked into now.
                    if mask & (flags.CREATE | flags.MOVED_TO | flags.ATTRIB):
                        added.append((path, root))
                    elif mask & flags.MOVED_FROM:
                        moved_away.add(path)
        # In this order: another folder may have taken the name of one that was moved.
        if moved_away:
            self._forget(moved_away)
        for path, root in added:
            self._add_new(path, root, happened)

    def _add_new(self, path: str, root: str, happened: Happened) -> None:
        if Path(root) in happened.given_up:
            return
        try:
            self._add(path, root)
        except OSError as error:
            if error.errno in NO_MORE_WATCHES:
                self.unwatch(Path(root))
                happened.given_up[Path(root)] = error

    def _forget(self, moved_away: set[str]) -> None:
        """Stop watching folders that were moved; those that only have another name now are added by it."""
        gone = []
        for number, (folder, _) in self._folders.items():
            here = folder
            while here and here not in moved_away:
                here = here.rpartition("/")[0]
            if here:
                gone.append(number)
        for number in gone:
            self._remove(number)

    def wake(self) -> None:
        """End a `wait` now; from any thread."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Watch nothing any more."""
        self._inotify.close()
        for descriptor in (self._wake_end, self._waker):
            os.close(descriptor)

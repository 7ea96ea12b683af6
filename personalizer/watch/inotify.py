"""File-system events on Linux, from inotify, including the overflow of its queue. Knows no photo and no library.

watchdog is not used here: it reports neither dropped events nor folders that it could not watch, and it copies every
path in a storm of renames. Only folders are watched, and no excluded ones.
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

# No events for reading, which a scan would fill the queue with. A written file makes an event when it is closed.
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
"""The kernel's errors when its limits are reached: of watched folders, and of programs that watch."""

SkipsFolder = Callable[[str, str, str], bool]
"""Whether the folder at a path, with this name, below this root is left out."""
ConcernsUs = Callable[[str], bool]
"""Whether a file with this name may be a photo."""


@dataclass(slots=True)
class Changes:
    """The events since the last `wait`."""

    files: set[str] = field(default_factory=set)
    """Folders in which files were written, changed or moved into place."""
    more: bool = False
    """Whether there were other changes, for which a full scan is needed."""
    lost: bool = False
    """Whether the kernel dropped events: anything may have changed, and new folders are not watched yet."""
    given_up: dict[Path, OSError] = field(default_factory=dict)
    """Roots that cannot be watched any longer."""

    @property
    def changed(self) -> bool:
        return self.more or bool(self.files)


class InotifyEvents:
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
        """Watch `root` and all folders below it; calling it again adds new folders.

        Raises OSError if any of them cannot be watched, and then watches none: incomplete events are not worth a share
        of the kernel's limit, which all programs have in common.
        """
        try:
            self._add(os.fspath(root), os.fspath(root))
        except OSError:
            self.unwatch(root)
            raise

    def unwatch(self, root: Path) -> None:
        """Stop watching a root."""
        text = os.fspath(root)
        for number in [number for number, (_, of_root) in self._folders.items() if of_root == text]:
            self._remove(number)

    def _remove(self, number: int) -> None:
        del self._folders[number]
        # The kernel has already removed the watch of a deleted folder.
        with suppress(OSError):
            self._inotify.rm_watch(number)

    def _add(self, folder: str, root: str) -> None:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                number = self._inotify.add_watch(here, _MASK)
                self._folders[number] = (here, root)
                # Watched before it is listed, so that no new entry is missed in between.
                with os.scandir(here) as entries:
                    waiting += [
                        entry.path
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        and not self._skips_folder(entry.path, entry.name, root)
                    ]
            except OSError as error:
                # The scan handles folders that are deleted or unreadable.
                if error.errno in NO_MORE_WATCHES or here == root:
                    raise

    def wait(self, timeout_s: float) -> Changes:
        """The changes; waits for the first event, or for `wake`."""
        changes = Changes()
        ready = {descriptor for descriptor, _ in self._poll.poll(timeout_s * 1000)}
        if self._wake_end in ready:
            os.read(self._wake_end, 4096)
        if self._inotify.fileno() in ready:
            # Not the whole queue at once: a storm of renames has tens of thousands of events.
            with suppress(BlockingIOError):
                self._take(parse_events(os.read(self._inotify.fileno(), _BUFFER_BYTES)), changes)
        return changes

    def _take(self, events: Sequence[Event], changes: Changes) -> None:
        added, moved_away = [], set()
        for number, mask, _, name in events:
            if mask & flags.Q_OVERFLOW:
                changes.lost = changes.more = True
                continue
            folder, root = self._folders.get(number, ("", ""))
            if mask & flags.IGNORED:
                self._folders.pop(number, None)
                changes.more |= folder == root != ""
            elif not folder:
                continue
            elif mask & (flags.UNMOUNT | flags.DELETE_SELF | flags.MOVE_SELF):
                # The parent reports the same of folders below the root.
                changes.more |= folder == root or bool(mask & flags.UNMOUNT)
            else:
                path = f"{folder.rstrip('/')}/{name}"
                if not name:
                    # An event of the folder itself; the parent reports it too, for folders below the root.
                    changes.more |= folder == root
                elif not mask & flags.ISDIR:
                    if not self._concerns_us(name):
                        continue
                    if mask & (flags.MOVED_FROM | flags.DELETE):
                        changes.more = True
                    else:
                        changes.files.add(folder)
                elif not self._skips_folder(path, name, root):
                    changes.more = True
                    # ATTRIB: the folder may have become readable.
                    if mask & (flags.CREATE | flags.MOVED_TO | flags.ATTRIB):
                        added.append((path, root))
                    elif mask & flags.MOVED_FROM:
                        moved_away.add(path)
        # In this order: another folder may have taken the name of one that was moved.
        if moved_away:
            self._forget(moved_away)
        for path, root in added:
            self._add_new(path, root, changes)

    def _add_new(self, path: str, root: str, changes: Changes) -> None:
        if Path(root) in changes.given_up:
            return
        try:
            self._add(path, root)
        except OSError as error:
            if error.errno in NO_MORE_WATCHES:
                self.unwatch(Path(root))
                changes.given_up[Path(root)] = error

    def _forget(self, moved_away: set[str]) -> None:
        """Stop watching moved folders; a folder renamed within a root is added under its new name."""
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

"""Chooses how each root is watched: by file-system events, or by frequent scans where events are incomplete.

Knows folders, mounts and exclusions; does not react to changes.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from personalizer.photos.formats import PHOTO_SUFFIXES
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.file_system import Mount, has_network_part, mount_of, mounts_around
from personalizer.scan.sidecar_files import COMPANION_SUFFIXES
from personalizer.scan.walk import innermost
from personalizer.watch.inotify import NO_MORE_WATCHES, Changes, InotifyEvents
from personalizer.watch.polled_folders import Polled

logger = logging.getLogger(__name__)

DEBOUNCE_S = 2.0
_SUFFIXES = tuple(PHOTO_SUFFIXES | COMPANION_SUFFIXES)


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """The intervals of the watcher."""

    debounce_s: float = DEBOUNCE_S
    """A change has settled after so long without another event."""
    max_delay_s: float = 30.0
    """A change that does not settle is scanned after so long."""
    rescan_s: float = 3600.0
    network_s: float = 900.0
    """Between scans of a root with a network file system in it."""
    unwatched_s: float = 300.0
    """Between scans of a root that the system refused to watch."""
    retry_s: float = 600.0
    """Between attempts to watch such a root."""
    look_again_s: float = 10.0
    """After a scan that skipped files with a write in progress; doubled each time."""
    roots_s: float = 5.0
    """Between checks of the roots and the mounts."""


class FileEvents(Protocol):
    """A source of file-system events: `InotifyEvents` on Linux, `WatchdogEvents` elsewhere."""

    def __len__(self) -> int: ...
    def watch(self, root: Path) -> None: ...
    def unwatch(self, root: Path) -> None: ...
    def wait(self, timeout_s: float) -> Changes: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Root:
    """The state of a watched root."""

    looks: tuple[object, ...] | None
    """The folder's device, inode and mounts; None if it does not exist."""
    polled: Polled | None = None
    """Set if its file-system events are incomplete."""
    retry_s: float | None = None
    """When to try again to watch it."""


class WatchedRoots:
    """The watched roots. For one thread, except `wake`.

    Each `update` calls `roots`, `exclusions` and `mounts`. `on_doubt` is called when changes may have been missed.
    """

    def __init__(
        self,
        roots: Callable[[], Sequence[Path]],
        exclusions: Callable[[], Exclusions],
        mounts: Callable[[], list[Mount]],
        times: WatchTimes,
        on_doubt: Callable[[], None],
    ) -> None:
        self._roots = roots
        self._exclusions = exclusions
        self._mounts = mounts
        self._times = times
        self._on_doubt = on_doubt
        self.rules = Exclusions()
        """The current exclusions."""
        self._network_points: frozenset[str] = frozenset()
        self._file_events: FileEvents | None = None
        self._file_events_retry_s = 0.0
        self._watched: dict[Path, _Root] = {}

    def __contains__(self, root: Path) -> bool:
        return root in self._watched

    @property
    def has_file_events(self) -> bool:
        """Whether `wait` can be called: not before the first root, nor if the system refuses file-system events."""
        return self._file_events is not None

    def wait(self, timeout_s: float) -> Changes:
        """Wait until something changes, at most `timeout_s`."""
        assert self._file_events is not None
        return self._file_events.wait(timeout_s)

    def wake(self) -> None:
        """End `wait`; from any thread."""
        if self._file_events is not None:
            self._file_events.wake()

    def close(self) -> None:
        """Stop watching all roots."""
        if self._file_events is not None:
            self._file_events.close()
            self._file_events = None

    def polled(self) -> list[Polled]:
        """The roots with incomplete file-system events."""
        return [root.polled for root in self._watched.values() if root.polled is not None]

    def file_events_cover(self, folders: Collection[str]) -> bool:
        """Whether each of these folders is in a root with complete file-system events."""
        roots = {os.fspath(path): root for path, root in self._watched.items()}
        for folder in folders:
            within = innermost(folder, roots)
            if within is None or roots[within].polled is not None:
                return False
        return True

    def update(self) -> None:
        """Watch new roots and roots with other mounts than before; retry those that could not be watched."""
        mounts = self._mounts()
        rules = self._exclusions()
        points = frozenset(mount.point for mount in mounts if mount.is_network)
        if (rules, points) != (self.rules, self._network_points):
            self.rules, self._network_points = rules, points
            for path in list(self._watched):
                self._unwatch(path)
        now_s = time.monotonic()
        roots = list(self._roots())
        for path in set(self._watched).difference(roots):
            self._unwatch(path)
        for path in roots:
            looks = _looks(path, mounts)
            known = self._watched.get(path)
            if known is None or known.looks != looks:
                self._unwatch(path)
                if looks is not None or known is not None:
                    self._on_doubt()
                if looks is not None:
                    self._watch(path, looks, mounts)
            elif known.retry_s is not None and now_s >= known.retry_s:
                self._watch(path, looks or (), mounts)

    def _watch(self, path: Path, looks: tuple[object, ...], mounts: Sequence[Mount]) -> None:
        polled = None
        if has_network_part(path, mounts):
            polled = Polled(os.fspath(path), "it is across a network", self._times.network_s, refused=False)
        before = self._watched.get(path)
        self._watched[path] = root = _Root(looks, polled)
        own = mount_of(path, mounts)
        if own is not None and own.is_network:
            if before is None:
                logger.info("a folder is across a network and is scanned every %.0f s", self._times.network_s)
            return
        try:
            self._open_file_events().watch(path)
        except OSError as error:
            if before is not None and before.retry_s is not None:
                # Still so, which was said.
                root.polled, root.retry_s = before.polled, time.monotonic() + self._times.retry_s
            else:
                self.poll_instead(path, error)
            return
        if before is not None:
            # It could not be watched until now, so changes since the last scan are unknown.
            self._on_doubt()

    def poll_instead(self, path: Path, error: OSError) -> None:
        """Have a folder scanned often that the system would not, or no longer, have watched."""
        root = self._watched.get(path)
        if root is None:
            return
        limit = ""
        if error.errno in NO_MORE_WATCHES:
            name = "max_user_instances" if error.errno == errno.EMFILE else "max_user_watches"
            limit = f"; sysctl fs.inotify.{name} sets how many may be"
        logger.warning(
            "a folder cannot be watched (%s) and is scanned every %.0f s instead%s",
            error.strerror,
            self._times.unwatched_s,
            limit,
        )
        logger.debug("it is %s", path)
        reason = error.strerror or str(error)
        every_s = min(self._interval_of(root), self._times.unwatched_s)
        root.polled = Polled(os.fspath(path), reason, every_s, refused=True)
        root.retry_s = time.monotonic() + self._times.retry_s
        # Changes since then are unknown.
        self._on_doubt()

    def _interval_of(self, root: _Root) -> float:
        return self._times.rescan_s if root.polled is None else root.polled.every_s

    def _open_file_events(self) -> FileEvents:
        if self._file_events is None:
            now_s = time.monotonic()
            if now_s < self._file_events_retry_s:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            self._file_events_retry_s = now_s + self._times.retry_s
            if sys.platform == "linux":
                self._file_events = InotifyEvents(self._skips_folder, self._concerns_us)
            else:
                from personalizer.watch.watchdog_events import WatchdogEvents

                self._file_events = WatchdogEvents(self._skips_folder, self._concerns_us)
        return self._file_events

    def _unwatch(self, path: Path) -> None:
        self._watched.pop(path, None)
        if self._file_events is not None:
            self._file_events.unwatch(path)

    def watch_again(self) -> None:
        """Watch folders that were created while events were dropped."""
        for path, root in self._watched.items():
            if root.retry_s is None and self._file_events is not None and root.looks:
                try:
                    self._file_events.watch(path)
                except OSError as error:
                    self.poll_instead(path, error)

    def _skips_folder(self, path: str, name: str, root: str) -> bool:
        # Network folders make no events, and listing them is slow.
        return path in self._network_points or self.rules.skips_folder(path, name, root)

    @staticmethod
    def _concerns_us(name: str) -> bool:
        return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _looks(path: Path, mounts: Sequence[Mount]) -> tuple[object, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    around = tuple((mount.point, mount.kind, mount.source) for mount in mounts_around(path, mounts))
    return (status.st_dev, status.st_ino, around)

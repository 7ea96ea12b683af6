"""Which folders are watched, and how: by notices of the system, or by being scanned often where these do not tell all.

Knows folders, mounts and exclusions; not what is done when something happens.
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
from personalizer.watch.inotify import NO_MORE_WATCHES, FolderNotices, Happened
from personalizer.watch.polled_folders import Polled

logger = logging.getLogger(__name__)

DEBOUNCE_S = 2.0
_SUFFIXES = tuple(PHOTO_SUFFIXES | COMPANION_SUFFIXES)


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """How long the watcher waits for what."""

    debounce_s: float = DEBOUNCE_S
    """Without any notice, until a change has settled."""
    max_delay_s: float = 30.0
    """A change that does not settle is scanned nevertheless."""
    rescan_s: float = 3600.0
    network_s: float = 900.0
    """Between scans where there is something across a network."""
    unwatched_s: float = 300.0
    """Between scans where the system would not have a folder watched."""
    retry_s: float = 600.0
    """Until such a folder is tried again."""
    look_again_s: float = 10.0
    """After a scan that left files that were being written; twice as long each time."""
    roots_s: float = 5.0
    """Between looks at which folders there are and what is mounted."""


class Notices(Protocol):
    """Where hints come from: `FolderNotices` on Linux, `WatchdogNotices` elsewhere."""

    def __len__(self) -> int: ...
    def watch(self, root: Path) -> None: ...
    def unwatch(self, root: Path) -> None: ...
    def wait(self, timeout_s: float) -> Happened: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Root:
    """A folder as it is watched now."""

    looks: tuple[object, ...] | None
    """What is there: the folder's own number and what is mounted around it; None where nothing is."""
    polled: Polled | None = None
    """Set where notices do not tell everything."""
    retry_s: float | None = None
    """When watching it is tried again."""


class WatchedRoots:
    """The folders that are watched now. For one thread, except `wake`.

    `roots`, `exclusions` and `mounts` are asked at each `update`. `on_doubt` is called where something may have
    happened that nobody noticed.
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
        """What is left out now."""
        self._network_points: frozenset[str] = frozenset()
        self._notices: Notices | None = None
        self._notices_retry_s = 0.0
        self._watched: dict[Path, _Root] = {}

    def __contains__(self, root: Path) -> bool:
        return root in self._watched

    @property
    def have_notices(self) -> bool:
        """Whether `wait` waits: there are none before the first folder, nor where the system refuses them."""
        return self._notices is not None

    def wait(self, timeout_s: float) -> Happened:
        """Until something happens, but no longer."""
        assert self._notices is not None
        return self._notices.wait(timeout_s)

    def wake(self) -> None:
        """End `wait`; from any thread."""
        if self._notices is not None:
            self._notices.wake()

    def close(self) -> None:
        """Watch nothing any more."""
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def polled(self) -> list[Polled]:
        """Those about which notices do not tell everything."""
        return [root.polled for root in self._watched.values() if root.polled is not None]

    def notices_tell_all_of(self, folders: Collection[str]) -> bool:
        """Whether each of these is in a root of which everything that happens is noticed."""
        roots = {os.fspath(path): root for path, root in self._watched.items()}
        for folder in folders:
            within = innermost(folder, roots)
            if within is None or roots[within].polled is not None:
                return False
        return True

    def update(self) -> None:
        """Watch what was added, and what is another file system now; try again what could not be watched."""
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
            self._open_notices().watch(path)
        except OSError as error:
            if before is not None and before.retry_s is not None:
                # Still so, which was said.
                root.polled, root.retry_s = before.polled, time.monotonic() + self._times.retry_s
            else:
                self.poll_instead(path, error)
            return
        if before is not None:
            # It could not be watched until now: what happened since the last scan is not known.
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
        # What happened since is not known.
        self._on_doubt()

    def _interval_of(self, root: _Root) -> float:
        return self._times.rescan_s if root.polled is None else root.polled.every_s

    def _open_notices(self) -> Notices:
        if self._notices is None:
            now_s = time.monotonic()
            if now_s < self._notices_retry_s:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            self._notices_retry_s = now_s + self._times.retry_s
            if sys.platform == "linux":
                self._notices = FolderNotices(self._skips_folder, self._concerns_us)
            else:
                from personalizer.watch.watchdog_events import WatchdogNotices

                self._notices = WatchdogNotices(self._skips_folder, self._concerns_us)
        return self._notices

    def _unwatch(self, path: Path) -> None:
        self._watched.pop(path, None)
        if self._notices is not None:
            self._notices.unwatch(path)

    def watch_again(self) -> None:
        """Also what was made while more happened than the system could tell."""
        for path, root in self._watched.items():
            if root.retry_s is None and self._notices is not None and root.looks:
                try:
                    self._notices.watch(path)
                except OSError as error:
                    self.poll_instead(path, error)

    def _skips_folder(self, path: str, name: str, root: str) -> bool:
        # Across a network nothing is noticed, and looking at it takes long.
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

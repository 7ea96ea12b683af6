"""Asks for a scan when something happens in the folders, and now and then anyway. Reads no file itself.

Where nothing was noticed but files that came into a few folders, it asks for a scan of these alone. Notices are hints:
they get lost when too many come at once, and do not exist across networks, so the periodic scan of everything is the
promise. All times are of the clock that nobody sets.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from personalizer.jobs.due import MOST_FOLDERS
from personalizer.photos.formats import PHOTO_SUFFIXES
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.file_system import Mount, has_network_part, mount_of, mounts_around, read_mounts
from personalizer.scan.sidecar_files import COMPANION_SUFFIXES
from personalizer.scan.walk import innermost
from personalizer.watch.inotify import NO_MORE_WATCHES, FolderNotices, Happened
from personalizer.watch.polled_folders import Polled

logger = logging.getLogger(__name__)

DEBOUNCE_S = 2.0
START_PATIENCE_S = 5.0
_AFTER_ERROR_S = 1.0
_MAX_DOUBLINGS = 10
OnHint = Callable[[frozenset[str] | None], None]
"""Told the folders to look at, or None for everything."""
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


@dataclass(slots=True)
class _Change:
    """Something that happened and was not scanned yet."""

    folders: set[str] = field(default_factory=set)
    """Where files came."""
    more: bool = False
    """Whether anything else happened, or may have."""
    first_s: float = field(default_factory=time.monotonic)
    last_s: float = field(default_factory=time.monotonic)


class Watcher:
    """While entered, calls `on_hint` from a thread of its own after changes under the roots have settled.

    It is told the folders that files came into when nothing else can have happened since the last hint, and None when
    everything is to be looked at.

    `roots` is asked again every few seconds, so folders that are added later are watched too, and a drive that is
    plugged in is noticed. `exclusions` says what is not watched; `unfinished` whether the last scan left something that
    it has to look at again. `on_polled` is told which roots are scanned more often because notices do not tell
    everything about them, whenever that changes.
    """

    def __init__(
        self,
        roots: Callable[[], Sequence[Path]],
        on_hint: OnHint,
        *,
        exclusions: Callable[[], Exclusions] = Exclusions,
        unfinished: Callable[[], bool] = bool,
        on_polled: Callable[[Sequence[Polled]], None] | None = None,
        mounts: Callable[[], list[Mount]] = read_mounts,
        times: WatchTimes | None = None,
        debounce_s: float | None = None,
        rescan_interval_s: float | None = None,
        roots_interval_s: float | None = None,
    ) -> None:
        given = {"debounce_s": debounce_s, "rescan_s": rescan_interval_s, "roots_s": roots_interval_s}
        changes = {name: value for name, value in given.items() if value is not None}
        self._times = replace(times or WatchTimes(), **changes)
        self._roots = roots
        self._on_hint = on_hint
        self._exclusions = exclusions
        self._unfinished = unfinished
        self._on_polled = on_polled
        self._mounts = mounts
        self._rules = Exclusions()
        self._network_points: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._notices: Notices | None = None
        self._notices_retry_s = 0.0
        self._watched: dict[Path, _Root] = {}
        self._change: _Change | None = None
        self._lost = False
        self._failed = False
        """Whether a notice or a hint went wrong since the last hint that was about everything."""
        self._hinted_s = self._all_hinted_s = time.monotonic()
        """The last hint, and the last one that was about everything."""
        self._looked_again = 0
        self._looked_s = time.monotonic()
        self._told: list[Polled] | None = None

    def start(self) -> None:
        """Begin watching. Returns when that is so, or goes on with it and asks for a scan then."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()
        self._ready.wait(START_PATIENCE_S)

    def stop(self) -> None:
        """End watching; no hint comes after this returns."""
        self._stop.set()
        if self._notices is not None:
            self._notices.wake()
        if self._thread is not None:
            self._thread.join()
        # Only now: waking what is closed would write into a file that has got its number since.
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the thread

    def _run(self) -> None:
        began_s = time.monotonic()
        self._guarded(self._look_at_roots)
        if time.monotonic() - began_s >= START_PATIENCE_S:
            # What happened meanwhile was noticed by nobody.
            self._note_change()
        else:
            # At the start everything is new, and somebody else asked for a scan.
            self._change = None
        self._ready.set()
        self._looked_s = time.monotonic()
        while not self._stop.is_set():
            if not self._guarded(self._wait):
                self._failed = True
                # What is broken may stay so, and must not keep a processor busy.
                self._stop.wait(_AFTER_ERROR_S)
            if self._stop.is_set():
                return
            if time.monotonic() - self._looked_s >= self._times.roots_s:
                self._guarded(self._look_at_roots)
                self._looked_s = time.monotonic()
            self._guarded(self._tell_polled)
            if self._is_time():
                self._hint()

    def _wait(self) -> None:
        """Until something happens, but not beyond the next thing to do."""
        now_s = time.monotonic()
        next_s = min(self._looked_s + self._times.roots_s, self._due_s())
        if self._change is not None:
            next_s = min(next_s, self._settled_s(self._change))
        timeout_s = max(0.0, next_s - now_s)
        if self._notices is None:
            self._stop.wait(timeout_s)
            return
        happened = self._notices.wait(timeout_s)
        for root, error in happened.given_up.items():
            self._poll_instead(root, error)
        self._lost |= happened.lost
        if happened.more:
            self._note_change()
        elif happened.files:
            self._note_files(happened.files)

    def _tell_polled(self) -> None:
        polled = [root.polled for root in self._watched.values() if root.polled is not None]
        if self._on_polled is not None and polled != self._told:
            self._on_polled(polled)
            self._told = polled

    def _note_change(self) -> None:
        if self._change is None:
            self._change = _Change()
        self._change.more = True
        self._change.folders.clear()
        self._change.last_s = time.monotonic()

    def _note_files(self, folders: set[str]) -> None:
        if self._change is None:
            self._change = _Change()
        self._change.last_s = time.monotonic()
        if self._change.more:
            return
        self._change.folders |= folders
        if len(self._change.folders) > MOST_FOLDERS:
            self._note_change()

    def _settled_s(self, change: _Change) -> float:
        return min(change.last_s + self._times.debounce_s, change.first_s + self._times.max_delay_s)

    def _is_time(self) -> bool:
        now_s = time.monotonic()
        if self._change is not None:
            return now_s >= self._settled_s(self._change)
        return now_s >= self._due_s()

    def _due_s(self) -> float:
        """When everything is to be looked at without anything happening."""
        intervals = [root.polled.every_s for root in self._watched.values() if root.polled is not None]
        regular_s = self._all_hinted_s + min([self._times.rescan_s, *intervals])
        return min([regular_s, *(self._hinted_s + again_s for again_s in self._unfinished_s())])

    def _unfinished_s(self) -> list[float]:
        try:
            if self._unfinished():
                return [self._times.look_again_s * 2 ** min(self._looked_again, _MAX_DOUBLINGS)]
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")
        self._looked_again = 0
        return []

    def _hint(self) -> None:
        changed, folders = self._change is not None, self._folders_to_look_at()
        # Cleared before the hint: a change from here on is not covered by that scan and asks for another.
        self._change = None
        if self._lost:
            self._lost = False
            logger.warning(
                "more happened in the folders than the system could tell; they are scanned as a whole"
            )
            # Folders that were made meanwhile are not watched yet.
            self._guarded(self._watch_again)
        self._looked_again = 0 if changed else self._looked_again + 1
        self._hinted_s = time.monotonic()
        if folders is None:
            self._all_hinted_s = self._hinted_s
        if not self._guarded(lambda: self._on_hint(folders)):
            self._failed = True
            # Given again, though not at once: what is broken may stay so.
            again_s = min(time.monotonic() + self._times.max_delay_s, self._due_s())
            self._change = _Change(more=True, last_s=again_s - self._times.debounce_s)
        elif folders is None:
            self._failed = False

    def _folders_to_look_at(self) -> frozenset[str] | None:
        """The folders that a scan finds all that happened in; None where that may be anywhere."""
        change = self._change
        if change is None or change.more or self._lost or self._failed:
            return None
        # What is due anyway must not be put off for ever by files that come all the time.
        if time.monotonic() >= self._due_s() or self._unfinished_s():
            return None
        roots = {os.fspath(path): root for path, root in self._watched.items()}
        for folder in change.folders:
            within = innermost(folder, roots)
            if within is None or roots[within].polled is not None:
                return None
        return frozenset(change.folders)

    # --- what is watched

    def _look_at_roots(self) -> None:
        """Watch what was added, and what is another file system now; try again what could not be watched."""
        mounts = self._mounts()
        rules = self._exclusions()
        points = frozenset(mount.point for mount in mounts if mount.is_network)
        if (rules, points) != (self._rules, self._network_points):
            self._rules, self._network_points = rules, points
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
                    self._note_change()
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
                self._poll_instead(path, error)
            return
        if before is not None:
            # It could not be watched until now: what happened since the last scan is not known.
            self._note_change()

    def _poll_instead(self, path: Path, error: OSError) -> None:
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
        self._note_change()

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

    def _watch_again(self) -> None:
        for path, root in self._watched.items():
            if root.retry_s is None and self._notices is not None and root.looks:
                try:
                    self._notices.watch(path)
                except OSError as error:
                    self._poll_instead(path, error)

    def _skips_folder(self, path: str, name: str, root: str) -> bool:
        # Across a network nothing is noticed, and looking at it takes long.
        return path in self._network_points or self._rules.skips_folder(path, name, root)

    @staticmethod
    def _concerns_us(name: str) -> bool:
        return name.lower().endswith(_SUFFIXES) and not name.startswith(".")

    @staticmethod
    def _guarded(action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")
            return False
        return True


def _looks(path: Path, mounts: Sequence[Mount]) -> tuple[object, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    around = tuple((mount.point, mount.kind, mount.source) for mount in mounts_around(path, mounts))
    return (status.st_dev, status.st_ino, around)

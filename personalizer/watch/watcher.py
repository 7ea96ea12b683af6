"""Requests scans: after file-system events, and at regular intervals. Reads no file itself.

New files in a few folders lead to a scan of these folders alone. File-system events get lost when too many come at
once, and do not exist on network folders: the periodic full scan catches what they miss. All times are monotonic.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from personalizer.jobs.due import MOST_FOLDERS
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.file_system import Mount, read_mounts
from personalizer.watch.polled_folders import Polled
from personalizer.watch.roots import WatchedRoots, WatchTimes

logger = logging.getLogger(__name__)

START_PATIENCE_S = 5.0
_AFTER_ERROR_S = 1.0
_MAX_DOUBLINGS = 10
OnScanRequest = Callable[[frozenset[str] | None], None]
"""Called with the folders to scan, or None for a full scan."""


@dataclass(slots=True)
class _Change:
    """Changes that no scan was requested for yet."""

    folders: set[str] = field(default_factory=set)
    """Folders with new or changed files."""
    more: bool = False
    """Whether there were, or may have been, other changes."""
    first_s: float = field(default_factory=time.monotonic)
    last_s: float = field(default_factory=time.monotonic)


class Watcher:
    """While entered, calls `on_scan_request` from a thread of its own after changes under the roots have settled.

    The argument is the folders with new files if there were no other changes since the last request; None requests a
    full scan.

    `roots` is called every few seconds to detect added folders and plugged-in drives. `exclusions` returns what is not
    watched; `unfinished` tells whether the last scan skipped files with a write in progress. `on_polled` is called with
    the roots whose events are incomplete, whenever these change.
    """

    def __init__(
        self,
        roots: Callable[[], Sequence[Path]],
        on_scan_request: OnScanRequest,
        *,
        exclusions: Callable[[], Exclusions] = Exclusions,
        unfinished: Callable[[], bool] = bool,
        on_polled: Callable[[Sequence[Polled]], None] | None = None,
        mounts: Callable[[], list[Mount]] = read_mounts,
        times: WatchTimes | None = None,
    ) -> None:
        self._times = times or WatchTimes()
        self.watched = WatchedRoots(roots, exclusions, mounts, self._times, self._note_change)
        self._on_scan_request = on_scan_request
        self._unfinished = unfinished
        self._on_polled = on_polled
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._change: _Change | None = None
        self._lost = False
        self._failed = False
        """Whether reading events or requesting a scan failed since the last request for a full scan."""
        self._requested_s = self._full_requested_s = time.monotonic()
        """When a scan, and when a full scan was requested last."""
        self._looked_again = 0
        self._looked_s = time.monotonic()
        self._told: list[Polled] | None = None

    def start(self) -> None:
        """Start the thread and wait until all roots are watched; slow roots are added later, with a full scan."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()
        self._ready.wait(START_PATIENCE_S)

    def stop(self) -> None:
        """Stop watching; no scan is requested after this returns."""
        self._stop.set()
        self.watched.wake()
        if self._thread is not None:
            self._thread.join()
        # Closed last: `wake` on a closed descriptor would write into another file with the same number.
        self.watched.close()

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
        self._guarded(self.watched.update)
        if time.monotonic() - began_s >= START_PATIENCE_S:
            # Nothing was watched in the meantime.
            self._note_change()
        else:
            # At the start everything is new, and the worker requests a full scan anyway.
            self._change = None
        self._ready.set()
        self._looked_s = time.monotonic()
        while not self._stop.is_set():
            if not self._guarded(self._wait):
                self._failed = True
                # The error may persist; a pause keeps the CPU idle.
                self._stop.wait(_AFTER_ERROR_S)
            if self._stop.is_set():
                return
            if time.monotonic() - self._looked_s >= self._times.roots_s:
                self._guarded(self.watched.update)
                self._looked_s = time.monotonic()
            self._guarded(self._tell_polled)
            if self._is_time():
                self._request_scan()

    def _wait(self) -> None:
        """Wait for events, at most until the next scan or check is due."""
        now_s = time.monotonic()
        next_s = min(self._looked_s + self._times.roots_s, self._due_s())
        if self._change is not None:
            next_s = min(next_s, self._settled_s(self._change))
        timeout_s = max(0.0, next_s - now_s)
        if not self.watched.has_file_events:
            self._stop.wait(timeout_s)
            return
        changes = self.watched.wait(timeout_s)
        for root, error in changes.given_up.items():
            self.watched.poll_instead(root, error)
        self._lost |= changes.lost
        if changes.more:
            self._note_change()
        elif changes.files:
            self._note_files(changes.files)

    def _tell_polled(self) -> None:
        polled = self.watched.polled()
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
        """When the next full scan is due without any event."""
        intervals = [polled.every_s for polled in self.watched.polled()]
        regular_s = self._full_requested_s + min([self._times.rescan_s, *intervals])
        return min([regular_s, *(self._requested_s + again_s for again_s in self._unfinished_s())])

    def _unfinished_s(self) -> list[float]:
        try:
            if self._unfinished():
                return [self._times.look_again_s * 2 ** min(self._looked_again, _MAX_DOUBLINGS)]
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")
        self._looked_again = 0
        return []

    def _request_scan(self) -> None:
        changed, folders = self._change is not None, self._folders_to_look_at()
        # Cleared before the request: later changes may be missed by that scan and need another.
        self._change = None
        if self._lost:
            self._lost = False
            logger.warning(
                "more happened in the folders than the system could tell; they are scanned as a whole"
            )
            # New folders may not be watched yet.
            self._guarded(self.watched.watch_again)
        self._looked_again = 0 if changed else self._looked_again + 1
        self._requested_s = time.monotonic()
        if folders is None:
            self._full_requested_s = self._requested_s
        if not self._guarded(lambda: self._on_scan_request(folders)):
            self._failed = True
            # Request again, after a pause: the error may persist.
            again_s = min(time.monotonic() + self._times.max_delay_s, self._due_s())
            self._change = _Change(more=True, last_s=again_s - self._times.debounce_s)
        elif folders is None:
            self._failed = False

    def _folders_to_look_at(self) -> frozenset[str] | None:
        """The folders that contain all changes; None if there may be others."""
        change = self._change
        if change is None or change.more or self._lost or self._failed:
            return None
        # A steady stream of files must not postpone the regular full scan for ever.
        if time.monotonic() >= self._due_s() or self._unfinished_s():
            return None
        return frozenset(change.folders) if self.watched.file_events_cover(change.folders) else None

    @staticmethod
    def _guarded(action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")
            return False
        return True

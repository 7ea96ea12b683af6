"""Asks for a scan when something happens in the folders, and now and then anyway. Reads no file itself.

Where nothing but new files in a few folders was noticed, it asks for a scan of these alone. File-system events get lost
when too many come at once, and do not exist on network folders: the periodic full scan catches what they miss. All
times are monotonic.
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
OnHint = Callable[[frozenset[str] | None], None]
"""Told the folders to look at, or None for everything."""


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
    ) -> None:
        self._times = times or WatchTimes()
        self.watched = WatchedRoots(roots, exclusions, mounts, self._times, self._note_change)
        self._on_hint = on_hint
        self._unfinished = unfinished
        self._on_polled = on_polled
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
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
        self.watched.wake()
        if self._thread is not None:
            self._thread.join()
        # Only now: waking what is closed would write into a file that has got its number since.
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
                self._guarded(self.watched.update)
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
        if not self.watched.have_notices:
            self._stop.wait(timeout_s)
            return
        happened = self.watched.wait(timeout_s)
        for root, error in happened.given_up.items():
            self.watched.poll_instead(root, error)
        self._lost |= happened.lost
        if happened.more:
            self._note_change()
        elif happened.files:
            self._note_files(happened.files)

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
        """When everything is to be looked at without anything happening."""
        intervals = [polled.every_s for polled in self.watched.polled()]
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
            self._guarded(self.watched.watch_again)
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
        return frozenset(change.folders) if self.watched.notices_tell_all_of(change.folders) else None

    @staticmethod
    def _guarded(action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")
            return False
        return True

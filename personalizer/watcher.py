"""Asks for a scan when something happens in the folders, and now and then anyway. Reads no file itself.

Events are hints: they get lost on overflow and do not exist on network drives, so the periodic scan is the promise.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from personalizer.folders import PHOTO_SUFFIXES

logger = logging.getLogger(__name__)

DEBOUNCE_S = 2.0
MAX_DELAY_S = 30.0
RESCAN_INTERVAL_S = 900.0
ROOTS_INTERVAL_S = 5.0
# Reading a file also makes events; reacting to those would make every scan ask for the next.
_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


class Watcher:
    """While entered, calls `on_hint` from a thread of its own after changes under the roots have settled.

    `roots` is asked again every few seconds, so folders that are added later are watched too.
    """

    def __init__(
        self,
        roots: Callable[[], Sequence[Path]],
        on_hint: Callable[[], None],
        *,
        debounce_s: float = DEBOUNCE_S,
        rescan_interval_s: float = RESCAN_INTERVAL_S,
        roots_interval_s: float = ROOTS_INTERVAL_S,
    ) -> None:
        self._roots = roots
        self._on_hint = on_hint
        self._debounce_s = debounce_s
        self._rescan_interval_s = rescan_interval_s
        self._roots_interval_s = roots_interval_s
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._last_change_s = 0.0
        self._thread: threading.Thread | None = None
        self._observer: Any = None
        self._watched: set[Path] = set()

    def start(self) -> None:
        """Begin watching."""
        from watchdog.observers import Observer

        self._observer = Observer()
        self._observer.start()
        self._watch_new_roots()
        self._thread = threading.Thread(target=self._loop, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End watching; no hint comes after this returns."""
        self._stop.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _watch_new_roots(self) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler

        watcher = self

        class OnChange(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                watcher._notice(event)

        for root in self._roots():
            if root in self._watched or not root.is_dir():
                continue
            try:
                self._observer.schedule(OnChange(), str(root), recursive=True)
            except OSError as error:  # too many watches, or a file system without them
                logger.warning("%s is scanned every %.0f s only: %s", root, self._rescan_interval_s, error)
            self._watched.add(root)

    def _notice(self, event: Any) -> None:
        if event.event_type not in _CHANGES:
            return
        if event.is_directory:
            # A folder is "modified" whenever anything in it is; its own coming and going matters.
            if event.event_type == "modified":
                return
        elif not any(
            str(path).lower().endswith(tuple(PHOTO_SUFFIXES)) for path in (event.src_path, event.dest_path)
        ):
            return
        self._last_change_s = time.monotonic()
        self._changed.set()

    def _loop(self) -> None:
        last_hint_s = time.monotonic()
        while not self._stop.is_set():
            changed = self._changed.wait(min(self._roots_interval_s, self._rescan_interval_s))
            if changed:
                self._settle()
            if self._stop.is_set():
                return
            self._guarded(self._watch_new_roots)
            if changed or time.monotonic() - last_hint_s >= self._rescan_interval_s:
                last_hint_s = time.monotonic()
                self._guarded(self._on_hint)

    def _settle(self) -> None:
        """Wait until nothing has happened for a while, but not for ever while a large copy runs."""
        first_s = time.monotonic()
        while not self._stop.is_set():
            now_s = time.monotonic()
            quiet_s = now_s - self._last_change_s
            if quiet_s >= self._debounce_s or now_s - first_s >= MAX_DELAY_S:
                break
            self._stop.wait(self._debounce_s - quiet_s)
        # Cleared before the hint: a change from here on is not covered by that scan and asks for another.
        self._changed.clear()

    @staticmethod
    def _guarded(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # a locked library must not end the watching
            logger.exception("watching goes on after an error")


def watch(roots: Sequence[Path], on_hint: Callable[[], None]) -> Watcher:
    """A started watcher over a fixed list of folders; the caller stops it."""
    watcher = Watcher(lambda: roots, on_hint)
    watcher.start()
    return watcher

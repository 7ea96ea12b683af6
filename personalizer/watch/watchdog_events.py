"""File-system events on macOS and BSD, from watchdog. Knows no photo.

Dropped events are not reported there; the periodic full scan catches what they miss. Every change leads to a full scan.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from personalizer.watch.inotify import Changes, ConcernsUs, SkipsFolder

# Reading a file also makes events; reacting to those would make every scan ask for the next.
_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


class WatchdogEvents:
    """The interface of `InotifyEvents`, implemented with watchdog."""

    def __init__(self, skips_folder: SkipsFolder, concerns_us: ConcernsUs) -> None:
        from watchdog.observers import Observer

        self._skips_folder = skips_folder
        self._concerns_us = concerns_us
        self._something = threading.Event()
        self._changed = threading.Event()
        self._watches: dict[Path, Any] = {}
        self._observer: Any = Observer()
        self._observer.start()

    def __len__(self) -> int:
        """How many roots are watched."""
        return len(self._watches)

    def watch(self, root: Path) -> None:
        """Watch `root` and all folders below it. Raises OSError if that is not possible."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler

        file_events = self

        class OnChange(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                file_events._record(event, os.fspath(root))

        if root not in self._watches:
            self._watches[root] = self._observer.schedule(OnChange(), str(root), recursive=True)

    def unwatch(self, root: Path) -> None:
        """Stop watching a root."""
        watch = self._watches.pop(root, None)
        if watch is not None:
            self._observer.unschedule(watch)

    def _record(self, event: Any, root: str) -> None:
        if event.event_type not in _CHANGES:
            return
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if event.is_directory:
            # A folder is "modified" whenever an entry is; only its creation, move and deletion matter.
            if event.event_type == "modified":
                return
            if all(self._is_left_out(path, root) for path in paths):
                return
        elif not any(
            self._concerns_us(Path(path).name) and not self._is_left_out(str(Path(path).parent), root)
            for path in paths
        ):
            return
        self._changed.set()
        self._something.set()

    def _is_left_out(self, folder: str, root: str) -> bool:
        """Whether the folder or a parent below the root is excluded: watchdog also watches excluded folders."""
        here = Path(folder)
        return any(
            self._skips_folder(str(parent), parent.name, root)
            for parent in (here, *here.parents)
            if parent != Path(root) and parent.is_relative_to(root)
        )

    def wait(self, timeout_s: float) -> Changes:
        """The changes; waits for the first event, or for `wake`."""
        self._something.wait(timeout_s)
        self._something.clear()
        changed = self._changed.is_set()
        self._changed.clear()
        return Changes(more=changed)

    def wake(self) -> None:
        """End a `wait` now; from any thread."""
        self._something.set()

    def close(self) -> None:
        """Watch nothing any more."""
        self._observer.stop()
        self._observer.join()

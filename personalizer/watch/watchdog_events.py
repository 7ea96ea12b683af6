"""Notices of changes in folders where they do not come from inotify: macOS and BSD, through watchdog. Knows no photo.

What gets lost there is not said by anybody; the periodic scan makes up for it. Nor is it told in which folders nothing
but files came.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from personalizer.watch.inotify import ConcernsUs, Happened, SkipsFolder

# Reading a file also makes events; reacting to those would make every scan ask for the next.
_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


class WatchdogNotices:
    """The same as `FolderNotices`."""

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
        """Watch `root` and what is below it. Raises OSError when that is not possible."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler

        notices = self

        class OnChange(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                notices._notice(event, os.fspath(root))

        if root not in self._watches:
            self._watches[root] = self._observer.schedule(OnChange(), str(root), recursive=True)

    def unwatch(self, root: Path) -> None:
        """Watch a root no longer."""
        watch = self._watches.pop(root, None)
        if watch is not None:
            self._observer.unschedule(watch)

    def _notice(self, event: Any, root: str) -> None:
        if event.event_type not in _CHANGES:
            return
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if event.is_directory:
            # A folder is "modified" whenever anything in it is; its own coming and going matters.
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
        """Whether the folder, or one between it and the root, is left out: those are watched here as well."""
        here = Path(folder)
        return any(
            self._skips_folder(str(one), one.name, root)
            for one in (here, *here.parents)
            if one != Path(root) and one.is_relative_to(root)
        )

    def wait(self, timeout_s: float) -> Happened:
        """What happened; waits for the first notice, or for `wake`."""
        self._something.wait(timeout_s)
        self._something.clear()
        changed = self._changed.is_set()
        self._changed.clear()
        return Happened(more=changed)

    def wake(self) -> None:
        """End a `wait` now; from any thread."""
        self._something.set()

    def close(self) -> None:
        """Watch nothing any more."""
        self._observer.stop()
        self._observer.join()

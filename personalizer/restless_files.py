"""In which order a scan takes files, and which it looks at again because somebody may still be writing them.

Knows files and clocks; reads no content and no library.
"""

from __future__ import annotations

import heapq
import itertools
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from personalizer.folders import SeenFile
from personalizer.settling import Settling, age_s, is_being_written, is_same, look

_MAX_LOOK_S = 30.0
_STEP_S = 0.1


@dataclass(slots=True)
class _Restless:
    """A file that is looked at again."""

    file: SeenFile
    same_since_s: float
    looks: int = 0
    verdict: str | None = None
    """Why its content is no photo, in case that it turns out to be at rest."""


class FileQueue:
    """Files in the order given, except for those that have to be looked at twice, which come when that is done."""

    def __init__(
        self,
        numbers: Iterable[int],
        fetch: Callable[[int], SeenFile | None],
        *,
        settling: Settling,
        is_network: Callable[[SeenFile], bool],
        looked_s: float,
        cancelled: Callable[[], bool],
        on_wait: Callable[[], None],
    ) -> None:
        self._ready = array("q", numbers)
        self._position = 0
        self._fetch = fetch
        self._settling = settling
        self._is_network = is_network
        self._looked_s = looked_s
        self._cancelled = cancelled
        self._on_wait = on_wait
        self._again: list[tuple[float, int, _Restless]] = []
        self._order = itertools.count()
        self._same_since_s: dict[Path, float] = {}
        """Of files that were handed out although they were written just now."""
        self._waited_s = 0.0
        self.vanished: list[SeenFile] = []
        """Files that went away while they waited; the caller takes them out."""
        self.broken: list[tuple[SeenFile, str]] = []
        """Files that are at rest and no photo; the caller takes them out."""
        self.left = 0
        """Files that were not at rest in time."""

    def __bool__(self) -> bool:
        return len(self) > 0

    def __len__(self) -> int:
        return len(self._ready) - self._position + len(self._again)

    def clear(self) -> None:
        """Hand out nothing more."""
        self._position = len(self._ready)
        self._again.clear()

    def next(self, *, may_wait: bool) -> SeenFile | None:
        """The next file that is at rest; None when there is none now, or with `may_wait` none at all."""
        while not self._cancelled():
            while self._again and self._again[0][0] <= time.monotonic():
                file = self._look_again(heapq.heappop(self._again)[2])
                if file is not None or self.vanished or self.broken:
                    return file
            while self._position < len(self._ready):
                self._position += 1
                file = self._fetch(self._ready[self._position - 1])
                if file is None:
                    continue
                if not self._was_written_just_now(file):
                    return file
                self._put(_Restless(file, self._looked_s), self._looked_s + self._look_s(file))
                if self._again[0][0] <= time.monotonic():
                    break
            else:
                if not self._again or not may_wait or not self._wait():
                    return None
        return None

    def _wait(self) -> bool:
        """Wait for the next look; False, and nothing is left, when that has taken too long already."""
        due_s = self._again[0][0]
        settling = self._settling
        any_network = any(self._is_network(entry.file) for _, _, entry in self._again)
        linger_s = settling.network_linger_s if any_network else settling.linger_s
        wait_s = due_s - time.monotonic()
        if self._waited_s + wait_s > linger_s:
            self.left += len(self._again)
            self._again.clear()
            return False
        self._on_wait()
        while wait_s > 0 and not self._cancelled():
            step_s = min(wait_s, _STEP_S)
            time.sleep(step_s)
            self._waited_s += step_s
            wait_s = due_s - time.monotonic()
        return True

    def changed(self, file: SeenFile) -> None:
        """Take back a file that turned out not to be what it was, or to be open for writing."""
        now_s = time.monotonic()
        self._same_since_s.pop(file.path, None)
        self._put(_Restless(file, now_s, looks=1), now_s + self._look_s(file))

    def may_be_unfinished(self, file: SeenFile) -> bool:
        """Whether content that is no photo may be the beginning of one."""
        age = age_s(file)
        settling = self._settling
        limit_s = max(
            settling.recent_s, settling.network_broken_s if self._is_network(file) else settling.broken_s
        )
        return age is None or age < limit_s

    def doubt(self, file: SeenFile, verdict: str) -> None:
        """Take back a file whose content is no photo, until it has been the same for long enough to say so."""
        now_s = time.monotonic()
        entry = _Restless(file, self._same_since_s.pop(file.path, now_s), verdict=verdict)
        self._put(entry, max(now_s, self._sure_s(entry)))

    def done(self, file: SeenFile) -> None:
        """Forget a file that was handed out."""
        self._same_since_s.pop(file.path, None)

    def _sure_s(self, entry: _Restless) -> float:
        settling = self._settling
        broken_s = settling.network_broken_s if self._is_network(entry.file) else settling.broken_s
        return entry.same_since_s + broken_s

    def _look_again(self, entry: _Restless) -> SeenFile | None:
        """The file when it may be read now; otherwise it was put back, or is in `vanished` or `broken`."""
        now_s = time.monotonic()
        network = self._is_network(entry.file)
        try:
            now = look(entry.file)
        except OSError:
            return entry.file  # reading it says why
        if now is None:
            self.vanished.append(entry.file)
            return None
        if not is_same(entry.file, now, network=network) or self.is_open_for_writing(now):
            entry = _Restless(now, now_s, entry.looks + 1)
            self._put(entry, now_s + min(self._look_s(now) * 2**entry.looks, _MAX_LOOK_S))
            return None
        if entry.verdict is None:
            self._same_since_s[now.path] = entry.same_since_s
            return now
        if now_s >= self._sure_s(entry):
            self.broken.append((now, entry.verdict))
        else:
            self._put(entry, self._sure_s(entry))
        return None

    def is_open_for_writing(self, file: SeenFile) -> bool:
        """Whether to wait for a program that may still write to the file."""
        age = age_s(file)
        # A time in the future says nothing, and must not have a file wait for ever.
        if age is None or age > self._settling.writer_s or self._is_network(file):
            return False
        return is_being_written(file.path)

    def _was_written_just_now(self, file: SeenFile) -> bool:
        age = age_s(file)
        # The clock of another machine may be another one.
        return age is None or age < self._settling.recent_s or self._is_network(file)

    def _look_s(self, file: SeenFile) -> float:
        return self._settling.network_look_s if self._is_network(file) else self._settling.look_s

    def _put(self, entry: _Restless, due_s: float) -> None:
        heapq.heappush(self._again, (due_s, next(self._order), entry))

"""What memory a process and all that it started hold, and what they computed, sampled while they work.

Reads /proc; knows no work.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PROC = Path("/proc")
_RESIDENT_FIELD = "VmRSS:"


@dataclass(frozen=True, slots=True)
class MemorySample:
    """How much memory was held when the work was so far."""

    done: int
    mib: float
    processes: int


def can_measure() -> bool:
    """Whether this system says what processes hold."""
    return (_PROC / "self/status").exists()


def processes_below(root: int) -> list[int]:
    """`root` and all processes that it or they started, as far as they run."""
    parent_of: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name, in brackets, may hold anything; what comes after the last one is in columns.
                columns = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            parent_of[int(entry.name)] = int(columns[1])
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in parent_of:
            found.append(pid)
            waiting += [child for child, parent in parent_of.items() if parent == pid]
    return found


def resident_mib(pids: Sequence[int]) -> float:
    """What these processes hold in memory; what several share counts for each."""
    total_kib = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "status").read_text().splitlines()
        except OSError:
            continue
        total_kib += sum(int(line.split()[1]) for line in lines if line.startswith(_RESIDENT_FIELD))
    return total_kib / 1024


def computed_s(pid: int) -> float | None:
    """Seconds of processor time that one process took so far; None when it is gone."""
    try:
        columns = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # After the name, the user's and the system's ticks are the 12th and 13th.
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")


class ProcessorSampler:
    """Adds up what a process and all below it compute, for the duration of a block.

    By looking often, as nobody is told what the children of processes computed that are gone: of each, what it did
    after the last look is missing.
    """

    def __init__(self, pid: Callable[[], int | None], every_s: float = 0.2) -> None:
        self._pid = pid
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._taken_s: dict[int, float] = {}

    @property
    def total_s(self) -> float:
        """Of all processes that were seen."""
        return sum(self._taken_s.values())

    def look(self) -> None:
        """Take the numbers as they are now."""
        pid = self._pid()
        for each in processes_below(pid) if pid else ():
            taken_s = computed_s(each)
            if taken_s is not None:
                self._taken_s[each] = taken_s

    def _sample(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._every_s)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


class MemorySampler:
    """Samples what the process `pid()` and its children hold, in a thread, for the duration of a block."""

    def __init__(
        self, pid: Callable[[], int | None], done: Callable[[], int | None], every_s: float = 0.5
    ) -> None:
        """`done` says how far the work is; while it says None, nothing is sampled."""
        self._pid = pid
        self._done = done
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.samples: list[MemorySample] = []
        self.peak_mib = 0.0
        """Of the whole block, also while nothing was sampled."""

    def _sample(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            pid, done = self._pid(), self._done()
            if pid:
                pids = processes_below(pid)
                mib = resident_mib(pids)
                self.peak_mib = max(self.peak_mib, mib)
                if done is not None:
                    self.samples.append(MemorySample(done, mib, len(pids)))
            self._stop.wait(max(self._every_s - (time.monotonic() - began), 0.05))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def growth_percent(samples: Sequence[MemorySample], total: int, warm_up: float = 0.1) -> float | None:
    """How much more was held in the last tenth of the work than in the tenth after the warm-up, in percent.

    The medians of each; None where there are too few samples to say.
    """
    first = [one.mib for one in samples if warm_up * total <= one.done < (warm_up + 0.1) * total]
    last = [one.mib for one in samples if one.done >= 0.9 * total]
    if len(first) < 3 or len(last) < 3:
        return None
    before, after = statistics.median(first), statistics.median(last)
    return 100 * (after - before) / before


def at_tenths(samples: Sequence[MemorySample], total: int) -> list[float | None]:
    """The median of each tenth of the work, in MiB."""
    found: list[float | None] = []
    for tenth in range(10):
        inside = [one.mib for one in samples if tenth <= 10 * one.done / max(total, 1) < tenth + 1]
        found.append(round(statistics.median(inside), 1) if inside else None)
    return found

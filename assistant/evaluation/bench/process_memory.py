"""What memory a process and all that it started hold, and what they computed, sampled while they work.

Knows no work.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class MemorySample:
    """How much memory was held when the work was so far."""

    done: int
    mib: float
    processes: int


def processes_below(root: int) -> list[psutil.Process]:
    """`root` and all processes that it or they started, as far as they run."""
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def resident_mib(processes: Sequence[psutil.Process]) -> float:
    """What these processes hold in memory; what several share counts for each."""
    total_bytes = 0
    for process in processes:
        with suppress(psutil.Error):
            total_bytes += process.memory_info().rss
    return total_bytes / 2**20


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
        for process in processes_below(pid) if pid else ():
            with suppress(psutil.Error):
                times = process.cpu_times()
                self._taken_s[process.pid] = times.user + times.system

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
                processes = processes_below(pid)
                mib = resident_mib(processes)
                self.peak_mib = max(self.peak_mib, mib)
                if done is not None:
                    self.samples.append(MemorySample(done, mib, len(processes)))
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

"""Keeps the lease on the running job, as long as the job shows that it lives. Knows no kind of job.

The lock of the worker says that its process is there; the lease says that it gets on.
"""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

logger = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
HANG_S = 1800.0
"""A job that reports nothing, asks nothing and computes nothing for so long is not waited for any more."""
HANG_EXIT_STATUS = 70


class Leased(Protocol):
    """A running job, as far as its lease is concerned."""

    def extend(self) -> bool:
        """Hold the lease for longer; False when it is somebody else's now."""
        ...

    def signs(self) -> int:
        """How often the job has shown that it lives."""
        ...

    def lose(self) -> None:
        """Be told that the lease is lost: whatever the job still makes is not wanted."""
        ...


class LeaseKeeper:
    """A thread that extends the lease of whatever job is `held`, and ends the process when that job hangs.

    A thread cannot be ended from outside. The process can: the next worker finds the job, with the attempt counted.
    """

    def __init__(
        self,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        hang_s: float = HANG_S,
        on_beat: Callable[[], None] | None = None,
        on_end: Callable[[], None] | None = None,
        on_hang: Callable[[], None] | None = None,
    ) -> None:
        self._heartbeat_s = heartbeat_s
        self._hang_s = hang_s
        self._on_beat = on_beat
        self._on_end = on_end
        self._on_hang = on_hang or _end_the_process
        self._held: Leased | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def hold(self, job: Leased | None) -> None:
        """The job that runs from now on; None for no job."""
        with self._lock:
            self._held = job

    def _run(self) -> None:
        try:
            watched: Leased | None = None
            signs, used_s, since_s = 0, 0.0, time.monotonic()
            while not self._stop.wait(self._heartbeat_s):
                self._beat()
                with self._lock:
                    job = self._held
                if job is None:
                    watched = None
                    continue
                now_s, used_now_s = time.monotonic(), computed_s()
                # This very thread computes a little.
                computes = used_now_s is None or used_now_s - used_s > max(0.3, 0.02 * self._hang_s)
                if job is not watched or job.signs() != signs or computes:
                    watched, signs, used_s, since_s = job, job.signs(), used_now_s or 0.0, now_s
                if now_s - since_s > self._hang_s:
                    self._on_hang()
                    return
                self._extend(job)
        finally:
            if self._on_end is not None:
                self._on_end()

    def _beat(self) -> None:
        if self._on_beat is not None:
            try:
                self._on_beat()
            except OSError:
                # A disk that refuses for a while must not end the leases too.
                logger.warning("the worker cannot say that it lives", exc_info=True)

    def _extend(self, job: Leased) -> None:
        try:
            if not job.extend():
                with self._lock:
                    ended = self._held is not job
                if not ended:
                    logger.warning("the lease on the running job is lost: it stops at its next check")
                    job.lose()
        except Exception:
            # A library that is locked or full for a while is no reason to stop; the lease lasts several beats.
            logger.warning("the lease could not be extended", exc_info=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def _end_the_process() -> None:
    logger.critical("the running job has shown no sign of life for too long: this worker gives up")
    logging.shutdown()
    os._exit(HANG_EXIT_STATUS)


def computed_s() -> float | None:
    """Seconds of processor time that this process and its children have used; None where nobody can tell."""
    own_s = time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    parents: dict[int, tuple[int, int]] = {}
    try:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except (OSError, ValueError):
                    continue  # it has ended meanwhile
                parents[int(folder.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    except OSError:
        return None
    family = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in parents.items() if parent in family} - family
        family, grown = family | more, bool(more)
    living = sum(parents[pid][1] for pid in family - {os.getpid()}) / os.sysconf("SC_CLK_TCK")
    return own_s + children.ru_utime + children.ru_stime + living

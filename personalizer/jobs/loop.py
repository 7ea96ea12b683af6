"""Runs queued jobs one after the other: what a job may say and ask meanwhile, and how long it may be silent.

Callers bring the handlers by kind. The lock of the worker says that its process is there; the lease says that its job
gets on.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from personalizer.errors import FamiliarError, JobCancelled
from personalizer.jobs.queue import JobQueue
from personalizer.jobs.retry import error_class
from personalizer.process_limits import computed_s
from personalizer.schemas import Job, Progress
from personalizer.storage_errors import is_locked, storage_error

PROGRESS_INTERVAL_S = 0.1
POLL_INTERVAL_S = 0.2
HEARTBEAT_S = 15.0
HANG_S = 1800.0
"""A job that reports nothing, asks nothing and computes nothing for so long is not waited for any more."""
HANG_EXIT_STATUS = 70
RATE_WINDOW_S = 60.0
_MIN_RATE_SPAN_S = 1.0

logger = logging.getLogger(__name__)
Stored = TypeVar("Stored")


class ProgressRate:
    """Steps a second over the last minute: the first photos, for which models are loaded, soon stop counting.

    Begins anew when another piece of work is reported on, which shows by its total or by steps that go back.
    """

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int, total: int) -> float | None:
        """Note that so much is done at this (monotonic) time; returns the rate, or None while nobody can tell."""
        if total <= 0:
            self._samples.clear()
            return None
        if total != self._total or (self._samples and done < self._samples[-1][1]):
            self._samples.clear()
        self._total = total
        self._samples.append((now_s, done))
        # One sample from before the window stays, so that slow work is measured over its last step.
        while len(self._samples) > 2 and self._samples[1][0] < now_s - self._window_s:
            self._samples.popleft()
        first_s, first_done = self._samples[0]
        span_s = now_s - first_s
        if span_s < _MIN_RATE_SPAN_S or done <= first_done:
            return None
        return (done - first_done) / span_s


class JobContext:
    """What a handler may say and ask while it works."""

    def __init__(
        self,
        queue: JobQueue,
        job: Job,
        stop: threading.Event,
        runnable: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`runnable` says which kinds of jobs the loop that runs this one would run now."""
        self._queue = queue
        self._job = job
        self._stop = stop
        self._runnable = runnable
        self._yield_when: list[Callable[[], bool]] = []
        self._listeners: list[Callable[[Progress], None]] = []
        self._written_at_s = -PROGRESS_INTERVAL_S
        self._rate = ProgressRate()
        self._has_advanced = False
        self._lost = threading.Event()
        self._signs = 0

    def progress(self, done: int, total: int, message: str) -> None:
        """Report how far the work is; frequent calls are thinned out, the last step never is."""
        for listener in self._listeners:
            listener(Progress(done, total, message))
        now_s = time.monotonic()
        self._signs += 1
        rate_per_s = self._rate.add(now_s, done, total)
        if now_s - self._written_at_s < PROGRESS_INTERVAL_S and done != total:
            return
        self._written_at_s = now_s
        try:
            self._queue.progress(self._job.id, done, total, message, rate_per_s)
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            logger.warning("another program holds the library: progress is not shown")

    def advanced(self) -> None:
        """Say that something was stored for good: when the worker is killed now, that is no strike."""
        if not self._has_advanced:
            self._queue.advanced(self._job.id)
            self._has_advanced = True

    def cancelled(self) -> bool:
        """Whether the handler should stop: the user asked for it, the worker is being shut down, the job is another
        worker's by now, or it has to yield.
        """
        self._signs += 1
        if self._stop.is_set() or self._lost.is_set() or self._queue.cancelled(self._job.id):
            return True
        return any(condition() for condition in self._yield_when)

    def yield_when(self, condition: Callable[[], bool]) -> None:
        """Stop as well when `condition` holds: the job is put back and goes on later."""
        self._yield_when.append(condition)

    def listen(self, listener: Callable[[Progress], None]) -> None:
        """Have every report of progress passed on, before it is thinned out."""
        self._listeners.append(listener)

    def outranked(self, by: Collection[str] | None = None) -> bool:
        """Whether the worker would rather run another job, of the kinds that are named `by`, where this yields."""
        kinds = set(self._runnable())
        return self._queue.outranked(self._job.id, kinds if by is None else kinds.intersection(by))

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` when the handler should stop."""
        if self.cancelled():
            raise JobCancelled(f"job {self._job.id}")

    def signs(self) -> int:
        """How often the handler has said or asked something."""
        return self._signs

    def extend(self) -> bool:
        """Hold the job for longer."""
        return self._job.lease is not None and self._queue.extend(self._job.id, self._job.lease)

    def lose(self) -> None:
        """The job is another worker's: the handler stops at its next check."""
        self._lost.set()


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


Handler = Callable[[Job, JobContext], dict[str, Any]]


def run_worker_loop(
    queue: JobQueue,
    handlers: Mapping[str, Handler],
    stop: threading.Event,
    idle_exit_s: float | None = None,
    *,
    runnable: Callable[[], Collection[str]] | None = None,
    on_beat: Callable[[], None] | None = None,
    when_idle: Callable[[], object] | None = None,
) -> int:
    """Run queued jobs one after the other until `stop` is set or nothing came for `idle_exit_s`; returns how
    many.

    The caller holds the worker lock, so jobs that are marked running belong to a dead worker and are
    recovered first. A handler that fails never ends the loop, nor does a library that another program holds for
    long; one that cannot be written to does. `runnable` says which of the kinds may be run now (all by default),
    `on_beat` is called from a thread every few seconds, `when_idle` whenever there is nothing to run.
    """
    runnable = runnable or handlers.keys
    _patiently(stop, queue.recover_orphans)
    worker_pid = os.getpid()
    ran = 0
    idle_since_s = time.monotonic()
    with LeaseKeeper(on_beat=on_beat, on_end=queue.library.close_connection_of_thread) as keeper:
        while not stop.is_set():
            job = _patiently(stop, lambda: queue.claim(worker_pid, runnable()))
            if job is None:
                if idle_exit_s is not None and time.monotonic() - idle_since_s >= idle_exit_s:
                    break
                if when_idle is not None:
                    _patiently(stop, when_idle)
                stop.wait(POLL_INTERVAL_S)
                continue
            context = JobContext(queue, job, stop, runnable)
            keeper.hold(context)
            try:
                _run(queue, job, handlers[job.kind], context, stop)
            finally:
                keeper.hold(None)
            ran += 1
            idle_since_s = time.monotonic()
    return ran


def _run(queue: JobQueue, job: Job, handler: Handler, context: JobContext, stop: threading.Event) -> None:
    outcome: Callable[[], object]
    try:
        result = handler(job, context)
        outcome = lambda: queue.finish(job.id, result, job.lease)  # noqa: E731
    except JobCancelled:
        if queue.cancelled(job.id):
            outcome = lambda: queue.cancel(job.id, job.lease)  # noqa: E731
        else:
            outcome = lambda: queue.requeue(job.id, job.lease)  # noqa: E731
    except Exception as error:
        outcome = _failure(queue, job, error)
    _patiently(stop, outcome)


def _failure(queue: JobQueue, job: Job, error: Exception) -> Callable[[], object]:
    why = error_class(error)
    if isinstance(error, FamiliarError):
        reason, exit_code = str(error), error.exit_code
    else:
        logger.error("job %d (%s) failed", job.id, job.kind, exc_info=error)
        refused = storage_error(error)
        reason = f"{type(error).__name__}: {error}" if refused is None else str(refused)
        exit_code = FamiliarError.exit_code if refused is None else refused.exit_code
    return lambda: queue.fail(job.id, reason, exit_code, lease=job.lease, why=why)


def _patiently(stop: threading.Event, action: Callable[[], Stored]) -> Stored:
    """Do what writes to the library, however long another program holds it; until the worker is to stop."""
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not is_locked(error) or stop.is_set():
                raise
            logger.warning("another program holds the library: waiting")

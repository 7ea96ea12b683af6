"""Runs queued jobs one at a time, with progress, cancellation, leases and a hang detector. Knows no kind of job.

The caller supplies a handler per kind. The worker lock shows that the process is alive; the lease shows that its job
makes progress.
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
from personalizer.schemas import Job, OnProgress, Progress
from personalizer.storage_errors import is_locked, storage_error

PROGRESS_INTERVAL_S = 0.1
POLL_INTERVAL_S = 0.2
HEARTBEAT_S = 15.0
HANG_S = 1800.0
"""A job hangs if it neither reports, checks for cancellation nor uses the CPU for so long."""
HANG_EXIT_STATUS = 70
"""Exit status of a worker that ends itself because its job hangs."""
RATE_WINDOW_S = 60.0
_MIN_RATE_SPAN_S = 1.0

logger = logging.getLogger(__name__)
Stored = TypeVar("Stored")


class ProgressRate:
    """Steps per second over a sliding window, so that the slow first steps, which load models, soon stop counting.

    Starts over with the next part of the work, recognized by another total or by a lower number of steps.
    """

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int, total: int) -> float | None:
        """Record `done` steps at a monotonic time; returns steps per second, or None while there is too little data."""
        if total <= 0:
            self._samples.clear()
            return None
        if total != self._total or (self._samples and done < self._samples[-1][1]):
            self._samples.clear()
        self._total = total
        self._samples.append((now_s, done))
        # Keep one sample from before the window, so that steps longer than the window still have a rate.
        while len(self._samples) > 2 and self._samples[1][0] < now_s - self._window_s:
            self._samples.popleft()
        first_s, first_done = self._samples[0]
        span_s = now_s - first_s
        if span_s < _MIN_RATE_SPAN_S or done <= first_done:
            return None
        return (done - first_done) / span_s


class JobContext:
    """A handler's interface to the queue: progress, cancellation and yielding. `LeaseKeeper` extends its lease."""

    def __init__(
        self,
        queue: JobQueue,
        job: Job,
        stop: threading.Event,
        runnable: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`stop` ends the worker; `runnable` returns the kinds of jobs that the worker may run now."""
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
        """Report progress; stored at most every `PROGRESS_INTERVAL_S`, the last step always."""
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

    def reporter(self, prefix: str = "") -> OnProgress:
        """What a part of the job reports its progress to; `prefix` says which part."""

        def report(progress: Progress) -> None:
            message = f"{prefix}: {progress.message}" if prefix else progress.message
            self.progress(progress.done, progress.total, message)

        return report

    def advanced(self) -> None:
        """Report that results were stored: if the worker is killed later, that is not a failed attempt."""
        if not self._has_advanced:
            self._queue.advanced(self._job.id)
            self._has_advanced = True

    def cancelled(self) -> bool:
        """Whether the handler should stop: cancelled by the user, worker shutting down, lease lost, or job to yield."""
        self._signs += 1
        if self._stop.is_set() or self._lost.is_set() or self._queue.cancelled(self._job.id):
            return True
        return any(condition() for condition in self._yield_when)

    def yield_when(self, condition: Callable[[], bool]) -> None:
        """Also stop when `condition` returns True: the job is requeued and continues later."""
        self._yield_when.append(condition)

    def listen(self, listener: Callable[[Progress], None]) -> None:
        """Call `listener` with every progress report, including those that are not stored."""
        self._listeners.append(listener)

    def should_yield(self, by: Collection[str] | None = None) -> bool:
        """Whether a queued job has priority over this one; with `by`, only a job of these kinds."""
        kinds = set(self._runnable())
        return self._queue.should_yield(self._job.id, kinds if by is None else kinds.intersection(by))

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the handler should stop."""
        if self.cancelled():
            raise JobCancelled(f"job {self._job.id}")

    def signs(self) -> int:
        """How often the handler has reported progress or checked for cancellation."""
        return self._signs

    def extend(self) -> bool:
        """Extend the job's lease; False if it is lost."""
        return self._job.lease is not None and self._queue.extend(self._job.id, self._job.lease)

    def lose(self) -> None:
        """Mark the lease as lost: the handler stops at its next check."""
        self._lost.set()


class Leased(Protocol):
    """The interface of a running job that `LeaseKeeper` needs."""

    def extend(self) -> bool:
        """Extend the lease; False if another worker has it now."""
        ...

    def signs(self) -> int:
        """A count that grows while the job makes progress."""
        ...

    def lose(self) -> None:
        """Take note that the lease is lost: results of the job are discarded from now on."""
        ...


class LeaseKeeper:
    """A thread that extends the lease of the current job, and ends the process when that job hangs.

    A hanging thread cannot be ended, only its process can; the next worker recovers the job and counts the attempt.
    """

    def __init__(
        self,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        hang_s: float = HANG_S,
        on_beat: Callable[[], None] | None = None,
        on_end: Callable[[], None] | None = None,
        on_hang: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        used_s: Callable[[], float | None] = computed_s,
    ) -> None:
        """`clock` says how long a job has been silent, `used_s` what it has computed meanwhile."""
        self._clock, self._used_s = clock, used_s
        self._heartbeat_s = heartbeat_s
        self._hang_s = hang_s
        self._on_beat = on_beat
        self._on_end = on_end
        self._on_hang = on_hang or _end_process
        self._held: Leased | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def hold(self, job: Leased | None) -> None:
        """Set the current job, whose lease is extended from now on; None for no job."""
        with self._lock:
            self._held = job

    def _run(self) -> None:
        try:
            watched: Leased | None = None
            signs, used_s, since_s = 0, 0.0, self._clock()
            while not self._stop.wait(self._heartbeat_s):
                self._beat()
                with self._lock:
                    job = self._held
                if job is None:
                    watched = None
                    continue
                now_s, used_now_s = self._clock(), self._used_s()
                # The threshold ignores the CPU time of this thread itself.
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
                # A temporary disk error must not stop the extension of leases.
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
            # A library that is locked or full may recover; the lease outlasts several heartbeats.
            logger.warning("the lease could not be extended", exc_info=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def _end_process() -> None:
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
    """Run queued jobs one at a time until `stop` is set or the queue was empty for `idle_exit_s`; returns their number.

    The caller holds the worker lock, so jobs that are marked running belong to a dead worker and are recovered first.
    Neither a failing handler nor a library that is locked for long ends the loop; other `sqlite3.OperationalError`s
    are raised. `runnable` returns the kinds that may run now (default: all handlers), `on_beat` is called from another
    thread at every heartbeat, `when_idle` at every poll that finds no job.
    """
    runnable = runnable or handlers.keys
    _retry_while_locked(stop, queue.recover_orphans)
    worker_pid = os.getpid()
    jobs_run = 0
    idle_since_s = time.monotonic()
    with LeaseKeeper(on_beat=on_beat, on_end=queue.library.close_connection_of_thread) as keeper:
        while not stop.is_set():
            job = _retry_while_locked(stop, lambda: queue.claim(worker_pid, runnable()))
            if job is None:
                if idle_exit_s is not None and time.monotonic() - idle_since_s >= idle_exit_s:
                    break
                if when_idle is not None:
                    _retry_while_locked(stop, when_idle)
                stop.wait(POLL_INTERVAL_S)
                continue
            context = JobContext(queue, job, stop, runnable)
            keeper.hold(context)
            try:
                _run(queue, job, handlers[job.kind], context, stop)
            finally:
                keeper.hold(None)
            jobs_run += 1
            idle_since_s = time.monotonic()
    return jobs_run


def _run(queue: JobQueue, job: Job, handler: Handler, context: JobContext, stop: threading.Event) -> None:
    """Run one job and write its outcome: finished, cancelled, requeued or failed."""
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
    _retry_while_locked(stop, outcome)


def _failure(queue: JobQueue, job: Job, error: Exception) -> Callable[[], object]:
    """The write that records `error` as the job's failure."""
    why = error_class(error)
    if isinstance(error, FamiliarError):
        reason, exit_code = str(error), error.exit_code
    else:
        logger.error("job %d (%s) failed", job.id, job.kind, exc_info=error)
        refused = storage_error(error)
        reason = f"{type(error).__name__}: {error}" if refused is None else str(refused)
        exit_code = FamiliarError.exit_code if refused is None else refused.exit_code
    return lambda: queue.fail(job.id, reason, exit_code, lease=job.lease, why=why)


def _retry_while_locked(stop: threading.Event, action: Callable[[], Stored]) -> Stored:
    """Repeat `action`, which writes to the library, while another program locks it and `stop` is not set."""
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not is_locked(error) or stop.is_set():
                raise
            logger.warning("another program holds the library: waiting")

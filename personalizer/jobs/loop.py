"""Runs queued jobs one after the other; what a job may say and ask meanwhile. Callers bring the handlers by kind."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from personalizer.errors import FamiliarError, JobCancelled
from personalizer.jobs.lease import LeaseKeeper
from personalizer.jobs.queue import JobQueue
from personalizer.jobs.rate import ProgressRate
from personalizer.jobs.retry import error_class
from personalizer.schemas import Job, Progress
from personalizer.storage_errors import is_locked, storage_error

PROGRESS_INTERVAL_S = 0.1
POLL_INTERVAL_S = 0.2

logger = logging.getLogger(__name__)
Stored = TypeVar("Stored")


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

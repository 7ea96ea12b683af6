"""The durable queue of long work, in the library's file. Runs nothing.

It says what is queued once, what is tried again and when it is given up; the rows are `library.jobs`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from personalizer.errors import FamiliarError, NotFoundError
from personalizer.jobs.retry import RetryPolicy
from personalizer.library.jobs import End, JobTable, Work
from personalizer.library.library import Library
from personalizer.schemas import ErrorClass, Job, JobState

MAX_ATTEMPTS = 3
KEPT_ENDED_JOBS = 300
"""Of those that are done, and of those that failed or were cancelled: older ones are forgotten, since watching for
months must not fill the library.
"""
_PAUSED_KEY = "jobs.paused"


class JobQueue:
    """Jobs in the library's file: they survive any crash, and equal work waits only once.

    `clock` gives seconds since 1970. It may jump: nothing waits longer for that than it was meant to.
    """

    def __init__(
        self,
        library: Library,
        *,
        clock: Callable[[], float] = time.time,
        retries: RetryPolicy = RetryPolicy(MAX_ATTEMPTS),  # noqa: B008 - frozen
    ) -> None:
        self.library = library
        self._table = JobTable(library)
        self._clock = clock
        self._retries = retries

    def enqueue(
        self,
        kind: str,
        subject: str,
        payload: Mapping[str, Any] | None = None,
        priority: int = 0,
        *,
        input_hash: str = "",
        model_version: str = "",
    ) -> int:
        """Queue work; returns its id, or that of an equal job that waits already.

        A running job is never joined: it has read its part of the world and may not see what this request is
        about. It is where `input_hash` tells what the work is about, which makes kind, subject, input and
        `model_version` one work item that is there once. A higher `priority` runs earlier; a second request can
        raise it.
        """
        work = Work(kind, _storable(subject), _json(payload or {}), input_hash, model_version)
        with self.library.transaction():
            waiting = self._table.equal_to(work)
            if waiting is not None:
                self._table.raise_priority(waiting, priority)
                return waiting
            return self._table.insert(work, priority)

    def enqueue_once(
        self,
        kind: str,
        subject: str,
        payload: Mapping[str, Any] | None = None,
        priority: int = 0,
        *,
        input_hash: str,
        model_version: str = "",
    ) -> int | None:
        """Queue work that nobody asks for, unless it waits, runs, was cancelled or was given up.

        Returns None for those. What failed for want of something on this machine may be tried again, and so may what
        was done and is missing still: the drive may have been away.
        """
        if not input_hash:
            raise ValueError("work that is done once needs an input_hash")
        with self.library.transaction():
            if self._table.is_settled(Work(kind, _storable(subject), "", input_hash, model_version)):
                return None
            return self.enqueue(
                kind, subject, payload, priority, input_hash=input_hash, model_version=model_version
            )

    def claim(self, worker_pid: int, kinds: Iterable[str] | None = None) -> Job | None:
        """Take the next queued job (of these kinds) and mark it running; None when there is none or all is
        paused.

        The attempt is counted now, so that one that ends the process has been counted.
        """
        chosen, now = None if kinds is None else list(kinds), self._clock()
        # Without the lock for writing, which a worker that has nothing to do would else take all the time.
        if self.paused() or not self._table.has_ready(chosen, now):
            return None
        with self.library.transaction():
            return (
                None if self.paused() else self._table.start_next(chosen, now, worker_pid, uuid.uuid4().hex)
            )

    def should_yield(self, job_id: int, kinds: Iterable[str]) -> bool:
        """Whether a job of these kinds is ready to run that is more urgent than this one, and nothing is paused."""
        return self._table.has_more_urgent(job_id, kinds, self._clock()) and not self.paused()

    def extend(self, job_id: int, lease: str) -> bool:
        """Extend the lease of a running job; False if another worker holds the job."""
        return self._table.beat(job_id, lease)

    def progress(
        self, job_id: int, done: int, total: int, message: str, rate_per_s: float | None = None
    ) -> None:
        """Store the progress of a running job."""
        self._table.set_progress(job_id, done, total, _storable(message), rate_per_s)

    def advanced(self, job_id: int) -> None:
        """Note that a running job has stored results that stay.

        Earlier attempts no longer count as failed: an import that is killed every hour still gets done.
        """
        self._table.reset_failed_attempts(job_id)

    def finish(self, job_id: int, result: Mapping[str, Any], lease: str | None = None) -> bool:
        """Mark a running job done with its result (JSON values).

        With `lease`, only if that lease still holds the job; returns whether it does.
        """
        return self._end(job_id, lease, End("done", result=_json(result)))

    def fail(
        self,
        job_id: int,
        reason: str,
        exit_code: int = FamiliarError.exit_code,
        *,
        lease: str | None = None,
        why: ErrorClass = "bug",
    ) -> bool:
        """Mark a running job failed; only `transient` failures are retried automatically.

        Each retry waits longer than the one before. After three failed attempts the job is dead-lettered
        (`quarantined`) until `retry`. `exit_code` is stored in the result for the front end that waits for the job.
        """
        with self.library.transaction():
            job = self._table.running(job_id, lease)
            if job is None:
                return False
            if why == "transient" and self._table.cancel_requested(job_id):
                return self.cancel(job_id, lease)
            # At least 1: an attempt that stored results before it failed has reset the count.
            failed_attempts = max(job.failed_attempts, 1)
            given_up = why == "transient" and failed_attempts >= self._retries.max_failed_attempts
            if given_up:
                reason = f"given up after {failed_attempts} attempts: {reason}"
            end = End("failed", _json({"exit_code": exit_code}), _storable(reason), why, quarantined=given_up)
            if why == "transient" and not given_up:
                delay_s = self._retries.delay_s(failed_attempts)
                self._table.put_off(job_id, end, self._clock() + delay_s, delay_s)
                return True
            return self._end(job_id, lease, end)

    def cancel(self, job_id: int, lease: str | None = None) -> bool:
        """Mark a running job cancelled, after its handler has stopped."""
        return self._end(job_id, lease, End("cancelled", error="cancelled"))

    def _end(self, job_id: int, lease: str | None, end: End) -> bool:
        with self.library.transaction():
            ended = self._table.end(job_id, lease, end)
            self._table.drop_old(KEPT_ENDED_JOBS)
            return ended

    def requeue(self, job_id: int, lease: str | None = None) -> None:
        """Put a running job back without counting the attempt, because the worker stops or the job yields."""
        self._table.put_back(job_id, lease)

    def request_cancel(self, job_id: int) -> None:
        """Ask for a job to stop: a queued one is cancelled now, a running one at its next check."""
        with self.library.transaction():
            self._table.request_cancel(job_id)

    def dismiss(self, job_id: int) -> bool:
        """Make a failed job a cancelled one, with its error; False when it has not failed."""
        with self.library.transaction():
            self.get(job_id)
            return self._table.dismiss(job_id)

    def cancelled(self, job_id: int) -> bool:
        """Whether cancelling was asked for, or has happened."""
        return self._table.cancel_requested(job_id)

    def get(self, job_id: int) -> Job:
        """The job with this id, or `NotFoundError`."""
        job = self._table.job(job_id)
        if job is None:
            raise NotFoundError(
                tried=f"looking up job {job_id}", found="there is none", fix="List them with: familiar jobs"
            )
        return job

    def list(self, state: JobState | None = None) -> list[Job]:
        """Jobs by id, of one state where given."""
        return self._table.jobs(state)

    def last_ended_at(self, *, but_of: str) -> datetime | None:
        """When the last job of another kind than `but_of` ended; None when none has."""
        return self._table.last_ended_at(but_of)

    def recover_orphans(self) -> int:
        """Queue again the jobs that a dead worker was running; returns how many. Only for the holder of the worker
        lock.

        A job whose worker died three times without storing results is dead-lettered instead.
        """
        with self.library.transaction():
            self._table.cancel_orphans()
            self._table.give_up_orphans(self._retries.max_failed_attempts)
            return self._table.queue_orphans()

    def retry(self, job_id: int) -> int:
        """Queue a failed, quarantined or cancelled job again, with all its attempts; one that waits for its next
        attempt makes it now.

        Returns its id, or that of an equal job that waits already. A job that is done or active stays as it
        is.
        """
        with self.library.transaction():
            job = self.get(job_id)
            if job.state == "queued":
                self._table.wait_no_longer(job_id)
            if job.state not in ("failed", "cancelled"):
                return job.id
            work = Work(job.kind, job.subject, _json(job.payload), job.input_hash, job.model_version)
            waiting = self._table.equal_to(work)
            if waiting is not None:
                return waiting
            self._table.queue_anew(job_id)
            return job_id

    def pause(self) -> None:
        """Start no further job until `resume`; a running one goes on."""
        self.library.set_setting(_PAUSED_KEY, "1")

    def resume(self) -> None:
        """Undo `pause`."""
        self.library.set_setting(_PAUSED_KEY, None)

    def paused(self) -> bool:
        """Whether no new job is started."""
        return self.library.setting(_PAUSED_KEY) is not None


def _json(value: Mapping[str, Any]) -> str:
    """Equal values give equal text. ASCII, because file names that are not UTF-8 reach us as surrogates, which
    SQLite refuses and JSON's escapes carry unchanged.
    """
    return json.dumps(dict(value), sort_keys=True)


def _storable(text: str) -> str:
    """Text for people as SQLite can store it; surrogates become `\\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

"""The durable queue of long work and a loop that runs it. Knows no handler: callers bring them by kind."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from personalizer.errors import FamiliarError, JobCancelled, NotFoundError
from personalizer.library import Library
from personalizer.library_database import now_text
from personalizer.schemas import Job, JobState
from personalizer.storage_errors import storage_error

MAX_ATTEMPTS = 3
PROGRESS_INTERVAL_S = 0.1
POLL_INTERVAL_S = 0.2
KEPT_ENDED_JOBS = 300
"""Older ones that are done, failed or cancelled are forgotten: watching for months must not fill the library."""
_PAUSED_KEY = "jobs.paused"

logger = logging.getLogger(__name__)


class JobQueue:
    """Jobs in the library's file: they survive any crash, and equal work waits only once."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def enqueue(
        self, kind: str, subject: str, payload: Mapping[str, Any] | None = None, priority: int = 0
    ) -> int:
        """Queue work; returns its id, or that of an equal job that waits already.

        A running job is never joined: it has read its part of the world and may not see what this request is
        about. A higher `priority` runs earlier; a second request can raise it.
        """
        subject, document = _storable(subject), _json(payload or {})
        with self.library.transaction() as connection:
            waiting = self._waiting(kind, subject, document)
            if waiting is not None:
                connection.execute(
                    "UPDATE jobs SET priority = MAX(priority, ?) WHERE id = ?", (priority, waiting)
                )
                return waiting
            job_id = connection.execute(
                "INSERT INTO jobs(kind, subject, payload, priority, created_at) VALUES (?, ?, ?, ?, ?)",
                (kind, subject, document, priority, now_text()),
            ).lastrowid
            assert job_id is not None
            return job_id

    def _waiting(self, kind: str, subject: str, document: str) -> int | None:
        """The queued job that asks for the same. There may be two after a worker died while running one."""
        row = self.library.connection.execute(
            """SELECT id FROM jobs WHERE kind = ? AND subject = ? AND payload = ? AND state = 'queued'
               ORDER BY id LIMIT 1""",
            (kind, subject, document),
        ).fetchone()
        return None if row is None else int(row["id"])

    def claim(self, worker_pid: int, kinds: Iterable[str] | None = None) -> Job | None:
        """Take the next queued job (of these kinds) and mark it running; None when there is none or all is
        paused.
        """
        wanted = None if kinds is None else json.dumps(list(kinds))
        with self.library.transaction() as connection:
            if self.paused():
                return None
            row = connection.execute(
                """UPDATE jobs SET state = 'running', attempts = attempts + 1, worker_pid = ?1,
                     started_at = ?2, message = '', error = NULL
                   WHERE id = (SELECT id FROM jobs WHERE state = 'queued'
                               AND (?3 IS NULL OR kind IN (SELECT value FROM json_each(?3)))
                               ORDER BY priority DESC, id LIMIT 1)
                   RETURNING *""",
                (worker_pid, now_text(), wanted),
            ).fetchone()
            return None if row is None else _job(row)

    def progress(self, job_id: int, done: int, total: int, message: str) -> None:
        """Store how far a running job is."""
        self.library.connection.execute(
            "UPDATE jobs SET done = ?, total = ?, message = ? WHERE id = ? AND state = 'running'",
            (done, total, _storable(message), job_id),
        )

    def finish(self, job_id: int, result: Mapping[str, Any]) -> None:
        """Mark a running job done with its result (JSON values)."""
        self._end(job_id, "done", result=_json(result))

    def fail(self, job_id: int, reason: str, exit_code: int = FamiliarError.exit_code) -> None:
        """Mark a running job failed; it is not tried again before `retry`.

        `exit_code` is kept in the result, for the front end that waits for the job.
        """
        self._end(job_id, "failed", result=_json({"exit_code": exit_code}), error=_storable(reason))

    def cancel(self, job_id: int) -> None:
        """Mark a running job cancelled, once its handler has stopped."""
        self._end(job_id, "cancelled", error="cancelled")

    def _end(
        self, job_id: int, state: JobState, *, result: str | None = None, error: str | None = None
    ) -> None:
        with self.library.transaction() as connection:
            connection.execute(
                """UPDATE jobs SET state = ?, result = ?, error = ?, finished_at = ?, worker_pid = NULL
                   WHERE id = ? AND state = 'running'""",
                (state, result, error, now_text(), job_id),
            )
            connection.execute(
                """DELETE FROM jobs WHERE id IN (
                     SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled')
                     ORDER BY finished_at DESC, id DESC LIMIT -1 OFFSET ?)""",
                (KEPT_ENDED_JOBS,),
            )

    def requeue(self, job_id: int) -> None:
        """Put a running job back without counting the attempt: the worker stops, the work is not at fault."""
        self.library.connection.execute(
            """UPDATE jobs SET state = 'queued', attempts = MAX(attempts - 1, 0), worker_pid = NULL
               WHERE id = ? AND state = 'running'""",
            (job_id,),
        )

    def request_cancel(self, job_id: int) -> None:
        """Ask for a job to stop: a queued one is cancelled now, a running one at its next check."""
        with self.library.transaction() as connection:
            connection.execute(
                """UPDATE jobs SET state = 'cancelled', error = 'cancelled', finished_at = ?
                   WHERE id = ? AND state = 'queued'""",
                (now_text(), job_id),
            )
            connection.execute(
                "UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND state = 'running'", (job_id,)
            )

    def cancelled(self, job_id: int) -> bool:
        """Whether cancelling was asked for, or has happened."""
        row = self.library.connection.execute(
            "SELECT cancel_requested OR state = 'cancelled' FROM jobs WHERE id = ?", (job_id,)
        ).fetchone()
        return row is not None and bool(row[0])

    def get(self, job_id: int) -> Job:
        """The job with this id, or `NotFoundError`."""
        row = self.library.connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                tried=f"looking up job {job_id}", found="there is none", fix="List them with: familiar jobs"
            )
        return _job(row)

    def list(self, state: JobState | None = None) -> list[Job]:
        """Jobs by id, of one state where given."""
        rows = self.library.connection.execute(
            "SELECT * FROM jobs WHERE (?1 IS NULL OR state = ?1) ORDER BY id", (state,)
        )
        return [_job(row) for row in rows]

    def recover_orphans(self) -> int:
        """Queue again what a dead worker was running; returns how many. Only for the holder of the worker
        lock.

        A job that took its worker down for the third time fails instead, so that it cannot do so for ever.
        """
        with self.library.transaction() as connection:
            connection.execute(
                """UPDATE jobs SET state = 'cancelled', error = 'cancelled', finished_at = ?,
                     worker_pid = NULL
                   WHERE state = 'running' AND cancel_requested = 1""",
                (now_text(),),
            )
            connection.execute(
                """UPDATE jobs SET state = 'failed', finished_at = ?, worker_pid = NULL,
                     error = 'the worker died while running it, ' || attempts || ' times'
                   WHERE state = 'running' AND attempts >= ?""",
                (now_text(), MAX_ATTEMPTS),
            )
            return connection.execute(
                "UPDATE jobs SET state = 'queued', worker_pid = NULL WHERE state = 'running'"
            ).rowcount

    def retry(self, job_id: int) -> int:
        """Queue a failed or cancelled job again, with all its attempts.

        Returns its id, or that of an equal job that waits already. A job that is done or active stays as it
        is.
        """
        job = self.get(job_id)
        if job.state not in ("failed", "cancelled"):
            return job.id
        with self.library.transaction() as connection:
            waiting = self._waiting(job.kind, job.subject, _json(job.payload))
            if waiting is not None:
                return waiting
            connection.execute(
                """UPDATE jobs SET state = 'queued', attempts = 0, cancel_requested = 0, error = NULL,
                   result = NULL, done = 0, total = 0, message = '', finished_at = NULL WHERE id = ?""",
                (job_id,),
            )
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


class JobContext:
    """What a handler may say and ask while it works."""

    def __init__(self, queue: JobQueue, job: Job, stop: threading.Event) -> None:
        self._queue = queue
        self._job = job
        self._stop = stop
        self._written_at_s = -PROGRESS_INTERVAL_S

    def progress(self, done: int, total: int, message: str) -> None:
        """Report how far the work is; frequent calls are thinned out, the last step never is."""
        now_s = time.monotonic()
        if now_s - self._written_at_s < PROGRESS_INTERVAL_S and done != total:
            return
        self._written_at_s = now_s
        self._queue.progress(self._job.id, done, total, message)

    def cancelled(self) -> bool:
        """Whether the handler should stop: the user asked for it, or the worker is being shut down."""
        return self._stop.is_set() or self._queue.cancelled(self._job.id)

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` when the handler should stop."""
        if self.cancelled():
            raise JobCancelled(f"job {self._job.id}")


Handler = Callable[[Job, JobContext], dict[str, Any]]


def run_worker_loop(
    queue: JobQueue, handlers: Mapping[str, Handler], stop: threading.Event, idle_exit_s: float | None = None
) -> int:
    """Run queued jobs one after the other until `stop` is set or nothing came for `idle_exit_s`; returns how
    many.

    The caller holds the worker lock, so jobs that are marked running belong to a dead worker and are
    recovered first. A handler that fails never ends the loop; a library that cannot be written to does.
    """
    queue.recover_orphans()
    worker_pid = os.getpid()
    ran = 0
    idle_since_s = time.monotonic()
    while not stop.is_set():
        job = queue.claim(worker_pid, handlers)
        if job is None:
            if idle_exit_s is not None and time.monotonic() - idle_since_s >= idle_exit_s:
                break
            stop.wait(POLL_INTERVAL_S)
            continue
        _run(queue, job, handlers[job.kind], stop)
        ran += 1
        idle_since_s = time.monotonic()
    return ran


def _run(queue: JobQueue, job: Job, handler: Handler, stop: threading.Event) -> None:
    try:
        queue.finish(job.id, handler(job, JobContext(queue, job, stop)))
    except JobCancelled:
        if queue.cancelled(job.id):
            queue.cancel(job.id)
        else:
            queue.requeue(job.id)
    except FamiliarError as error:
        queue.fail(job.id, str(error), error.exit_code)
    except Exception as error:
        logger.exception("job %d (%s) failed", job.id, job.kind)
        refused = storage_error(error)
        queue.fail(job.id, f"{type(error).__name__}: {error}" if refused is None else str(refused))


def _json(value: Mapping[str, Any]) -> str:
    """Equal values give equal text. ASCII, because file names that are not UTF-8 reach us as surrogates, which
    SQLite refuses and JSON's escapes carry unchanged.
    """
    return json.dumps(dict(value), sort_keys=True)


def _storable(text: str) -> str:
    """Text for people as SQLite can store it; surrogates become `\\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        subject=row["subject"],
        payload=json.loads(row["payload"]),
        state=row["state"],
        attempts=row["attempts"],
        done=row["done"],
        total=row["total"],
        message=row["message"],
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
    )

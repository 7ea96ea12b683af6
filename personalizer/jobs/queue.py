"""The durable queue of long work, in the library's file. Runs nothing."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from personalizer.errors import FamiliarError, NotFoundError
from personalizer.jobs.rate import left_s
from personalizer.jobs.retry import RetryPolicy
from personalizer.library.database import now_text
from personalizer.library.library import Library
from personalizer.schemas import ErrorClass, Job, JobState

MAX_ATTEMPTS = 3
KEPT_ENDED_JOBS = 300
"""Of those that are done, and of those that failed or were cancelled: older ones are forgotten, since watching for
months must not fill the library.
"""
_PAUSED_KEY = "jobs.paused"


# A time that is further away than the pause was long was set before the clock went back.
_READY = """state = 'queued'
    AND (not_before IS NULL OR not_before <= :now OR not_before - :now > delay_s)"""
_NEXT = f"""SELECT id FROM jobs WHERE {_READY}
    AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
    ORDER BY priority DESC, id LIMIT 1"""


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
        subject, document = _storable(subject), _json(payload or {})
        with self.library.transaction() as connection:
            if input_hash:
                waiting = self._active(kind, subject, input_hash, model_version)
            else:
                waiting = self._waiting(kind, subject, document)
            if waiting is not None:
                connection.execute(
                    "UPDATE jobs SET priority = MAX(priority, ?) WHERE id = ?", (priority, waiting)
                )
                return waiting
            job_id = connection.execute(
                """INSERT INTO jobs(kind, subject, payload, priority, created_at, input_hash, model_version)
                   VALUES (?, ?, ?, ?, ?, ?, ?)""",
                (kind, subject, document, priority, now_text(), input_hash, model_version),
            ).lastrowid
            assert job_id is not None
            return job_id

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
        with self.library.transaction() as connection:
            settled = connection.execute(
                """SELECT 1 FROM jobs WHERE kind = ? AND subject = ? AND input_hash = ? AND model_version = ?
                   AND state != 'done'
                   AND NOT (state = 'failed' AND NOT quarantined AND error_class = 'environment')""",
                (kind, _storable(subject), input_hash, model_version),
            ).fetchone()
            if settled is not None:
                return None
            return self.enqueue(
                kind, subject, payload, priority, input_hash=input_hash, model_version=model_version
            )

    def _active(self, kind: str, subject: str, input_hash: str, model_version: str) -> int | None:
        """The queued or running job for this work item."""
        row = self.library.connection.execute(
            """SELECT id FROM jobs WHERE kind = ? AND subject = ? AND input_hash = ? AND model_version = ?
               AND state IN ('queued', 'running')""",
            (kind, subject, input_hash, model_version),
        ).fetchone()
        return None if row is None else int(row["id"])

    def _waiting(self, kind: str, subject: str, document: str) -> int | None:
        """The queued job that asks for the same. There may be two after a worker died while running one."""
        row = self.library.connection.execute(
            """SELECT id FROM jobs WHERE kind = ? AND subject = ? AND payload = ? AND state = 'queued'
               AND input_hash = '' ORDER BY id LIMIT 1""",
            (kind, subject, document),
        ).fetchone()
        return None if row is None else int(row["id"])

    def claim(self, worker_pid: int, kinds: Iterable[str] | None = None) -> Job | None:
        """Take the next queued job (of these kinds) and mark it running; None when there is none or all is
        paused.

        The attempt is counted now, so that one that ends the process has been counted.
        """
        values = {
            "kinds": None if kinds is None else json.dumps(list(kinds)),
            "now": self._clock(),
            "pid": worker_pid,
            "at": now_text(),
            "lease": uuid.uuid4().hex,
        }
        # Without the lock for writing, which a worker that has nothing to do would else take all the time.
        if self.paused() or self.library.connection.execute(_NEXT, values).fetchone() is None:
            return None
        with self.library.transaction() as connection:
            if self.paused():
                return None
            row = connection.execute(
                f"""UPDATE jobs SET state = 'running', attempts = attempts + 1, strikes = strikes + 1,
                     worker_pid = :pid, started_at = :at, message = '', error = NULL, error_class = NULL,
                     done = 0, total = 0, rate_per_s = NULL, not_before = NULL, lease = :lease
                   WHERE id = ({_NEXT}) RETURNING *""",
                values,
            ).fetchone()
            return None if row is None else _job(row)

    def outranked(self, job_id: int, kinds: Iterable[str]) -> bool:
        """Whether a job of these kinds is ready to run that is more urgent than this one, and nothing is paused."""
        found = self.library.connection.execute(
            f"""SELECT 1 FROM jobs WHERE {_READY} AND kind IN (SELECT value FROM json_each(:kinds))
                AND priority > (SELECT priority FROM jobs WHERE id = :job) LIMIT 1""",
            {"now": self._clock(), "kinds": json.dumps(list(kinds)), "job": job_id},
        ).fetchone()
        return found is not None and not self.paused()

    def extend(self, job_id: int, lease: str) -> bool:
        """Note that a running job lives; False when it is not held by this lease (any more)."""
        return (
            self.library.connection.execute(
                """UPDATE jobs SET heartbeats = heartbeats + 1
                   WHERE id = ? AND state = 'running' AND lease = ?""",
                (job_id, lease),
            ).rowcount
            == 1
        )

    def progress(
        self, job_id: int, done: int, total: int, message: str, rate_per_s: float | None = None
    ) -> None:
        """Store how far a running job is."""
        self.library.connection.execute(
            "UPDATE jobs SET done = ?, total = ?, message = ?, rate_per_s = ? WHERE id = ? AND state = 'running'",
            (done, total, _storable(message), rate_per_s, job_id),
        )

    def advanced(self, job_id: int) -> None:
        """Note that a running job has stored something that will not have to be done again.

        Attempts before that are no strikes: an import that is killed every hour gets done nevertheless.
        """
        self.library.connection.execute(
            "UPDATE jobs SET strikes = 0 WHERE id = ? AND state = 'running'", (job_id,)
        )

    def finish(self, job_id: int, result: Mapping[str, Any], lease: str | None = None) -> bool:
        """Mark a running job done with its result (JSON values).

        With `lease`, only where the job is still held by it; returns whether it was.
        """
        return self._end(job_id, "done", lease, result=_json(result))

    def fail(
        self,
        job_id: int,
        reason: str,
        exit_code: int = FamiliarError.exit_code,
        *,
        lease: str | None = None,
        why: ErrorClass = "bug",
    ) -> bool:
        """Mark a running job failed; it is not tried again before `retry`, except for a `transient` failure.

        That puts it off, a little longer each time, until it has its three strikes and is given up: quarantined.
        `exit_code` is kept in the result, for the front end that waits for the job.
        """
        with self.library.transaction() as connection:
            row = connection.execute(
                """SELECT strikes, cancel_requested FROM jobs
                   WHERE id = ? AND state = 'running' AND (?2 IS NULL OR lease = ?2)""",
                (job_id, lease),
            ).fetchone()
            if row is None:
                return False
            if why == "transient" and row["cancel_requested"]:
                return self.cancel(job_id, lease)
            # Not zero, which an attempt has that got on before it failed.
            strikes = max(int(row["strikes"]), 1)
            given_up = why == "transient" and strikes >= self._retries.max_strikes
            if why == "transient" and not given_up:
                delay_s = self._retries.delay_s(strikes)
                connection.execute(
                    """UPDATE jobs SET state = 'queued', worker_pid = NULL, lease = NULL,
                         error = ?, error_class = ?, not_before = ?, delay_s = ? WHERE id = ?""",
                    (_storable(reason), why, self._clock() + delay_s, delay_s, job_id),
                )
                return True
            if given_up:
                reason = f"given up after {strikes} attempts: {reason}"
            return self._end(
                job_id,
                "failed",
                lease,
                result=_json({"exit_code": exit_code}),
                error=_storable(reason),
                why=why,
                quarantined=given_up,
            )

    def cancel(self, job_id: int, lease: str | None = None) -> bool:
        """Mark a running job cancelled, once its handler has stopped."""
        return self._end(job_id, "cancelled", lease, error="cancelled")

    def _end(
        self,
        job_id: int,
        state: JobState,
        lease: str | None,
        *,
        result: str | None = None,
        error: str | None = None,
        why: ErrorClass | None = None,
        quarantined: bool = False,
    ) -> bool:
        with self.library.transaction() as connection:
            at = now_text()
            ended = connection.execute(
                """UPDATE jobs SET state = ?, result = ?, error = ?, error_class = ?, quarantined = ?,
                     finished_at = ?, worker_pid = NULL, lease = NULL
                   WHERE id = ? AND state = 'running' AND (?8 IS NULL OR lease = ?8)""",
                (state, result, error, why, int(quarantined), at, job_id, lease),
            ).rowcount
            # Apart, so that what is done every hour does not have forgotten what must not be tried again. First those
            # that ended in the future: before the clock went back.
            for states in ("'done'", "'failed', 'cancelled'"):
                connection.execute(
                    f"""DELETE FROM jobs WHERE id IN (
                         SELECT id FROM jobs WHERE state IN ({states})
                         ORDER BY finished_at > ?, finished_at DESC, id DESC LIMIT -1 OFFSET ?)""",
                    (at, KEPT_ENDED_JOBS),
                )
            return ended == 1

    def requeue(self, job_id: int, lease: str | None = None) -> None:
        """Put a running job back without counting the attempt: the worker stops, the work is not at fault."""
        self.library.connection.execute(
            """UPDATE jobs SET state = 'queued', attempts = MAX(attempts - 1, 0),
                 strikes = MAX(strikes - 1, 0), worker_pid = NULL, lease = NULL
               WHERE id = ?1 AND state = 'running' AND (?2 IS NULL OR lease = ?2)""",
            (job_id, lease),
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

    def last_ended_at(self, *, but_of: str) -> datetime | None:
        """When the last job of another kind than `but_of` ended; None when none has."""
        row = self.library.connection.execute(
            "SELECT MAX(finished_at) AS at FROM jobs WHERE kind != ?", (but_of,)
        ).fetchone()
        return None if row["at"] is None else datetime.fromisoformat(row["at"])

    def recover_orphans(self) -> int:
        """Queue again what a dead worker was running; returns how many. Only for the holder of the worker lock.

        A job that took its worker down for the third time without getting anything done is given up instead, so
        that it cannot do so for ever.
        """
        with self.library.transaction() as connection:
            values = {"at": now_text(), "most": self._retries.max_strikes}
            connection.execute(
                """UPDATE jobs SET state = 'cancelled', error = 'cancelled', finished_at = :at,
                     worker_pid = NULL, lease = NULL
                   WHERE cancel_requested = 1 AND state = 'running'""",
                values,
            )
            connection.execute(
                """UPDATE jobs SET state = 'failed', finished_at = :at, worker_pid = NULL, lease = NULL,
                     error_class = 'bug', quarantined = 1,
                     error = 'the worker died while running it, ' || strikes || ' times'
                   WHERE strikes >= :most AND state = 'running'""",
                values,
            )
            return connection.execute(
                """UPDATE jobs SET state = 'queued', worker_pid = NULL, lease = NULL WHERE state = 'running'"""
            ).rowcount

    def retry(self, job_id: int) -> int:
        """Queue a failed, quarantined or cancelled job again, with all its attempts; one that waits for its next
        attempt makes it now.

        Returns its id, or that of an equal job that waits already. A job that is done or active stays as it
        is.
        """
        with self.library.transaction() as connection:
            job = self.get(job_id)
            if job.state == "queued":
                connection.execute("UPDATE jobs SET not_before = NULL WHERE id = ?", (job_id,))
            if job.state not in ("failed", "cancelled"):
                return job.id
            if job.input_hash:
                waiting = self._active(job.kind, job.subject, job.input_hash, job.model_version)
            else:
                waiting = self._waiting(job.kind, job.subject, _json(job.payload))
            if waiting is not None:
                return waiting
            connection.execute(
                """UPDATE jobs SET state = 'queued', attempts = 0, strikes = 0, cancel_requested = 0,
                   error = NULL, error_class = NULL, quarantined = 0, not_before = NULL, result = NULL, done = 0,
                   total = 0, message = '', rate_per_s = NULL, finished_at = NULL WHERE id = ?""",
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


def _json(value: Mapping[str, Any]) -> str:
    """Equal values give equal text. ASCII, because file names that are not UTF-8 reach us as surrogates, which
    SQLite refuses and JSON's escapes carry unchanged.
    """
    return json.dumps(dict(value), sort_keys=True)


def _storable(text: str) -> str:
    """Text for people as SQLite can store it; surrogates become `\\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _job(row: sqlite3.Row) -> Job:
    running = row["state"] == "running"
    rate_per_s = row["rate_per_s"] if running else None
    retry_at = row["not_before"] if row["state"] == "queued" else None
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
        input_hash=row["input_hash"],
        model_version=row["model_version"],
        error_class=row["error_class"],
        quarantined=bool(row["quarantined"]),
        strikes=row["strikes"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        retry_at=None if retry_at is None else _time_text(retry_at),
        rate_per_s=None if rate_per_s is None else round(rate_per_s, 2),
        left_s=left_s(row["done"], row["total"], rate_per_s),
        lease=row["lease"],
    )


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

"""The jobs table: one method per statement. The retry policy is in `personalizer/jobs`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from personalizer.library.database import Database, now_text
from personalizer.schemas import ErrorClass, Job, JobState

# A time that is further away than the pause was long was set before the clock went back.
_READY = """state = 'queued'
    AND (not_before IS NULL OR not_before <= :now OR not_before - :now > delay_s)"""
_NEXT = f"""SELECT id FROM jobs WHERE {_READY}
    AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
    ORDER BY priority DESC, id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a job. Equal work, with the same kind, subject and payload or the same input, is queued once."""

    kind: str
    subject: str
    payload: str
    """JSON."""
    input_hash: str = ""
    """Identifies what the work is about; empty where nobody can tell."""
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a running job ends."""

    state: JobState
    result: str | None = None
    """JSON."""
    error: str | None = None
    error_class: ErrorClass | None = None
    quarantined: bool = False


class JobTable:
    """The rows of one library. Several calls are one step where they stand in `database.transaction()`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- waiting

    def insert(self, work: Work, priority: int) -> int:
        """A queued job; returns its id."""
        job_id = self._execute(
            """INSERT INTO jobs(kind, subject, payload, priority, created_at, input_hash, model_version)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                work.kind,
                work.subject,
                work.payload,
                priority,
                now_text(),
                work.input_hash,
                work.model_version,
            ),
        ).lastrowid
        assert job_id is not None
        return job_id

    def raise_priority(self, job_id: int, priority: int) -> None:
        """Never lowers it."""
        self._execute("UPDATE jobs SET priority = MAX(priority, ?) WHERE id = ?", (priority, job_id))

    def equal_to(self, work: Work) -> int | None:
        """A queued job that asks for the same or, where the input is known, a queued or running one.

        There may be two after a worker died while running one.
        """
        if work.input_hash:
            row = self._execute(
                """SELECT id FROM jobs WHERE kind = ? AND subject = ? AND input_hash = ? AND model_version = ?
                   AND state IN ('queued', 'running')""",
                (work.kind, work.subject, work.input_hash, work.model_version),
            ).fetchone()
        else:
            row = self._execute(
                """SELECT id FROM jobs WHERE kind = ? AND subject = ? AND payload = ? AND state = 'queued'
                   AND input_hash = '' ORDER BY id LIMIT 1""",
                (work.kind, work.subject, work.payload),
            ).fetchone()
        return None if row is None else int(row["id"])

    def is_settled(self, work: Work) -> bool:
        """Whether a job for this input is queued, running or cancelled, or failed, but not due to the environment."""
        row = self._execute(
            """SELECT 1 FROM jobs WHERE kind = ? AND subject = ? AND input_hash = ? AND model_version = ?
               AND state != 'done'
               AND NOT (state = 'failed' AND NOT quarantined AND error_class = 'environment')""",
            (work.kind, work.subject, work.input_hash, work.model_version),
        ).fetchone()
        return row is not None

    def wait_no_longer(self, job_id: int) -> None:
        """Let a queued job start now."""
        self._execute("UPDATE jobs SET not_before = NULL WHERE id = ?", (job_id,))

    # --- running

    def has_ready(self, kinds: Iterable[str] | None, now: float) -> bool:
        """Whether a job (of these kinds) may start; `now` in seconds since 1970."""
        return self._execute(_NEXT, _ready_values(kinds, now)).fetchone() is not None

    def start_next(self, kinds: Iterable[str] | None, now: float, worker_pid: int, lease: str) -> Job | None:
        """Mark the most urgent job that may start as running and count the attempt."""
        row = self._execute(
            f"""UPDATE jobs SET state = 'running', attempts = attempts + 1, strikes = strikes + 1,
                 worker_pid = :pid, started_at = :at, message = '', error = NULL, error_class = NULL,
                 done = 0, total = 0, rate_per_s = NULL, not_before = NULL, lease = :lease
               WHERE id = ({_NEXT}) RETURNING *""",
            {**_ready_values(kinds, now), "pid": worker_pid, "at": now_text(), "lease": lease},
        ).fetchone()
        return None if row is None else _job(row)

    def has_more_urgent(self, job_id: int, kinds: Iterable[str], now: float) -> bool:
        """Whether a job of these kinds may start that is more urgent than this one."""
        row = self._execute(
            f"""SELECT 1 FROM jobs WHERE {_READY} AND kind IN (SELECT value FROM json_each(:kinds))
                AND priority > (SELECT priority FROM jobs WHERE id = :job) LIMIT 1""",
            {**_ready_values(kinds, now), "job": job_id},
        ).fetchone()
        return row is not None

    def beat(self, job_id: int, lease: str) -> bool:
        """Note that a running job lives; False when it is not held by this lease."""
        beaten = self._execute(
            "UPDATE jobs SET heartbeats = heartbeats + 1 WHERE id = ? AND state = 'running' AND lease = ?",
            (job_id, lease),
        )
        return beaten.rowcount == 1

    def set_progress(
        self, job_id: int, done: int, total: int, message: str, rate_per_s: float | None
    ) -> None:
        """Of a running job."""
        self._execute(
            "UPDATE jobs SET done = ?, total = ?, message = ?, rate_per_s = ? WHERE id = ? AND state = 'running'",
            (done, total, message, rate_per_s, job_id),
        )

    def reset_failed_attempts(self, job_id: int) -> None:
        """Of a running job."""
        self._execute("UPDATE jobs SET strikes = 0 WHERE id = ? AND state = 'running'", (job_id,))

    def running(self, job_id: int, lease: str | None) -> Job | None:
        """The job where it runs, and is held by this lease where one is given."""
        row = self._execute(
            "SELECT * FROM jobs WHERE id = ? AND state = 'running' AND (?2 IS NULL OR lease = ?2)",
            (job_id, lease),
        ).fetchone()
        return None if row is None else _job(row)

    # --- ended, or put back

    def end(self, job_id: int, lease: str | None, end: End) -> bool:
        """End a running job; False where it does not run, or not under this lease."""
        ended = self._execute(
            """UPDATE jobs SET state = ?, result = ?, error = ?, error_class = ?, quarantined = ?,
                 finished_at = ?, worker_pid = NULL, lease = NULL
               WHERE id = ? AND state = 'running' AND (?8 IS NULL OR lease = ?8)""",
            (
                end.state,
                end.result,
                end.error,
                end.error_class,
                int(end.quarantined),
                now_text(),
                job_id,
                lease,
            ),
        )
        return ended.rowcount == 1

    def drop_old(self, kept: int) -> None:
        """Keep so many jobs that are done, and so many that failed or were cancelled: the last that ended."""
        # Apart, so that what is done every hour does not have forgotten what must not be tried again. First those
        # that ended in the future: before the clock went back.
        for states in ("'done'", "'failed', 'cancelled'"):
            self._execute(
                f"""DELETE FROM jobs WHERE id IN (
                     SELECT id FROM jobs WHERE state IN ({states})
                     ORDER BY finished_at > ?, finished_at DESC, id DESC LIMIT -1 OFFSET ?)""",
                (now_text(), kept),
            )

    def put_off(self, job_id: int, end: End, until: float, delay_s: float) -> None:
        """Queue a running job again, not to start before `until`, in seconds since 1970."""
        self._execute(
            """UPDATE jobs SET state = 'queued', worker_pid = NULL, lease = NULL,
                 error = ?, error_class = ?, not_before = ?, delay_s = ? WHERE id = ?""",
            (end.error, end.error_class, until, delay_s, job_id),
        )

    def put_back(self, job_id: int, lease: str | None) -> None:
        """Queue a running job again without counting the attempt."""
        self._execute(
            """UPDATE jobs SET state = 'queued', attempts = MAX(attempts - 1, 0),
                 strikes = MAX(strikes - 1, 0), worker_pid = NULL, lease = NULL
               WHERE id = ?1 AND state = 'running' AND (?2 IS NULL OR lease = ?2)""",
            (job_id, lease),
        )

    def queue_anew(self, job_id: int) -> None:
        """Queue a job that has ended, with all its attempts."""
        self._execute(
            """UPDATE jobs SET state = 'queued', attempts = 0, strikes = 0, cancel_requested = 0,
               error = NULL, error_class = NULL, quarantined = 0, not_before = NULL, result = NULL, done = 0,
               total = 0, message = '', rate_per_s = NULL, finished_at = NULL WHERE id = ?""",
            (job_id,),
        )

    def remove_active(self, kind: str) -> None:
        """Delete what is queued or running of this kind."""
        self._execute("DELETE FROM jobs WHERE kind = ? AND state IN ('queued', 'running')", (kind,))

    # --- cancelled

    def request_cancel(self, job_id: int) -> None:
        """Cancel it where it is queued, ask it to stop where it runs."""
        self._execute(
            """UPDATE jobs SET state = 'cancelled', error = 'cancelled', finished_at = ?
               WHERE id = ? AND state = 'queued'""",
            (now_text(), job_id),
        )
        self._execute("UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND state = 'running'", (job_id,))

    def dismiss(self, job_id: int) -> bool:
        """Failed → cancelled, keeping the error; whether it had failed."""
        changed = self._execute(
            "UPDATE jobs SET state = 'cancelled', quarantined = 0 WHERE id = ? AND state = 'failed'",
            (job_id,),
        )
        return changed.rowcount > 0

    def cancel_requested(self, job_id: int) -> bool:
        """Whether it is to stop, or was cancelled."""
        row = self._execute(
            "SELECT cancel_requested OR state = 'cancelled' FROM jobs WHERE id = ?", (job_id,)
        ).fetchone()
        return row is not None and bool(row[0])

    # --- what a dead worker was running

    def cancel_orphans(self) -> None:
        """End those that were asked to stop."""
        self._execute(
            """UPDATE jobs SET state = 'cancelled', error = 'cancelled', finished_at = ?,
                 worker_pid = NULL, lease = NULL WHERE cancel_requested = 1 AND state = 'running'""",
            (now_text(),),
        )

    def give_up_orphans(self, failed_attempts: int) -> None:
        """Dead-letter those with this number of failed attempts (the column `strikes`)."""
        self._execute(
            """UPDATE jobs SET state = 'failed', finished_at = ?, worker_pid = NULL, lease = NULL,
                 error_class = 'bug', quarantined = 1,
                 error = 'the worker died while running it, ' || strikes || ' times'
               WHERE strikes >= ? AND state = 'running'""",
            (now_text(), failed_attempts),
        )

    def queue_orphans(self) -> int:
        """Queue all others again; returns how many."""
        return self._execute(
            "UPDATE jobs SET state = 'queued', worker_pid = NULL, lease = NULL WHERE state = 'running'"
        ).rowcount

    # --- reading

    def job(self, job_id: int) -> Job | None:
        """The job with this id, or None."""
        row = self._execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else _job(row)

    def jobs(self, state: JobState | None) -> list[Job]:
        """All of them, or those in this state, by id."""
        rows = self._execute("SELECT * FROM jobs WHERE (?1 IS NULL OR state = ?1) ORDER BY id", (state,))
        return [_job(row) for row in rows]

    def last_ended_at(self, but_of: str) -> datetime | None:
        """When the last job of another kind than `but_of` ended."""
        row = self._execute("SELECT MAX(finished_at) AS at FROM jobs WHERE kind != ?", (but_of,)).fetchone()
        return None if row["at"] is None else datetime.fromisoformat(row["at"])

    def _execute(self, statement: str, values: tuple[object, ...] | dict[str, object] = ()) -> sqlite3.Cursor:
        return self._database.connection.execute(statement, values)


def _ready_values(kinds: Iterable[str] | None, now: float) -> dict[str, object]:
    return {"kinds": None if kinds is None else json.dumps(list(kinds)), "now": now}


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
        failed_attempts=row["strikes"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        retry_at=None if retry_at is None else _time_text(retry_at),
        rate_per_s=None if rate_per_s is None else round(rate_per_s, 2),
        left_s=_left_s(row["done"], row["total"], rate_per_s),
        lease=row["lease"],
    )


def _left_s(done: int, total: int, rate_per_s: float | None) -> float | None:
    """Seconds until `total` at this rate, where it is known."""
    if not rate_per_s or total <= 0:
        return None
    return round(max(total - done, 0) / rate_per_s, 1)


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

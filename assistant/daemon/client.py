"""Enqueues a job and waits for it with progress, starting the worker when none runs. Knows no kind of job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from assistant.daemon.process import (
    end_frozen_worker,
    ensure_worker,
    is_stopped,
    last_beat,
    replace_outdated_worker,
    running_worker_pid,
    worker_log,
)
from personalizer.errors import FamiliarError, JobCancelled
from personalizer.home import Home
from personalizer.jobs.loop import HEARTBEAT_S
from personalizer.jobs.queue import JobQueue
from personalizer.schemas import Job, OnProgress, Progress

USER_PRIORITY = 10
"""Of work that somebody waits for; what the watcher asks for has 0."""
POLL_S = 0.1
WORKER_CHECK_S = 1.0
REPEAT_S = 1.0
CANCEL_PATIENCE_S = 10.0
FROZEN_S = 8 * HEARTBEAT_S
"""A worker that shows no sign of life for so long, by this process's clock, is ended."""


class JobFailedError(FamiliarError):
    """The worker gave up on a job; `found` is the reason it recorded, `exit_code` that of the error behind it."""

    def __init__(self, *, tried: str, found: str, fix: str, exit_code: int) -> None:
        super().__init__(tried=tried, found=found, fix=fix)
        self.exit_code = exit_code


@dataclass(frozen=True)
class JobClient:
    """A front end's way to long work. Safe to use from several threads and processes at once."""

    home: Home
    queue: JobQueue
    repeat_s: float = REPEAT_S
    """Between two calls of `on_progress` while nothing happens."""
    cancel_patience_s: float = CANCEL_PATIENCE_S
    """How long Ctrl-C waits for the worker to stop the job."""

    def run(
        self,
        kind: str,
        subject: str,
        payload: dict[str, Any],
        on_progress: OnProgress | None,
        priority: int = 0,
    ) -> dict[str, Any]:
        """Enqueue a job, or join an equal one that already waits, and return its result.

        Ctrl-C asks the worker to cancel and raises KeyboardInterrupt. Raises JobFailedError and JobCancelled.
        """
        job_id = self.queue.enqueue(kind, subject, payload, priority)
        if self.queue.get(job_id).retry_at is not None:
            # It was put off when nobody waited for it.
            self.queue.retry(job_id)
        return self.wait(job_id, on_progress)

    def wait(self, job_id: int, on_progress: OnProgress | None) -> dict[str, Any]:
        """Wait for a job that is in the queue; notices a worker that died and starts another one.

        `on_progress` is called every `repeat_s`, whatever happens: raising KeyboardInterrupt from it cancels the job.
        """
        try:
            return self._wait(job_id, on_progress)
        except KeyboardInterrupt:
            self._cancel(job_id)
            raise

    def _wait(self, job_id: int, on_progress: OnProgress | None) -> dict[str, Any]:
        shown: tuple[int, int, str] | None = None
        checked_worker_at, said_at = float("-inf"), time.monotonic()
        watch, replaced, retried = _WorkerWatch(self.home), False, False
        while True:
            job = self.queue.get(job_id)
            state = (job.done, job.total, job.message)
            if on_progress is not None and job.state != "queued" and state != shown and job.message:
                on_progress(Progress(*state))
                shown, said_at = state, time.monotonic()
            if job.state == "done":
                return job.result or {}
            if job.state == "cancelled":
                raise JobCancelled(f"{job.kind} {job.subject}".strip())
            if job.state == "failed":
                # A worker of another version may have taken it before it was replaced.
                if retried or not (replaced or replace_outdated_worker(self.home)):
                    raise self._failure(job)
                replaced = retried = True
                self.queue.retry(job_id)
                continue
            if time.monotonic() - checked_worker_at > WORKER_CHECK_S:
                watch.look()
                # Once: two front ends of different versions must not end each other's workers for ever.
                if not replaced and replace_outdated_worker(self.home):
                    replaced = True
                    if on_progress is not None:
                        on_progress(Progress(0, 0, "Replacing a worker of another version"))
                ensure_worker(self.home)
                checked_worker_at = time.monotonic()
            if on_progress is not None and time.monotonic() - said_at > self.repeat_s:
                going = job.state == "running" and shown and not watch.stopped_pid
                on_progress(Progress(*shown) if going and shown else self._waiting(job, watch.stopped_pid))
                said_at = time.monotonic()
            time.sleep(POLL_S)

    def _waiting(self, job: Job, stopped_pid: int | None = None) -> Progress:
        """What stands between a job and its next step."""
        if stopped_pid:
            return Progress(
                0, 0, f"Waiting: the worker (pid {stopped_pid}) was stopped; `kill -CONT` lets it go on"
            )
        running = next((other for other in self.queue.list("running") if other.id != job.id), None)
        if job.state == "running":
            message = f"Waiting for {job.kind} to begin"
        elif running is not None:
            message = f"Waiting for job {running.id}: {running.kind} {running.subject}".rstrip()
        elif job.retry_at is not None:
            message = f"Waiting to try again at {job.retry_at}: {job.error}"
        elif self.queue.paused():
            message = "Waiting: the queue is paused (`familiar resume` goes on)"
        else:
            message = "Waiting for the worker"
        return Progress(0, 0, message)

    def _cancel(self, job_id: int) -> None:
        self.queue.request_cancel(job_id)
        deadline = time.monotonic() + self.cancel_patience_s
        while self.queue.get(job_id).state in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _failure(self, job: Job) -> JobFailedError:
        return JobFailedError(
            tried=f"{job.kind} {job.subject}".strip(),
            found=job.error or "the worker gave no reason",
            fix=f"`familiar jobs retry {job.id}` tries again; details are in {worker_log(self.home)}",
            exit_code=int((job.result or {}).get("exit_code", FamiliarError.exit_code)),
        )


class _WorkerWatch:
    """Notices a worker that is there and does not live, and ends it."""

    def __init__(self, home: Home) -> None:
        self.stopped_pid: int | None = None
        """Of a worker that somebody has stopped, which is for them to undo."""
        self._home = home
        self._seen: tuple[int | None, int | None] = (None, None)
        self._since_s = time.monotonic()

    def look(self) -> None:
        """To be called every second or so."""
        pid, now_s = running_worker_pid(self._home), time.monotonic()
        seen = (pid, last_beat(self._home))
        if not pid or seen != self._seen:
            self._seen, self._since_s, self.stopped_pid = seen, now_s, None
        elif is_stopped(pid):
            self.stopped_pid = pid
            self._since_s = now_s
        elif now_s - self._since_s > FROZEN_S:
            end_frozen_worker(self._home, pid)
            self._since_s = now_s

"""Enqueues a job and waits for it with progress, starting the worker when none runs. Knows no kind of job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from assistant.worker_process import ensure_worker, worker_log
from personalizer.errors import FamiliarError, JobCancelled
from personalizer.jobs import JobQueue
from personalizer.locations import Home
from personalizer.schemas import Job, OnProgress, Progress

USER_PRIORITY = 10
"""Of work that somebody waits for; what the watcher asks for has 0."""
POLL_S = 0.1
WORKER_CHECK_S = 1.0
CANCEL_PATIENCE_S = 10.0


class JobFailedError(FamiliarError):
    """The worker gave up on a job; `found` is the reason it recorded."""


@dataclass(frozen=True)
class JobClient:
    """A front end's way to long work. Safe to use from several threads and processes at once."""

    home: Home
    queue: JobQueue

    def run(
        self,
        kind: str,
        subject: str,
        payload: dict[str, Any],
        on_progress: OnProgress | None,
        priority: int = 0,
    ) -> dict[str, Any]:
        """Enqueue a job, or join the same one that is already waiting or running, and return its result.

        Ctrl-C asks the worker to cancel and raises KeyboardInterrupt. Raises JobFailedError and JobCancelled.
        """
        job_id = self.queue.enqueue(kind, subject, payload, priority)
        return self.wait(job_id, on_progress)

    def wait(self, job_id: int, on_progress: OnProgress | None) -> dict[str, Any]:
        """Wait for a job that is in the queue; notices a worker that died and starts another one."""
        try:
            return self._wait(job_id, on_progress)
        except KeyboardInterrupt:
            self._cancel(job_id)
            raise

    def _wait(self, job_id: int, on_progress: OnProgress | None) -> dict[str, Any]:
        shown: tuple[int, int, str] | None = None
        checked_worker_at = float("-inf")
        while True:
            job = self.queue.get(job_id)
            state = (job.done, job.total, job.message)
            if on_progress is not None and state != shown and job.message:
                on_progress(Progress(*state))
                shown = state
            if job.state == "done":
                return job.result or {}
            if job.state == "cancelled":
                raise JobCancelled(f"{job.kind} {job.subject}".strip())
            if job.state == "failed":
                raise self._failure(job)
            if time.monotonic() - checked_worker_at > WORKER_CHECK_S:
                ensure_worker(self.home)
                checked_worker_at = time.monotonic()
                if self.queue.paused() and job.state == "queued" and on_progress is not None:
                    on_progress(Progress(0, 0, "Waiting: the queue is paused (`familiar resume` goes on)"))
            time.sleep(POLL_S)

    def _cancel(self, job_id: int) -> None:
        self.queue.request_cancel(job_id)
        deadline = time.monotonic() + CANCEL_PATIENCE_S
        while self.queue.get(job_id).state in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _failure(self, job: Job) -> JobFailedError:
        return JobFailedError(
            tried=f"{job.kind} {job.subject}".strip(),
            found=job.error or "the worker gave no reason",
            fix=f"`familiar jobs retry {job.id}` tries again; details are in {worker_log(self.home)}",
        )
